#include "sensor/watch_kill.h"

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/mem.h"
#include "model/syscalls.h"

#include "watch.skel.h"

struct kill_path {
	struct watch_kill_path key;
	uint32_t bits;
};

struct watch_kills {
	struct watch_bpf_prog *skel; /* borrowed */
	struct watch_kill rows[WATCH_KILLS];
	int nr[WATCH_KILLS]; /* of the call; -1: executed programs */
	unsigned n;
	struct kill_path *paths;
	size_t paths_n, paths_cap;
};

struct watch_kills *watch_kills_new(struct watch_bpf_prog *skel)
{
	struct watch_kills *s = xcalloc(1, sizeof(*s));

	s->skel = skel;
	return s;
}

void watch_kills_free(struct watch_kills *s)
{
	if (!s)
		return;
	free(s->paths);
	free(s);
}

int watch_kill_rule(struct watch_kills *s, const char *call, const struct watch_kill *k)
{
	int nr = call ? sc_nr(sc_abi_native(), call) : -1;

	if (call && (nr < 0 || nr >= WATCH_NRS))
		return -ENOENT;
	if (s->n == WATCH_KILLS)
		return -E2BIG;
	s->rows[s->n] = *k;
	s->rows[s->n].kind = call ? WATCH_CALL : WATCH_EXEC;
	s->nr[s->n] = nr;
	return (int)s->n++;
}

/* A whole path ends with its NUL in the key, so that nothing longer begins with it. */
void watch_kill_path(struct watch_kills *s, const char *path, bool prefix, uint32_t bits)
{
	size_t len = strlen(path) + (prefix ? 0 : 1);
	struct kill_path *p;

	if (len > sizeof(p->key.text))
		return;
	p = vec_push(s->paths, s->paths_n, s->paths_cap);
	memcpy(p->key.text, path, len);
	p->key.bits = (uint32_t)len * 8;
	p->bits = bits;
}

void watch_kills_configure(struct watch_kills *s)
{
	struct watch_bpf_prog__rodata *ro = s->skel->rodata;
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
	int map = bpf_map__fd(s->skel->maps.kill_paths);

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
	int map = bpf_map__fd(s->skel->maps.killable);

	if (!k->rules) {
		bpf_map_delete_elem(map, &group);
		return 0;
	}
	return bpf_map_update_elem(map, &group, k, BPF_ANY) < 0 ? -errno : 0;
}

void watch_kill_limit(struct watch_kills *s, int left)
{
	s->skel->bss->kill_left = left;
}
