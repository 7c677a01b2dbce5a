/*
 * A long time in a few seconds: day RULES [EVENTS PROCESSES CONTAINERS]. Processes that begin,
 * execute, open files, connect and end, in containers that come and go, through enrichment, rules,
 * findings and the store, as `boltseal watch` has them. Memory is looked at after half of it, when
 * what is bounded (caches of the store, keys of findings, containers that ended) is about full, and
 * at the end; it fails when more than a twentieth and 1 MiB were added.
 */
#include <fcntl.h>
#include <malloc.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "app/delivery.h"
#include "app/watch_session.h"
#include "base/cleanup.h"
#include "base/json.h"
#include "base/mem.h"
#include "enrich/facts.h"
#include "model/syscalls.h"
#include "sensor/capture_parts.h"
#include "unit/record_part.h"

enum { FIRST_PID = 1000, PIDS = 30000 };

struct day {
	struct watch_session s;
	struct rules *rules;
	struct capture_rec made;
	uint64_t now, events;
	unsigned openat, connect;
	uint64_t finds_every; /* processes */
};

static void fail(const char *what)
{
	fprintf(stderr, "day: %s\n", what);
	exit(1);
}

static struct watch_rec *begin(struct day *d, unsigned kind, uint32_t pid, const char *comm)
{
	struct watch_rec *r = &d->made.rec;

	memset(r, 0, sizeof(*r));
	r->size = sizeof(*r);
	r->kind = (uint16_t)kind;
	r->time = d->now += 1000000;
	r->pid = r->tid = r->vpid = pid;
	r->loginuid = ~0u;
	snprintf(r->comm, sizeof(r->comm), "%s", comm);
	return r;
}

static void part(struct day *d, unsigned kind, unsigned arg, const void *bytes, size_t len)
{
	record_part(&d->made.rec, kind, arg, 0, bytes, len);
}

static void put(struct day *d, uint64_t start)
{
	d->made.rec.start = start;
	watch_session_record(&d->made.rec, &d->s);
	d->events++;
}

static void make_id(char id[65], uint64_t n)
{
	snprintf(id, 65, "%016llx%048llx", (unsigned long long)n * 0x9e3779b97f4a7c15ull,
		 (unsigned long long)n);
}

static void container_begins(struct day *d, uint64_t n)
{
	cleanup_json_doc struct json_doc doc = { 0 };
	char id[65], text[512];
	struct err e;

	make_id(id, n);
	snprintf(text, sizeof(text),
		 "{\"container\":{\"id\":\"%s\",\"engine\":\"docker\",\"name\":\"job-%llu\","
		 "\"image\":\"registry.example/app:%llu\",\"labels\":{\"app\":\"job\"}}}",
		 id, (unsigned long long)n, (unsigned long long)n % 40);
	if (json_parse(&doc, "fact", text, strlen(text), &e) < 0 ||
	    enrich_fact(d->s.enrich, "container", &doc, &e) < 0)
		fail(e.msg);
}

static void program(struct day *d, uint32_t pid, uint64_t n, uint64_t container)
{
	struct watch_proc facts = { .ppid = 1, .vpid = pid, .sid = pid, .exe_mode = 0100755 };
	char cgroup[128] = "/docker/", argv[64];
	int len;

	begin(d, WATCH_EXEC, pid, "worker");
	part(d, WATCH_P_PROC, 0, &facts, sizeof(facts));
	part(d, WATCH_P_EXE, 0, "/usr/bin/worker", 15);
	len = snprintf(argv, sizeof(argv), "worker%c--job%c%llu", 0, 0, (unsigned long long)n);
	part(d, WATCH_P_ARGV, 0, argv, (size_t)len + 1);
	part(d, WATCH_P_CWD, 0, "/srv", 4);
	make_id(cgroup + 8, container);
	part(d, WATCH_P_CGROUP, 0, cgroup, strlen(cgroup));
}

static void opens(struct day *d, uint32_t pid, const char *path)
{
	struct watch_fd fd = { .fd = 5, .mode = 0100644, .ino = d->events };
	char open[sizeof(fd) + 128];
	struct watch_rec *r = begin(d, WATCH_CALL, pid, "worker");

	r->nr = (uint16_t)d->openat;
	r->ret = 5;
	memcpy(open, &fd, sizeof(fd));
	memcpy(open + sizeof(fd), path, strlen(path));
	part(d, WATCH_P_PATH, 1, path, strlen(path));
	part(d, WATCH_P_FD, WATCH_RET, open, sizeof(fd) + strlen(path));
}

static void connects(struct day *d, uint32_t pid)
{
	struct watch_fd fd = { .fd = 6,
			       .mode = 0140777,
			       .family = 2,
			       .type = 1,
			       .protocol = 6,
			       .lport = (uint16_t)d->events,
			       .rport = 443,
			       .raddr = { 10, 0, 0, 1 } };
	struct watch_rec *r = begin(d, WATCH_CALL, pid, "worker");

	r->nr = (uint16_t)d->connect;
	r->arg[0] = 6;
	part(d, WATCH_P_FD, 0, &fd, sizeof(fd));
}

/* One process from its beginning to its end, with `calls` calls; some are found out. */
static void process(struct day *d, uint64_t n, uint64_t container, uint64_t calls)
{
	uint32_t pid = FIRST_PID + (uint32_t)(n % PIDS);
	uint64_t start = d->now + 1000000;
	char path[64];

	begin(d, WATCH_FORK, pid, "runner")->arg[0] = 1;
	put(d, start);
	program(d, pid, n, container);
	put(d, start);
	for (uint64_t i = 0; i < calls; i++) {
		snprintf(path, sizeof(path), "/srv/data/%llu/%llu", (unsigned long long)n,
			 (unsigned long long)i);
		if (n % d->finds_every == 0 && i == 0)
			opens(d, pid, "/etc/shadow");
		else if (i % 8 == 7)
			connects(d, pid);
		else
			opens(d, pid, path);
		put(d, start);
	}
	begin(d, WATCH_EXIT, pid, "worker");
	put(d, start);
}

static size_t resident(void)
{
	size_t pages = 0;
	FILE *f = fopen("/proc/self/statm", "r");

	if (!f || fscanf(f, "%*u %zu", &pages) != 1)
		fail("/proc/self/statm");
	fclose(f);
	return pages * (size_t)sysconf(_SC_PAGESIZE);
}

/* What is in use, once the thread that stores has nothing to do. */
static size_t memory(void)
{
	nanosleep(&(struct timespec){ .tv_sec = 2 }, NULL);
	malloc_trim(0);
	return resident();
}

static void set_up(struct day *d, const char *rules, const char *folder)
{
	struct enrich_options o = { .outside.offline = true };
	struct delivery_options deliver = { .window_ns = 3600000000000ull };
	char store[256];
	struct err e;

	snprintf(store, sizeof(store), "%s/f.db", folder);
	deliver.store = store;
	d->rules = rules_new(&(struct rules_options){ .min_priority = RP_DEBUG });
	if (rules_load_file(d->rules, rules) || rules_compile(d->rules))
		fail("the rules cannot be used");
	d->s.rules = d->rules;
	d->s.engine = rules_engine_new(d->rules, &(struct rules_engine_options){ 0 });
	d->s.enrich = enrich_new(&o);
	d->s.boot = 1700000000000000000ull;
	d->s.out = fopen("/dev/null", "w");
	if (!d->s.out || delivery_new(&d->s.delivery, &deliver, &e) < 0 ||
	    delivery_start(d->s.delivery, &e) < 0)
		fail("the store cannot be used");
	d->openat = (unsigned)sc_nr(sc_abi_native(), "openat");
	d->connect = (unsigned)sc_nr(sc_abi_native(), "connect");
}

int main(int argc, char **argv)
{
	uint64_t events = argc > 2 ? strtoull(argv[2], NULL, 10) : 10000000;
	uint64_t processes = argc > 3 ? strtoull(argv[3], NULL, 10) : 100000;
	uint64_t containers = argc > 4 ? strtoull(argv[4], NULL, 10) : 1000;
	char folder[] = "/tmp/boltseal-day-XXXXXX";
	static struct day d;
	size_t early = 0, late, limit;
	struct timespec t0, t1;
	struct enrich_stats n;

	if (argc < 2 || !processes || !containers || events < processes * 4 || !mkdtemp(folder))
		fail("expected RULES [EVENTS PROCESSES CONTAINERS]");
	set_up(&d, argv[1], folder);
	d.finds_every = processes / 4000 + 1;
	clock_gettime(CLOCK_MONOTONIC, &t0);
	for (uint64_t i = 0; i < processes; i++) {
		uint64_t container = i * containers / processes;

		if (!i || container != (i - 1) * containers / processes)
			container_begins(&d, container);
		process(&d, i, container, events / processes - 3);
		if (i == processes / 2)
			early = memory();
	}
	clock_gettime(CLOCK_MONOTONIC, &t1);
	late = memory();
	limit = early + early / 20 + 2 * 1048576; /* what the allocator keeps varies */
	enrich_stats(d.s.enrich, &n);
	printf("%llu events, %llu processes, %llu containers, %llu findings in %lld s\n",
	       (unsigned long long)d.events, (unsigned long long)processes,
	       (unsigned long long)containers, (unsigned long long)d.s.findings,
	       (long long)(t1.tv_sec - t0.tv_sec));
	printf("memory after half of it %.1f MiB, at the end %.1f MiB; in the tables %zu "
	       "processes, "
	       "%zu "
	       "ended, %zu containers\n",
	       (double)early / 1048576, (double)late / 1048576, n.processes, n.kept, n.containers);
	delivery_free(d.s.delivery);
	enrich_free(d.s.enrich);
	rules_engine_free(d.s.engine);
	rules_free(d.rules);
	fclose(d.s.out);
	for (const char *const *f = (const char *const[]){ "f.db", "f.db-wal", "f.db-shm", NULL };
	     *f; f++) {
		char path[256];

		snprintf(path, sizeof(path), "%s/%s", folder, *f);
		unlink(path);
	}
	rmdir(folder);
	printf("1..1\n%s 1 - memory is where it was\n", late > limit ? "not ok" : "ok");
	return late > limit;
}
