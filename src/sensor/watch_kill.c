#include "sensor/watch_kill.h"

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/mem.h"
#include "model/syscalls.h"
#include "sensor/watch_private.h"

enum { PATHS_MAX = 1024 }; /* entries of kill_paths */

struct kill_path {
	struct watch_kill_path key;
	uint32_t bits;
};

struct watch_kills {
	struct watch *w; /* whose they are */
	struct watch_kill rows[WATCH_KILLS];
	int nr[WATCH_KILLS]; /* of the call; -1: executed programs */
	unsigned n;
	struct kill_path *paths;
	size_t paths_n, paths_cap;
};

struct watch_kills *watch_kills_new(struct watch *w)
{
	struct watch_kills *s = xcalloc(1, sizeof(*s));

	s->w = w;
	return s;
}

void watch_kills_free(struct watch_kills *s)
{
	if (!s)
		return;
	free(s->paths);
	free(s);
}

static bool in_bounds(const struct watch_kill *k)
{
	if (k->result > WATCH_FAILURE || k->flags > 4 || k->access > 3 || k->upper > WATCH_NO ||
	    k->memfd > WATCH_NO || k->comms > WATCH_KILL_COMMS || k->pad)
		return false;
	for (unsigned i = 0; i < WATCH_KILL_COMMS; i++)
		if (k->comm[i][sizeof(k->comm[i]) - 1])
			return false;
	return true;
}

int watch_kill_rule(struct watch_kills *s, const char *call, const struct watch_kill *k)
{
	int nr = call ? sc_nr(sc_abi_native(), call) : -1;

	if (call && (nr < 0 || nr >= WATCH_NRS))
		return -ENOENT;
	if (!in_bounds(k))
		return -EINVAL;
	if (s->n == WATCH_KILLS)
		return -E2BIG;
	watch_plan_kill(s->w, call, k);
	s->rows[s->n] = *k;
	s->rows[s->n].kind = call ? WATCH_CALL : WATCH_EXEC;
	s->nr[s->n] = nr;
	return (int)s->n++;
}

/* A whole path ends with its NUL in the key, so that nothing longer begins with it. */
int watch_kill_path(struct watch_kills *s, const char *path, bool prefix, uint32_t bits)
{
	size_t len = strlen(path) + (prefix ? 0 : 1);
	struct kill_path *p;

	if (len > sizeof(p->key.text))
		return 0;
	if (s->paths_n == PATHS_MAX)
		return -E2BIG;
	watch_plan_kill_path(s->w, path, prefix, bits);
	p = vec_push(s->paths, s->paths_n, s->paths_cap);
	memcpy(p->key.text, path, len);
	p->key.bits = (uint32_t)len * 8;
	p->bits = bits;
	return 0;
}

unsigned watch_kill_rows(const struct watch_kills *s)
{
	return s->n;
}

void watch_kills_configure(struct watch_kills *s)
{
	struct watch_bpf_prog__rodata *ro = s->w->skel->rodata;
	struct stat st;

	*(uint8_t *)&ro->want_kill = s->n > 0;
	/* Where the first process may not be looked at, this one is taken for one of the host. */
	if (stat("/proc/1/ns/mnt", &st) == 0 || stat("/proc/self/ns/mnt", &st) == 0)
		*(uint32_t *)&ro->host_mnt_ns = (uint32_t)st.st_ino;
	memcpy((void *)&ro->kills, s->rows, sizeof(s->rows));
	for (unsigned i = 0; i < s->n; i++) {
		if (s->nr[i] < 0)
			*(uint32_t *)&ro->kill_on_exec |= 1u << i;
		else
			((uint32_t *)ro->kill_of)[s->nr[i]] |= 1u << i;
	}
}

static bool begins_with(const struct watch_kill_path *a, const struct watch_kill_path *b)
{
	return a->bits >= b->bits && !memcmp(a->text, b->text, b->bits / 8);
}

/* The trie answers with the longest one, so each has the bits of the shorter ones too. */
int watch_kills_load(struct watch_kills *s, struct err *e)
{
	int map = bpf_map__fd(s->w->skel->maps.kill_paths);

	for (size_t i = 0; i < s->paths_n; i++) {
		const struct watch_kill_path *key = &s->paths[i].key;
		uint32_t bits = 0;

		for (size_t j = 0; j < s->paths_n; j++)
			if (begins_with(key, &s->paths[j].key))
				bits |= s->paths[j].bits;
		if (bpf_map_update_elem(map, key, &bits, BPF_ANY) < 0)
			return err_errno(e, errno, "cannot keep the path '%.*s'",
					 (int)(key->bits / 8), key->text);
	}
	return 0;
}

int watch_kill_arm(struct watch_kills *s, uint64_t group, const struct watch_killable *k)
{
	int map = bpf_map__fd(s->w->skel->maps.killable);

	if (!k->rules) {
		bpf_map_delete_elem(map, &group);
		return 0;
	}
	return bpf_map_update_elem(map, &group, k, BPF_ANY) < 0 ? -errno : 0;
}

int watch_kill_left(const struct watch_kills *s, uint64_t group)
{
	struct watch_killable k = { 0 };

	if (bpf_map_lookup_elem(bpf_map__fd(s->w->skel->maps.killable), &group, &k) < 0)
		return 0;
	return k.left;
}

void watch_kill_limit(struct watch_kills *s, int left)
{
	s->w->skel->data_kill->kill_left = left;
}

void watch_kill_between(struct watch_kills *s, uint64_t from, uint64_t until)
{
	s->w->skel->data_kill->kill_from = from;
	s->w->skel->data_kill->kill_until = until;
}
