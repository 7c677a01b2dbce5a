/*
 * Events per second on one core over a capture: replay_rate CAPTURE RULES... The capture is read
 * and parsed into memory first, which does not count. Then rounds of enrichment alone (the process
 * table, who did it), and of enrichment with rules as watching has them, in turns; the difference
 * is what rules cost: the conditions, and reading and making the fields that they ask for. Each
 * pass over the capture begins with an empty process table, so nothing that rules found out about
 * processes in an earlier pass helps.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/cleanup.h"
#include "base/mem.h"
#include "enrich/facts.h"
#include "rules/rules.h"
#include "sensor/capture.h"

enum { ROUNDS = 5, RECORDS = 500000 }; /* of a round, at least */

struct item {
	struct watch_rec *rec; /* NULL: a fact */
	char *name;
	struct json_doc doc;
	uint64_t boot;
};

struct items {
	struct item *at;
	size_t n, cap, records;
};

static void fail(const char *message)
{
	fprintf(stderr, "replay_rate: %s\n", message);
	exit(1);
}

static void keep(struct items *all, const struct capture_item *item, uint64_t boot)
{
	struct item *i = vec_push(all->at, all->n, all->cap);
	struct err e;

	*i = (struct item){ .boot = boot };
	if (item->what == CAPTURE_RECORD) {
		i->rec = xcalloc(1, item->rec->size);
		memcpy(i->rec, item->rec, item->rec->size);
		all->records++;
		return;
	}
	i->name = xstrdup(item->name);
	if (json_parse(&i->doc, "fact", item->doc->text, item->doc->len, &e) < 0)
		fail(e.msg);
}

static void load(struct items *all, const char *path)
{
	cleanup_capture struct capture_reader *r = NULL;
	struct capture_item item;
	struct err e;
	int err = capture_open(&r, path, &e);

	while (err >= 0 && (err = capture_next(r, &item, &e)) > 0)
		keep(all, &item, capture_boot(r));
	if (err < 0)
		fail(e.msg);
	if (!all->records)
		fail("the capture has no records");
}

static double now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static size_t judge(struct rules_engine *g, struct enrich *en, const struct event *ev)
{
	const uint32_t *fired;
	size_t n = ev ? rules_engine_event(g, ev, &fired) : 0;

	if (!ev || n)
		return n;
	ev = enrich_again(en);
	return ev ? rules_engine_event(g, ev, &fired) : 0;
}

/* CPU seconds for all records; what facts take does not count. `g` NULL: enrichment alone. */
static double run(const struct items *all, struct rules_engine *g, size_t *fired)
{
	struct enrich_options o = { .outside.offline = true };
	struct enrich *en = enrich_new(&o);
	double begin, facts = 0;

	*fired = 0;
	begin = now();
	for (size_t i = 0; i < all->n; i++) {
		const struct item *it = &all->at[i];

		if (it->rec) {
			const struct event *ev = enrich_record(en, it->rec, it->boot);

			if (g)
				*fired += judge(g, en, ev);
		} else {
			double t = now();
			struct err e;

			if (enrich_fact(en, it->name, &it->doc, &e) < 0)
				fail(e.msg);
			facts += now() - t;
		}
	}
	begin = now() - begin - facts;
	enrich_free(en);
	return begin;
}

/* CPU seconds of a pass without and with rules, the best of rounds in turns. */
static void best_of(const struct items *all, struct rules_engine *g, double *alone, double *both,
		    size_t *fired)
{
	size_t passes = RECORDS / all->records + 1;

	*alone = *both = 1e9;
	for (int i = 0; i < 2 * ROUNDS; i++) {
		double t = 0, *best = i % 2 ? both : alone;

		for (size_t k = 0; k < passes; k++)
			t += run(all, i % 2 ? g : NULL, fired);
		t /= (double)passes;
		*best = t < *best ? t : *best;
	}
}

int main(int argc, char **argv)
{
	struct rules *r = rules_new(&(struct rules_options){ .min_priority = RP_DEBUG });
	struct rules_engine *g;
	struct items all = { 0 };
	double alone, both, n;
	size_t fired;

	if (argc < 3)
		fail("expected a capture and files of rules");
	for (int i = 2; i < argc; i++)
		if (rules_load_file(r, argv[i]))
			fail("the rules cannot be read");
	if (rules_compile(r))
		fail("the rules cannot be used");
	g = rules_engine_new(r, &(struct rules_engine_options){ 0 });
	load(&all, argv[1]);
	n = (double)all.records;
	best_of(&all, g, &alone, &both, &fired);
	printf("%zu events of a capture, %zu rules, best of %d rounds\n", all.records,
	       rules_count(r), ROUNDS);
	printf("enrichment        %7.1f ns, %6.2f million events/s\n", alone / n * 1e9,
	       n / alone / 1e6);
	printf("and rules         %7.1f ns, %6.2f million events/s, %zu fired\n", both / n * 1e9,
	       n / both / 1e6, fired);
	printf("rules alone       %7.1f ns, %6.2f million events/s\n", (both - alone) / n * 1e9,
	       n / (both - alone) / 1e6);
	for (size_t i = 0; i < all.n; i++) {
		free(all.at[i].rec);
		free(all.at[i].name);
		json_doc_free(&all.at[i].doc);
	}
	free(all.at);
	rules_engine_free(g);
	rules_free(r);
	return 0;
}
