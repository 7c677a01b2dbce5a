/* The numbers of a webhook, for Prometheus. */
#include <string.h>

#include "app/admit.h"
#include "out/metrics.h"

static const char *const hooks[] = { "validate", "mutate" };
static const char *const resources[] = {
	"pods",		"namespaces", "deployments",
	"replicasets",	"daemonsets", "statefulsets",
	"jobs",		"cronjobs",   "replicationcontrollers",
	"podtemplates", "other",
};
/* Upper limits in microseconds; the last bucket has none. */
static const struct {
	uint64_t us;
	const char *name;
} limits[ADMIT_BUCKETS] = {
	{ 100, "0.0001" },  { 250, "0.00025" }, { 500, "0.0005" }, { 1000, "0.001" },
	{ 2500, "0.0025" }, { 5000, "0.005" },	{ 10000, "0.01" }, { 25000, "0.025" },
	{ 100000, "0.1" },  { 500000, "0.5" },	{ 1000000, "1" },  { UINT64_MAX, "+Inf" },
};

static void add(uint64_t *n, uint64_t by)
{
	__atomic_fetch_add(n, by, __ATOMIC_RELAXED);
}

static uint64_t get(const uint64_t *n)
{
	return __atomic_load_n(n, __ATOMIC_RELAXED);
}

static size_t resource_of(const char *name)
{
	size_t i = 0;

	while (i < ARRAY_SIZE(resources) - 1 && strcmp(resources[i], name) != 0)
		i++;
	return i;
}

void admit_count(struct admit_counts *n, enum adm_hook hook, const struct adm_answer *a,
		 uint64_t us)
{
	size_t b = 0;

	add(&n->reviews[hook][resource_of(a->resource)][a->result], 1);
	for (int m = 0; m < ADM_MODE_COUNT; m++)
		for (int l = 0; l < 3; l++)
			for (int k = 0; k < 2; k++)
				if (a->evaluations[m][l][k])
					add(&n->evaluations[m][l][k], a->evaluations[m][l][k]);
	add(&n->findings, a->findings);
	add(&n->warnings, a->warnings);
	add(&n->additions, a->additions);
	while (us > limits[b].us)
		b++;
	add(&n->buckets[b], 1);
	add(&n->sum_us, us);
}

static void put_reviews(const struct admit_counts *n, struct buf *out)
{
	const char *name = "boltseal_admit_reviews_total";

	metrics_head(out, name, "counter", "Answered reviews.");
	for (size_t h = 0; h < ARRAY_SIZE(hooks); h++)
		for (size_t k = 0; k < ARRAY_SIZE(resources); k++)
			for (int r = 0; r < ADM_RESULT_COUNT; r++)
				if (get(&n->reviews[h][k][r]))
					metrics_number(out, name, get(&n->reviews[h][k][r]), "hook",
						       hooks[h], "resource", resources[k], "result",
						       adm_result_name((enum adm_result)r), NULL);
}

static void put_evaluations(const struct admit_counts *n, struct buf *out)
{
	const char *name = "boltseal_admit_evaluations_total";

	metrics_head(out, name, "counter", "Pods judged by the Pod Security Standards.");
	for (int m = 0; m < ADM_MODE_COUNT; m++)
		for (int l = 0; l < 3; l++)
			for (int k = 0; k < 2; k++)
				if (get(&n->evaluations[m][l][k]))
					metrics_number(out, name, get(&n->evaluations[m][l][k]),
						       "mode", adm_mode_name((enum adm_mode)m),
						       "level", pss_level_name((enum pss_level)l),
						       "decision", k ? "deny" : "allow", NULL);
}

static void put_time(const struct admit_counts *n, struct buf *out)
{
	const char *name = "boltseal_admit_duration_seconds";
	uint64_t sum = 0, us = get(&n->sum_us);

	metrics_head(out, name, "histogram", "Time from a whole request to its answer.");
	for (size_t i = 0; i < ADMIT_BUCKETS; i++) {
		sum += get(&n->buckets[i]);
		metrics_number(out, "boltseal_admit_duration_seconds_bucket", sum, "le",
			       limits[i].name, NULL);
	}
	buf_printf(out, "%s_sum %llu.%06llu\n%s_count %llu\n", name,
		   (unsigned long long)(us / 1000000), (unsigned long long)(us % 1000000), name,
		   (unsigned long long)sum);
}

static void put_http(const struct admit_counts *n, struct http *http, struct buf *out)
{
	static const char *const codes[] = { "", "1xx", "2xx", "3xx", "4xx", "5xx" };
	struct http_stats s;

	metrics_head(out, "boltseal_admit_answers_total", "counter", "HTTP answers.");
	for (size_t i = 2; i < ARRAY_SIZE(codes); i++)
		metrics_number(out, "boltseal_admit_answers_total", get(&n->answers[i]), "code",
			       codes[i], NULL);
	if (!http)
		return;
	http_get_stats(http, &s);
	metrics_head(out, "boltseal_admit_connections", "gauge", "Open connections.");
	metrics_number(out, "boltseal_admit_connections", s.open, NULL);
	metrics_head(out, "boltseal_admit_requests_active", "gauge", "Requests on the way.");
	metrics_number(out, "boltseal_admit_requests_active", s.active, NULL);
	metrics_head(out, "boltseal_admit_refused_total", "counter",
		     "Requests that were too large or too slow.");
	metrics_number(out, "boltseal_admit_refused_total", s.refused, NULL);
	metrics_head(out, "boltseal_admit_certificate_reloads_total", "counter",
		     "Times that the certificate was read again.");
	metrics_number(out, "boltseal_admit_certificate_reloads_total", s.reloads, "result", "ok",
		       NULL);
	metrics_number(out, "boltseal_admit_certificate_reloads_total", s.reload_failures, "result",
		       "failed", NULL);
	if (!s.not_after)
		return;
	metrics_head(out, "boltseal_admit_certificate_not_after_seconds", "gauge",
		     "When the certificate ends, seconds since 1970.");
	metrics_number(out, "boltseal_admit_certificate_not_after_seconds", (uint64_t)s.not_after,
		       NULL);
}

/* One row for each number without labels. */
static const struct {
	const char *name, *help;
	size_t offset;
} plain[] = {
	{ "boltseal_admit_findings_total", "Findings of the configured checks.",
	  offsetof(struct admit_counts, findings) },
	{ "boltseal_admit_warnings_total", "Warnings to clients.",
	  offsetof(struct admit_counts, warnings) },
	{ "boltseal_admit_additions_total", "Things that pods lacked and got.",
	  offsetof(struct admit_counts, additions) },
	{ "boltseal_admit_config_reloads_total", "Times that the configuration was read again.",
	  offsetof(struct admit_counts, config_reloads) },
	{ "boltseal_admit_config_failures_total",
	  "Times that it could not be; the one before stays in use.",
	  offsetof(struct admit_counts, config_failures) },
};

void admit_render(const struct admit_counts *n, struct http *http, struct buf *out)
{
	put_reviews(n, out);
	put_evaluations(n, out);
	for (size_t i = 0; i < ARRAY_SIZE(plain); i++) {
		metrics_head(out, plain[i].name, "counter", plain[i].help);
		metrics_number(out, plain[i].name,
			       get((const uint64_t *)((const char *)n + plain[i].offset)), NULL);
	}
	put_time(n, out);
	put_http(n, http, out);
}
