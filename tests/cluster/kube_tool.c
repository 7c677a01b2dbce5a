/*
 * kube_tool COMMAND ARGUMENT...: the calls of src/kube from a shell. The configuration is that of
 * $KUBECONFIG, or of the pod folder $KUBE_ACCOUNT. An error goes to standard error, and the exit
 * code is 1.
 *
 *	get PATH | delete PATH
 *	create PATH | replace PATH		the object is on standard input
 *	patch json|merge|strategic|apply PATH	so is the patch
 *	list PATH [KIND]			a line for each item, with "version RV" behind them
 *	peak PATH				number of items, and kilobytes of memory at most
 *	watch PATH SECONDS [FIELDS]		a line for each event
 *	event KIND NAME REASON MESSAGE
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>

#include "base/cleanup.h"
#include "base/io.h"
#include "kube/kube.h"
#include "kube/stream.h"

static struct kube *open_kube(struct err *e)
{
	const struct kube_options o = { .retry_min_ms = 100, .retry_max_ms = 1000 };
	const char *account = getenv("KUBE_ACCOUNT");
	struct kube_config c = { 0 };
	int r = account ? kube_config_in_cluster(&c, account, e)
			: kube_config_load(&c, NULL, getenv("KUBE_CONTEXT"), e);

	return r < 0 ? NULL : kube_new(&c, &o);
}

static int print_doc(struct json_doc *d)
{
	cleanup_free char *text = d->root ? json_text(d->root) : NULL;

	if (text)
		fputs(text, stdout);
	return 0;
}

static int read_object(struct json_doc *in, struct err *e)
{
	return json_load(in, "-", KUBE_MAX_OBJECT, e);
}

static int patch(struct kube *k, const char *kind, const char *path, struct err *e)
{
	static const char *const kinds[] = { "json", "merge", "strategic", "apply" };
	cleanup_json_doc struct json_doc in = { 0 }, out = { 0 };
	int r = read_object(&in, e);

	for (int i = 0; r == 0 && i < 4; i++)
		if (!strcmp(kinds[i], kind)) {
			r = kube_patch(k, path, (enum kube_patch)i, in.root, &out, e);
			return r < 0 ? r : print_doc(&out);
		}
	return r < 0 ? r : err_set(e, EINVAL, "there is no patch '%s'", kind);
}

static int send_object(struct kube *k, const char *path, bool create, struct err *e)
{
	cleanup_json_doc struct json_doc in = { 0 }, out = { 0 };
	int r = read_object(&in, e);

	if (r == 0)
		r = create ? kube_create(k, path, in.root, &out, e)
			   : kube_replace(k, path, in.root, &out, e);
	return r < 0 ? r : print_doc(&out);
}

static int on_item(const char *text, size_t len, void *ctx, struct err *e)
{
	size_t *n = ctx;

	(void)e;
	if (n)
		(*n)++;
	else
		printf("%.*s\n", (int)len, text);
	return 0;
}

static int list(struct kube *k, const char *path, const char *kind, bool peak, struct err *e)
{
	const struct kube_query q = { .path = path, .kind = kind, .api_version = "v1" };
	char version[KUBE_VERSION_MAX] = "";
	struct rusage before, after;
	size_t n = 0;
	int r;

	getrusage(RUSAGE_SELF, &before);
	r = kube_list(k, &q, on_item, peak ? &n : NULL, version, e);
	getrusage(RUSAGE_SELF, &after);
	if (r < 0)
		return r;
	if (peak)
		printf("%zu %ld\n", n, after.ru_maxrss);
	else
		printf("version %s\n", version);
	return 0;
}

static void on_event(const struct kube_watch_event *ev, void *ctx)
{
	static const char *const kinds[] = { "relist", "put", "gone", "synced", "lost", "back" };
	char name[256] = "", value[256] = "";
	const char *v;
	size_t n;

	(void)ctx;
	if (ev->text && kube_member(ev->text, ev->len, "metadata", &v, &n))
		kube_member_str(v, n, "name", name, sizeof(name));
	if (ev->text && kube_member(ev->text, ev->len, "data", &v, &n))
		kube_member_str(v, n, "value", value, sizeof(value));
	printf("%s %s%s%s\n", kinds[ev->kind], name, value, ev->why ? ev->why : "");
	fflush(stdout);
}

static int watch(struct kube *k, const char *path, const char *seconds, const char *fields,
		 struct err *e)
{
	const struct kube_query q = { .path = path, .fields = fields };
	time_t end = time(NULL) + atoi(seconds);
	int r = 0;

	kube_watch_new(k, &q, on_event, NULL);
	while (r == 0 && time(NULL) < end)
		r = kube_poll(k, 200, -1, e);
	return r;
}

static int event(struct kube *k, char **argv, struct err *e)
{
	const struct kube_event ev = { .api_version = "v1",
				       .kind = argv[2],
				       .name = argv[3],
				       .reason = argv[4],
				       .message = argv[5] };

	return kube_post_event(k, &ev, e);
}

static int run(struct kube *k, int argc, char **argv, struct err *e)
{
	const char *what = argv[1], *path = argc > 2 ? argv[2] : "";
	cleanup_json_doc struct json_doc out = { 0 };
	int r;

	if (!strcmp(what, "get")) {
		r = kube_get(k, path, &out, e);
		return r < 0 ? r : print_doc(&out);
	}
	if (!strcmp(what, "delete"))
		return kube_delete(k, path, e);
	if (!strcmp(what, "create") || !strcmp(what, "replace"))
		return send_object(k, path, *what == 'c', e);
	if (!strcmp(what, "patch") && argc == 4)
		return patch(k, path, argv[3], e);
	if (!strcmp(what, "list") || !strcmp(what, "peak"))
		return list(k, path, argc > 3 ? argv[3] : NULL, *what == 'p', e);
	if (!strcmp(what, "watch") && argc > 3)
		return watch(k, path, argv[3], argc > 4 ? argv[4] : NULL, e);
	if (!strcmp(what, "event") && argc == 6)
		return event(k, argv, e);
	return err_set(e, EINVAL, "there is no command '%s'", what);
}

int main(int argc, char **argv)
{
	struct err e = { 0 };
	cleanup_kube struct kube *k = argc > 1 ? open_kube(&e) : NULL;

	if (!k || run(k, argc, argv, &e) < 0) {
		fprintf(stderr, "%s\n", e.msg);
		return 1;
	}
	return 0;
}
