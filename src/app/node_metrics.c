#include <string.h>
#include <time.h>

#include "app/node.h"
#include "out/metrics.h"

enum { ALIVE_S = 120 }; /* the agent looks around at least once a minute */

static const struct {
	const char *name, *type, *help;
	size_t offset;
} counters[] = {
#define ROW(name, help, member)                                  \
	{                                                        \
		"boltseal_node_" name "_total", "counter", help, \
			offsetof(struct node_numbers, member)    \
	}
	ROW("passes", "Times that everything was looked at.", passes),
	ROW("written", "Profiles that were written or loaded.", written),
	ROW("repaired", "Profiles that somebody else changed or removed.", repaired),
	ROW("removed", "Files that nobody used any more.", removed),
	ROW("publish_failures", "Times that the API did not take what it was told.",
	    publish_failures),
#undef ROW
};

static void render(struct buf *out, void *ctx)
{
	struct node_agent *a = ctx;
	struct node_numbers n;

	pthread_mutex_lock(&a->lock);
	n = a->shown;
	pthread_mutex_unlock(&a->lock);
	metrics_head(out, "boltseal_node_profiles", "gauge", "Profiles by kind and state.");
	for (int k = 0; k < NODE_KIND_COUNT; k++)
		for (int s = 0; s < NODE_STATE_COUNT; s++)
			metrics_number(out, "boltseal_node_profiles", n.profiles[k][s], "kind",
				       node_kind_name((enum node_kind)k), "state",
				       node_state_name((enum node_state)s), NULL);
	metrics_head(out, "boltseal_node_in_sync", "gauge", "All that is wanted is there.");
	metrics_number(out, "boltseal_node_in_sync", n.synced, NULL);
	metrics_head(out, "boltseal_node_api_lost", "gauge", "The API server is not reached.");
	metrics_number(out, "boltseal_node_api_lost", n.api_lost, NULL);
	for (size_t i = 0; i < sizeof(counters) / sizeof(counters[0]); i++) {
		metrics_head(out, counters[i].name, counters[i].type, counters[i].help);
		metrics_number(out, counters[i].name,
			       *(const uint64_t *)((const char *)&n + counters[i].offset), NULL);
	}
}

/* /healthz: the agent is at work. /readyz: the node is in sync. */
static bool health(bool ready, struct buf *out, void *ctx)
{
	struct node_agent *a = ctx;
	bool good;

	pthread_mutex_lock(&a->lock);
	good = ready ? a->shown.synced : time(NULL) - a->shown.last_pass < ALIVE_S;
	pthread_mutex_unlock(&a->lock);
	buf_puts(out, good ? "ok\n" : ready ? "not in sync\n" : "stands still\n");
	return good;
}

int node_metrics_open(struct node_agent *a, const char *spec, struct err *e)
{
	int r;

	a->shown.last_pass = time(NULL);
	r = metrics_new(&a->metrics, spec, render, a, e);
	if (r == 0)
		metrics_set_health(a->metrics, health);
	return r;
}

void node_metrics_show(struct node_agent *a)
{
	memset(a->numbers.profiles, 0, sizeof(a->numbers.profiles));
	for (size_t i = 0; i < a->set.n; i++)
		a->numbers.profiles[a->set.v[i]->kind][a->set.v[i]->state]++;
	a->numbers.synced = node_in_sync(a);
	pthread_mutex_lock(&a->lock);
	a->shown = a->numbers;
	pthread_mutex_unlock(&a->lock);
}
