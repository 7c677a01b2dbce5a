#include "enrich/users.h"

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>

#include "base/buf.h"
#include "base/cleanup.h"
#include "base/io.h"
#include "base/mem.h"

enum { ROOTS = 64, MAX_BYTES = 1024 * 1024, LOOK_AGAIN_S = 10 };

struct list {
	char *text; /* lines */
	size_t len;
	struct timespec changed;
	ino_t ino;
	time_t looked; /* CLOCK_MONOTONIC, s; 0: never */
};

struct root {
	uint64_t key, used;
	struct list users, groups;
};

struct users {
	struct root roots[ROOTS];
	uint64_t clock;
	char line[1024];
	struct user user;
};

struct users *users_new(void)
{
	return xcalloc(1, sizeof(struct users));
}

static void list_free(struct list *l)
{
	free(l->text);
	*l = (struct list){ 0 };
}

void users_free(struct users *u)
{
	if (!u)
		return;
	for (size_t i = 0; i < ROOTS; i++) {
		list_free(&u->roots[i].users);
		list_free(&u->roots[i].groups);
	}
	free(u);
}

static struct root *root_of(struct users *u, uint64_t key)
{
	struct root *oldest = &u->roots[0];

	for (size_t i = 0; i < ROOTS; i++) {
		struct root *r = &u->roots[i];

		if (r->used && r->key == key) {
			r->used = ++u->clock;
			return r;
		}
		if (r->used < oldest->used)
			oldest = r;
	}
	list_free(&oldest->users);
	list_free(&oldest->groups);
	*oldest = (struct root){ .key = key, .used = ++u->clock };
	return oldest;
}

static void refresh(struct list *l, uint32_t pid, const char *file)
{
	cleanup_buf struct buf b = { 0 };
	struct timespec now;
	struct stat st;
	char path[64];

	clock_gettime(CLOCK_MONOTONIC, &now);
	if (l->looked && now.tv_sec - l->looked < LOOK_AGAIN_S)
		return;
	snprintf(path, sizeof(path), "/proc/%u/root/etc/%s", pid, file);
	if (stat(path, &st) < 0 || !S_ISREG(st.st_mode))
		return; /* the process may be gone; what was known stays */
	l->looked = now.tv_sec;
	if (l->text && l->ino == st.st_ino && !memcmp(&st.st_mtim, &l->changed, sizeof(l->changed)))
		return;
	if (io_read_file(path, MAX_BYTES, &b, NULL) < 0)
		return;
	free(l->text);
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
	refresh(l, pid, file);
	if (find_line(u, l, id, field))
		return true;
	l->looked = 0;
	refresh(l, pid, file);
	return find_line(u, l, id, field);
}

const struct user *users_find(struct users *u, uint32_t pid, uint64_t key, uint32_t uid)
{
	struct root *r = root_of(u, key);
	char *field[8];

	if (!look_up(u, &r->users, pid, "passwd", uid, field))
		return NULL;
	u->user = (struct user){ field[0], field[5], field[6] };
	return &u->user;
}

const char *users_group(struct users *u, uint32_t pid, uint64_t key, uint32_t gid)
{
	struct root *r = root_of(u, key);
	char *field[8];

	return look_up(u, &r->groups, pid, "group", gid, field) ? field[0] : NULL;
}
