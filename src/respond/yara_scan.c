#include "respond/yara_scan.h"

#ifdef HAVE_YARA

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>
#include <yara.h>

#include "base/cleanup.h"
#include "base/mem.h"

enum { SCAN_SECONDS = 5 };

struct yara_scan {
	YR_RULES *rules;
};

struct compiling {
	const char *file;
	struct err *e;
};

struct matching {
	char *reason;
	size_t size;
	bool found;
};

static void on_error(int level, const char *file, int line, const YR_RULE *rule,
		     const char *message, void *ctx)
{
	struct compiling *c = ctx;

	(void)rule;
	if (level == YARA_ERROR_LEVEL_ERROR && !c->e->code)
		err_set(c->e, EINVAL, "%s:%d: %s", file ? file : c->file, line, message);
}

static int add(YR_COMPILER *compiler, const char *path, struct err *e)
{
	cleanup_close int fd = open(path, O_RDONLY | O_CLOEXEC);
	struct err said = { 0 };
	struct compiling c = { path, &said };

	if (fd < 0)
		return err_errno(e, errno, "%s", path);
	yr_compiler_set_callback(compiler, on_error, &c);
	if (yr_compiler_add_fd(compiler, fd, NULL, path) == 0)
		return 0;
	return err_set(e, EINVAL, "%s", said.code ? said.msg : path);
}

int yara_scan_new(struct yara_scan **out, const char *const *files, size_t n, struct err *e)
{
	struct yara_scan *s = xcalloc(1, sizeof(*s));
	YR_COMPILER *compiler = NULL;
	int err = 0;

	if (yr_initialize() != ERROR_SUCCESS) {
		free(s);
		return err_set(e, ENOMEM, "libyara cannot begin");
	}
	if (yr_compiler_create(&compiler) != ERROR_SUCCESS)
		err = err_set(e, ENOMEM, "libyara cannot compile");
	for (size_t i = 0; i < n && err == 0; i++)
		err = add(compiler, files[i], e);
	if (err == 0 && yr_compiler_get_rules(compiler, &s->rules) != ERROR_SUCCESS)
		err = err_set(e, ENOMEM, "libyara cannot compile");
	if (compiler)
		yr_compiler_destroy(compiler);
	if (err < 0)
		yara_scan_free(s);
	else
		*out = s;
	return err;
}

void yara_scan_free(struct yara_scan *s)
{
	if (!s)
		return;
	if (s->rules)
		yr_rules_destroy(s->rules);
	yr_finalize();
	free(s);
}

static int on_message(YR_SCAN_CONTEXT *context, int message, void *data, void *user)
{
	struct matching *m = user;

	(void)context;
	if (message != CALLBACK_MSG_RULE_MATCHING)
		return CALLBACK_CONTINUE;
	m->found = true;
	snprintf(m->reason, m->size, "matches the YARA rule %s", ((YR_RULE *)data)->identifier);
	return CALLBACK_ABORT;
}

bool yara_scan_fd(struct yara_scan *s, int fd, char *reason, size_t size)
{
	struct matching m = { reason, size, false };

	yr_rules_scan_fd(s->rules, fd, SCAN_FLAGS_FAST_MODE, on_message, &m, SCAN_SECONDS);
	return m.found;
}

#else

int yara_scan_new(struct yara_scan **out, const char *const *files, size_t n, struct err *e)
{
	(void)out;
	(void)n;
	return err_set(e, ENOTSUP, "%s: this boltseal was built without libyara", files[0]);
}

void yara_scan_free(struct yara_scan *s)
{
	(void)s;
}

bool yara_scan_fd(struct yara_scan *s, int fd, char *reason, size_t size)
{
	(void)s;
	(void)fd;
	(void)reason;
	(void)size;
	return false;
}

#endif
