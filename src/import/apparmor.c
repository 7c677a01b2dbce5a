/* AppArmor profiles: blocks, includes; the rules are in apparmor_rules.c. */
#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/cleanup.h"
#include "base/io.h"
#include "base/mem.h"
#include "import/apparmor_private.h"

/* Whole statements of a file or block. `inside`: of a profile that is taken. */
static int statements(struct aa *a, struct aa_text *t, unsigned depth, bool inside,
		      bool block_ends);

static int include_file(struct aa *a, const char *path, unsigned depth, bool inside)
{
	cleanup_buf struct buf text = { 0 };
	struct aa_text t = { .line = 1, .col = 1 };
	int r;

	if (a->includes++ == AA_MAX_INCLUDES)
		return err_set(a->e, E2BIG, "%s: more than %d included files", path,
			       AA_MAX_INCLUDES);
	r = io_read_file(path, IMPORT_MAX_TEXT, &text, a->e);
	if (r < 0)
		return r;
	t.name = arena_strdup(&a->arena, path);
	t.p = buf_str(&text);
	t.end = t.p + text.len;
	return statements(a, &t, depth, inside, false);
}

static int usual_file(const struct dirent *d)
{
	size_t n = strlen(d->d_name);

	return d->d_name[0] != '.' && d->d_name[n - 1] != '~' && !strstr(d->d_name, ".dpkg-");
}

static int include_folder(struct aa *a, const char *path, unsigned depth, bool inside)
{
	struct dirent **list;
	int n = scandir(path, &list, usual_file, alphasort), r = 0;

	for (int i = 0; i < n; i++) {
		cleanup_free char *file = xasprintf("%s/%s", path, list[i]->d_name);
		struct stat st;

		if (!r && !stat(file, &st) && S_ISREG(st.st_mode))
			r = include_file(a, file, depth, inside);
		free(list[i]);
	}
	if (n >= 0)
		free(list);
	return r;
}

/* "<abstractions/base>", "path", or a path without quotes. */
static char *include_path(struct aa *a, const char *word)
{
	size_t n = strlen(word);

	if (*word == '<' && n > 2 && word[n - 1] == '>')
		return xasprintf("%s/%.*s", a->im.o->apparmor_root, (int)n - 2, word + 1);
	return *word == '/' ? xstrdup(word) : xasprintf("%s/%s", a->im.o->apparmor_root, word);
}

static int include(struct aa *a, const struct aa_rule *r, unsigned depth, bool inside)
{
	bool optional = r->n > 3 && !strcmp(r->word[1], "if") && !strcmp(r->word[2], "exists");
	cleanup_free char *path = NULL;
	struct stat st;

	if (r->n < 2)
		return aa_err(a, r->name, r->line, r->col, "expected a file after include");
	if (depth > AA_MAX_DEPTH)
		return aa_err(a, r->name, r->line, r->col, "includes are nested too deep");
	path = include_path(a, r->word[optional ? 3 : 1]);
	if (!a->im.o->apparmor_root[0] || stat(path, &st)) {
		if (!optional) {
			aa_not_understood(a, r,
					  "a file that is not here; what it allows is missing");
			import_incomplete(&a->im, "included files are missing");
		}
		return 0;
	}
	if (S_ISDIR(st.st_mode))
		return include_folder(a, path, depth + 1, inside);
	return include_file(a, path, depth + 1, inside);
}

/* The name and attachment of "profile NAME [PATH] [flags=(…)]", "PATH", "NAME". */
static const char *profile_name(const struct aa_rule *r)
{
	unsigned i = !strcmp(r->word[0], "profile") || !strcmp(r->word[0], "hat") ? 1 : 0;

	return i < r->n ? r->word[i] : r->word[0];
}

static bool is_wanted(const struct aa *a, const char *name)
{
	return !a->im.o->profile || !strcmp(a->im.o->profile, name);
}

static void begin_profile(struct aa *a, const struct aa_rule *r)
{
	if (a->profiles++ == 0) {
		const char *name = profile_name(r);
		const char *path = r->n > 2 && r->word[2][0] == '/' ? r->word[2] : name;

		a->profile = name;
		if (*path == '/' && !strpbrk(path, "*?[{@"))
			import_program(&a->im, path);
	} else if (a->profiles == 2) {
		import_note(&a->im,
			    "%s:%u:%u: several profiles are in the model together (--profile "
			    "NAME takes one)",
			    r->name, r->line, r->col);
	}
}

/* A statement that opens a block. */
static int open_block(struct aa *a, struct aa_text *t, const struct aa_rule *r, unsigned depth,
		      bool inside)
{
	bool conditional = r->n && (!strcmp(r->word[0], "if") || !strcmp(r->word[0], "else"));
	bool taken = false;

	if (!r->n)
		return aa_err(a, t->name, r->line, r->col,
			      "expected the name of a profile before '{'");
	if (depth > AA_MAX_DEPTH)
		return aa_err(a, t->name, r->line, r->col, "blocks are nested too deep");
	if (conditional) {
		aa_not_understood(a, r, "a condition is not decided; its rules are left out");
	} else if (inside) {
		aa_note(a, r, "child profiles are not part of the model");
	} else if (is_wanted(a, profile_name(r))) {
		taken = true;
		begin_profile(a, r);
	}
	return statements(a, t, depth + 1, taken, true);
}

static int one_statement(struct aa *a, struct aa_text *t, const struct aa_rule *r, unsigned depth,
			 bool inside, bool in_block)
{
	if (r->end == '{')
		return open_block(a, t, r, depth, inside);
	if (aa_assignment(a, r))
		return 0;
	if (r->end == '\n' && strstr(r->word[0], "include")) {
		/* What belongs to a profile that is not taken is not read. */
		return in_block && !inside ? 0 : include(a, r, depth, inside);
	}
	if (inside)
		aa_rule(a, r);
	else if (!in_block && strcmp(r->word[0], "abi") && strcmp(r->word[0], "alias"))
		return aa_err(a, r->name, r->line, r->col,
			      "expected a profile, include or variable, found '%.40s'", r->word[0]);
	return 0;
}

static int statements(struct aa *a, struct aa_text *t, unsigned depth, bool inside, bool block_ends)
{
	unsigned line = t->line, col = t->col;
	struct aa_rule r;
	int rc;

	for (;;) {
		rc = aa_next(a, t, &r);
		if (rc)
			return rc;
		if (!r.end && block_ends)
			return aa_err(a, t->name, line, col,
				      "the block that begins here is not closed");
		if (!r.end)
			return 0;
		if (r.end == '}' && !block_ends)
			return aa_err(a, t->name, r.line, r.col, "unexpected '}'");
		if (r.end == '}')
			return 0;
		if (!r.n && r.end == ',')
			return aa_err(a, t->name, r.line, r.col, "expected a rule before ','");
		/* An included file inside a profile has rules, not profiles. */
		rc = one_statement(a, t, &r, depth, inside, block_ends || inside);
		if (rc)
			return rc;
	}
}

static void finish(struct aa *a)
{
	struct workload *w = a->im.w;
	const char *base = a->profile ? strrchr(a->profile, '/') : NULL;

	aa_finish_rules(a);
	policy_starts(&a->policy);
	w->identity.arch = wl_string(w, sc_abi_name(a->im.o->arch));
	if (!w->identity.name)
		w->identity.name = wl_string(w, base && base[1] ? base + 1 : a->profile);
	if (a->not_understood)
		import_incomplete(&a->im, "%u rules could not be imported", a->not_understood);
	import_incomplete(&a->im, "an AppArmor profile says nothing of system calls");
}

static void release(struct aa *a)
{
	for (size_t i = 0; i < a->vars_n; i++)
		free(a->vars_list[i]->value);
	map_free(&a->vars);
	free(a->vars_list);
	free(a->files);
	arena_free(&a->arena);
}

int import_apparmor(struct workload *w, const struct import_input *in,
		    const struct import_options *o, struct buf *notes, struct err *e)
{
	struct import_options own = *o;
	struct aa a = { .e = e };
	cleanup_buf struct buf text = { 0 }, target = { 0 };
	struct aa_text t = { .name = in->name, .line = 1, .col = 1 };
	int r = import_text(in, &text, e);

	if (r < 0)
		return r;
	if (!own.apparmor_root)
		own.apparmor_root = "/etc/apparmor.d";
	buf_printf(&target, "AppArmor profile %s", in->name);
	import_begin(&a.im, w, &own, notes, buf_str(&target));
	w->sources[a.im.source].kind = WL_POLICY;
	a.policy = (struct policy){ .w = w, .source = a.im.source, .abi = o->arch };
	t.p = buf_str(&text);
	t.end = t.p + text.len;
	if (memchr(t.p, '\0', text.len))
		r = err_set(e, EINVAL, "%s: not a text: it has a NUL byte", in->name);
	else
		r = statements(&a, &t, 0, false, false);
	if (!r && !a.profiles)
		r = err_set(e, ENODATA, "%s: no profile%s%s in it", in->name,
			    o->profile ? " named " : "", o->profile ? o->profile : "");
	if (!r)
		finish(&a);
	import_end(&a.im);
	release(&a);
	return r;
}
