#include "respond/exec_judge.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/mem.h"
#include "respond/cgroup.h"
#include "respond/exec_rules.h"
#include "respond/procinfo.h"

enum {
	REFUSALS = 256,	 /* that wait to be told */
	HASHES_MAX = 64, /* forbidden in one container, besides the policy's */
	KNOWN_MAX = 1024,
};

struct known {
	char id[RESPOND_ID_MAX], image[RESPOND_IMAGE_MAX], cgroup[RESPOND_CGROUP_MAX];
	char hashes[HASHES_MAX][RESPOND_SHA256];
	size_t hashes_n;
};

struct exec_judge {
	struct exec_rules *rules;
	bool refuse_late;
	pthread_mutex_t lock; /* of all below */
	struct known **all;
	size_t n, cap;
	struct exec_refusal refusals[REFUSALS];
	size_t first, waiting;
};

int exec_judge_new(struct exec_judge **out, const struct respond_policy *p, struct err *e)
{
	struct exec_judge *j = xcalloc(1, sizeof(*j));
	int err;

	pthread_mutex_init(&j->lock, NULL);
	j->refuse_late = p && p->exec.refuse_late;
	err = exec_rules_new(&j->rules, p ? &p->exec : NULL, e);
	if (err < 0)
		exec_judge_free(j);
	else
		*out = j;
	return err;
}

void exec_judge_free(struct exec_judge *j)
{
	if (!j)
		return;
	for (size_t i = 0; i < j->n; i++)
		free(j->all[i]);
	free(j->all);
	exec_rules_free(j->rules);
	pthread_mutex_destroy(&j->lock);
	free(j);
}

/* ---- containers */

static struct known *find(struct exec_judge *j, const char *id)
{
	for (size_t i = 0; i < j->n; i++)
		if (!strcmp(j->all[i]->id, id))
			return j->all[i];
	return NULL;
}

/* Containers that are gone make room. */
static void sweep(struct exec_judge *j)
{
	size_t kept = 0;

	for (size_t i = 0; i < j->n; i++)
		if (cgroup_number(j->all[i]->cgroup))
			j->all[kept++] = j->all[i];
		else
			free(j->all[i]);
	j->n = kept;
}

bool exec_judge_add(struct exec_judge *j, const struct respond_request *q)
{
	struct known *k;

	pthread_mutex_lock(&j->lock);
	k = find(j, q->container);
	if (!k && j->n == KNOWN_MAX)
		sweep(j);
	if (!k && j->n < KNOWN_MAX) {
		k = xcalloc(1, sizeof(*k));
		memcpy(k->id, q->container, sizeof(k->id));
		memcpy(k->image, q->image, sizeof(k->image));
		memcpy(k->cgroup, q->cgroup, sizeof(k->cgroup));
		*vec_push(j->all, j->n, j->cap) = k;
	}
	pthread_mutex_unlock(&j->lock);
	return k;
}

void exec_judge_remove(struct exec_judge *j, const char *container)
{
	pthread_mutex_lock(&j->lock);
	for (size_t i = 0; i < j->n; i++)
		if (!strcmp(j->all[i]->id, container)) {
			free(j->all[i]);
			j->all[i] = j->all[--j->n];
			break;
		}
	pthread_mutex_unlock(&j->lock);
}

static bool has_hash(const struct known *k, const char *hex)
{
	for (size_t i = 0; i < k->hashes_n; i++)
		if (!strcmp(k->hashes[i], hex))
			return true;
	return false;
}

void exec_judge_forbid(struct exec_judge *j, const struct respond_request *q, int program,
		       struct respond_result *out)
{
	char hex[RESPOND_SHA256];
	size_t len = strlen(out->text);
	struct known *k;

	if (q->exe[0] != '/' || program < 0 || procinfo_sha256_of(program, hex) < 0)
		return;
	pthread_mutex_lock(&j->lock);
	k = find(j, q->container);
	if (k && has_hash(k, hex)) {
		respond_say(out, RESPOND_ALREADY, "this program is forbidden already");
	} else if (k && k->hashes_n < HASHES_MAX) {
		memcpy(k->hashes[k->hashes_n++], hex, sizeof(hex));
		snprintf(out->text + len, sizeof(out->text) - len,
			 "; %.200s is forbidden (SHA-256 %s)", q->exe, hex);
	}
	pthread_mutex_unlock(&j->lock);
}

/* ---- decisions */

static void keep(struct exec_judge *j, const struct exec_refusal *r)
{
	pthread_mutex_lock(&j->lock);
	if (j->waiting == REFUSALS) {
		j->first = (j->first + 1) % REFUSALS;
		j->waiting--;
	}
	j->refusals[(j->first + j->waiting++) % REFUSALS] = *r;
	pthread_mutex_unlock(&j->lock);
}

/* Copied, since deciding takes its time; false: the container is not known any more. */
static bool known_of(struct exec_judge *j, const char *id, struct known *out)
{
	const struct known *k;

	pthread_mutex_lock(&j->lock);
	k = find(j, id);
	if (k)
		*out = *k;
	pthread_mutex_unlock(&j->lock);
	return k;
}

static bool is_late(const struct exec_asked *a)
{
	return a->time && clock_ns(CLOCK_MONOTONIC) - a->time > EXEC_WAIT_NS;
}

bool exec_judge_refuses(struct exec_judge *j, const struct exec_asked *a, int fd)
{
	struct exec_refusal r = { .pid = a->pid };
	struct known of;
	bool refused;

	if (!known_of(j, a->container, &of))
		return false;
	refused = exec_rules_refuse(j->rules, fd, a->path, of.image, of.hashes, of.hashes_n,
				    r.reason, sizeof(r.reason));
	r.late = is_late(a) && !j->refuse_late;
	if (is_late(a) && j->refuse_late && !refused) {
		snprintf(r.reason, sizeof(r.reason), "it took too long to decide");
		refused = true;
	}
	if (!refused)
		return false;
	memcpy(r.container, a->container, sizeof(r.container));
	memcpy(r.path, a->path, sizeof(r.path));
	keep(j, &r);
	return true;
}

bool exec_judge_take(struct exec_judge *j, struct exec_refusal *out)
{
	bool some;

	pthread_mutex_lock(&j->lock);
	some = j->waiting > 0;
	if (some) {
		*out = j->refusals[j->first];
		j->first = (j->first + 1) % REFUSALS;
		j->waiting--;
	}
	pthread_mutex_unlock(&j->lock);
	return some;
}
