/* Reviews made of any bytes: each is answered with a review, or with status 400. */
#include "base/json.h"
#include "fuzz.h"
#include "inspect/admit.h"

static const char config_text[] =
	"apiVersion: boltseal.dev/v1\nkind: AdmitConfiguration\n"
	"podSecurity: {defaults: {enforce: restricted, audit: baseline, warn: restricted}}\n"
	"checks: [{id: R01}, {id: R11, action: warn}, {id: R15, action: audit}]\n"
	"mutate:\n"
	"  apparmor: runtime-default\n"
	"  profiles:\n"
	"  - {image: '*', seccomp: a.json, seccompLabel: d/a=1, capabilities: [CHOWN]}\n";

static int labels(void *ctx, const char *ns, struct arena *a, struct ps_entries *out, struct err *e)
{
	(void)ctx, (void)a, (void)out;
	return *ns == 'x' ? err_set(e, ENOENT, "no") : 0;
}

/* The pods of a namespace are as strange as the rest. */
static int pods(void *ctx, const char *ns, unsigned limit, unsigned ms, struct buf *out,
		struct err *e)
{
	(void)ns, (void)limit, (void)ms, (void)e;
	buf_append(out, ((const struct buf *)ctx)->p, ((const struct buf *)ctx)->len);
	return 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct buf text = { .p = (char *)data, .len = size };
	struct adm_cluster cl = { .labels = labels, .pods = pods, .ctx = &text };
	cleanup_adm_config struct adm_config c;
	struct err e = { 0 };

	if (adm_config_parse(&c, "config", config_text, strlen(config_text), &e) < 0)
		abort();
	for (int hook = 0; hook < 2; hook++) {
		cleanup_adm_answer struct adm_answer a = { 0 };
		cleanup_json_doc struct json_doc d = { 0 };
		/* The bytes as a C string, as they come from a buffer. */
		cleanup_free char *body = fuzz_text(data, size);

		adm_review(&c, &cl, (enum adm_hook)hook, body, size, 0, &a);
		if (a.status == 400)
			continue;
		if (a.status != 200 ||
		    json_parse(&d, "answer", buf_str(&a.body), a.body.len, &e) < 0)
			abort();
	}
	return 0;
}
