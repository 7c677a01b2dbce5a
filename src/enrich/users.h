/*
 * Names of users and groups, as the passwd and group files of the process's own root directory have
 * them: a container's users are not the host's. Files are read again when they change.
 */
#ifndef ENRICH_USERS_H
#define ENRICH_USERS_H

#include <stdint.h>

#include "enrich/outside.h"

struct users;

struct user {
	const char *name, *home, *shell; /* NULL: not known */
};

/* `o` stays the caller's. */
struct users *users_new(const struct outside *o);
/* What was told is forgotten: it is told again when it is asked for. */
void users_tell_again(struct users *u);
void users_free(struct users *u);
/*
 * `pid`: a process whose root directory counts, `key`: equal for processes that share it (its mount
 * namespace). Answers stay until the next call. NULL: there is no such user or group.
 */
const struct user *users_find(struct users *u, uint32_t pid, uint64_t key, uint32_t uid);
/* What a capture says of a user or a group, which `u` has with strings that are copied. */
void users_know(struct users *u, uint64_t key, uint32_t id, bool group, const struct user *user);
const char *users_group(struct users *u, uint32_t pid, uint64_t key, uint32_t gid);

#endif
