/* admit --make-certs: what a webhook needs before it can start. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "app/admit.h"
#include "base/base64.h"
#include "base/cleanup.h"
#include "base/io.h"
#include "base/log.h"
#include "base/mem.h"
#include "http/certs.h"
#include "inspect/edit.h"

enum { NAMES_MAX = 64, DAYS = 365, PEM_MAX = 1024 * 1024, MANIFEST_MAX = 4 * 1024 * 1024 };

/* The names of the Service in deploy/, and this machine. */
static const char *const default_names[] = {
	"boltseal-admit.boltseal.svc",
	"boltseal-admit.boltseal.svc.cluster.local",
	"boltseal-admit",
	"localhost",
	"127.0.0.1",
};

/* One that is there signs again, so that its bundle stays true. */
static int read_authority(struct http_certs *c, const char *crt, const char *key, struct err *e)
{
	if (access(crt, F_OK) != 0 || access(key, F_OK) != 0)
		return 0;
	log_note("signed by the authority that is there already, %s", crt);
	if (io_read_file(crt, PEM_MAX, &c->ca, e) < 0 ||
	    io_read_file(key, PEM_MAX, &c->ca_key, e) < 0)
		return -EINVAL;
	return 0;
}

static int write_all(const struct http_certs *c, char *const path[4], struct err *e)
{
	int r = io_write_file(path[0], c->ca.p, c->ca.len, e);

	if (r == 0)
		r = io_write_secret(path[1], c->ca_key.p, c->ca_key.len, e);
	if (r == 0)
		r = io_write_file(path[2], c->certificate.p, c->certificate.len, e);
	return r == 0 ? io_write_secret(path[3], c->key.p, c->key.len, e) : r;
}

/* The webhooks of a manifest get the authority, wherever they have a clientConfig. */
static void bundle_edits(const struct yaml_doc *doc, const char *json, struct arena *a,
			 struct ins_edit **edits, size_t *n)
{
	const struct yaml_node *hooks = yaml_get(doc->root, "webhooks");
	size_t cap = 0;

	*n = 0;
	for (uint32_t i = 0; hooks && hooks->kind == YAML_SEQ && i < hooks->n; i++)
		*vec_push(*edits, *n, cap) = (struct ins_edit){
			.op = INS_SET,
			.pointer = arena_printf(a, "/webhooks/%u/clientConfig/caBundle", i),
			.json = json
		};
}

/* The manifest's text with the bundle; everything else stays as it is. */
static int fill_manifest(const char *path, const char *json, struct buf *out, struct err *e)
{
	cleanup_yaml struct yaml_stream s = { 0 };
	struct arena a = { 0 };
	uint32_t at = 0;
	int r = yaml_load(&s, path, MANIFEST_MAX, e);

	for (size_t i = 0; r == 0 && i < s.docs_n; i++) {
		cleanup_free struct ins_edit *edits = NULL;
		size_t n;

		if (!s.doc[i].root) {
			r = err_set(e, EINVAL, "%s", s.doc[i].error);
			break;
		}
		buf_append(out, s.text + at, s.doc[i].start.off - at);
		bundle_edits(&s.doc[i], json, &a, &edits, &n);
		if (edit_text(&a, &s, &s.doc[i], edits, n, out))
			r = err_set(e, EINVAL, "%s: the bundle has no place in it", path);
		at = s.doc[i].end;
	}
	if (r == 0)
		buf_append(out, s.text + at, s.len - at);
	arena_free(&a);
	return r;
}

static int print_bundle(const struct args *args, const struct http_certs *c, struct err *e)
{
	cleanup_buf struct buf bundle = { 0 }, out = { 0 };
	const char *path;
	int r = 0;

	buf_putc(&bundle, '"');
	base64_put(&bundle, c->ca.p, c->ca.len);
	buf_putc(&bundle, '"');
	for (size_t i = 0; r == 0 && (path = args_value_at(args, "manifest", i)); i++) {
		if (i)
			buf_puts(&out, "---\n");
		r = fill_manifest(path, bundle.p, &out, e);
	}
	if (!args_has(args, "manifest"))
		buf_printf(&out, "caBundle: %.*s\n", (int)bundle.len - 2, bundle.p + 1);
	return r == 0 ? io_write_file(args_value(args, "output"), out.p, out.len, e) : r;
}

int admit_make_certs(const struct args *args, struct err *e)
{
	static const char *const files[] = { "ca.crt", "ca.key", "tls.crt", "tls.key" };
	cleanup_http_certs struct http_certs c = { 0 };
	const char *dir = args_value(args, "make-certs"), *names[NAMES_MAX], *name;
	char *path[4];
	uint64_t days;
	size_t n = 0;
	int r = args_u64(args, "days", DAYS, 1, 3650, &days, e);

	if (r < 0)
		return r;
	for (; n < NAMES_MAX && (name = args_value_at(args, "dns", n)); n++)
		names[n] = name;
	if (!n)
		for (; n < ARRAY_SIZE(default_names); n++)
			names[n] = default_names[n];
	if (mkdir(dir, 0755) < 0 && errno != EEXIST)
		return err_errno(e, errno, "%s: cannot make the folder", dir);
	for (size_t i = 0; i < ARRAY_SIZE(files); i++)
		path[i] = xasprintf("%s/%s", dir, files[i]);
	r = read_authority(&c, path[0], path[1], e);
	if (r == 0)
		r = http_certs_make(&c, names, n, (unsigned)days, e);
	if (r == 0)
		r = write_all(&c, path, e);
	for (size_t i = 0; i < ARRAY_SIZE(files); i++)
		free(path[i]);
	return r == 0 ? print_bundle(args, &c, e) : r;
}
