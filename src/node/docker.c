#include "node/docker.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/io.h"
#include "base/json.h"
#include "base/mem.h"
#include "node/files.h"

enum { DAEMON_MAX = 1024 * 1024 };

/* The file's object; an empty one when the file is missing or has nothing in it. */
static int read_config(const char *file, struct json_doc *d, struct err *e)
{
	cleanup_buf struct buf text = { 0 };
	int r = 0;

	if (access(file, F_OK) == 0)
		r = io_read_file(file, DAEMON_MAX, &text, e);
	if (r < 0)
		return r;
	if (buf_str(&text)[strspn(buf_str(&text), " \t\r\n")] == '\0') {
		text.len = 0;
		buf_puts(&text, "{}");
	}
	r = json_parse(d, file, buf_str(&text), text.len, e);
	if (r == 0 && !json_object_is_type(d->root, json_type_object))
		r = json_err(d, NULL, e, EINVAL, "expected an object, found %s",
			     json_type_word(d->root));
	return r;
}

static int write_config(const char *file, struct json_object *o, struct err *e)
{
	cleanup_free char *text = json_text(o), *dir = xstrdup(file);
	char *slash = strrchr(dir, '/');
	int r;

	if (!slash)
		return err_set(e, EINVAL, "%s: expected a path from the root", file);
	*slash = '\0';
	r = node_files_put(*dir ? dir : "/", slash + 1, text, strlen(text), e);
	return r < 0 ? r : 1;
}

int node_docker_set(const char *file, const char *profile, bool dry, struct err *e)
{
	cleanup_json_doc struct json_doc d = { 0 };
	const char *now = NULL;
	int r = read_config(file, &d, e);

	if (r == 0)
		r = json_get_str(&d, NULL, d.root, "seccomp-profile", false, &now, e);
	if (r < 0)
		return r;
	if (now && !strcmp(now, profile))
		return 0;
	if (dry)
		return 1;
	json_add(d.root, "seccomp-profile", json_object_new_string(profile));
	return write_config(file, d.root, e);
}
