#include "enrich/container.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/mem.h"
#include "enrich/container_files.h"
#include "enrich/facts_private.h"

enum {
	BUCKETS = 1024,
	HEX_ID = 64,
	/* Containers without processes that are still remembered. */
	KEEP_UNUSED = 256,
	MAX_ROOTS = 8,
	/* How often the files of one are looked at, and of how many in a second. */
	YOUNG_S = 30,
	YOUNG_AGAIN_S = 2,
	AGAIN_S = 60,
	LOOKS = 8,
};

struct containers {
	struct container *bucket[BUCKETS];
	const struct outside *outside;
	struct container_places places;
	char *owned[4];
	char *docker_roots[MAX_ROOTS];
	size_t docker_roots_n, n, unused;
	uint64_t clock;
	uint64_t changes; /* of what is known of one */
	size_t cursor;	  /* bucket that was looked at last */
};

#define TEXT(field)                                       \
	{                                                 \
#field, offsetof(struct container, field) \
	}
const struct container_text container_texts[] = {
	TEXT(name),    TEXT(image),	 TEXT(image_id), TEXT(repository),
	TEXT(tag),     TEXT(digest),	 TEXT(pod_name), TEXT(pod_namespace),
	TEXT(pod_uid), TEXT(sandbox_id), TEXT(ip),	 { 0 },
};
const struct container_text container_flags[] = {
	TEXT(privileged), TEXT(host_pid), TEXT(host_network), TEXT(host_ipc), { 0 },
};

const char *container_engine_name(enum container_engine e)
{
	static const char *const names[] = {
		[CONTAINER_DOCKER] = "docker",	 [CONTAINER_PODMAN] = "podman",
		[CONTAINER_CRIO] = "cri-o",	 [CONTAINER_CONTAINERD] = "containerd",
		[CONTAINER_UNKNOWN] = "unknown",
	};

	return e < CONTAINER_ENGINES ? names[e] : NULL;
}

static size_t hex_run(const char *s)
{
	size_t n = 0;

	while ((s[n] >= '0' && s[n] <= '9') || (s[n] >= 'a' && s[n] <= 'f'))
		n++;
	return n;
}

/* Names of control groups: systemd's scopes with a prefix, or the id alone. */
static const struct {
	const char *prefix;
	enum container_engine engine;
} prefixes[] = {
	{ "docker-", CONTAINER_DOCKER },
	{ "libpod-payload-", CONTAINER_PODMAN },
	{ "libpod-", CONTAINER_PODMAN },
	{ "crio-", CONTAINER_CRIO },
	{ "cri-containerd-", CONTAINER_CONTAINERD },
	{ "nerdctl-", CONTAINER_CONTAINERD },
};

static bool is_end(const char *s)
{
	return !*s || *s == '/' || !strncmp(s, ".scope", 6);
}

static bool id_of_name(const char *name, char *id, enum container_engine *engine)
{
	/* "/system.slice/kubepods:cri-containerd:ID" of the systemd driver without scopes */
	const char *colon = strrchr(name, ':'), *slash = strchr(name, '/');

	*engine = CONTAINER_UNKNOWN;
	if (colon && (!slash || colon < slash) && strstr(name, "cri-containerd")) {
		name = colon + 1;
		*engine = CONTAINER_CONTAINERD;
	}
	for (size_t i = 0; i < ARRAY_SIZE(prefixes); i++) {
		size_t len = strlen(prefixes[i].prefix);

		if (!strncmp(name, prefixes[i].prefix, len)) {
			name += len;
			*engine = prefixes[i].engine;
			break;
		}
	}
	if (hex_run(name) != HEX_ID || !is_end(name + HEX_ID))
		return false;
	memcpy(id, name, HEX_ID);
	id[HEX_ID] = '\0';
	return true;
}

/* The innermost one counts, `outer` is the one around it, "" when there is none. */
static bool ids_of(const char *cgroup, char *id, char *outer, enum container_engine *engine)
{
	bool found = false;

	*outer = '\0';
	/* "docker" above an id that stands alone says whose it is. */
	for (const char *p = cgroup; p && *p; p = strchr(p, '/')) {
		enum container_engine e;
		char one[CONTAINER_ID_MAX];

		if (*p == '/')
			p++;
		if (!id_of_name(p, one, &e))
			continue;
		/* systemd in a container, and some runtimes, have the same name twice. */
		if (found && strcmp(id, one) != 0)
			strcpy(outer, id);
		strcpy(id, one);
		*engine = e;
		if (e == CONTAINER_UNKNOWN && p - cgroup >= 8 && !strncmp(p - 8, "/docker/", 8))
			*engine = CONTAINER_DOCKER;
		if (e == CONTAINER_UNKNOWN && strstr(cgroup, "/ecs/"))
			*engine = CONTAINER_DOCKER;
		found = true;
	}
	return found;
}

bool container_id_of(const char *cgroup, char *id, enum container_engine *engine)
{
	char outer[CONTAINER_ID_MAX];

	return ids_of(cgroup, id, outer, engine);
}

/* The id of the container in which that one was started; false: it was not in one. */
static bool outer_id_of(const char *cgroup, char *id)
{
	enum container_engine engine;
	char inner[CONTAINER_ID_MAX];

	return ids_of(cgroup, inner, id, &engine) && *id;
}

static char *keep(struct containers *c, size_t i, const char *given, const char *usual)
{
	return c->owned[i] = xstrdup(given ? given : usual);
}

struct containers *containers_new(const struct container_places *p, const struct outside *o)
{
	static const struct container_places none;
	struct containers *c = xcalloc(1, sizeof(*c));

	c->outside = o;
	if (!p)
		p = &none;
	c->places.docker_root = keep(c, 0, p->docker_root, "/var/lib/docker");
	/* There are several usual places of this one. */
	if (p->containerd_state)
		c->places.containerd_state = keep(c, 1, p->containerd_state, "");
	c->places.storage_root = keep(c, 2, p->storage_root, "/var/lib/containers/storage");
	c->places.storage_run = keep(c, 3, p->storage_run, "/run/containers/storage");
	return c;
}

static void free_container(struct container *c)
{
	arena_free(&c->arena);
	free(c);
}

void containers_free(struct containers *c)
{
	if (!c)
		return;
	for (size_t i = 0; i < BUCKETS; i++) {
		for (struct container *at = c->bucket[i], *next; at; at = next) {
			next = at->next;
			free_container(at);
		}
	}
	for (size_t i = 0; i < ARRAY_SIZE(c->owned); i++)
		free(c->owned[i]);
	for (size_t i = 0; i < c->docker_roots_n; i++)
		free(c->docker_roots[i]);
	free(c);
}

void containers_docker_root(struct containers *c, const char *root)
{
	for (size_t i = 0; i < c->docker_roots_n; i++)
		if (!strcmp(c->docker_roots[i], root))
			return;
	if (c->docker_roots_n < MAX_ROOTS)
		c->docker_roots[c->docker_roots_n++] = xstrdup(root);
}

static struct container **slot_of(struct containers *c, const char *id)
{
	unsigned h = 2166136261u; /* FNV-1a */
	struct container **p;

	for (const char *s = id; *s; s++)
		h = (h ^ (unsigned char)*s) * 16777619u;
	for (p = &c->bucket[h % BUCKETS]; *p; p = &(*p)->next)
		if (!strcmp((*p)->id, id))
			break;
	return p;
}

static void know_nothing(struct container *c)
{
	c->privileged = c->host_pid = c->host_network = c->host_ipc = -1;
}

static bool read_files(struct containers *c, struct container *one)
{
	if (container_files_read(one, &c->places))
		return true;
	for (size_t i = 0; i < c->docker_roots_n; i++) {
		struct container_places p = c->places;

		p.docker_root = c->docker_roots[i];
		if (container_files_read(one, &p))
			return true;
	}
	return false;
}

/* What is known of it becomes what its files say; nothing changes when there are none. */
static void learn(struct containers *c, struct container *one)
{
	struct container now = { .outside = c->outside, .engine = one->engine };

	one->looked = clock_s(CLOCK_MONOTONIC);
	if (c->outside->offline)
		return;
	memcpy(now.id, one->id, sizeof(now.id));
	memcpy(now.short_id, one->short_id, sizeof(now.short_id));
	know_nothing(&now);
	if (!read_files(c, &now)) {
		arena_free(&now.arena);
		return;
	}
	arena_free(&one->arena);
	now.next = one->next;
	now.refs = one->refs;
	now.first = one->first;
	now.used = one->used;
	now.begun = one->begun;
	now.looked = one->looked;
	*one = now;
	c->changes++;
	fact_container(c->outside, one);
}

static void look_again(struct containers *c, struct container *one)
{
	struct stat st;

	if (one->known) {
		one->looked = clock_s(CLOCK_MONOTONIC);
		if (!one->file || outside_stat_of(c->outside, one->file, &st) < 0 ||
		    (st.st_ino == one->ino &&
		     !memcmp(&st.st_mtim, &one->changed, sizeof(one->changed))))
			return;
	}
	learn(c, one);
}

static bool is_due(const struct container *one, time_t now)
{
	return one->refs &&
	       now - one->looked >= (now - one->begun < YOUNG_S ? YOUNG_AGAIN_S : AGAIN_S);
}

void containers_look_again(struct containers *c)
{
	unsigned looks = 0;
	time_t now = clock_s(CLOCK_MONOTONIC);

	for (size_t n = 0; n < BUCKETS && looks < LOOKS && !c->outside->offline; n++) {
		c->cursor = (c->cursor + 1) % BUCKETS;
		for (struct container *one = c->bucket[c->cursor]; one; one = one->next) {
			if (!is_due(one, now))
				continue;
			look_again(c, one);
			looks++;
		}
	}
}

static void forget_oldest(struct containers *c)
{
	struct container **oldest = NULL, *gone;

	for (size_t i = 0; i < BUCKETS; i++)
		for (struct container **p = &c->bucket[i]; *p; p = &(*p)->next)
			if (!(*p)->refs && (!oldest || (*p)->used < (*oldest)->used))
				oldest = p;
	if (!oldest)
		return;
	gone = *oldest;
	*oldest = gone->next;
	free_container(gone);
	c->n--;
	c->unused--;
}

static struct container *add(struct containers *c, struct container **p, const char *id)
{
	struct container *one = xcalloc(1, sizeof(*one));

	strcpy(one->id, id);
	memcpy(one->short_id, id, 12);
	one->engine = CONTAINER_UNKNOWN;
	one->outside = c->outside;
	one->begun = clock_s(CLOCK_MONOTONIC);
	one->missing = "no engine's files know the id";
	know_nothing(one);
	*p = one;
	c->n++;
	c->unused++;
	return one;
}

struct container *containers_know(struct containers *c, const char *id)
{
	struct container **p, *one;

	if (hex_run(id) != HEX_ID || id[HEX_ID])
		return NULL;
	p = slot_of(c, id);
	one = *p ? *p : add(c, p, id);
	arena_free(&one->arena);
	for (const struct container_text *t = container_texts; t->name; t++)
		*container_text_of(one, t) = NULL;
	know_nothing(one);
	one->labels = NULL;
	one->mounts = NULL;
	one->labels_n = one->mounts_n = 0;
	one->started = 0;
	one->missing = NULL;
	one->known = true;
	c->changes++;
	one->used = ++c->clock;
	if (c->unused > 2 * KEEP_UNUSED)
		forget_oldest(c);
	return one;
}

static const char *copy(struct container *to, const char *s)
{
	return s ? arena_strdup(&to->arena, s) : NULL;
}

/* An engine in a container keeps its files there, where nobody believes them. The pod is known. */
static void know_outer(struct containers *c, struct container *one, const char *cgroup)
{
	char id[CONTAINER_ID_MAX];
	struct container *outer;

	if (!outer_id_of(cgroup, id))
		return;
	outer = *slot_of(c, id);
	one->missing = arena_printf(&one->arena,
				    "it was started in container %.12s%s%s, by an engine whose "
				    "files are not read",
				    id, outer && outer->name ? ", " : "",
				    outer && outer->name ? outer->name : "");
	if (!outer || !outer->pod_name)
		return;
	one->pod_name = copy(one, outer->pod_name);
	one->pod_namespace = copy(one, outer->pod_namespace);
	one->pod_uid = copy(one, outer->pod_uid);
	c->changes++;
	fact_container(c->outside, one);
}

struct container *containers_get(struct containers *c, const char *cgroup)
{
	char id[CONTAINER_ID_MAX];
	enum container_engine engine;
	struct container **p, *one;

	if (!cgroup || !container_id_of(cgroup, id, &engine))
		return NULL;
	p = slot_of(c, id);
	one = *p;
	if (!one) {
		one = add(c, p, id);
		one->engine = engine;
		learn(c, one);
		if (!one->known && !c->outside->offline)
			know_outer(c, one, cgroup);
	} else if (!one->known) {
		learn(c, one);
	} else if (is_due(one, clock_s(CLOCK_MONOTONIC))) {
		look_again(c, one);
	}
	one->used = ++c->clock;
	if (!one->refs++)
		c->unused--;
	return one;
}

const struct container *containers_find(struct containers *c, const char *id)
{
	return *slot_of(c, id);
}

struct container *container_ref(struct container *c)
{
	if (c)
		c->refs++;
	return c;
}

void container_put(struct containers *all, struct container *c)
{
	if (!c || --c->refs)
		return;
	if (++all->unused > KEEP_UNUSED)
		forget_oldest(all);
}

uint64_t containers_changes(const struct containers *c)
{
	return c->changes;
}

void containers_tell(const struct containers *c)
{
	for (size_t i = 0; i < BUCKETS; i++)
		for (const struct container *one = c->bucket[i]; one; one = one->next)
			fact_container(c->outside, one);
}

size_t containers_count(const struct containers *c)
{
	return c->n;
}

const char *container_label(const struct container *c, const char *key, size_t len)
{
	for (size_t i = 0; i < c->labels_n; i++)
		if (strlen(c->labels[i].key) == len && !memcmp(c->labels[i].key, key, len))
			return c->labels[i].value;
	return NULL;
}
