#include <dirent.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "app/command.h"
#include "app/inspect.h"
#include "base/cleanup.h"
#include "base/log.h"
#include "base/mem.h"

enum { MAX_FOLDERS = 64 }; /* below one another */

static void inspect_file(struct inspect *in, const char *path, bool quiet)
{
	cleanup_yaml struct yaml_stream s = { 0 };
	struct err e = { 0 };
	size_t first = in->report.findings_n;

	in->files++;
	if (yaml_load(&s, path, YAML_MAX_BYTES, &e) < 0) {
		ins_problem(&in->report, strcmp(path, "-") ? path : "standard input", 0, 0, e.msg);
		return;
	}
	ins_stream(&in->report, &in->o, &s, quiet);
	ins_waivers_apply(&in->report, first);
	if (in->fix)
		inspect_fix(in, &s, first);
}

static bool is_document(const char *name)
{
	static const char *const endings[] = { ".yaml", ".yml", ".json" };
	size_t n = strlen(name);

	for (size_t i = 0; i < ARRAY_SIZE(endings); i++) {
		size_t m = strlen(endings[i]);

		if (n > m && !strcmp(name + n - m, endings[i]))
			return true;
	}
	return false;
}

static int visible(const struct dirent *d)
{
	return *d->d_name != '.';
}

/* Templates of a Helm chart are not YAML yet; neither are its values manifests. */
static bool is_chart(const char *path)
{
	cleanup_free char *chart = xasprintf("%s/Chart.yaml", path);

	return access(chart, R_OK) == 0;
}

static int inspect_folder(struct inspect *in, const char *path, unsigned depth, struct err *e)
{
	struct dirent **list;
	int n, r = 0;

	if (is_chart(path)) {
		log_note("%s: a Helm chart, left out: 'helm template NAME %s | boltseal inspect -' "
			 "inspects what it makes",
			 path, path);
		return 0;
	}
	n = scandir(path, &list, visible, alphasort);
	if (n < 0)
		return err_errno(e, errno, "%s: cannot read the folder", path);
	for (int i = 0; i < n; i++) {
		cleanup_free char *name = xasprintf(
			"%s%s%s", path, path[strlen(path) - 1] == '/' ? "" : "/", list[i]->d_name);
		struct stat link, st;

		free(list[i]);
		if (r < 0 || lstat(name, &link) < 0 || stat(name, &st) < 0)
			continue;
		if (S_ISDIR(link.st_mode) && depth < MAX_FOLDERS)
			r = inspect_folder(in, name, depth + 1, e);
		else if (S_ISREG(st.st_mode) && is_document(name))
			inspect_file(in, name, true);
	}
	free(list);
	return r;
}

int inspect_path(struct inspect *in, const char *path, struct err *e)
{
	struct stat st;
	size_t files;
	int r;

	if (!strcmp(path, "-")) {
		inspect_file(in, path, false);
		return 0;
	}
	if (stat(path, &st) < 0)
		return err_errno(e, errno, "%s: cannot open", path);
	if (!S_ISDIR(st.st_mode)) {
		inspect_file(in, path, false);
		return 0;
	}
	files = in->files;
	r = inspect_folder(in, path, 0, e);
	/* A path that is wrong must not look as if all were well. */
	if (r == 0 && in->files == files) {
		cleanup_free char *why = xasprintf(
			"%s: the folder has no .yaml, .yml or .json files outside of Helm charts",
			path);

		ins_problem(&in->report, path, 0, 0, why);
	}
	return r;
}

/* ---- models */

static int add_model(struct inspect *in, const char *path, struct err *e)
{
	struct ins_model *m;
	int r;

	in->o.models = xreallocarray(in->o.models, in->o.models_n + 1, sizeof(*m));
	m = &in->o.models[in->o.models_n];
	wl_init(&m->w);
	r = wl_load(&m->w, path, e);
	if (r < 0) {
		wl_free(&m->w);
		return r;
	}
	m->path = arena_strdup(&in->report.arena, path);
	in->o.models_n++;
	return 0;
}

static int add_model_folder(struct inspect *in, const char *path, struct err *e)
{
	struct dirent **list;
	int n = scandir(path, &list, visible, alphasort), r = 0;

	if (n < 0)
		return err_errno(e, errno, "%s: cannot read the folder", path);
	for (int i = 0; i < n; i++) {
		cleanup_free char *name = xasprintf("%s/%s", path, list[i]->d_name);
		size_t len = strlen(name);

		free(list[i]);
		if (r == 0 && len > 5 && !strcmp(name + len - 5, ".json"))
			r = add_model(in, name, e);
	}
	free(list);
	return r;
}

int inspect_load_models(struct inspect *in, const struct args *a, struct err *e)
{
	const char *path;

	for (size_t i = 0; (path = args_value_at(a, "model", i)); i++) {
		int r = add_model(in, path, e);

		if (r < 0)
			return r;
	}
	for (size_t i = 0; (path = args_value_at(a, "models", i)); i++) {
		int r = add_model_folder(in, path, e);

		if (r < 0)
			return r;
	}
	return 0;
}
