#include "app/rules_files.h"

#include <dirent.h>
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"

static bool is_folder(const char *path)
{
	struct stat st;

	return stat(path, &st) == 0 && S_ISDIR(st.st_mode);
}

/* build/boltseal has its rules in build/../rules. */
static bool beside_binary(char *out, size_t size)
{
	char exe[PATH_MAX], *slash;
	ssize_t n = readlink("/proc/self/exe", exe, sizeof(exe) - 1);

	if (n < 0)
		return false;
	exe[n] = '\0';
	slash = strrchr(exe, '/');
	if (!slash)
		return false;
	*slash = '\0';
	n = snprintf(out, size, "%s/../rules/base.yaml", exe);
	if (n < 0 || (size_t)n >= size || access(out, R_OK) < 0)
		return false;
	*strrchr(out, '/') = '\0';
	return true;
}

/*
 * The folder of boltseal's own rules: $BOLTSEAL_RULES, the one beside the folder of a binary that
 * was not installed, or the installed one. -ENOENT when there is none.
 */
static int own_folder(char *out, size_t size, struct err *e)
{
	const char *told = getenv("BOLTSEAL_RULES");

	if (told && *told)
		snprintf(out, size, "%s", told);
	else if (!beside_binary(out, size))
		snprintf(out, size, "%s", BOLTSEAL_RULES_DIR);
	if (is_folder(out))
		return 0;
	return err_set(e, ENOENT,
		       "%s: expected the folder of boltseal's own rules (BOLTSEAL_RULES names it)",
		       out);
}

/* Names with a dot in front are what ConfigMaps in a volume have beside their files. */
static int is_yaml(const struct dirent *d)
{
	const char *dot = strrchr(d->d_name, '.');

	return dot && d->d_name[0] != '.' && (!strcmp(dot, ".yaml") || !strcmp(dot, ".yml"));
}

int rules_load_path(struct rules *r, const char *path, struct err *e)
{
	struct dirent **names = NULL;
	int n;

	if (!is_folder(path)) {
		rules_load_file(r, path);
		return 0;
	}
	n = scandir(path, &names, is_yaml, alphasort);
	if (n < 0)
		return err_errno(e, errno, "%s", path);
	for (int i = 0; i < n; i++) {
		char file[PATH_MAX];

		snprintf(file, sizeof(file), "%s/%s", path, names[i]->d_name);
		rules_load_file(r, file);
		free(names[i]);
	}
	free(names);
	return n ? 0
		 : err_set(e, ENOENT, "%s: no file NAME.yaml or NAME.yml is in this folder", path);
}

int rules_load_own(struct rules *r, struct err *e)
{
	char path[PATH_MAX];
	int err = own_folder(path, sizeof(path), e);

	if (err < 0)
		return err;
	rules_set_brief(r, true);
	err = rules_load_path(r, path, e);
	rules_set_brief(r, false);
	return err;
}
