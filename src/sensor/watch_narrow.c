#include "sensor/watch_narrow.h"

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/mem.h"
#include "sensor/watch_private.h"

enum {
	LOOK_MS = 10000, /* how often it is looked whether 32-bit programs run still */
	LOOKS = 6,	 /* so often in a row there was none: the program is taken away */
};

struct watch_narrow_calls {
	struct watch_bpf_prog *skel;
	struct bpf_link *at_calls, *count;
	pthread_t thread;
	bool running;
	int stop; /* an eventfd */
};

void watch_narrow_plan(struct watch *w, bool wanted)
{
	bpf_program__set_autoload(w->skel->progs.on_narrow_call, wanted);
	bpf_program__set_autoattach(w->skel->progs.on_narrow_call, false);
	bpf_program__set_autoload(w->skel->progs.count_narrow, wanted);
	bpf_program__set_autoattach(w->skel->progs.count_narrow, false);
}

/* Whether there are tasks with addresses of 32 bits: the kernel goes through all. */
static bool is_needed(struct watch_narrow_calls *n)
{
	cleanup_close int fd = bpf_iter_create(bpf_link__fd(n->count));
	char none[64];

	n->skel->bss->narrow_tasks = 0;
	while (fd >= 0 && read(fd, none, sizeof(none)) > 0)
		;
	return fd < 0 || n->skel->bss->narrow_tasks;
}

static void attach(struct watch_narrow_calls *n)
{
	if (!n->at_calls)
		n->at_calls = bpf_program__attach(n->skel->progs.on_narrow_call);
	n->skel->bss->narrow_seen = n->at_calls != NULL;
}

static void detach(struct watch_narrow_calls *n)
{
	n->skel->bss->narrow_seen = 0;
	bpf_link__destroy(n->at_calls);
	n->at_calls = NULL;
}

/* The programs' word that one was executed is only a wake-up. */
static void take_words(struct watch_narrow_calls *n, struct ring_buffer *words)
{
	ring_buffer__consume(words);
	attach(n);
}

static int no_more(void *ctx, void *data, size_t size)
{
	(void)ctx;
	(void)data;
	(void)size;
	return 0;
}

static void *serve(void *arg)
{
	struct watch_narrow_calls *n = arg;
	struct ring_buffer *words = ring_buffer__new(bpf_map__fd(n->skel->maps.narrow_words),
						     no_more, NULL, NULL);
	struct pollfd p[] = { { .fd = n->stop, .events = POLLIN },
			      { .fd = words ? ring_buffer__epoll_fd(words) : -1,
				.events = POLLIN } };
	int none = 0;

	while (!(p[0].revents & POLLIN)) {
		int got = poll(p, ARRAY_SIZE(p), n->at_calls ? LOOK_MS : -1);

		if (got > 0 && p[1].revents)
			take_words(n, words);
		if (got)
			continue;
		none = is_needed(n) ? 0 : none + 1;
		if (none >= LOOKS)
			detach(n);
	}
	ring_buffer__free(words);
	return NULL;
}

static int start_thread(struct watch_narrow_calls *n, struct err *e)
{
	sigset_t all, old;
	int err;

	n->stop = eventfd(0, EFD_CLOEXEC);
	if (n->stop < 0)
		return err_errno(e, errno, "eventfd");
	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &old);
	err = pthread_create(&n->thread, NULL, serve, n);
	pthread_sigmask(SIG_SETMASK, &old, NULL);
	if (err)
		return err_errno(e, err, "no thread that waits for 32-bit programs");
	n->running = true;
	return 0;
}

int watch_narrow_start(struct watch *w, struct err *e)
{
	struct watch_narrow_calls *n;

	if (!bpf_program__autoload(w->skel->progs.on_narrow_call))
		return 0;
	n = w->narrow = xcalloc(1, sizeof(*n));
	n->skel = w->skel;
	n->stop = -1;
	n->count = bpf_program__attach(w->skel->progs.count_narrow);
	if (!n->count)
		return err_errno(e, errno, "cannot look for 32-bit programs");
	if (is_needed(n))
		attach(n);
	return start_thread(n, e);
}

void watch_narrow_free(struct watch_narrow_calls *n)
{
	const uint64_t one = 1;

	if (!n)
		return;
	if (n->running && write(n->stop, &one, sizeof(one)) == sizeof(one))
		pthread_join(n->thread, NULL);
	bpf_link__destroy(n->at_calls);
	bpf_link__destroy(n->count);
	if (n->stop >= 0)
		close(n->stop);
	free(n);
}
