/* The numbers of a delivery, for Prometheus. */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "app/delivery_private.h"
#include "base/clock.h"
#include "base/io.h"
#include "base/mem.h"

/* With the lock held. */
void delivery_count(struct delivery *f, const struct finding *finding, bool is_new)
{
	void **at = map_at(&f->rule_of, finding->rule, strlen(finding->rule));
	struct delivery_rule *rule = *at;

	*(is_new ? &f->new_findings : &f->repeats) += 1;
	if (!rule) {
		rule = xcalloc(1, sizeof(*rule));
		rule->name = xstrdup(finding->rule);
		rule->priority = xstrdup(finding->priority);
		rule->next = f->rules;
		f->rules = rule;
		*at = rule;
	}
	rule->events++;
}

void delivery_free_counts(struct delivery *f)
{
	while (f->rules) {
		struct delivery_rule *rule = f->rules;

		f->rules = rule->next;
		free(rule->name);
		free(rule->priority);
		free(rule);
	}
	map_free(&f->rule_of);
}

static void put_counter(struct buf *out, const char *name, const char *help, uint64_t value)
{
	metrics_head(out, name, "counter", help);
	metrics_number(out, name, value, NULL);
}

static void put_gauge(struct buf *out, const char *name, const char *help, uint64_t value)
{
	metrics_head(out, name, "gauge", help);
	metrics_number(out, name, value, NULL);
}

static void put_reloads(const struct delivery *f, struct buf *out)
{
	put_gauge(out, "boltseal_rules", "Rules that watch.", f->sensor.rules);
	put_counter(out, "boltseal_rules_reloads_total", "Times that rules were loaded again.",
		    f->reloads);
	put_counter(out, "boltseal_rules_reload_failures_total",
		    "Times that this failed; the old rules stayed.", f->reload_failures);
	put_counter(out, "boltseal_rules_keys_evicted_total",
		    "Counts and sequences forgotten for newer ones.", f->sensor.keys_evicted);
	put_counter(out, "boltseal_rules_regex_gave_up_total",
		    "Matches that were too costly and counted as none.", f->sensor.regex_gave_up);
	put_counter(out, "boltseal_rules_values_left_out_total",
		    "Values that transformers had no room for.", f->sensor.values_left_out);
	put_gauge(out, "boltseal_rules_last_reload_successful",
		  "1: the rules in the files are those that watch.", !f->reload_failed);
}

/* The names that Prometheus' own clients use for a process. */
static void put_process(struct buf *out)
{
	cleanup_buf struct buf statm = { 0 };
	uint64_t cpu = clock_ms(CLOCK_PROCESS_CPUTIME_ID);

	metrics_head(out, "process_cpu_seconds_total", "counter",
		     "Processor time used, of user and system.");
	buf_printf(out, "process_cpu_seconds_total %" PRIu64 ".%02u\n", cpu / 1000,
		   (unsigned)(cpu % 1000 / 10));
	if (io_read_file("/proc/self/statm", 256, &statm, NULL) == 0 && statm.len) {
		char *rest = NULL;

		strtoull(statm.p, &rest, 10);
		put_gauge(out, "process_resident_memory_bytes", "Memory that is resident.",
			  strtoull(rest, NULL, 10) * (uint64_t)sysconf(_SC_PAGESIZE));
	}
}

static void put_rules(struct delivery *f, struct buf *out)
{
	const char *name = "boltseal_rule_events_total";

	metrics_head(out, name, "counter", "Events for which a rule fired.");
	for (const struct delivery_rule *r = f->rules; r; r = r->next)
		metrics_number(out, name, r->events, "rule", r->name, "priority", r->priority,
			       NULL);
}

/* One row for each metric that every sink has. */
static const struct sink_metric {
	const char *name, *type, *help;
	size_t offset; /* in struct sink_stats */
} sink_metrics[] = {
	{ "boltseal_sink_delivered_total", "counter", "Findings that the receiver has.",
	  offsetof(struct sink_stats, delivered) },
	{ "boltseal_sink_refused_total", "counter", "Findings that the receiver will not take.",
	  offsetof(struct sink_stats, refused) },
	{ "boltseal_sink_failures_total", "counter", "Attempts to deliver that failed.",
	  offsetof(struct sink_stats, failures) },
	{ "boltseal_sink_waiting", "gauge", "Findings in the spool.",
	  offsetof(struct sink_stats, spool.waiting) },
	{ "boltseal_sink_spool_bytes", "gauge", "Bytes that those take.",
	  offsetof(struct sink_stats, spool.bytes) },
	{ "boltseal_sink_damaged_total", "counter", "Records of the spool that were damaged.",
	  offsetof(struct sink_stats, spool.damaged) },
};

static void put_sinks(struct delivery *f, struct buf *out)
{
	struct sink_stats n[DELIVERY_SINKS];

	for (size_t i = 0; i < f->sinks_n; i++)
		sink_get_stats(f->sinks[i].sink, &n[i]);
	for (size_t k = 0; k < ARRAY_SIZE(sink_metrics); k++) {
		const struct sink_metric *m = &sink_metrics[k];

		metrics_head(out, m->name, m->type, m->help);
		for (size_t i = 0; i < f->sinks_n; i++)
			metrics_number(out, m->name,
				       *(const uint64_t *)((const char *)&n[i] + m->offset), "sink",
				       sink_name(f->sinks[i].sink), NULL);
	}
	metrics_head(out, "boltseal_sink_dropped_total", "counter",
		     "Findings that found no room in the spool.");
	for (size_t i = 0; i < f->sinks_n; i++)
		metrics_number(out, "boltseal_sink_dropped_total", f->sinks[i].dropped, "sink",
			       sink_name(f->sinks[i].sink), NULL);
}

void delivery_render(struct buf *out, void *delivery)
{
	struct delivery *f = delivery;

	metrics_head(out, "boltseal_build_info", "gauge", "1, with what this is.");
	metrics_number(out, "boltseal_build_info", 1, "version", BOLTSEAL_VERSION, NULL);
	put_process(out);
	pthread_mutex_lock(&f->lock);
	put_gauge(out, "process_start_time_seconds", "When it began, in seconds since 1970.",
		  f->begun);
	put_reloads(f, out);
	put_gauge(out, "boltseal_processes", "Processes that are known.", f->sensor.processes);
	put_gauge(out, "boltseal_containers", "Containers that are known.", f->sensor.containers);
	put_counter(out, "boltseal_findings_total", "Findings, without repeats.", f->new_findings);
	put_counter(out, "boltseal_findings_repeats_total", "Repeats of findings.", f->repeats);
	put_counter(out, "boltseal_store_committed_total",
		    "Findings and repeats that are in the store.", f->stored);
	put_counter(out, "boltseal_store_failures_total", "Attempts to store that failed.",
		    f->store_failures);
	put_counter(out, "boltseal_store_deleted_total", "Findings deleted by retention.",
		    f->deleted);
	put_counter(out, "boltseal_records_total", "Records from the kernel.", f->sensor.records);
	put_counter(out, "boltseal_events_total", "Events that rules judged.", f->sensor.events);
	put_counter(out, "boltseal_lost_total", "Records that found no room in the ring buffers.",
		    f->sensor.lost);
	put_gauge(out, "boltseal_findings_pending", "Findings that wait for the store.",
		  f->queue.n);
	put_rules(f, out);
	put_sinks(f, out);
	pthread_mutex_unlock(&f->lock);
}
