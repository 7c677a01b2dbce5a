/* Patterns of file names: what they match, when they are made, and what they must never cover. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/cleanup.h"
#include "base/mem.h"
#include "model/workload.h"

enum { R = WL_F_READ, W = WL_F_WRITE, C = WL_F_CREATE, D = WL_F_DELETE, CD = C | D | W };

static bool covers(const char *pattern, const char *path)
{
	struct wl_file f = { .path = pattern, .pattern = true };

	return wl_file_matches(&f, path);
}

static const struct {
	const char *pattern, *path;
	bool match;
} match_cases[] = {
	{ "/a", "/a", true },
	{ "/a", "/ab", false },
	{ "/ab", "/a", false },
	{ "/a/*", "/a/b", true },
	{ "/a/*", "/a/b/", false },
	{ "/a/*", "/a/b/c", false },
	{ "/a/*", "/a/", false }, /* a whole name is not empty */
	{ "/a/*", "/a", false },
	{ "/a/*/", "/a/b/", true },
	{ "/a/*/", "/a//", false },
	{ "/a/*/c", "/a//c", false },
	{ "/a/b*", "/a/b", true }, /* part of a name may be */
	{ "/a/b*", "/a/bcd", true },
	{ "/a/*b", "/a/b", true },
	{ "/a/*b", "/a/aab", true },
	{ "/a/*b", "/a/aabc", false },
	{ "/a/x*y*z", "/a/xyz", true },
	{ "/a/x*y*z", "/a/x1y2y3z", true },
	{ "/a/x*y*z", "/a/x1y/3z", false },
	{ "/a/**", "/a/b", true },
	{ "/a/**", "/a/b/c/d", true },
	{ "/a/**", "/a/b/", true },
	{ "/a/**", "/a/", false },
	{ "/a/**", "/ab", false },
	{ "/a/**/z", "/a/b/c/z", true },
	{ "/a/**/z", "/a//z", false },
	{ "/a/**/z", "/a/z", false },
	{ "/a/**z", "/a/z", true },
	{ "/a/**z", "/a/b/z", true },
	{ "/a/**b*c", "/a/x/b1c", true },
	{ "/a/**b*c", "/a/x/b1/c", false },
	{ "/a/**b*c", "/a/b/x/bc", true }, /* the first b is the wrong one */
	{ "/a/**/x*/y", "/a/1/x2/z/x3/y", true },
	{ "/proc/@{pid}/stat", "/proc/1/stat", true },
	{ "/proc/@{pid}/stat", "/proc/4194304/stat", true },
	{ "/proc/@{pid}/stat", "/proc/0/stat", false },
	{ "/proc/@{pid}/stat", "/proc/012/stat", false },
	{ "/proc/@{pid}/stat", "/proc//stat", false },
	{ "/proc/@{pid}/stat", "/proc/self/stat", false },
	{ "/proc/@{pid}/stat", "/proc/12x/stat", false },
	{ "/proc/@{pid}/task/@{pid}/comm", "/proc/12/task/13/comm", true },
	{ "/x@{pid}*", "/x12y", true },
	{ "/x*@{pid}", "/x99", true },
	{ "/a/\\*", "/a/*", true },
	{ "/a/\\*", "/a/b", false },
	{ "/a/\\**", "/a/*b", true },
	{ "/a/\\@{pid}", "/a/@{pid}", true },
	{ "/a/\\\\", "/a/\\", true },
	{ "/a/[b]?", "/a/[b]?", true }, /* no other character is special */
	{ "/a/[b]?", "/a/bx", false },
	{ "/**", "/etc/shadow", true },
	{ "/**", "/", false },
	{ "/\xc3\xa4*", "/\xc3\xa4\xff", true },
};

static void test_match(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(match_cases); i++) {
		if (!wl_pattern_valid(match_cases[i].pattern))
			fail_msg("%s is not valid", match_cases[i].pattern);
		if (covers(match_cases[i].pattern, match_cases[i].path) != match_cases[i].match)
			fail_msg("%s and %s", match_cases[i].pattern, match_cases[i].path);
	}
}

static void test_literal_match(void **state)
{
	const struct wl_file f = { .path = "/a/*@{pid}\\" };

	(void)state;
	assert_true(wl_file_matches(&f, "/a/*@{pid}\\"));
	assert_false(wl_file_matches(&f, "/a/b1\\"));
}

static void test_valid(void **state)
{
	static const char *const bad[] = { "/a\\",    "/a\\b", "/@",	"/@{pid",
					   "/@{PID}", "/***",  "/a****" };

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++)
		if (wl_pattern_valid(bad[i]))
			fail_msg("%s is accepted", bad[i]);
	assert_true(wl_pattern_valid("/a/*b**c/@{pid}\\*\\@\\\\"));
}

/* A plain definition to compare with: recursive, exponential, for short texts only. */
static bool slow(const char *p, const char *s, bool first)
{
	if (!*p)
		return !*s;
	if (*p == '*') {
		size_t n = p[1] == '*' ? 2 : 1;
		bool whole = p[-1] == '/' && (!p[n] || p[n] == '/');

		if (!(first && whole) && slow(p + n, s, true))
			return true;
		return *s && (n == 2 || *s != '/') && slow(p, s + 1, false);
	}
	if (*p == '@') {
		if (*s < (first ? '1' : '0') || *s > '9')
			return false;
		return slow(p, s + 1, false) || slow(p + 6, s + 1, true);
	}
	if (*p == '\\')
		p++;
	return *p == *s && slow(p + 1, s + 1, true);
}

static void test_against_definition(void **state)
{
	static const char *const parts[] = { "*", "**", "@{pid}", "a", "b",
					     "1", "0",	"/",	  "/", "\\*" };
	static const char letters[] = "aab10//*";
	unsigned long matches = 0;

	(void)state;
	srand(5);
	for (int round = 0; round < 200000; round++) {
		char pattern[80] = "/", path[16] = "/";
		int n = 1 + rand() % 7;

		for (int i = 0; i < n; i++)
			strcat(pattern, parts[(size_t)rand() % ARRAY_SIZE(parts)]);
		n = rand() % 9;
		for (int i = 1; i <= n; i++)
			path[i] = letters[(size_t)rand() % (sizeof(letters) - 1)];
		if (!wl_pattern_valid(pattern))
			continue;
		if (covers(pattern, path) != slow(pattern, path, true))
			fail_msg("%s and %s: not %d", pattern, path, covers(pattern, path));
		matches += covers(pattern, path);
	}
	assert_true(matches > 2000);
}

/* What makes backtracking matchers take forever. */
static void test_time(void **state)
{
	cleanup_free char *pattern = xcalloc(1, 1024), *path = xcalloc(1, 4096);
	clock_t start = clock();

	(void)state;
	strcpy(pattern, "/");
	for (int i = 0; i < 100; i++)
		strcat(pattern, i % 2 ? "*a" : "**a");
	strcat(pattern, "b");
	memset(path, 'a', 4000);
	path[0] = '/';
	assert_false(covers(pattern, path));
	path[3999] = 'b';
	assert_true(covers(pattern, path));
	assert_true((clock() - start) / CLOCKS_PER_SEC < 20);
}

static void add(struct workload *w, const char *path, uint32_t access)
{
	struct wl_file *f = wl_file_add(w, path, false, access);

	assert_non_null(f);
	wl_prov_add(&f->prov, WL_PHASE_BIT(WL_START), -1, -1);
}

static const struct wl_file *entry(const struct workload *w, const char *path, bool pattern)
{
	for (size_t i = 0; i < w->files_n; i++)
		if (!strcmp(w->files[i].path, path) && w->files[i].pattern == pattern)
			return &w->files[i];
	return NULL;
}

/* One file alone: the pattern it becomes; NULL: it stays. */
static const struct {
	const char *path;
	uint32_t access;
	const char *pattern;
} single[] = {
	{ "/proc/123/stat", R, "/proc/@{pid}/stat" },
	{ "/proc/123", R, "/proc/@{pid}" },
	{ "/proc/123/", R, "/proc/@{pid}/" },
	{ "/proc/123/task/124/comm", R, "/proc/@{pid}/task/@{pid}/comm" },
	{ "/proc/self/task/7/comm", R, "/proc/self/task/@{pid}/comm" },
	{ "/proc/self/fd/12", R, "/proc/self/fd/*" },
	{ "/proc/9/fd/0", R, "/proc/@{pid}/fd/*" },
	{ "/proc/self/map_files/1000-2000", R, "/proc/self/map_files/*" },
	{ "/proc/self/status", R, NULL },
	{ "/proc/thread-self/attr/exec", W, NULL },
	{ "/proc/0123/x", R, NULL },
	{ "/proc/irq/12/smp_affinity", R, NULL },
	{ "/proc/sys/fs/1/task/2", R, NULL },
	{ "/proc/123/exe", WL_F_EXEC, NULL },
	{ "/proc/123/exe", R | WL_F_MAP, NULL },
	{ "/process/123/stat", R, NULL },
	{ "/var/lib/nginx/body/0000000001", CD, "/var/lib/nginx/body/*" },
	{ "/tmp/tmp.Ab3dE9", CD, "/tmp/tmp.*" },
	{ "/tmp/tmpk2j_x9qz", CD, "/tmp/tmp*" },
	{ "/tmp/ccAbCdEf.o", CD, "/tmp/cc*.o" },
	{ "/tmp/sess-Xa81bZ-lock", CD, "/tmp/sess-*-lock" },
	{ "/data/temp-123456.rdb", CD, "/data/temp-*.rdb" },
	{ "/data/temp-1234.rdb", CD, NULL },
	{ "/data/12345678901234.seg", C | W, "/data/*.seg" },
	{ "/data/123456.seg", C | W, NULL }, /* stays there: perhaps a fixed name */
	{ "/data/123456.seg", R, NULL },
	{ "/data/123e4567-e89b-12d3-a456-426614174000.json", C | W, "/data/*.json" },
	{ "/data/sess_0123456789abcdef0123456789abcdef", C | W, "/data/sess_*" },
	{ "/data/0123456789abcdef0123456789abcdef", R, NULL }, /* only read: its name is fixed */
	{ "/data/123456-987654", CD, "/data/*-*" },
	{ "/data/a*@\\123456", CD, "/data/a\\*\\@\\\\*" },
	{ "/data/tmp-Ab3dE9/", CD, "/data/tmp-*/" },
	{ "/data/README.Python3", CD, NULL },
	{ "/data/config.lock", CD, NULL },
	{ "/data/x-Ab3dE9", CD | WL_F_EXEC, NULL },
	{ "/etc/passwd.123456", CD, NULL },
	{ "/etc/Ab3dE9", CD, NULL },
	{ "/Ab3dE9", CD, NULL },
	{ "/usr/bin/x.Ab3dE9", CD, NULL },
	{ "/lib/Ab3dE9", CD, NULL },
	{ "/dev/Ab3dE9", CD, NULL },
	{ "/dev/shm/sem.Ab3dE9", CD, "/dev/shm/sem.*" },
	{ "/dev/pts/3", R | W, "/dev/pts/*" },
	{ "/dev/pts/ptmx", R | W, NULL },
	{ "/run/nginx-123456.pid", CD, "/run/nginx-*.pid" },
	{ "/run/123456.pid", CD, NULL },
	{ "/var/log/app-2026010112.log", C | W, "/var/log/app-*.log" },
	{ "/srv/a/../../etc/x-123456", CD, NULL },
	{ "/srv//x-123456", CD, NULL },
	{ "/sys/fs/cgroup/docker/"
	  "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef/memory.max",
	  R, "/sys/fs/cgroup/docker/*/memory.max" },
	{ "/sys/fs/cgroup/memory.max", R, NULL },
};

static void test_single(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(single); i++) {
		cleanup_workload struct workload w = { 0 };
		const char *want = single[i].pattern ? single[i].pattern : single[i].path;

		add(&w, single[i].path, single[i].access);
		wl_generalise(&w);
		assert_int_equal(w.files_n, 1);
		if (strcmp(w.files[0].path, want) || w.files[0].pattern != !!single[i].pattern)
			fail_msg("%s became %s, not %s", single[i].path, w.files[0].path, want);
		assert_int_equal(w.files[0].access, single[i].access);
		assert_true(wl_file_matches(&w.files[0], single[i].path));
	}
}

static void test_alike(void **state)
{
	cleanup_workload struct workload w = { 0 };

	(void)state;
	add(&w, "/data/temp-12.rdb", CD);
	add(&w, "/data/temp-345.rdb", CD | R);
	add(&w, "/data/dump.rdb", C | W);
	add(&w, "/data/shard0", C | W);
	add(&w, "/data/shard1", C | W);
	add(&w, "/data/shard2", C | W);
	wl_generalise(&w);
	assert_int_equal(w.files_n, 5);
	assert_int_equal(entry(&w, "/data/temp-*.rdb", true)->access, CD | R);
	assert_non_null(entry(&w, "/data/shard2", false));
	add(&w, "/data/shard3", C | W);
	wl_generalise(&w);
	assert_int_equal(w.files_n, 3);
	assert_non_null(entry(&w, "/data/shard*", true));
}

static void test_below_variable_directory(void **state)
{
	cleanup_workload struct workload w = { 0 };

	(void)state;
	add(&w, "/tmp/build-Ab3dE9", CD);
	add(&w, "/tmp/build-Ab3dE9/main.c", R);
	add(&w, "/tmp/build-Ab3dE9/a.out", C | W | WL_F_EXEC);
	wl_generalise(&w);
	assert_int_equal(w.files_n, 3);
	assert_non_null(entry(&w, "/tmp/build-*", true));
	assert_non_null(entry(&w, "/tmp/build-*/main.c", true));
	assert_non_null(entry(&w, "/tmp/build-Ab3dE9/a.out", false));
}

/* n files, each with other letters for the "%": letters only, lest single names look variable. */
static void add_many(struct workload *w, const char *where, int n, uint32_t access)
{
	size_t before = strcspn(where, "%");

	for (int i = 0; i < n; i++) {
		cleanup_free char *path = xasprintf("%.*s%c%c%c%s", (int)before, where,
						    'a' + i / 26 / 26 % 26, 'a' + i / 26 % 26,
						    'a' + i % 26, where + before + 1);

		add(w, path, access);
	}
}

static void test_siblings(void **state)
{
	cleanup_workload struct workload w = { 0 };

	(void)state;
	add_many(&w, "/srv/www/page%.html", 64, R);
	add(&w, "/srv/www/upload.html", R | W);
	wl_generalise(&w);
	assert_int_equal(w.files_n, 65);
	add(&w, "/srv/www/one-more.html", R);
	add(&w, "/srv/www/prog.cgi", R | WL_F_EXEC);
	wl_generalise(&w);
	assert_int_equal(w.files_n, 3);
	assert_int_equal(entry(&w, "/srv/www/*", true)->access, R);
	assert_int_equal(entry(&w, "/srv/www/upload.html", false)->access, R | W);
	assert_int_equal(entry(&w, "/srv/www/prog.cgi", false)->access, R | WL_F_EXEC);
}

static void test_sibling_directories(void **state)
{
	cleanup_workload struct workload w = { 0 };

	(void)state;
	add_many(&w, "/srv/www/d%/", 70, R);
	add_many(&w, "/srv/www/f%", 30, R);
	wl_generalise(&w);
	assert_int_equal(w.files_n, 31);
	assert_non_null(entry(&w, "/srv/www/*/", true));
	assert_false(wl_file_matches(entry(&w, "/srv/www/*/", true), "/srv/www/faaa"));
}

static void test_subtree(void **state)
{
	cleanup_workload struct workload w = { 0 };

	(void)state;
	for (char c = 'a'; c < 'k'; c++) { /* 10 directories of 30 */
		cleanup_free char *where = xasprintf("/srv/app/lib/%c%c%c%c/x%%", c, c, c, c);

		add_many(&w, where, 30, R);
	}
	add(&w, "/srv/app/lib/state", W);
	add(&w, "/srv/app/main", R);
	wl_generalise(&w);
	assert_int_equal(w.files_n, 3);
	assert_int_equal(entry(&w, "/srv/app/lib/**", true)->access, R);
	assert_non_null(entry(&w, "/srv/app/lib/state", false));
	assert_non_null(entry(&w, "/srv/app/main", false));
}

/* How far up a "**" may stand. */
static void test_subtree_top(void **state)
{
	static const struct {
		const char *where, *pattern;
	} cases[] = {
		{ "/srv/data/%/x", "/srv/data/**" },
		{ "/opt/app/%/x", "/opt/app/**" },
		{ "/app/src/%/x", "/app/src/**" },
		{ "/usr/share/zoneinfo/%/x", "/usr/share/zoneinfo/**" },
		{ "/var/lib/app/%/x", "/var/lib/app/**" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		cleanup_workload struct workload w = { 0 };

		add_many(&w, cases[i].where, 256, R);
		wl_generalise(&w);
		assert_int_equal(w.files_n, 256);
		add_many(&w, cases[i].where, 257, R);
		wl_generalise(&w);
		assert_int_equal(w.files_n, 1);
		assert_string_equal(w.files[0].path, cases[i].pattern);
	}
}

/* However much is used there, these stay a list of files. */
static void test_never_wide(void **state)
{
	static const char *const shared[] = {
		"/%",	       "/etc/%",       "/usr/%",      "/usr/bin/%",
		"/usr/lib/%",  "/usr/share/%", "/bin/%",      "/sbin/%",
		"/lib/%",      "/lib64/%",     "/dev/%",      "/dev/block/%",
		"/boot/%",     "/proc/%",      "/proc/sys/%", "/proc/sys/net/ipv4/%",
		"/sys/%",      "/sys/class/%", "/root/%",     "/home/%",
		"/var/%",      "/var/lib/%",   "/run/%",      "/opt/%",
		"/etc/%/conf", "/usr/lib/%/x", "/home/%/x",   "/root/%/x",
		"/proc/%/x/y", "/var/lib/%/x", "/%/x",
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(shared); i++) {
		cleanup_workload struct workload w = { 0 };

		add_many(&w, shared[i], 300, R | CD);
		wl_generalise(&w);
		if (w.files_n != 300)
			fail_msg("%s became %zu entries, the first %s", shared[i], w.files_n,
				 w.files[0].path);
	}
}

static const char *const precious[] = {
	"/etc/shadow",
	"/etc/passwd",
	"/etc/ssl/private/key.pem",
	"/root/.ssh/id_rsa",
	"/home/u/.ssh/id",
	"/proc/sys/kernel/core_pattern",
	"/proc/1/environ",
	"/proc/kcore",
	"/dev/mem",
	"/dev/sda",
	"/usr/bin/sudo",
	"/bin/sh",
	"/var/run/docker.sock",
	"/run/secrets/kubernetes.io/token",
	"/sys/kernel/debug/x",
	"/boot/vmlinuz",
	"/lib/x86_64-linux-gnu/libc.so.6",
	"/",
	"/etc/",
};

static const char *const dirs[] = { "/etc",	    "/usr/share/app", "/var/lib/db", "/srv/www",
				    "/tmp",	    "/proc/77",	      "/dev",	     "/home/u/data",
				    "/var/cache/a", "/usr/bin",	      "/app",	     "/run" };

static void random_file(struct workload *w)
{
	static const uint32_t kinds[] = {
		R, R, R | W, CD, C | W, R | WL_F_MAP, R | WL_F_EXEC, WL_F_MISSING
	};
	const char *dir = dirs[(size_t)rand() % ARRAY_SIZE(dirs)];
	uint32_t access = kinds[(size_t)rand() % ARRAY_SIZE(kinds)];
	cleanup_free char *path = NULL;
	struct wl_file *f;

	switch (rand() % 5) {
	case 0:
		path = xasprintf("%s/%08d", dir, rand() % 1000000);
		break;
	case 1:
		path = xasprintf("%s/tmp.%c%d%c%d%c%c", dir, 'a' + rand() % 26, rand() % 10,
				 'A' + rand() % 26, rand() % 10, 'a' + rand() % 26,
				 'A' + rand() % 26);
		break;
	case 2:
		path = xasprintf("%s/%c%c/%c%c", dir, 'a' + rand() % 20, 'a' + rand() % 3,
				 'a' + rand() % 26, 'a' + rand() % 26);
		break;
	case 3:
		path = xasprintf("%s/%d/*x@y\\", dir, rand() % 50);
		break;
	default:
		path = xasprintf("%s/%c%c%c", dir, 'a' + rand() % 9, 'a' + rand() % 9,
				 'a' + rand() % 9);
	}
	f = wl_file_add(w, path, false, access);
	wl_prov_add(&f->prov, 1u << rand() % WL_PHASE_COUNT, rand() % (int)w->programs_n,
		    rand() % (int)w->sources_n);
}

static bool subset(const struct wl_set *a, const struct wl_set *b)
{
	for (size_t i = 0; i < a->n; i++)
		if (!wl_set_has(b, a->v[i]))
			return false;
	return true;
}

/* An entry that has all of `f`, for its very path. */
static bool kept(const struct workload *w, const struct wl_file *f)
{
	for (size_t i = 0; i < w->files_n; i++) {
		const struct wl_file *g = &w->files[i];

		if ((g->access & f->access) == f->access &&
		    (g->prov.phases & f->prov.phases) == f->prov.phases &&
		    subset(&f->prov.programs, &g->prov.programs) &&
		    subset(&f->prov.sources, &g->prov.sources) && wl_file_matches(g, f->path))
			return true;
	}
	return false;
}

static void random_workload(struct workload *w, unsigned seed)
{
	srand(seed);
	wl_init(w);
	for (int i = 0; i < 3; i++) {
		cleanup_free char *path = xasprintf("/p%d", i);

		wl_program_add(w, path);
		wl_source_add(w, WL_EBPF);
	}
	for (int n = 100 << seed % 6; n > 0; n--)
		random_file(w);
}

static void test_nothing_lost_nothing_wide(void **state)
{
	size_t shrunk = 0;

	(void)state;
	for (unsigned seed = 1; seed <= 36; seed++) {
		cleanup_workload struct workload before, w;

		random_workload(&before, seed);
		random_workload(&w, seed);
		wl_generalise(&w);
		shrunk += before.files_n - w.files_n;
		for (size_t i = 0; i < before.files_n; i++)
			if (!kept(&w, &before.files[i]))
				fail_msg("seed %u: %s is lost", seed, before.files[i].path);
		for (size_t i = 0; i < w.files_n; i++) {
			const struct wl_file *f = &w.files[i];

			if (f->pattern) {
				assert_false(f->access & (WL_F_EXEC | WL_F_MAP));
				assert_true(wl_pattern_valid(f->path));
			}
			for (size_t k = 0; k < ARRAY_SIZE(precious); k++)
				if (f->pattern && wl_file_matches(f, precious[k]) &&
				    strcmp(f->path, "/proc/@{pid}/environ"))
					fail_msg("%s covers %s", f->path, precious[k]);
		}
	}
	print_message("%zu entries fewer\n", shrunk);
	assert_true(shrunk > 1000);
}

static char *text_of(struct workload *w)
{
	struct buf b = { 0 };

	wl_write(w, &b);
	return buf_take(&b);
}

static void test_idempotent(void **state)
{
	(void)state;
	for (unsigned seed = 1; seed <= 36; seed++) {
		cleanup_workload struct workload w;
		cleanup_free char *once = NULL, *twice = NULL;

		random_workload(&w, seed);
		wl_generalise(&w);
		once = text_of(&w);
		wl_generalise(&w);
		twice = text_of(&w);
		assert_string_equal(once, twice);
	}
}

/* The order in which files came does not show. */
static void test_order(void **state)
{
	(void)state;
	for (unsigned seed = 1; seed <= 12; seed++) {
		cleanup_workload struct workload w, sorted;
		cleanup_free char *a = NULL, *b = NULL;

		random_workload(&w, seed);
		random_workload(&sorted, seed);
		wl_sort(&sorted);
		wl_generalise(&w);
		wl_generalise(&sorted);
		a = text_of(&w);
		b = text_of(&sorted);
		assert_string_equal(a, b);
	}
}

static void test_existing_patterns(void **state)
{
	cleanup_workload struct workload w = { 0 };

	(void)state;
	wl_file_add(&w, "/var/lib/nginx/body/*", true, C);
	wl_file_add(&w, "/a/**/b/*", true, R);
	add(&w, "/var/lib/nginx/body/0000000007", CD);
	wl_generalise(&w);
	assert_int_equal(w.files_n, 2);
	assert_int_equal(entry(&w, "/var/lib/nginx/body/*", true)->access, CD);
	assert_non_null(entry(&w, "/a/**/b/*", true));
}

/* A pattern that is there takes in what looks like it, but not what is used in another way. */
static void test_absorb(void **state)
{
	cleanup_workload struct workload w = { 0 };

	(void)state;
	add(&w, "/data/0000000001", R | W | D);
	add(&w, "/data/0000000002", R | CD);
	add(&w, "/data/0000000003", R | WL_F_META);
	add(&w, "/data/name", R);
	add(&w, "/data/000000000x", R);
	add(&w, "/other/0000000001", R);
	wl_generalise(&w);
	assert_int_equal(w.files_n, 5);
	assert_int_equal(entry(&w, "/data/*", true)->access, R | CD);
	assert_null(entry(&w, "/data/0000000001", false));
	assert_non_null(entry(&w, "/data/0000000003", false));
	assert_non_null(entry(&w, "/other/0000000001", false));
}

static void test_deep(void **state)
{
	cleanup_workload struct workload w = { 0 };
	cleanup_free char *path = xcalloc(1, WL_MAX_PATH + 1);

	(void)state;
	for (int i = 0; i < WL_MAX_PATH; i += 2)
		memcpy(path + i, "/x", 2);
	assert_non_null(wl_file_add(&w, path, false, R));
	for (int i = 1; i < WL_MAX_PATH; i += 2)
		path[i] = '*'; /* twice as long once escaped */
	assert_non_null(wl_file_add(&w, path, false, CD));
	memcpy(path, "/proc/1/", 8);
	assert_non_null(wl_file_add(&w, path, false, R));
	wl_generalise(&w);
	assert_int_equal(w.files_n, 3);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_match),
		cmocka_unit_test(test_literal_match),
		cmocka_unit_test(test_valid),
		cmocka_unit_test(test_against_definition),
		cmocka_unit_test(test_time),
		cmocka_unit_test(test_single),
		cmocka_unit_test(test_alike),
		cmocka_unit_test(test_below_variable_directory),
		cmocka_unit_test(test_siblings),
		cmocka_unit_test(test_sibling_directories),
		cmocka_unit_test(test_subtree),
		cmocka_unit_test(test_subtree_top),
		cmocka_unit_test(test_never_wide),
		cmocka_unit_test(test_nothing_lost_nothing_wide),
		cmocka_unit_test(test_idempotent),
		cmocka_unit_test(test_order),
		cmocka_unit_test(test_existing_patterns),
		cmocka_unit_test(test_absorb),
		cmocka_unit_test(test_deep),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
