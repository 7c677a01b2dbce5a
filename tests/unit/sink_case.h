/* A sink with short waits, what it says, and a receiver written in Python. */
#ifndef TESTS_SINK_CASE_H
#define TESTS_SINK_CASE_H

#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "finding_sample.h"
#include "out/sink.h"
#include "patience.h"
#include "temp_folder.h"

/* The lines of the last sink that was opened, written by its thread: whole when it was ended, or
 * waits. */
static char said[4096];

static inline void on_note(const char *text, void *ctx)
{
	(void)ctx;
	strncat(said, text, sizeof(said) - strlen(said) - 2);
	strcat(said, "\n");
}

static inline struct sink *open_sink(const char *spec)
{
	struct sink_options o = { .spool_dir = folder,
				  .retry_min_ms = 20,
				  .retry_max_ms = 100,
				  .timeout_ms = (unsigned)(4000 * patience()),
				  .note = on_note };
	struct sink *s = NULL;
	struct err e = { 0 };

	*said = '\0';
	if (sink_new(&s, spec, &o, &e) < 0)
		fail_msg("%s", e.msg);
	return s;
}

static inline void add(struct sink *s, unsigned from, unsigned n)
{
	struct err e = { 0 };

	for (unsigned i = from; i < from + n; i++) {
		cleanup_finding struct finding *f = finding_sample(i);

		assert_int_equal(sink_add(s, f, &e), 0);
	}
	assert_int_equal(sink_sync(s, &e), 0);
	sink_release(s);
}

static inline void sleep_ms(unsigned ms)
{
	nanosleep(&(struct timespec){ .tv_sec = ms / 1000, .tv_nsec = ms % 1000 * 1000000L }, NULL);
}

/* Until so many attempts failed. */
static inline void wait_failures(struct sink *s, uint64_t n)
{
	struct sink_stats now = { 0 };

	for (unsigned i = 0; i < 500 * patience() && now.failures < n; i++) {
		sleep_ms(10);
		sink_get_stats(s, &now);
	}
	assert_true(now.failures >= n);
}

static inline void expect_delivered(struct sink *s, uint64_t n)
{
	struct sink_stats now;

	sink_wait(s, (unsigned)(20000 * patience()));
	sink_get_stats(s, &now);
	assert_int_equal(now.spool.waiting, 0);
	assert_int_equal(now.delivered, n);
}

struct server {
	pid_t pid;
	unsigned port;
};

/* python3 with these words; it prints its port, and ends with the test at the latest. */
static inline struct server server_run(const char *const words[])
{
	char answer[16] = { 0 };
	struct server s;
	int p[2];

	assert_int_equal(pipe(p), 0);
	s.pid = fork();
	assert_true(s.pid >= 0);
	if (!s.pid) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		dup2(p[1], 1);
		execvp("python3", (char *const *)words);
		_exit(127);
	}
	close(p[1]);
	assert_true(read(p[0], answer, sizeof(answer) - 1) > 0);
	close(p[0]);
	s.port = (unsigned)atoi(answer);
	assert_true(s.port > 0);
	return s;
}

static inline void stop_server(struct server *s)
{
	int status;

	kill(s->pid, SIGKILL);
	assert_int_equal(waitpid(s->pid, &status, 0), s->pid);
}

#endif
