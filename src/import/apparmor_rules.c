/* Rules of an AppArmor profile: what they allow. apparmor.d(5). */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "base/cleanup.h"
#include "base/mem.h"
#include "import/apparmor_private.h"
#include "model/caps.h"

/* What "w" allows, besides writing: apparmor.d(5), "Access Modes". */
#define WRITES (WL_F_WRITE | WL_F_CREATE | WL_F_DELETE | WL_F_META)
#define ALL    (WL_F_READ | WRITES | WL_F_APPEND | WL_F_EXEC | WL_F_MAP | WL_F_LOCK | WL_F_LINK)

static const char *place_of(struct aa *a, const struct aa_rule *r)
{
	return arena_printf(&a->arena, "%s:%u:%u", r->name, r->line, r->col);
}

static void rule_text(const struct aa_rule *r, struct buf *out)
{
	for (unsigned i = 0; i < r->n; i++) {
		if (i)
			buf_putc(out, ' ');
		import_put_text(out, r->word[i], strlen(r->word[i]), 80);
	}
}

void aa_not_understood(struct aa *a, const struct aa_rule *r, const char *why)
{
	cleanup_buf struct buf text = { 0 };

	a->not_understood++;
	import_lost(&a->im, "rules");
	if (a->listed++ >= AA_MAX_LISTED)
		return;
	rule_text(r, &text);
	import_note(&a->im, "%s:%u:%u: %s: %s", r->name, r->line, r->col, why, buf_str(&text));
}

void aa_note(struct aa *a, const struct aa_rule *r, const char *what)
{
	for (unsigned i = 0; i < a->noted_n; i++)
		if (!strcmp(a->noted[i], what))
			return;
	if (a->noted_n == ARRAY_SIZE(a->noted))
		return;
	a->noted[a->noted_n++] = arena_strdup(&a->arena, what);
	import_note(&a->im, "%s:%u:%u: %s", r->name, r->line, r->col, what);
}

/* "rw", "mrix", "Px" …; false when a letter is not one. */
static bool parse_mode(const char *mode, uint32_t *access, bool *transition)
{
	*access = 0;
	*transition = false;
	for (; *mode; mode++) {
		switch (*mode) {
		case 'r':
			*access |= WL_F_READ;
			break;
		case 'w':
			*access |= WRITES;
			break;
		case 'a':
			*access |= WL_F_APPEND;
			break;
		case 'm':
			*access |= WL_F_MAP;
			break;
		case 'k':
			*access |= WL_F_LOCK;
			break;
		case 'l':
			*access |= WL_F_LINK;
			break;
		case 'x':
			*access |= WL_F_EXEC;
			break;
		case 'i':
			break;
		case 'p':
		case 'P':
		case 'c':
		case 'C':
		case 'u':
		case 'U':
			*transition = true;
			break;
		default:
			return false;
		}
	}
	return *access;
}

static void add_file(struct aa *a, const struct aa_rule *r, const char *glob, uint32_t access,
		     bool deny)
{
	const char *expanded = aa_expand(a, glob, 0);

	if (!expanded) {
		aa_not_understood(a, r, "a variable is not defined");
		return;
	}
	if (a->files_n == AA_MAX_RULES) {
		import_lost(&a->im, "rules");
		return;
	}
	*vec_push(a->files, a->files_n, a->files_cap) = (struct aa_file){
		.glob = expanded, .access = access, .deny = deny, .place = place_of(a, r)
	};
}

/* "PATH MODE [-> TARGET]" or "MODE PATH", from word i on. */
static void file_rule(struct aa *a, const struct aa_rule *r, unsigned i, bool deny)
{
	const char *path, *mode;
	uint32_t access;
	bool transition;

	if (i == r->n) { /* file, */
		add_file(a, r, "/**", ALL, deny);
		return;
	}
	if (i + 1 >= r->n) {
		aa_not_understood(a, r, "expected a path and a mode");
		return;
	}
	path = r->word[i];
	mode = r->word[i + 1];
	if (*path != '/' && strncmp(path, "@{", 2) != 0 && !r->quoted[i]) {
		path = r->word[i + 1];
		mode = r->word[i];
	}
	if (!parse_mode(mode, &access, &transition) ||
	    (*path != '/' && strncmp(path, "@{", 2) != 0)) {
		aa_not_understood(a, r, "not understood");
		return;
	}
	if (transition && !deny)
		aa_note(a, r,
			"programs that run under another profile, or under none, are in the "
			"model as executed; what they do is not");
	add_file(a, r, path, access, deny);
}

static void capability_rule(struct aa *a, const struct aa_rule *r, unsigned i, bool deny)
{
	uint64_t mask = i == r->n ? (UINT64_C(1) << BCAP_COUNT) - 1 : 0;

	for (; i < r->n; i++) {
		const struct bcap_desc *d = bcap_by_name(r->word[i]);

		if (!d) {
			aa_not_understood(a, r, "an unknown capability");
			return;
		}
		mask |= UINT64_C(1) << d->nr;
	}
	if (deny)
		a->denied_caps |= mask;
	else
		a->caps |= mask;
}

static void network_rule(struct aa *a, const struct aa_rule *r, unsigned i, bool deny)
{
	uint16_t family = 0, type = 0;

	if (deny) {
		aa_note(a, r,
			"rules that deny network are not subtracted; the model may have "
			"sockets that the profile refuses");
		return;
	}
	if (i == r->n) {
		policy_any_socket(&a->policy);
		return;
	}
	if (policy_family(r->word[i], &family))
		i++;
	if (i < r->n && policy_socktype(r->word[i], &type))
		i++;
	if (i < r->n || (!family && !type)) {
		aa_not_understood(a, r, "not understood");
		return;
	}
	if (family) {
		policy_socket(&a->policy, family, type);
		return;
	}
	policy_socket(&a->policy, AF_INET, type);
	policy_socket(&a->policy, AF_INET6, type);
}

static void unix_rule(struct aa *a, const struct aa_rule *r, unsigned i, bool deny)
{
	uint16_t type = 0;

	for (; i < r->n; i++)
		if (!strncmp(r->word[i], "type=", 5))
			policy_socktype(r->word[i] + 5, &type);
	if (!deny)
		policy_socket(&a->policy, AF_UNIX, type);
	aa_note(a, r, "rules for unix sockets: family and type only, no peers and addresses");
}

static const struct {
	const char *word;
	void (*rule)(struct aa *a, const struct aa_rule *r, unsigned i, bool deny);
	const char *note;
} keywords[] = {
	{ "capability", capability_rule, NULL },
	{ "network", network_rule, NULL },
	{ "file", file_rule, NULL },
	{ "unix", unix_rule, NULL },
	{ "signal", NULL, "signal rules have no place in a model" },
	{ "ptrace", NULL, "ptrace rules have no place in a model" },
	{ "mount", NULL, "mount rules are left out" },
	{ "remount", NULL, "mount rules are left out" },
	{ "umount", NULL, "umount rules are left out" },
	{ "pivot_root", NULL, "pivot_root rules are left out" },
	{ "dbus", NULL, "dbus rules have no place in a model" },
	{ "change_profile", NULL, "change_profile rules have no place in a model" },
	{ "change_hat", NULL, "change_hat rules have no place in a model" },
	{ "userns", NULL, "userns rules are left out" },
	{ "io_uring", NULL, "io_uring rules are left out" },
	{ "mqueue", NULL, "mqueue rules are left out" },
	{ "set", NULL, "rlimits have no place in a model" },
	{ "abi", NULL, NULL },
	{ "link", NULL, "link rules are left out" },
};

void aa_rule(struct aa *a, const struct aa_rule *r)
{
	bool deny = false;
	unsigned i = 0;

	for (; i < r->n; i++) {
		if (!strcmp(r->word[i], "deny"))
			deny = true;
		else if (!strcmp(r->word[i], "owner") || !strcmp(r->word[i], "other"))
			aa_note(a, r, "conditions on the owner are dropped");
		else if (strcmp(r->word[i], "audit") && strcmp(r->word[i], "allow") &&
			 strcmp(r->word[i], "quiet"))
			break;
	}
	if (i == r->n)
		return;
	for (size_t k = 0; k < ARRAY_SIZE(keywords); k++) {
		if (strcmp(keywords[k].word, r->word[i]) != 0 || r->quoted[i])
			continue;
		if (keywords[k].rule)
			keywords[k].rule(a, r, i + 1, deny);
		else if (keywords[k].note)
			aa_note(a, r, keywords[k].note);
		return;
	}
	file_rule(a, r, i, deny);
}

/* Deny wins wherever it stands. Of the same glob it is subtracted; the others are listed. */
static bool subtract(struct aa *a, const struct aa_file *deny)
{
	bool found = false;

	for (size_t i = 0; i < a->files_n; i++) {
		if (a->files[i].deny || strcmp(a->files[i].glob, deny->glob) != 0)
			continue;
		a->files[i].access &= ~deny->access;
		found = true;
	}
	return found;
}

static bool is_allowed(const struct aa *a, const char *path)
{
	for (size_t i = 0; i < a->im.w->files_n; i++)
		if (wl_file_matches(&a->im.w->files[i], path))
			return true;
	return false;
}

/* What is denied and cannot be subtracted, unless nothing allows it anyway. */
static void list_denied(struct aa *a)
{
	for (size_t i = 0; i < a->files_n && a->listed <= AA_MAX_LISTED; i++) {
		const struct aa_file *f = &a->files[i];

		if (!f->deny || f->subtracted ||
		    (!strpbrk(f->glob, "*?[{@\\") && !is_allowed(a, f->glob)))
			continue;
		if (a->listed++ < AA_MAX_LISTED)
			import_note(&a->im,
				    "%s: deny %s: not subtracted; where a wider rule allows it the "
				    "model has it",
				    f->place, f->glob);
	}
}

static void subtract_denied(struct aa *a)
{
	for (size_t i = 0; i < a->files_n; i++)
		if (a->files[i].deny)
			a->files[i].subtracted = subtract(a, &a->files[i]);
	a->caps &= ~a->denied_caps;
}

static void add_program(struct aa *a, const struct aa_file *f)
{
	if ((f->access & WL_F_EXEC) && !strpbrk(f->glob, "*?[{@\\"))
		import_program(&a->im, f->glob);
}

void aa_finish_rules(struct aa *a)
{
	bool widened = false;

	subtract_denied(a);
	for (size_t i = 0; i < a->files_n; i++) {
		const struct aa_file *f = &a->files[i];
		int r = f->deny || !f->access ? 0 : policy_path(&a->policy, f->glob, f->access);

		if (r < 0) {
			import_lost(&a->im, "rules");
			import_note(&a->im, "%s: a path that a model cannot have: %s", f->place,
				    f->glob);
			a->not_understood++;
		} else if (!f->deny) {
			add_program(a, f);
		}
		widened |= r > 0;
	}
	list_denied(a);
	if (widened)
		import_note(&a->im, "? and [abc] in paths became *, which is more");
	for (unsigned nr = 0; nr < BCAP_COUNT; nr++)
		if (a->caps >> nr & 1)
			policy_cap(&a->policy, nr);
	if (a->listed > AA_MAX_LISTED)
		import_note(&a->im, "and others");
}
