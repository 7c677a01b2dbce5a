/*
 * What a Kubernetes client reads, from any bytes; the first byte says what the rest is: a
 * kubeconfig, what a credential plugin prints, a list or a watch. A stream is cut alike however its
 * bytes arrive, and what is cut out is as long as it says.
 */
#include "base/buf.h"
#include "fuzz.h"
#include "kube/config.h"
#include "kube/stream.h"

static int collect(const char *text, size_t len, void *ctx, struct err *e)
{
	char version[16];
	const char *v;
	size_t n;

	(void)e;
	if (text[len] || *text != '{' || text[len - 1] != '}')
		abort();
	if (kube_member(text, len, "object", &v, &n) && (v < text || v + n > text + len))
		abort();
	kube_object_version(text, len, version, sizeof(version));
	buf_append(ctx, text, len + 1);
	return 0;
}

static int feed(enum kube_stream_mode mode, const char *p, size_t size, size_t piece,
		struct buf *out)
{
	struct kube_stream s = { .mode = mode, .object = collect, .ctx = out };
	struct err e = { 0 };
	int r = 0;

	for (size_t i = 0; r == 0 && i < size; i += piece)
		r = kube_stream_feed(&s, p + i, size - i < piece ? size - i : piece, &e);
	if (r == 0)
		r = kube_stream_end(&s, &e);
	if (r == 0)
		buf_append(out, buf_str(&s.rest), s.rest.len);
	kube_stream_free(&s);
	return r;
}

static void stream(enum kube_stream_mode mode, const char *p, size_t size)
{
	cleanup_buf struct buf whole = { 0 }, pieces = { 0 };
	int a = feed(mode, p, size, size ? size : 1, &whole);
	int b = feed(mode, p, size, 3, &pieces);

	if (a != b || whole.len != pieces.len ||
	    memcmp(buf_str(&whole), buf_str(&pieces), whole.len))
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const char *p = (const char *)data + 1;
	struct kube_credential cred = { 0 };
	struct kube_config c = { 0 };
	struct err e = { 0 };

	if (!size)
		return 0;
	switch (*data) {
	case 'c':
		if (kube_config_parse(&c, "input", p, size - 1, "/", NULL, &e) == 0 && !c.server)
			abort();
		kube_config_free(&c);
		break;
	case 'e':
		kube_credential_parse(&cred, "client.authentication.k8s.io/v1", "input", p,
				      size - 1, &e);
		kube_credential_free(&cred);
		break;
	case 'l':
		stream(KUBE_STREAM_ITEMS, p, size - 1);
		break;
	default:
		stream(KUBE_STREAM_OBJECTS, p, size - 1);
	}
	return 0;
}
