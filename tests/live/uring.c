/*
 * Does things through io_uring.   uring [async|sqpoll|direct|untold]... WHAT [ARGUMENT]...
 *
 * async: by a worker thread; sqpoll: submitted by the ring's own thread; direct: what is opened has
 * no descriptor; untold: a success has no completion
 */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/io_uring.h>
#include <linux/openat2.h>
#include <netinet/in.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

enum { ENTRIES = 64, OP_FTRUNCATE = 55, OP_BIND = 56, OP_LISTEN = 57 };

static struct {
	int fd;
	struct io_uring_params p;
	uint32_t *sq_head, *sq_tail, *sq_array, *sq_flags, *cq_head, *cq_tail;
	struct io_uring_sqe *sqes;
	struct io_uring_cqe *cqes;
	unsigned queued;
} ring;
static uint8_t flags;
static bool sqpoll, direct;
static int results[ENTRIES]; /* by user_data */

static void die(const char *what)
{
	perror(what);
	exit(3);
}

static uint32_t *at(void *base, uint32_t offset)
{
	return (uint32_t *)(void *)((char *)base + offset);
}

static void make_ring(void)
{
	size_t sq, cq;
	void *s, *c;

	ring.p.flags = sqpoll ? IORING_SETUP_SQPOLL : 0;
	ring.p.sq_thread_idle = 2000;
	ring.fd = (int)syscall(__NR_io_uring_setup, ENTRIES, &ring.p);
	if (ring.fd < 0)
		die("io_uring_setup");
	sq = ring.p.sq_off.array + ring.p.sq_entries * sizeof(uint32_t);
	cq = ring.p.cq_off.cqes + ring.p.cq_entries * sizeof(struct io_uring_cqe);
	s = mmap(NULL, sq, PROT_READ | PROT_WRITE, MAP_SHARED, ring.fd, IORING_OFF_SQ_RING);
	c = mmap(NULL, cq, PROT_READ | PROT_WRITE, MAP_SHARED, ring.fd, IORING_OFF_CQ_RING);
	ring.sqes = mmap(NULL, ring.p.sq_entries * sizeof(struct io_uring_sqe),
			 PROT_READ | PROT_WRITE, MAP_SHARED, ring.fd, IORING_OFF_SQES);
	if (s == MAP_FAILED || c == MAP_FAILED || ring.sqes == MAP_FAILED)
		die("mmap");
	ring.sq_head = at(s, ring.p.sq_off.head);
	ring.sq_tail = at(s, ring.p.sq_off.tail);
	ring.sq_array = at(s, ring.p.sq_off.array);
	ring.sq_flags = at(s, ring.p.sq_off.flags);
	ring.cq_head = at(c, ring.p.cq_off.head);
	ring.cq_tail = at(c, ring.p.cq_off.tail);
	ring.cqes = (void *)((char *)c + ring.p.cq_off.cqes);
}

/* The next operation; its number is its place since the last go(). */
static struct io_uring_sqe *next(int op, int fd, const void *addr, uint32_t len, uint64_t off)
{
	uint32_t tail = *ring.sq_tail + ring.queued, i = tail & (ring.p.sq_entries - 1);
	struct io_uring_sqe *e = &ring.sqes[i];

	memset(e, 0, sizeof(*e));
	e->opcode = (uint8_t)op;
	e->fd = fd;
	e->addr = (uintptr_t)addr;
	e->len = len;
	e->off = off;
	e->flags = flags;
	e->user_data = ring.queued;
	ring.sq_array[i] = i;
	ring.queued++;
	return e;
}

static unsigned take(void)
{
	uint32_t head = *ring.cq_head, tail = __atomic_load_n(ring.cq_tail, __ATOMIC_ACQUIRE);
	unsigned n = 0;

	for (; head != tail; head++, n++) {
		const struct io_uring_cqe *c = &ring.cqes[head & (ring.p.cq_entries - 1)];

		results[c->user_data % ENTRIES] = c->res;
	}
	__atomic_store_n(ring.cq_head, head, __ATOMIC_RELEASE);
	return n;
}

/* Submits what is queued and waits for `wait` completions. */
static void go_for(unsigned wait)
{
	unsigned n = ring.queued, done = 0, how = IORING_ENTER_GETEVENTS;

	__atomic_store_n(ring.sq_tail, *ring.sq_tail + n, __ATOMIC_RELEASE);
	ring.queued = 0;
	if (sqpoll && __atomic_load_n(ring.sq_flags, __ATOMIC_ACQUIRE) & IORING_SQ_NEED_WAKEUP)
		how |= IORING_ENTER_SQ_WAKEUP;
	if (!wait && !sqpoll)
		how = 0;
	while (done < wait || n) {
		if (syscall(__NR_io_uring_enter, ring.fd, sqpoll ? 0 : n, wait > done, how, NULL,
			    0) < 0 &&
		    errno != EINTR)
			die("io_uring_enter");
		n = 0;
		done += take();
	}
}

static void go(void)
{
	go_for(flags & IOSQE_CQE_SKIP_SUCCESS ? 0 : ring.queued);
	if (flags & IOSQE_CQE_SKIP_SUCCESS)
		usleep(200000);
}

static int say(const char *what, unsigned n)
{
	if (flags & IOSQE_CQE_SKIP_SUCCESS)
		return 0;
	for (unsigned i = 0; i < n; i++)
		printf("%s %d\n", what, results[i]);
	return 0;
}

static void open_next(const char *path, int how, uint32_t slot)
{
	struct io_uring_sqe *e = next(IORING_OP_OPENAT, AT_FDCWD, path, 0600, 0);

	e->open_flags = (uint32_t)how;
	e->file_index = slot;
}

static int do_open(char **v)
{
	int none[4] = { -1, -1, -1, -1 };

	if (direct && syscall(__NR_io_uring_register, ring.fd, IORING_REGISTER_FILES, none, 4) < 0)
		die("io_uring_register");
	for (unsigned i = 0; v[i]; i++)
		open_next(v[i], O_RDONLY, direct ? 3 : 0);
	go();
	return say("open", 1);
}

static int do_openat2(char **v)
{
	struct open_how how = { .flags = O_WRONLY | O_CREAT, .mode = 0640 };

	next(IORING_OP_OPENAT2, AT_FDCWD, v[0], sizeof(how), (uintptr_t)&how);
	go();
	return say("openat2", 1);
}

/* A chain: each begins when the one before has succeeded. */
static int do_linked(char **v)
{
	for (unsigned i = 0; v[i]; i++) {
		flags |= IOSQE_IO_LINK;
		if (!v[i + 1])
			flags &= (uint8_t)~IOSQE_IO_LINK;
		open_next(v[i], O_RDONLY, 0);
	}
	go();
	return say("open", 2);
}

/* Opened and closed before anybody is told. */
static int do_closed(char **v)
{
	int fd = dup(0);

	close(fd);
	open_next(v[0], O_RDONLY, 0);
	next(IORING_OP_CLOSE, fd, NULL, 0, 0);
	go();
	return say("open", 2);
}

static int do_names(char **v)
{
	next(IORING_OP_MKDIRAT, AT_FDCWD, v[0], 0711, 0);
	go();
	next(IORING_OP_SYMLINKAT, AT_FDCWD, "/etc/shadow", 0, (uintptr_t) "symlink");
	go();
	open_next("old", O_WRONLY | O_CREAT, 0);
	go();
	next(IORING_OP_LINKAT, AT_FDCWD, "old", (uint32_t)AT_FDCWD, (uintptr_t) "linked");
	go();
	next(IORING_OP_RENAMEAT, AT_FDCWD, "old", (uint32_t)AT_FDCWD, (uintptr_t) "new");
	go();
	next(IORING_OP_UNLINKAT, AT_FDCWD, "new", 0, 0);
	go();
	next(IORING_OP_UNLINKAT, AT_FDCWD, v[0], 0, 0)->unlink_flags = AT_REMOVEDIR;
	go();
	unlink("symlink");
	unlink("linked");
	return say("unlink", 1);
}

static struct sockaddr_in loopback(const char *port)
{
	return (struct sockaddr_in){ .sin_family = AF_INET,
				     .sin_port = htons((uint16_t)atoi(port)),
				     .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
}

static int do_connect(char **v)
{
	struct sockaddr_in to = loopback(v[0]);
	int fd;

	next(IORING_OP_SOCKET, AF_INET, NULL, 0, SOCK_STREAM);
	go();
	fd = flags & IOSQE_CQE_SKIP_SUCCESS ? socket(AF_INET, SOCK_STREAM, 0) : results[0];
	next(IORING_OP_CONNECT, fd, &to, 0, sizeof(to));
	go();
	return say("connect", 1);
}

/* Serves one connection of its own, by one operation for one or for all. */
static int do_accept(char **v)
{
	struct sockaddr_in to = loopback(v[0]);
	int s = socket(AF_INET, SOCK_STREAM, 0), one = 1;

	setsockopt(s, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one));
	if (bind(s, (struct sockaddr *)&to, sizeof(to)) < 0 || listen(s, 4) < 0)
		die("listen");
	next(IORING_OP_ACCEPT, s, NULL, 0, 0)->ioprio = v[1] ? IORING_ACCEPT_MULTISHOT : 0;
	go_for(0);
	for (int i = 0; i < (v[1] ? 2 : 1); i++) {
		int c = socket(AF_INET, SOCK_STREAM, 0);

		if (connect(c, (struct sockaddr *)&to, sizeof(to)) < 0)
			die("connect");
		go_for(1);
		printf("accept %d\n", results[0]);
	}
	return 0;
}

static int do_listen(char **v)
{
	struct sockaddr_in to = loopback(v[0]);
	int s = socket(AF_INET, SOCK_STREAM, 0);

	next(OP_BIND, s, &to, 0, sizeof(to));
	go();
	if (results[0] == -EINVAL)
		return 4; /* before Linux 6.11 */
	next(OP_LISTEN, s, NULL, 4, 0);
	go();
	return say("listen", 1);
}

static int do_send(char **v)
{
	struct sockaddr_in to = loopback(v[0]);
	struct iovec iov = { (char[]){ "hello" }, 5 };
	struct msghdr m = {
		.msg_name = &to, .msg_namelen = sizeof(to), .msg_iov = &iov, .msg_iovlen = 1
	};
	int s = socket(AF_INET, SOCK_DGRAM, 0);

	next(IORING_OP_SENDMSG, s, &m, 1, 0);
	go();
	return say("sendmsg", 1);
}

static int do_flood(char **v)
{
	long n = atol(v[0]), failed = 0;

	while (n > 0) {
		unsigned batch = n > ENTRIES / 2 ? ENTRIES / 2 : (unsigned)n;

		for (unsigned i = 0; i < batch; i++)
			open_next(v[1], O_RDONLY, 0);
		go();
		for (unsigned i = 0; i < batch; i++) {
			if (results[i] < 0)
				failed++;
			else
				close(results[i]);
		}
		n -= batch;
	}
	printf("failed %ld\n", failed);
	return 0;
}

/* Opens and closes one file again and again, by system calls when there is a third word:
 * nanoseconds for each. */
static int do_measure(char **v)
{
	long n = atol(v[0]);
	struct timespec a, b;

	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &a);
	for (long i = 0; i < n && !v[2]; i++) {
		open_next(v[1], O_RDONLY, 0);
		go();
		close(results[0]);
	}
	for (long i = 0; i < n && v[2]; i++)
		close(open(v[1], O_RDONLY));
	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &b);
	printf("%.1f\n",
	       ((double)(b.tv_sec - a.tv_sec) * 1e9 + (double)(b.tv_nsec - a.tv_nsec)) / (double)n);
	return 0;
}

int main(int argc, char **argv)
{
	static const struct {
		const char *name;
		int (*run)(char **v);
		int arguments;
	} what[] = {
		{ "open", do_open, 1 },	      { "openat2", do_openat2, 1 },
		{ "linked", do_linked, 1 },   { "closed", do_closed, 1 },
		{ "names", do_names, 1 },     { "connect", do_connect, 1 },
		{ "accept", do_accept, 1 },   { "listen", do_listen, 1 },
		{ "send", do_send, 1 },	      { "flood", do_flood, 2 },
		{ "measure", do_measure, 2 },
	};
	int i = 1;

	for (; i < argc; i++) {
		if (!strcmp(argv[i], "async"))
			flags |= IOSQE_ASYNC;
		else if (!strcmp(argv[i], "untold"))
			flags |= IOSQE_CQE_SKIP_SUCCESS;
		else if (!strcmp(argv[i], "sqpoll"))
			sqpoll = true;
		else if (!strcmp(argv[i], "direct"))
			direct = true;
		else
			break;
	}
	for (size_t k = 0; i < argc && k < sizeof(what) / sizeof(what[0]); k++) {
		if (strcmp(argv[i], what[k].name) != 0 || argc - i <= what[k].arguments)
			continue;
		make_ring();
		return what[k].run(argv + i + 1);
	}
	fprintf(stderr, "usage: %s [async|sqpoll|direct|untold]... WHAT ARGUMENT...\n", argv[0]);
	return 2;
}
