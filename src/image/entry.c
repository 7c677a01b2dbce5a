#include "image/entry.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"

enum { MAX_HEAD = 256 }; /* BINPRM_BUF_SIZE: what the kernel reads of a script's first line */

static const char default_path[] = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

static const char *const role_names[ENTRY_ROLE_COUNT] = {
	[ENTRY_MAIN] = "main",
	[ENTRY_INTERPRETER] = "interpreter",
	[ENTRY_EXEC] = "exec",
	[ENTRY_COMMAND] = "command",
};

const char *entry_role_name(enum entry_role r)
{
	return role_names[r];
}

void entry_free(struct entry *en)
{
	map_free(&en->seen);
	free(en->v);
	arena_free(&en->arena);
}

/* The search: one program of the list after the other is read, and adds what it executes. */
struct search {
	const struct image *image;
	struct entry *out;
	size_t at; /* the program that is being read; an index, since the list moves */
};

/* The last assignment of an environment list. */
static const char *variable(const struct image_words *env, const char *name)
{
	size_t n = strlen(name);
	const char *value = NULL;

	for (size_t i = 0; i < env->n; i++) {
		if (!strncmp(env->v[i], name, n) && env->v[i][n] == '=')
			value = env->v[i] + n + 1;
	}
	return value;
}

/* Whether there is a file at the path; its real path and its first bytes. */
static bool probe(const struct image *image, const char *path, struct image_file *out)
{
	return !image_read_head(image, path, MAX_HEAD, out, NULL);
}

/* As execvp looks for it, but for permissions, which are not looked at. */
static bool look_up(const struct image *image, const char *word, struct image_file *out)
{
	const struct image_config *c = image_config(image);
	const char *path = variable(&c->env, "PATH");
	cleanup_free char *name = NULL;

	if (!*word || strlen(word) > 4095)
		return false;
	if (strchr(word, '/')) {
		name = *word == '/' ? xstrdup(word) : xasprintf("%s/%s", c->workdir, word);
		return probe(image, name, out);
	}
	for (const char *p = path ? path : default_path; *p;) {
		size_t n = strcspn(p, ":");
		cleanup_free char *full = xasprintf("%.*s/%s", (int)n, p, word);

		if (n && probe(image, full, out))
			return true;
		p += n + (p[n] == ':');
	}
	return false;
}

static void add(struct search *s, const struct image_file *f, enum entry_role role, const char *by,
		const char *why, const struct image_words *args)
{
	struct entry *out = s->out;
	void **seen = map_at(&out->seen, f->path, strlen(f->path));
	struct entry_program *p;

	if (*seen || out->n == ENTRY_MAX_PROGRAMS)
		return;
	*seen = out;
	p = vec_push(out->v, out->n, out->cap);
	p->path = arena_strdup(&out->arena, f->path);
	p->role = role;
	p->script = f->len >= 2 && !memcmp(f->data, "#!", 2);
	p->by = by;
	p->why = why;
	if (args)
		p->args = *args;
}

static void unknown(struct search *s, const char *why)
{
	if (!s->out->unknown++)
		s->out->first_unknown = why;
}

static struct image_words rest_of(const struct image_words *w, size_t from)
{
	return (struct image_words){ w->v + from, w->n - from };
}

/* The first of the words that is a program: what a launcher executes. */
static void add_arguments(struct search *s, const struct image_words *args, enum entry_role role,
			  const char *by, const char *why)
{
	for (size_t i = 0; i < args->n; i++) {
		cleanup_image_file struct image_file f = { 0 };
		struct image_words rest = rest_of(args, i + 1);

		if (*args->v[i] != '-' && look_up(s->image, args->v[i], &f)) {
			add(s, &f, role, by, why, &rest);
			return;
		}
	}
}

/* "#!/usr/bin/env -S NAME": what env is told to execute. */
static void add_env_target(struct search *s, char *words, const char *by, const char *why)
{
	char *save = NULL;

	for (char *w = strtok_r(words, " \t", &save); w; w = strtok_r(NULL, " \t", &save)) {
		cleanup_image_file struct image_file f = { 0 };

		if (*w == '-' || strchr(w, '='))
			continue;
		if (look_up(s->image, w, &f))
			add(s, &f, ENTRY_INTERPRETER, by, why, NULL);
		else
			unknown(s, why);
		return;
	}
}

static bool is_shell(const char *path)
{
	static const char *const shells[] = { "sh", "bash", "dash", "ash", "ksh", "zsh", "mksh" };
	const char *base = strrchr(path, '/') + 1;

	for (size_t i = 0; i < ARRAY_SIZE(shells); i++) {
		if (!strcmp(base, shells[i]))
			return true;
	}
	return false;
}

/* The first line of a script. Whether a shell reads it. */
static bool take_interpreter(struct search *s, const struct image_file *f)
{
	cleanup_free char *line = strndup((const char *)f->data + 2,
					  strcspn((const char *)f->data + 2, "\n"));
	const char *by = s->out->v[s->at].path;
	const char *why = arena_printf(&s->out->arena, "%s:1: #!%s", by, line);
	char *name = line + strspn(line, " \t"), *args;
	cleanup_image_file struct image_file found = { 0 };
	const char *slash;
	bool shell;

	args = name + strcspn(name, " \t\r");
	if (*args)
		*args++ = '\0';
	slash = strrchr(name, '/');
	if (!slash || !probe(s->image, name, &found)) {
		unknown(s, why);
		return false;
	}
	add(s, &found, ENTRY_INTERPRETER, by, why, NULL);
	shell = is_shell(name);
	if (!strcmp(slash, "/env")) {
		cleanup_free char *target = xasprintf("/%s", args + strspn(args, " \t"));

		shell = is_shell(target);
		add_env_target(s, args, by, why);
	}
	return shell;
}

static bool is_all_arguments(const char *word)
{
	return !strcmp(word, "$@") || !strcmp(word, "$*") || !strcmp(word, "${@}");
}

static int take_command(void *arg, const struct shell_command *c)
{
	struct search *s = arg;
	struct entry *out = s->out;
	enum entry_role role = c->exec ? ENTRY_EXEC : ENTRY_COMMAND;
	const struct image_words args = out->v[s->at].args;
	const char *by = out->v[s->at].path;
	cleanup_image_file struct image_file f = { 0 };
	const char *why = arena_printf(&out->arena, "%s:%u: %s%.200s", by, c->line,
				       c->exec ? "exec " : "", c->word);

	if (is_all_arguments(c->word)) {
		add_arguments(s, &args, role, by, why);
		if (!args.n && !c->maybe)
			unknown(s, why);
		return 0;
	}
	if (!c->known || !strcmp(c->word, "eval") || !strcmp(c->word, ".") ||
	    !strcmp(c->word, "source")) {
		if (!c->maybe)
			unknown(s, why);
		return 0;
	}
	/* What is not found is a function, or not there. */
	if (look_up(s->image, c->word, &f))
		add(s, &f, role, by, why, NULL);
	return 0;
}

static int take_script(struct search *s, const struct image_file *head, struct err *e)
{
	const char *path = s->out->v[s->at].path;
	cleanup_image_file struct image_file f = { 0 };
	int r;

	if (!take_interpreter(s, head))
		return 0;
	r = image_read(s->image, path, ENTRY_MAX_SCRIPT, &f, e);
	return r ? r : shell_commands((const char *)f.data, f.len, take_command, s);
}

static int search_all(struct search *s, struct err *e)
{
	int r = 0;

	for (s->at = 0; !r && s->at < s->out->n; s->at++) {
		const struct entry_program p = s->out->v[s->at];
		cleanup_image_file struct image_file f = { 0 };

		r = image_read_head(s->image, p.path, MAX_HEAD, &f, e);
		if (r)
			return r;
		if (p.script)
			r = take_script(s, &f, e);
		else if (p.args.n && shell_launcher(p.path))
			add_arguments(s, &p.args, ENTRY_EXEC, p.path,
				      arena_printf(&s->out->arena, "argument of %s", p.path));
	}
	return r;
}

/* Entry point and command as one list; `program` alone takes their place. */
static struct image_words command_line(const struct image_config *c, const char *program,
				       struct entry *out)
{
	struct image_words w = { .n = program ? 1 : c->entrypoint.n + c->cmd.n };

	w.v = arena_alloc(&out->arena, (w.n + 1) * sizeof(*w.v));
	if (program) {
		w.v[0] = arena_strdup(&out->arena, program);
		return w;
	}
	for (size_t i = 0; i < w.n; i++)
		w.v[i] = i < c->entrypoint.n ? c->entrypoint.v[i] : c->cmd.v[i - c->entrypoint.n];
	return w;
}

int entry_find(const struct image *image, const char *program, struct entry *out, struct err *e)
{
	struct search s = { .image = image, .out = out };
	struct image_words words = command_line(image_config(image), program, out), rest;
	cleanup_image_file struct image_file f = { 0 };

	if (!words.n)
		return err_set(e, ENOENT,
			       "the image has neither an entry point nor a command: "
			       "name a program");
	if (!look_up(image, words.v[0], &f))
		return err_set(e, ENOENT,
			       "%s: not in the image, nor in the directories of its PATH",
			       words.v[0]);
	rest = rest_of(&words, 1);
	add(&s, &f, ENTRY_MAIN, "", program ? "named" : "entry point and command", &rest);
	return search_all(&s, e);
}
