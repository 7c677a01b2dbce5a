#include <stdio.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/path.h"
#include "engine/engine.h"

/* Options of runc(8) and crun(1), before and behind the verb, that take a value in the next word.
 */
static const char *const with_value[] = {
	"--root",
	"--log",
	"--log-format",
	"--log-level",
	"--criu",
	"--rootless",
	"--cgroup-manager",
	"--bundle",
	"-b",
	"--console-socket",
	"--pid-file",
	"--preserve-fds",
	"--config",
	"-f",
	"--process",
	"-p",
	"--cwd",
	"--env",
	"-e",
	"--user",
	"-u",
	"--apparmor",
	"--process-label",
	"--cap",
	"-c",
	"--additional-gids",
	"-g",
	"--cgroup",
	"--image-path",
	"--work-path",
};

static bool takes_value(const char *word)
{
	for (size_t i = 0; i < ARRAY_SIZE(with_value); i++)
		if (!strcmp(word, with_value[i]))
			return true;
	return false;
}

static void keep_option(struct runtime_call *c, const char *name, const char *value)
{
	if (!strcmp(name, "--root"))
		snprintf(c->root, sizeof(c->root), "%s", value);
	else if (!strcmp(name, "--bundle") || !strcmp(name, "-b"))
		snprintf(c->bundle, sizeof(c->bundle), "%s", value);
}

/* "--name=value": keeps it as name and value. */
static void keep_joined(struct runtime_call *c, const char *word)
{
	const char *eq = strchr(word, '=');
	char name[32];

	if (!eq || (size_t)(eq - word) >= sizeof(name))
		return;
	snprintf(name, sizeof(name), "%.*s", (int)(eq - word), word);
	keep_option(c, name, eq + 1);
}

void runtime_call_parse(const char *argv, size_t len, struct runtime_call *out)
{
	const char *end = argv + len, *p = argv, *option = NULL;

	*out = (struct runtime_call){ 0 };
	for (unsigned i = 0; p < end; i++) {
		size_t n = strnlen(p, (size_t)(end - p));

		if (n == (size_t)(end - p))
			break; /* the last word is cut off */
		if (i == 0) {
			snprintf(out->runtime, sizeof(out->runtime), "%s", path_base_name(p));
		} else if (option) {
			keep_option(out, option, p);
			option = NULL;
		} else if (*p == '-') {
			option = takes_value(p) ? p : NULL;
			if (!option)
				keep_joined(out, p);
		} else if (!out->verb[0]) {
			snprintf(out->verb, sizeof(out->verb), "%s", p);
		} else if (!out->id[0]) {
			snprintf(out->id, sizeof(out->id), "%s", p);
		}
		p += n + 1;
	}
}
