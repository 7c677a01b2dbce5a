/*
 * Names that change from run to run become patterns, so that a profile made from a few runs still
 * fits the next one. Three steps: single names (process ids, temporary files), then directories
 * with many files that are used alike, then whole subtrees. Patterns that are there already take in
 * what looks like them, so a model may be merged and generalised again. What is executed or mapped
 * as code stays literal, and so does everything right below the directories of the system.
 */
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/mem.h"
#include "model/volatile_name.h"
#include "model/workload_private.h"

enum {
	MAX_SIBLINGS = 64,   /* more files of one directory with the same accesses: "*" */
	MAX_SUBTREE = 256,   /* more below one directory: "**" */
	MAX_DEPTH = 64,	     /* directories deeper than this are left alone */
	ALIKE_TRANSIENT = 2, /* names that differ in digits only, and came and went */
	ALIKE_CREATED = 4,   /* the same for names that only came */
};

static bool eligible(const struct wl_file *f)
{
	return !(f->access & (WL_F_EXEC | WL_F_MAP));
}

static bool transient(const struct wl_file *f)
{
	return (f->access & WL_F_CREATE) && (f->access & WL_F_DELETE);
}

/* Length without the "/" at the end of a directory. */
static size_t bare_len(const char *path)
{
	size_t n = strlen(path);

	return n > 1 && path[n - 1] == '/' ? n - 1 : n;
}

/* Length of the directory part, without a "/" at the end: 0 for the root. */
static size_t dir_len(const char *path)
{
	size_t n = bare_len(path);

	while (n && path[n - 1] != '/')
		n--;
	return n ? n - 1 : 0;
}

static bool name_is(const char *path, size_t n, const char *name)
{
	return strlen(name) == n && !memcmp(path, name, n);
}

static size_t depth_of(const char *dir, size_t n)
{
	size_t depth = 0;

	for (size_t i = 0; i < n; i++)
		depth += dir[i] == '/';
	return depth;
}

/* Whether the directory is `top` or below it. */
static bool within(const char *dir, size_t n, const char *top)
{
	size_t len = strlen(top);

	return n >= len && !memcmp(dir, top, len) && (n == len || dir[len] == '/');
}

/* Whether the first name of the directory is one of a Linux system's own. */
static bool system_top(const char *dir, size_t n)
{
	static const char *const tops[] = { "/bin",  "/boot", "/dev",  "/etc", "/home",
					    "/opt",  "/proc", "/root", "/run", "/sbin",
					    "/snap", "/srv",  "/sys",  "/usr", "/var" };

	for (size_t i = 0; i < ARRAY_SIZE(tops); i++)
		if (within(dir, n, tops[i]))
			return true;
	return n >= 4 && !memcmp(dir, "/lib", 4);
}

/* Whether the text names itself, without "//", "/./" or "/../". */
static bool is_plain(const char *dir, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		if (dir[i] != '/')
			continue;
		if (i + 1 == n || dir[i + 1] == '/')
			return false;
		if (dir[i + 1] == '.' && (i + 2 == n || dir[i + 2] == '/' ||
					  (dir[i + 2] == '.' && (i + 3 == n || dir[i + 3] == '/'))))
			return false;
	}
	return true;
}

static bool is_one_of(const char *dir, size_t n, const char *const *list, size_t list_n)
{
	for (size_t i = 0; i < list_n; i++)
		if (name_is(dir, n, list[i]))
			return true;
	return false;
}

/* Whether names right in this directory may become "*": not in those that everybody shares. */
static bool may_star(const char *dir, size_t n)
{
	static const char *const shared[] = {
		"/usr/bin",	  "/usr/sbin",	"/usr/lib",   "/usr/lib32",	"/usr/lib64",
		"/usr/libexec",	  "/usr/share", "/usr/local", "/usr/local/bin", "/usr/local/sbin",
		"/usr/local/lib", "/var/lib",	"/var/log",   "/var/run",	"/run/lock",
	};
	size_t depth = depth_of(dir, n);

	if (depth < 1 || !is_plain(dir, n) || (depth == 1 && system_top(dir, n)))
		return false;
	if (within(dir, n, "/proc") || is_one_of(dir, n, shared, ARRAY_SIZE(shared)))
		return false;
	if (within(dir, n, "/dev") && !within(dir, n, "/dev/shm") && !within(dir, n, "/dev/mqueue"))
		return false;
	return !(within(dir, n, "/sys") && depth < 3);
}

/*
 * Whether a name right in this directory may become this pattern: also in some shared directories,
 * when the pattern says whose files it is about.
 */
static bool may_vary(const char *dir, size_t n, const char *pattern)
{
	static const char *const shared[] = { "/opt",	  "/run",     "/run/lock", "/srv",
					      "/var/lib", "/var/log", "/var/run" };

	return may_star(dir, n) ||
	       (strcspn(pattern, "*") >= 3 && is_one_of(dir, n, shared, ARRAY_SIZE(shared)));
}

/*
 * Whether everything below this directory may become "**". /srv and /opt hold what belongs to one
 * application, so its directory there is enough; elsewhere in the system it takes one more.
 */
static bool may_stars(const char *dir, size_t n)
{
	bool own = !system_top(dir, n) || within(dir, n, "/srv") || within(dir, n, "/opt");

	return may_star(dir, n) && depth_of(dir, n) >= (own ? 2 : 3) && !within(dir, n, "/sys") &&
	       !within(dir, n, "/dev");
}

static struct arena take_arena(struct arena *a)
{
	struct arena old = *a;

	*a = (struct arena){ 0 };
	return old;
}

/*
 * Puts the files whose `pattern[i]` is set under that pattern, joining accesses and provenance of
 * those that meet there. Frees the patterns and the array.
 */
static void replace(struct workload *w, char **pattern)
{
	struct wl_file *old = w->files;
	struct arena old_paths = take_arena(&w->paths);
	size_t n = w->files_n;

	w->files = NULL;
	w->files_n = w->files_cap = 0;
	map_free(&w->file_index);
	for (size_t i = 0; i < n; i++) {
		struct wl_file *f = &old[i];
		const char *path = pattern[i] ? pattern[i] : f->path;
		struct wl_file *to = wl_file_add(w, path, f->pattern || pattern[i], f->access);

		if (!to) /* the escapes made it longer than a path may be */
			to = wl_file_add(w, f->path, f->pattern, f->access);
		wl_prov_join(&to->prov, &f->prov);
		wl_prov_free(&f->prov);
		free(pattern[i]);
	}
	free(pattern);
	free(old);
	arena_free(&old_paths);
}

/* Counts the key once more; the new number. */
static size_t count_up(struct map *m, const struct buf *key)
{
	void **slot = map_at(m, buf_str(key), key->len);
	uintptr_t n = (uintptr_t)*slot + 1;

	*slot = (void *)n;
	return n;
}

static size_t count_of(const struct map *m, const struct buf *key)
{
	void **slot = map_find(m, buf_str(key), key->len);

	return slot ? (uintptr_t)*slot : 0;
}

/* ---- single names */

struct names {
	struct workload *w;
	struct map alike;    /* directory and shape of names: how many */
	struct map variable; /* path without final "/": its last name as a pattern */
};

static void shape_key(const struct wl_file *f, struct buf *key)
{
	size_t dir = dir_len(f->path), len = bare_len(f->path) - dir - 1;

	buf_putc(key, transient(f) ? 't' : 'c');
	buf_append(key, f->path, dir + 1);
	volatile_shape(f->path + dir + 1, len, key);
}

static void count_alike(struct names *s)
{
	for (size_t i = 0; i < s->w->files_n; i++) {
		const struct wl_file *f = &s->w->files[i];
		cleanup_buf struct buf key = { 0 };

		if (f->pattern || !eligible(f) || !(f->access & WL_F_CREATE))
			continue;
		shape_key(f, &key);
		count_up(&s->alike, &key);
	}
}

static bool many_alike(struct names *s, const struct wl_file *f)
{
	cleanup_buf struct buf key = { 0 };

	shape_key(f, &key);
	return count_of(&s->alike, &key) >= (transient(f) ? ALIKE_TRANSIENT : ALIKE_CREATED);
}

/* Files and directories that the workload makes under ever new names. */
static void find_created(struct names *s, const struct wl_file *f)
{
	size_t dir = dir_len(f->path), len = bare_len(f->path) - dir - 1;
	const char *name = f->path + dir + 1;
	cleanup_buf struct buf out = { 0 };

	void **slot;

	if (!(f->access & WL_F_CREATE) || !len)
		return;
	if (!volatile_name(name, len, transient(f), &out) &&
	    !(many_alike(s, f) && volatile_shape(name, len, &out)))
		return;
	if (!may_vary(f->path, dir, buf_str(&out)))
		return;
	slot = map_at(&s->variable, f->path, bare_len(f->path));
	if (!*slot || strcmp(buf_str(&out), *slot) < 0)
		*slot = arena_strdup(&s->w->paths,
				     buf_str(&out)); /* until the paths are replaced */
}

/* Names in places whose meaning is fixed. `prev` is the name before; false: not variable. */
static bool fixed_place(const char *path, size_t from, size_t len, const char *prev,
			size_t prev_len, struct buf *out)
{
	const char *name = path + from;
	bool number = len && strspn(name, "0123456789") >= len;

	if (within(path, from, "/proc")) {
		bool process = !strncmp(path, "/proc/self/", 11) ||
			       !strncmp(path, "/proc/thread-self/", 18) ||
			       (path[6] >= '1' && path[6] <= '9');

		if (number && *name != '0' &&
		    (from == 6 || (process && name_is(prev, prev_len, "task"))))
			buf_puts(out, "@{pid}");
		else if (process && ((number && (name_is(prev, prev_len, "fd") ||
						 name_is(prev, prev_len, "fdinfo"))) ||
				     name_is(prev, prev_len, "map_files")))
			buf_putc(out, '*');
		else
			return false;
		return true;
	}
	if (number && from == 9 && !memcmp(path, "/dev/pts/", 9)) {
		buf_putc(out, '*');
		return true;
	}
	return from >= 15 && within(path, from, "/sys/fs/cgroup") &&
	       volatile_name(name, len, false, out);
}

/* The path as a pattern, NULL when no name of it varies. Caller frees. */
static char *variable_path(const struct names *s, const char *path)
{
	cleanup_buf struct buf out = { 0 };
	const char *prev = "";
	size_t prev_len = 0;
	bool varies = false;

	for (size_t i = 1; path[i];) {
		size_t len = strcspn(path + i, "/");
		void **known = map_find(&s->variable, path, i + len);

		buf_putc(&out, '/');
		if (known)
			buf_puts(&out, *known);
		if (known || fixed_place(path, i, len, prev, prev_len, &out))
			varies = true;
		else
			wl_pattern_escape(&out, path + i, len);
		prev = path + i;
		prev_len = len;
		i += len;
		if (path[i] == '/' && !path[i + 1])
			buf_putc(&out, '/');
		i += path[i] == '/';
	}
	return varies ? buf_take(&out) : NULL;
}

static void generalise_names(struct workload *w)
{
	struct names s = { .w = w };
	char **pattern = xcalloc(w->files_n, sizeof(*pattern));

	count_alike(&s);
	for (size_t i = 0; i < w->files_n; i++)
		if (!w->files[i].pattern && eligible(&w->files[i]))
			find_created(&s, &w->files[i]);
	for (size_t i = 0; i < w->files_n; i++)
		if (!w->files[i].pattern && eligible(&w->files[i]))
			pattern[i] = variable_path(&s, w->files[i].path);
	replace(w, pattern);
	map_free(&s.alike);
	map_free(&s.variable);
}

/*
 * A name that looks variable, in a directory where a pattern for such names exists already, and
 * used in no way that the pattern does not have. Caller frees; NULL: none.
 */
static char *known_pattern(const struct workload *w, const struct wl_file *f)
{
	size_t dir = dir_len(f->path), bare = bare_len(f->path), len = bare - dir - 1;

	for (int shape = 0; shape < 2; shape++) {
		cleanup_buf struct buf out = { 0 };
		const struct wl_file *known;

		wl_pattern_escape(&out, f->path, dir + 1);
		if (shape ? !volatile_shape(f->path + dir + 1, len, &out)
			  : !volatile_name(f->path + dir + 1, len, true, &out))
			continue;
		buf_puts(&out, f->path + bare);
		known = wl_file_find(w, buf_str(&out), true);
		if (known && (known->access & f->access) == f->access)
			return buf_take(&out);
	}
	return NULL;
}

static bool absorb_names(struct workload *w)
{
	char **pattern = xcalloc(w->files_n, sizeof(*pattern));
	size_t before = w->files_n;

	for (size_t i = 0; i < before; i++)
		if (!w->files[i].pattern && eligible(&w->files[i]))
			pattern[i] = known_pattern(w, &w->files[i]);
	replace(w, pattern);
	return w->files_n < before;
}

/* ---- directories */

/*
 * The entry as a pattern, or NULL for what stays as it is: code, and patterns with a "**" elsewhere
 * than at their end. Caller frees.
 */
static char *pattern_text(const struct wl_file *f)
{
	cleanup_buf struct buf out = { 0 };

	if (!eligible(f))
		return NULL;
	if (!f->pattern) {
		wl_pattern_escape(&out, f->path, strlen(f->path));
		return buf_take(&out);
	}
	for (const char *p = f->path; (p = strstr(p, "**")); p += 2)
		if (p[2] || p[-1] != '/')
			return NULL;
	return xstrdup(f->path);
}

/* Which files are counted together: those of one directory with the same accesses. */
static bool sibling_key(const struct wl_file *f, const char *text, struct buf *key)
{
	size_t dir = dir_len(text), bare = bare_len(text);

	if (name_is(text + dir, bare - dir, "/*") || name_is(text + dir, bare - dir, "/**") ||
	    !may_star(text, dir))
		return false;
	buf_append(key, &f->access, sizeof(f->access));
	buf_putc(key, text[bare] == '/' ? 'd' : 'f');
	buf_append(key, text, dir);
	return true;
}

static char *sibling_pattern(const char *text)
{
	return xasprintf("%.*s/*%s", (int)dir_len(text), text, text + bare_len(text));
}

/* ---- subtrees */

/* Length of the directory at `depth` that the text is below, 0: not that deep, or no such. */
static size_t ancestor(const char *text, size_t depth)
{
	size_t slashes = 0;

	for (size_t i = 0; text[i]; i++)
		if (text[i] == '/' && ++slashes == depth + 1)
			return text[i + 1] ? i : 0;
	return 0;
}

static bool subtree_key(const struct wl_file *f, const char *text, size_t depth, struct buf *key)
{
	size_t n = ancestor(text, depth);

	if (!n || !may_stars(text, n))
		return false;
	buf_append(key, &f->access, sizeof(f->access));
	buf_append(key, text, n);
	return true;
}

/* ---- both: depth 0 counts siblings, else everything below the directories of that depth */

static bool group_key(const struct wl_file *f, const char *text, size_t depth, struct buf *key)
{
	if (!text)
		return false;
	return depth ? subtree_key(f, text, depth, key) : sibling_key(f, text, key);
}

/* Sets pattern[i] for the members of groups that are too large; whether there is one. */
static bool choose(const struct workload *w, const struct map *count, size_t depth, char **pattern)
{
	bool any = false;

	for (size_t i = 0; i < w->files_n; i++) {
		cleanup_free char *text = take_ptr(pattern[i]);
		cleanup_buf struct buf key = { 0 };

		if (!group_key(&w->files[i], text, depth, &key) ||
		    count_of(count, &key) <= (depth ? MAX_SUBTREE : MAX_SIBLINGS))
			continue;
		if (depth)
			pattern[i] = xasprintf("%.*s/**", (int)ancestor(text, depth), text);
		else
			pattern[i] = sibling_pattern(text);
		if (strlen(pattern[i]) > WL_MAX_PATH)
			free(take_ptr(pattern[i]));
		else
			any = true;
	}
	return any;
}

static bool generalise_groups(struct workload *w, size_t depth)
{
	struct map count = { 0 };
	char **pattern = xcalloc(w->files_n, sizeof(*pattern));
	bool any;

	for (size_t i = 0; i < w->files_n; i++) {
		cleanup_buf struct buf key = { 0 };

		pattern[i] = pattern_text(&w->files[i]);
		if (group_key(&w->files[i], pattern[i], depth, &key))
			count_up(&count, &key);
	}
	any = choose(w, &count, depth, pattern);
	if (any)
		replace(w, pattern);
	else
		free(pattern);
	map_free(&count);
	return any;
}

static size_t deepest(const struct workload *w)
{
	size_t max = 0;

	for (size_t i = 0; i < w->files_n; i++) {
		size_t depth = depth_of(w->files[i].path, strlen(w->files[i].path));

		if (depth > max)
			max = depth;
	}
	return max < MAX_DEPTH ? max : MAX_DEPTH;
}

void wl_generalise(struct workload *w)
{
	bool changed = w->files_n > 0;

	if (changed)
		generalise_names(w);
	while (changed) {
		changed = absorb_names(w);
		changed |= generalise_groups(w, 0);
		for (size_t depth = deepest(w); depth >= 2; depth--)
			changed |= generalise_groups(w, depth);
	}
}
