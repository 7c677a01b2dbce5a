/* What the webhook makes of SealProfile objects, as a watch tells of them. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <errno.h>
#include <string.h>

#include "app/admit.h"
#include "base/cleanup.h"
#include "base/mem.h"
#include "kube/kube.h"
#include "node/set.h"

#define SEAL(name, spec) "{\"metadata\":{\"name\":\"" name "\"},\"spec\":{" spec "}}"

static void tell(struct admit_seals *t, enum kube_watch_kind kind, const char *text)
{
	struct kube_watch_event ev = { .kind = kind, .text = text, .len = text ? strlen(text) : 0 };

	admit_seals_event(&ev, t);
}

static void lose(struct admit_seals *t, int code)
{
	struct kube_watch_event ev = { .kind = KUBE_LOST, .why = "why", .code = code };

	admit_seals_event(&ev, t);
}

/* "IMAGE SECCOMP LABEL APPARMOR CAPABILITIES;" of every profile. */
static char *shown(struct admit_seals *t)
{
	struct admit_seal_list *l = admit_seals_hold(t);
	const struct adm_seals *s = admit_seals_of(l);
	struct buf out = { 0 };

	for (size_t i = 0; s && i < s->n; i++) {
		const struct adm_profile *f = &s->v[i];

		buf_printf(&out, "%s %s %s %s", f->named_only ? "named" : f->image,
			   f->seccomp ? f->seccomp : "-",
			   f->label[ADM_SECCOMP] ? f->label[ADM_SECCOMP] : "-",
			   f->apparmor ? f->apparmor : "-");
		for (size_t c = 0; f->caps_known && c < f->caps.n; c++)
			buf_printf(&out, " %s", f->caps.v[c]);
		buf_puts(&out, f->caps_known ? " only;" : ";");
	}
	admit_seals_release(t, l);
	return out.p ? out.p : xstrdup("");
}

static void shows(struct admit_seals *t, const char *expected)
{
	cleanup_free char *got = shown(t);

	assert_string_equal(got, expected);
}

/* The name and the label that `boltseal node` gives to the same object. */
static void test_names(void **state)
{
	cleanup_json struct json_object *profile =
		json_object_from_file("tests/golden/web.seccomp.nnp.oci.json");
	cleanup_free char *expected = NULL, *text = json_text(profile), *seal = NULL;
	struct admit_seals *t = admit_seals_new();
	struct node_set set = { 0 };

	(void)state;
	node_set_put(&set, 0, "x", NODE_SECCOMP, "web", text, strlen(text), NULL);
	expected =
		xasprintf("shop/web boltseal/web-%s.json boltseal.dev/seccomp.web=%s - KILL only;",
			  set.v[0]->hash, set.v[0]->hash);
	seal = xasprintf(SEAL("web", "\"images\":[\"shop/web\"],\"capabilities\":[\"KILL\"],"
				     "\"seccomp\":%s"),
			 text);
	tell(t, KUBE_RELIST, NULL);
	tell(t, KUBE_PUT, seal);
	shows(t, ""); /* not before all are known */
	assert_false(admit_seals_ready(t));
	tell(t, KUBE_SYNCED, NULL);
	assert_true(admit_seals_ready(t));
	shows(t, expected);
	node_set_free(&set);
	admit_seals_free(t);
}

static void test_changes(void **state)
{
	struct admit_seals *t = admit_seals_new();
	struct admit_seal_list *held;

	(void)state;
	tell(t, KUBE_RELIST, NULL);
	tell(t, KUBE_SYNCED, NULL);
	tell(t, KUBE_PUT, SEAL("b", "\"images\":[\"x\",\"y\"],\"apparmor\":\"profile b {}\""));
	tell(t, KUBE_PUT, SEAL("a", "\"apparmor\":\"profile a {}\",\"capabilities\":[]"));
	shows(t, "named - - a only;x - - b;y - - b;");
	/* Who holds the list of before keeps it. */
	held = admit_seals_hold(t);
	tell(t, KUBE_GONE, SEAL("a", ""));
	shows(t, "x - - b;y - - b;");
	assert_int_equal(admit_seals_of(held)->n, 3);
	assert_string_equal(admit_seals_of(held)->v[0].apparmor, "a");
	admit_seals_release(t, held);
	/* A version that nodes refuse: whatever they have. */
	tell(t, KUBE_PUT,
	     SEAL("b", "\"images\":[\"x\"],\"seccomp\":{\"defaultAction\":\"SCMP_ACT_ALLOW\"}"));
	shows(t, "x boltseal/b.json boltseal.dev/seccomp.b -;");
	/* What cannot be read, and names that nodes do not take, change nothing. */
	tell(t, KUBE_PUT, "{");
	tell(t, KUBE_PUT, SEAL("b", "\"images\":5"));
	tell(t, KUBE_PUT, SEAL("../b", "\"images\":[\"z\"]"));
	tell(t, KUBE_PUT, "{\"metadata\":{\"name\":\"c\"}}");
	shows(t, "x boltseal/b.json boltseal.dev/seccomp.b -;");
	/* What is not of the right type in a list is left out. */
	tell(t, KUBE_PUT,
	     SEAL("c", "\"images\":[1,null,\"z\"],\"capabilities\":[\"KILL\",7,\"NOPE\"]"));
	shows(t, "x boltseal/b.json boltseal.dev/seccomp.b -;z - - - KILL only;");
	/* While it is lost all stays; what is not listed afterwards is gone. */
	lose(t, ECONNREFUSED);
	tell(t, KUBE_BACK, NULL);
	tell(t, KUBE_RELIST, NULL);
	tell(t, KUBE_PUT, SEAL("c", "\"images\":[\"q\"]"));
	tell(t, KUBE_PUT, SEAL("b", "\"images\":5"));
	tell(t, KUBE_SYNCED, NULL);
	shows(t, "x boltseal/b.json boltseal.dev/seccomp.b -;q - - -;");
	tell(t, KUBE_RELIST, NULL);
	tell(t, KUBE_PUT, SEAL("c", "\"images\":[\"q\"]"));
	shows(t, "x boltseal/b.json boltseal.dev/seccomp.b -;q - - -;");
	tell(t, KUBE_SYNCED, NULL);
	shows(t, "q - - -;");
	admit_seals_free(t);
}

/* Pods do not wait for a kind that the cluster has not, or that may not be read. */
static void test_ready(void **state)
{
	static const struct {
		int code;
		bool ready;
	} t[] = { { ENOENT, true }, { EPERM, true }, { ECONNREFUSED, false }, { EACCES, false } };

	(void)state;
	assert_true(admit_seals_ready(NULL));
	assert_null(admit_seals_hold(NULL));
	for (size_t i = 0; i < ARRAY_SIZE(t); i++) {
		struct admit_seals *s = admit_seals_new();

		lose(s, t[i].code);
		assert_int_equal(admit_seals_ready(s), t[i].ready);
		admit_seals_free(s);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_names),
		cmocka_unit_test(test_changes),
		cmocka_unit_test(test_ready),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
