#include "enrich/users.h"

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>

#include "base/buf.h"
#include "base/cleanup.h"
#include "base/clock.h"
#include "base/map.h"
#include "base/mem.h"
#include "enrich/facts_private.h"

enum {
	ROOTS = 64,
	MAX_BYTES = 1024 * 1024,     /* of one file; what follows is left out */
	ALL_BYTES = 8 * 1024 * 1024, /* of all */
	LOOK_AGAIN_S = 10,
	MISS_AGAIN_MS = 200,
	MAX_KNOWN = 32768, /* of the newer half of what was told */
};

struct list {
	char *text; /* lines */
	size_t len;
	struct timespec changed;
	ino_t ino;
	time_t looked;	 /* CLOCK_MONOTONIC, s; 0: never */
	uint64_t missed; /* the same in ms: looked again for somebody who was not there */
};

struct root {
	uint64_t key, used;
	struct list users, groups;
};

/* Of a capture that is read, or written: what it has. */
struct known_key {
	uint64_t key;
	uint32_t id, group;
};

struct known {
	size_t index; /* in told.all */
	struct user user;
	char text[]; /* name, home and shell, each with its NUL */
};

struct told {
	struct map known;
	struct known **all;
	size_t n, cap;
};

struct users {
	struct root roots[ROOTS];
	const struct outside *outside;
	struct told told, before;
	uint64_t clock;
	size_t bytes; /* of the texts of all lists */
	char line[1024];
	struct user user;
};

struct users *users_new(const struct outside *o)
{
	struct users *u = xcalloc(1, sizeof(*u));

	u->outside = o;
	return u;
}

static void told_free(struct told *t)
{
	for (size_t i = 0; i < t->n; i++)
		free(t->all[i]);
	free(t->all);
	map_free(&t->known);
	*t = (struct told){ 0 };
}

void users_tell_again(struct users *u)
{
	if (u->outside->offline)
		return;
	told_free(&u->told);
	told_free(&u->before);
}

static void list_free(struct users *u, struct list *l)
{
	u->bytes -= l->len;
	free(l->text);
	*l = (struct list){ 0 };
}

void users_free(struct users *u)
{
	if (!u)
		return;
	for (size_t i = 0; i < ROOTS; i++) {
		list_free(u, &u->roots[i].users);
		list_free(u, &u->roots[i].groups);
	}
	told_free(&u->told);
	told_free(&u->before);
	free(u);
}

static struct known **known_at(struct told *t, uint64_t key, uint32_t id, bool group)
{
	struct known_key k = { key, id, group };

	return (struct known **)map_at(&t->known, &k, sizeof(k));
}

static const char *copy(char **at, const char *s)
{
	const char *out = *at;

	if (!s)
		return NULL;
	strcpy(*at, s);
	*at += strlen(s) + 1;
	return out;
}

static size_t size_of(const char *s)
{
	return s ? strlen(s) + 1 : 0;
}

/*
 * Containers choose how many users they have. When there are too many, the older half goes; who is
 * in it and was seen since is told again, and so both sides of a capture forget at the same line.
 */
void users_know(struct users *u, uint64_t key, uint32_t id, bool group, const struct user *user)
{
	struct told *t = &u->told;
	struct known **slot, *k;
	char *at;

	if (t->known.n >= MAX_KNOWN) {
		told_free(&u->before);
		u->before = *t;
		*t = (struct told){ 0 };
	}
	slot = known_at(t, key, id, group);
	k = xcalloc(1,
		    sizeof(*k) + size_of(user->name) + size_of(user->home) + size_of(user->shell));
	at = k->text;
	k->user.name = copy(&at, user->name);
	k->user.home = copy(&at, user->home);
	k->user.shell = copy(&at, user->shell);
	k->index = *slot ? (*slot)->index : t->n;
	if (*slot)
		t->all[k->index] = k;
	else
		*vec_push(t->all, t->n, t->cap) = k;
	free(*slot);
	*slot = k;
}

/* NULL: nothing was told; a user without a name: that there is none. */
static const struct user *told_user(const struct told *t, uint64_t key, uint32_t id, bool group)
{
	struct known_key k = { key, id, group };
	void **slot = map_find(&t->known, &k, sizeof(k));

	return slot && *slot ? &((struct known *)*slot)->user : NULL;
}

static const struct user *known_user(const struct users *u, uint64_t key, uint32_t id, bool group)
{
	const struct user *known = told_user(&u->told, key, id, group);

	if (!known)
		known = told_user(&u->before, key, id, group);
	return known && known->name ? known : NULL;
}

static bool same(const char *a, const char *b)
{
	return a == b || (a && b && !strcmp(a, b));
}

/* Tells what the capture does not have yet. */
static void tell(struct users *u, uint64_t key, uint32_t id, bool group, const struct user *now)
{
	static const struct user none;
	const struct user *had = told_user(&u->told, key, id, group), *is = now ? now : &none;

	if (!u->outside->tell || (!now && !known_user(u, key, id, group)))
		return;
	if (had && same(had->name, is->name) && same(had->home, is->home) &&
	    same(had->shell, is->shell))
		return;
	users_know(u, key, id, group, is);
	if (group)
		fact_group(u->outside, key, id, now ? now->name : NULL);
	else
		fact_user(u->outside, key, id, now);
}

/* Containers choose how large their files are. */
static void bound(struct users *u)
{
	while (u->bytes > ALL_BYTES) {
		struct root *oldest = NULL;

		for (size_t i = 0; i < ROOTS; i++)
			if (u->roots[i].used && (!oldest || u->roots[i].used < oldest->used))
				oldest = &u->roots[i];
		if (!oldest)
			return;
		list_free(u, &oldest->users);
		list_free(u, &oldest->groups);
		*oldest = (struct root){ 0 };
	}
}

static struct root *root_of(struct users *u, uint64_t key)
{
	struct root *oldest = &u->roots[0];

	bound(u);
	for (size_t i = 0; i < ROOTS; i++) {
		struct root *r = &u->roots[i];

		if (r->used && r->key == key) {
			r->used = ++u->clock;
			return r;
		}
		if (r->used < oldest->used)
			oldest = r;
	}
	list_free(u, &oldest->users);
	list_free(u, &oldest->groups);
	*oldest = (struct root){ .key = key, .used = ++u->clock };
	return oldest;
}

static void refresh(struct users *u, struct list *l, uint32_t pid, const char *file)
{
	const struct outside *o = u->outside;
	cleanup_buf struct buf b = { 0 };
	int64_t now = clock_s(CLOCK_MONOTONIC);
	struct stat st;
	char path[64];

	if (l->looked && now - l->looked < LOOK_AGAIN_S)
		return;
	snprintf(path, sizeof(path), "/proc/%u/root/etc/%s", pid, file);
	if (outside_stat(o, path, &st) < 0 || !S_ISREG(st.st_mode))
		return; /* the process may be gone; what was known stays */
	l->looked = now;
	if (l->text && l->ino == st.st_ino && !memcmp(&st.st_mtim, &l->changed, sizeof(l->changed)))
		return;
	if (outside_read(o, path, MAX_BYTES, &b) < 0)
		return;
	/* Half a line would be another user. */
	for (bool cut = b.len >= MAX_BYTES; cut && b.len && b.p[b.len - 1] != '\n';)
		b.p[--b.len] = '\0';
	free(l->text);
	u->bytes += b.len - l->len;
	l->len = b.len;
	l->text = buf_take(&b);
	l->changed = st.st_mtim;
	l->ino = st.st_ino;
}

/* The line whose third field is the number, copied into u->line; its fields end in NULs. */
static bool find_line(struct users *u, const struct list *l, uint32_t id, char *field[8])
{
	const char *line = l->text;

	for (; line && *line; line = strchr(line, '\n') ? strchr(line, '\n') + 1 : NULL) {
		size_t n = strcspn(line, "\n");
		char *s = u->line;
		char *end;

		if (n >= sizeof(u->line))
			continue;
		memcpy(u->line, line, n);
		u->line[n] = '\0';
		for (size_t i = 0; i < 8; i++)
			field[i] = s ? strsep(&s, ":") : NULL;
		if (!field[2] || !*field[2])
			continue;
		if (strtoul(field[2], &end, 10) == id && !*end)
			return true;
	}
	return false;
}

/* The line of the number; who is not there may have been added just now. */
static bool look_up(struct users *u, struct list *l, uint32_t pid, const char *file, uint32_t id,
		    char *field[8])
{
	uint64_t now;

	refresh(u, l, pid, file);
	if (find_line(u, l, id, field))
		return true;
	now = clock_ms(CLOCK_MONOTONIC);
	if (l->text && now - l->missed < MISS_AGAIN_MS)
		return false;
	l->missed = now;
	l->looked = 0;
	refresh(u, l, pid, file);
	return find_line(u, l, id, field);
}

const struct user *users_find(struct users *u, uint32_t pid, uint64_t key, uint32_t uid)
{
	struct root *r;
	char *field[8];
	bool found;

	if (u->outside->offline)
		return known_user(u, key, uid, false);
	r = root_of(u, key);
	found = look_up(u, &r->users, pid, "passwd", uid, field);
	if (found)
		u->user = (struct user){ field[0], field[5], field[6] };
	tell(u, key, uid, false, found ? &u->user : NULL);
	return found ? &u->user : NULL;
}

const char *users_group(struct users *u, uint32_t pid, uint64_t key, uint32_t gid)
{
	const struct user *known;
	struct root *r;
	char *field[8];
	bool found;

	if (u->outside->offline) {
		known = known_user(u, key, gid, true);
		return known ? known->name : NULL;
	}
	r = root_of(u, key);
	found = look_up(u, &r->groups, pid, "group", gid, field);
	tell(u, key, gid, true, found ? &(struct user){ .name = field[0] } : NULL);
	return found ? field[0] : NULL;
}
