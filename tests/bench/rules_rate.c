/*
 * Events per second that a set of rules takes on one core: rules_rate FILE... The mix is synthetic:
 * events made in memory, with all fields that the rules may ask for, in shares that resemble a
 * server that starts programs, opens files and connects. None of them fires a stable rule, as
 * nearly all events of a real host. What a sensor and its process table cost is not in the figure.
 */
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "base/cleanup.h"
#include "rules/rules.h"
#include "support/event_memory.h"

struct kind {
	const char *what, *type;
	unsigned share;		/* of 100 */
	const char *fields[48]; /* name, value … */
};

#define FILE_FIELDS(path, dir, name, read, write)                                                \
	"fd.name", path, "fd.nameraw", path, "fd.directory", dir, "fd.filename", name, "fd.num", \
		"7", "fd.typechar", "f", "fd.type", "file", "evt.is_open_read", read,            \
		"evt.is_open_write", write, "evt.rawres", "7", "evt.res", "SUCCESS"
#define SOCKET_FIELDS(ip, port)                                                                 \
	"fd.typechar", "4", "fd.type", "ipv4", "fd.l4proto", "tcp", "fd.ip", "172.17.0.2",      \
		"fd.ip", ip, "fd.net", "172.17.0.2", "fd.net", ip, "fd.sip", ip, "fd.snet", ip, \
		"fd.sport", port, "fd.num", "5", "evt.rawres", "0", "evt.res", "SUCCESS"

static const struct kind kinds[] = {
	{ "open of a library",
	  "openat",
	  30,
	  { FILE_FIELDS("/usr/lib/x86_64-linux-gnu/libc.so.6", "/usr/lib/x86_64-linux-gnu",
			"libc.so.6", "true", "false"),
	    "evt.arg.flags", "O_RDONLY|O_CLOEXEC" } },
	{ "open of a file in /etc",
	  "openat",
	  10,
	  { FILE_FIELDS("/etc/ld.so.cache", "/etc", "ld.so.cache", "true", "false"),
	    "evt.arg.flags", "O_RDONLY|O_CLOEXEC" } },
	{ "open for writing",
	  "openat",
	  10,
	  { FILE_FIELDS("/var/lib/app/data/segment-000017.db", "/var/lib/app/data",
			"segment-000017.db", "false", "true"),
	    "evt.arg.flags", "O_TRUNC|O_CREAT|O_WRONLY|O_CLOEXEC" } },
	{ "open that fails",
	  "openat",
	  8,
	  { "fd.name",
	    "/usr/share/locale/en/app.mo",
	    "fd.nameraw",
	    "/usr/share/locale/en/app.mo",
	    "fd.directory",
	    "/usr/share/locale/en",
	    "fd.num",
	    "-1",
	    "fd.typechar",
	    "f",
	    "evt.is_open_read",
	    "true",
	    "evt.is_open_write",
	    "false",
	    "evt.rawres",
	    "-2",
	    "evt.res",
	    "ENOENT",
	    "evt.arg.flags",
	    "O_RDONLY" } },
	{ "connect", "connect", 8, { SOCKET_FIELDS("10.1.2.3", "5432") } },
	{ "connect to the outside", "connect", 2, { SOCKET_FIELDS("142.251.111.147", "8883") } },
	{ "sendto",
	  "sendto",
	  10,
	  { SOCKET_FIELDS("10.1.2.3", "8125"), "fd.connected", "true", "fd.name_changed",
	    "false" } },
	{ "execve",
	  "execve",
	  6,
	  { "evt.rawres", "0", "evt.res", "SUCCESS", "evt.arg.flags", "EXE_WRITABLE" } },
	{ "dup2",
	  "dup2",
	  4,
	  { "evt.rawres", "1", "evt.res", "1", "fd.num", "1", "fd.type", "pipe", "fd.typechar",
	    "p" } },
	{ "socket", "socket", 4, { "evt.arg.domain", "AF_INET", "evt.rawres", "5" } },
	{ "close, which no rule wants", "close", 8, { "fd.num", "7" } },
};

/* The process, the same for all. */
static const char *const process[] = {
	"proc.name",
	"python3",
	"proc.exe",
	"/usr/bin/python3",
	"proc.exepath",
	"/usr/bin/python3.11",
	"proc.args",
	"-m app.worker --queue default --concurrency 4",
	"proc.cmdline",
	"python3 -m app.worker --queue default --concurrency 4",
	"proc.pname",
	"gunicorn",
	"proc.pexe",
	"/usr/bin/gunicorn",
	"proc.pcmdline",
	"gunicorn --workers 4 app:main",
	"proc.cwd",
	"/srv/app/",
	"proc.tty",
	"0",
	"proc.duration",
	"90000000000",
	"proc.is_exe_upper_layer",
	"false",
	"proc.is_exe_from_memfd",
	"false",
	"proc.aname",
	"gunicorn",
	"proc.aname",
	"containerd-shim",
	"proc.aname",
	"systemd",
	"proc.aname[2]",
	"containerd-shim",
	"proc.aname[3]",
	"systemd",
	"user.name",
	"app",
	"user.uid",
	"1000",
	"user.loginuid",
	"-1",
	"container.id",
	"3f1d2c0b9a87",
	"container.image.repository",
	"registry.local/team/app",
	"container.privileged",
	"false",
	"thread.cap_effective",
	"CAP_NET_BIND_SERVICE",
	NULL,
};

enum { SLOTS = 100, ROUNDS = 5 };

static void add_all(struct ev_memory *m, const char *const *f)
{
	struct err e;

	for (; f[0]; f += 2)
		if (ev_memory_add(m, f[0], f[1], &e)) {
			fprintf(stderr, "rules_rate: %s\n", e.msg);
			exit(1);
		}
}

static double now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

/* CPU seconds for n events from the slots. */
static double run(struct rules_engine *g, struct ev_memory *const *slots, size_t slots_n, size_t n)
{
	const uint32_t *fired;
	double begin = now();

	for (size_t i = 0, k = 0; i < n; i++) {
		rules_engine_event(g, &slots[k]->ev, &fired);
		k = k + 1 == slots_n ? 0 : k + 1;
	}
	return now() - begin;
}

static double best_of(struct rules_engine *g, struct ev_memory *const *slots, size_t slots_n,
		      size_t n)
{
	double best = 1e9;

	for (int i = 0; i < ROUNDS; i++) {
		double t = run(g, slots, slots_n, n);

		best = t < best ? t : best;
	}
	return best;
}

static struct rules *load(int argc, char **argv)
{
	struct rules *r = rules_new(&(struct rules_options){ .min_priority = RP_DEBUG });
	bool failed = argc < 2;

	for (int i = 1; i < argc; i++)
		failed |= rules_load_file(r, argv[i]) != 0;
	if (failed || rules_compile(r)) {
		fprintf(stderr, "usage: rules_rate FILE..., of rules without errors\n");
		exit(1);
	}
	return r;
}

int main(int argc, char **argv)
{
	struct rules *r = load(argc, argv);
	struct rules_engine *g = rules_engine_new(r, &(struct rules_engine_options){ 0 });
	static struct ev_memory events[ARRAY_SIZE(kinds)];
	struct ev_memory *slots[SLOTS];
	struct rules_engine_stats stats;
	size_t n = 0;
	double t;

	printf("synthetic events, %zu rules, best of %d rounds\n", rules_count(r), ROUNDS);
	for (size_t i = 0; i < ARRAY_SIZE(kinds); i++) {
		struct err e;
		struct ev_memory *one = &events[i];

		if (ev_memory_init(one, kinds[i].type, NULL, &e))
			return 1;
		add_all(one, kinds[i].fields);
		add_all(one, process);
		for (unsigned k = 0; k < kinds[i].share && n < SLOTS; k++)
			slots[n++] = one;
		t = best_of(g, &one, 1, 1000000);
		printf("%-28s %3u %%  %7.1f ns\n", kinds[i].what, kinds[i].share, t * 1e3);
	}
	t = best_of(g, slots, n, 5000000);
	rules_engine_get_stats(g, &stats);
	printf("%-28s %3zu %%  %7.1f ns, %.2f million events/s, %lu fired\n", "the mix", n, t * 200,
	       5 / t, (unsigned long)stats.fired);
	for (size_t i = 0; i < ARRAY_SIZE(kinds); i++)
		ev_memory_free(&events[i]);
	rules_engine_free(g);
	rules_free(r);
	return 0;
}
