#include <string.h>

#include "base/cleanup.h"
#include "base/mem.h"
#include "model/caps.h"
#include "profile/generate_private.h"
#include "profile/seen.h"

/*
 * Programs whose purpose is to gain privileges by execve (set-user-ID or file capabilities), which
 * no_new_privs prevents. A root process gains nothing from them, but whether it was root is not in
 * the model.
 */
static const char *const privilege_gainers[] = {
	"sudo",	  "su",	    "doas", "pkexec",	  "newuidmap",	 "newgidmap",
	"newgrp", "passwd", "chsh", "fusermount", "fusermount3",
};

bool gen_no_new_privs(const struct workload *w, const char **why)
{
	for (size_t i = 0; i < w->programs_n; i++) {
		const char *path = w->programs[i].path, *slash = strrchr(path, '/');

		for (size_t k = 0; k < ARRAY_SIZE(privilege_gainers); k++) {
			if (strcmp(slash ? slash + 1 : path, privilege_gainers[k]))
				continue;
			*why = path;
			return false;
		}
	}
	*why = NULL;
	return true;
}

struct options {
	char **v;
	size_t n, cap;
};

static void options_free(struct options *o)
{
	for (size_t i = 0; i < o->n; i++)
		free(o->v[i]);
	free(o->v);
}

static void add(struct options *o, const char *option, const char *before, const char *value)
{
	*vec_push(o->v, o->n, o->cap) = xstrdup(option);
	*vec_push(o->v, o->n, o->cap) = xasprintf("%s%s", before, value);
}

static bool nnp_is_on(const struct workload *w, const struct gen_docker *d)
{
	const char *why;

	return d->no_new_privs < 0 ? gen_no_new_privs(w, &why) : d->no_new_privs > 0;
}

/* Pairs of option and value. */
static void collect(const struct workload *w, const struct gen_docker *d, struct options *o)
{
	struct gen_caps c;

	gen_caps(w, &c);
	add(o, "--cap-drop", "", "ALL");
	for (unsigned nr = 0; nr < BCAP_COUNT; nr++)
		if (c.needed >> nr & 1)
			add(o, "--cap-add", "", bcap_by_nr(nr)->name + strlen("CAP_"));
	if (nnp_is_on(w, d))
		add(o, "--security-opt", "", "no-new-privileges");
	if (d->seccomp)
		add(o, "--security-opt", "seccomp=", d->seccomp);
	if (d->apparmor)
		add(o, "--security-opt", "apparmor=", d->apparmor);
}

static const char *image(const struct workload *w)
{
	return w->identity.image && *w->identity.image ? w->identity.image : NULL;
}

/* As one word of a POSIX shell. */
static void shell_word(const char *s, struct buf *out)
{
	static const char plain[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"
				    "@%+=:,./_-";

	if (*s && s[strspn(s, plain)] == '\0') {
		buf_puts(out, s);
		return;
	}
	buf_putc(out, '\'');
	for (; *s; s++) {
		if (*s == '\'')
			buf_puts(out, "'\\''");
		else
			buf_putc(out, *s);
	}
	buf_putc(out, '\'');
}

void gen_docker_text(const struct workload *w, const struct gen_docker *d, struct buf *out)
{
	cleanup(options_free) struct options o = { 0 };

	collect(w, d, &o);
	buf_puts(out, "docker run");
	for (size_t i = 0; i < o.n; i += 2) {
		buf_printf(out, " \\\n    %s ", o.v[i]);
		shell_word(o.v[i + 1], out);
	}
	buf_puts(out, " \\\n    ");
	if (image(w))
		shell_word(image(w), out);
	else
		buf_puts(out, "IMAGE");
	buf_puts(out, "\n");
}

struct json_object *gen_docker_json(const struct workload *w, const struct gen_docker *d)
{
	cleanup(options_free) struct options o = { 0 };
	struct json_object *doc = json_object_new_object(), *list = json_object_new_array();

	collect(w, d, &o);
	for (size_t i = 0; i < o.n; i++)
		json_object_array_add(list, json_object_new_string(o.v[i]));
	json_object_object_add(doc, "format", json_object_new_string("boltseal.docker/1"));
	json_object_object_add(doc, "options", list);
	json_object_object_add(doc, "image", image(w) ? json_object_new_string(image(w)) : NULL);
	json_object_object_add(doc, "no_new_privileges", json_object_new_boolean(nnp_is_on(w, d)));
	return doc;
}
