/*
 * watch_loops [NAME [PART]]: what one round of some operations takes this program itself, in ns of
 * CPU time, the least of several tries; and how many events all rounds were that Falco's stable
 * rules are about: system calls that they name, processes that start, execute and end.
 * `watch_cost.py` runs it with and without a watcher. NAME: only those whose names begin with it.
 * PART: so many times less rounds.
 */
#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

enum { TRIES = 5 };

static double cpu_ns(void)
{
	struct rusage own, children;

	getrusage(RUSAGE_SELF, &own);
	getrusage(RUSAGE_CHILDREN, &children);
	return (double)(own.ru_utime.tv_sec + own.ru_stime.tv_sec + children.ru_utime.tv_sec +
			children.ru_stime.tv_sec) *
		       1e9 +
	       (double)(own.ru_utime.tv_usec + own.ru_stime.tv_usec + children.ru_utime.tv_usec +
			children.ru_stime.tv_usec) *
		       1e3;
}

static void do_getppid(void)
{
	syscall(SYS_getppid);
}

static void do_read_file(void)
{
	char text[512];
	int fd = open("/etc/hostname", O_RDONLY);

	if (fd < 0 || read(fd, text, sizeof(text)) < 0)
		abort();
	close(fd);
}

static void do_missing(void)
{
	if (open("/etc/boltseal-missing", O_RDONLY) >= 0)
		abort();
}

static void do_write_file(void)
{
	int fd = open("watch_loops.tmp", O_WRONLY | O_CREAT | O_TRUNC, 0600);

	if (fd < 0 || write(fd, "x", 1) != 1)
		abort();
	close(fd);
	unlink("watch_loops.tmp");
}

static void do_connect(void)
{
	struct linger at_once = { .l_onoff = 1 }; /* no port is left waiting */
	struct sockaddr_in a = { .sin_family = AF_INET };
	socklen_t len = sizeof(a);
	int server = socket(AF_INET, SOCK_STREAM, 0), client = socket(AF_INET, SOCK_STREAM, 0), fd;

	a.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	if (bind(server, (void *)&a, len) < 0 || listen(server, 1) < 0 ||
	    getsockname(server, (void *)&a, &len) < 0 || connect(client, (void *)&a, len) < 0)
		abort();
	fd = accept(server, NULL, NULL);
	setsockopt(client, SOL_SOCKET, SO_LINGER, &at_once, sizeof(at_once));
	close(fd);
	close(client);
	close(server);
}

static void do_fork(void)
{
	pid_t pid = fork();

	if (pid == 0)
		_exit(0);
	waitpid(pid, NULL, 0);
}

static void do_spawn(void)
{
	char *argv[] = { (char *)"true", NULL };
	pid_t pid;

	if (posix_spawn(&pid, "/bin/true", NULL, NULL, argv, NULL))
		abort();
	waitpid(pid, NULL, 0);
}

static const char *only = "";
static int part = 1;

static void measure(const char *name, void (*f)(void), int n, int events)
{
	double best = 1e18;

	if (strncmp(name, only, strlen(only)) != 0)
		return;
	n /= part;
	for (int t = 0; t < TRIES; t++) {
		double begun = cpu_ns();

		for (int i = 0; i < n; i++)
			f();
		begun = (cpu_ns() - begun) / n;
		if (begun < best)
			best = begun;
	}
	printf("%s\t%.0f\t%d\n", name, best, TRIES * n * events);
}

int main(int argc, char **argv)
{
	if (argc > 1)
		only = argv[1];
	if (argc > 2 && atoi(argv[2]) > 0)
		part = atoi(argv[2]);
	measure("getppid, which no rule asks for", do_getppid, 200000, 0);
	measure("open, read, close of a file of no interest", do_read_file, 40000, 1);
	measure("open of a missing file", do_missing, 50000, 1);
	measure("open, write, close, unlink", do_write_file, 5000, 1);
	measure("connect, accept, close on loopback", do_connect, 2000, 3); /* two sockets */
	measure("fork, exit, wait", do_fork, 400, 2);
	measure("posix_spawn of /bin/true, wait", do_spawn, 200, 5); /* two libraries are opened */
	return 0;
}
