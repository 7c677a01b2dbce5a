/* The options of `docker run` and `podman run`, and Podman's units. */
#include <string.h>

#include "base/cleanup.h"
#include "base/mem.h"
#include "model/caps.h"
#include "profile/platform_private.h"

struct option {
	const char *name;
	char *value; /* NULL: a switch */
};

struct options {
	struct option *v;
	size_t n, cap;
};

static void options_free(struct options *o)
{
	for (size_t i = 0; i < o->n; i++)
		free(o->v[i].value);
	free(o->v);
}

static void add(struct options *o, const char *name, const char *before, const char *value)
{
	struct option *at = vec_push(o->v, o->n, o->cap);

	at->name = name;
	at->value = value ? xasprintf("%s%s", before, value) : NULL;
}

static void add_root(const struct workload *w, const struct gen_container *c, struct options *o,
		     struct buf *notes)
{
	cleanup_places struct places p;

	places_find(w, c->volumes, c->volumes_n, &p);
	if (!platform_read_only(c, &p, notes))
		return;
	add(o, "--read-only", "", NULL);
	for (size_t i = 0; i < p.n; i++)
		if (!p.v[i].volume && place_may_be_empty(&p.v[i]))
			*vec_push(o->v, o->n, o->cap) = (struct option){
				"--tmpfs",
				xasprintf("%s%s", p.v[i].dir, p.v[i].executes ? ":exec" : "")
			};
}

static void collect(const struct workload *w, const struct gen_container *c, struct options *o,
		    struct buf *notes)
{
	struct gen_caps caps;

	gen_caps(w, &caps);
	add(o, "--cap-drop", "", "ALL");
	for (unsigned nr = 0; nr < BCAP_COUNT; nr++)
		if (caps.needed >> nr & 1)
			add(o, "--cap-add", "", platform_cap(nr));
	if (platform_nnp(w, c, notes))
		add(o, "--security-opt", "", "no-new-privileges");
	if (c->seccomp)
		add(o, "--security-opt", "seccomp=", c->seccomp);
	if (c->apparmor)
		add(o, "--security-opt", "apparmor=", c->apparmor);
	if (c->selinux)
		add(o, "--security-opt", "label=type:", c->selinux);
	if (c->user)
		add(o, "--user", "", c->user);
	add_root(w, c, o, notes);
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

void gen_run_text(const struct workload *w, const struct gen_container *c, enum gen_engine engine,
		  struct buf *out, struct buf *notes)
{
	cleanup(options_free) struct options o = { 0 };
	const char *image = platform_image(w);

	collect(w, c, &o, notes);
	buf_puts(out, engine == GEN_PODMAN ? "podman run" : "docker run");
	for (size_t i = 0; i < o.n; i++) {
		buf_printf(out, " \\\n    %s", o.v[i].name);
		if (!o.v[i].value)
			continue;
		buf_putc(out, ' ');
		shell_word(o.v[i].value, out);
	}
	buf_puts(out, " \\\n    ");
	shell_word(image ? image : "IMAGE", out);
	buf_puts(out, "\n");
}

struct json_object *gen_run_json(const struct workload *w, const struct gen_container *c,
				 enum gen_engine engine, struct buf *notes)
{
	cleanup(options_free) struct options o = { 0 };
	struct json_object *doc = json_object_new_object(), *list = json_object_new_array();
	const char *image = platform_image(w);
	bool nnp = false;

	collect(w, c, &o, notes);
	for (size_t i = 0; i < o.n; i++) {
		push_str(list, o.v[i].name);
		if (o.v[i].value)
			push_str(list, o.v[i].value);
		nnp = nnp || (o.v[i].value && !strcmp(o.v[i].value, "no-new-privileges"));
	}
	put_str(doc, "format", engine == GEN_PODMAN ? "boltseal.podman/1" : "boltseal.docker/1");
	put(doc, "options", list);
	put(doc, "image", image ? json_object_new_string(image) : NULL);
	put_bool(doc, "no_new_privileges", nnp);
	return doc;
}

/* The keys of a unit for the options; without a row the option goes to podman as it is. */
static const struct {
	const char *option, *before, *key;
} unit_keys[] = {
	{ "--cap-drop", "", "DropCapability" },
	{ "--cap-add", "", "AddCapability" },
	{ "--security-opt", "seccomp=", "SeccompProfile" },
	{ "--security-opt", "label=type:", "SecurityLabelType" },
	{ "--tmpfs", "", "Tmpfs" },
};

/* "%" begins a specifier in a unit, "$" is replaced in a command line. */
static void unit_value(const char *s, struct buf *out)
{
	for (; *s; s++) {
		if (*s == '%' || *s == '$')
			buf_putc(out, *s);
		buf_putc(out, *s >= ' ' ? *s : '?');
	}
	buf_putc(out, '\n');
}

static void unit_option(const struct option *o, struct buf *out)
{
	if (!strcmp(o->name, "--read-only")) {
		buf_puts(out, "ReadOnly=true\n");
		return;
	}
	if (!strcmp(o->name, "--user")) {
		const char *group = strchr(o->value, ':');

		buf_printf(out, "User=%.*s\n", (int)strcspn(o->value, ":"), o->value);
		if (group)
			buf_printf(out, "Group=%s\n", group + 1);
		return;
	}
	if (!strcmp(o->value, "no-new-privileges")) {
		buf_puts(out, "NoNewPrivileges=true\n");
		return;
	}
	for (size_t i = 0; i < ARRAY_SIZE(unit_keys); i++) {
		size_t n = strlen(unit_keys[i].before);

		if (strcmp(unit_keys[i].option, o->name) ||
		    strncmp(unit_keys[i].before, o->value, n) != 0)
			continue;
		buf_printf(out, "%s=", unit_keys[i].key);
		unit_value(o->value + n, out);
		return;
	}
	buf_printf(out, "PodmanArgs=%s=", o->name);
	unit_value(o->value, out);
}

void gen_quadlet(const struct workload *w, const struct gen_container *c, struct buf *out,
		 struct buf *notes)
{
	cleanup(options_free) struct options o = { 0 };
	const char *image = platform_image(w);

	collect(w, c, &o, notes);
	buf_printf(out,
		   "# %s.container, generated by boltseal: for /etc/containers/systemd\n"
		   "[Container]\n"
		   "ContainerName=%s\n"
		   "Image=",
		   c->name, c->name);
	unit_value(image ? image : "IMAGE", out);
	for (size_t i = 0; i < o.n; i++)
		unit_option(&o.v[i], out);
	if (c->seccomp && *c->seccomp != '/')
		gen_note(notes, "a unit needs the whole path of the seccomp profile (--seccomp "
				"FILE), since systemd does not run in your folder");
	if (!image)
		gen_note(notes, "the model does not name an image: replace IMAGE");
}
