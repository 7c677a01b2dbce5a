/*
 * Runs every attack in a process of its own and prints one JSON line each:
 *   {"step":…,"group":…,"what":…,"result":"done|stopped","errno":"EPERM"}
 * "errno" is what stopped it, SIGSYS when the kernel killed the process. Whether the seal stopped
 * it or it would have failed anyway is found by comparing with the run in the unsealed container.
 *
 * It is linked statically and asks little of the kernel itself, because it runs under the filter
 * that it attacks: results come back in shared memory, and without wait4 it watches that memory.
 */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/utsname.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "attack.h"

enum { LIMIT_S = 5, SIGSYS_RESULT = 10000, CHILD_WORKED = 7 };

struct shared {
	volatile bool finished;
	volatile int result;
};

int attack_result(long ret)
{
	return ret < 0 ? -errno : ATTACK_DONE;
}

int attack_result_fd(long fd)
{
	if (fd < 0)
		return -errno;
	close((int)fd);
	return ATTACK_DONE;
}

static bool process_is(int pid, const char *name)
{
	char path[32], text[256] = "", uid[32];
	const char *line;
	ssize_t n;
	int fd;

	snprintf(path, sizeof(path), "/proc/%d/status", pid);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return false;
	n = read(fd, text, sizeof(text) - 1);
	close(fd);
	snprintf(uid, sizeof(uid), "\nUid:\t%u\t", geteuid());
	line = n > 0 ? strchr(text, '\t') : NULL; /* Name:\tnginx\n */
	return line && !strncmp(line + 1, name, strlen(name)) && strstr(text, uid);
}

int attack_find_process(const char *name)
{
	for (int pid = 1; pid < 300; pid++)
		if (process_is(pid, name))
			return pid;
	return 1;
}

/* Waits until the child has left its result or is dead, LIMIT_S at most. */
static int child_result(pid_t pid, const struct shared *s)
{
	time_t end = time(NULL) + LIMIT_S;
	bool can_wait = true;
	int status = 0;

	while (!s->finished && time(NULL) < end) {
		pid_t got = can_wait ? waitpid(pid, &status, WNOHANG) : 0;

		if (got == pid)
			break;
		if (got < 0)
			can_wait = false;
	}
	if (s->finished)
		return s->result;
	if (WIFSIGNALED(status) && WTERMSIG(status) == SIGSYS)
		return SIGSYS_RESULT;
	kill(pid, SIGKILL);
	return -ETIMEDOUT;
}

static int attack_perform(const struct attack *a, struct shared *s)
{
	pid_t pid;

	s->finished = false;
	pid = fork();
	if (pid < 0)
		return -errno;
	if (pid == 0) {
		s->result = a->run();
		s->finished = true;
		_exit(0);
	}
	return child_result(pid, s);
}

static void report(const char *group, const struct attack *a, int result)
{
	const char *name = "";

	if (result == SIGSYS_RESULT)
		name = "SIGSYS";
	else if (result)
		name = strerrorname_np(-result) ?: "?";
	printf("{\"step\":\"%s\",\"group\":\"%s\",\"what\":\"%s\",\"result\":\"%s\","
	       "\"errno\":\"%s\"}\n",
	       a->step, group, a->what, result ? "stopped" : "done", name);
	fflush(stdout);
}

static void run_group(const char *group, const struct attack *list, struct shared *s)
{
	for (; list->step; list++)
		report(group, list, attack_perform(list, s));
}

/*
 * Only a machine of this name is attacked: run on a host by mistake, with a host's rights, the
 * attacks would succeed and do harm.
 */
static bool is_victim(void)
{
	struct utsname u;

	return uname(&u) == 0 && !strcmp(u.nodename, "boltseal-demo-victim");
}

int main(int argc, char **argv)
{
	struct shared *s;

	if (argc == 2 && !strcmp(argv[1], "--child"))
		return CHILD_WORKED;
	if (!is_victim()) {
		fprintf(stderr, "attack: attacks containers only whose host name is "
				"boltseal-demo-victim\n");
		return 1;
	}
	s = mmap(NULL, sizeof(*s), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (s == MAP_FAILED) {
		fprintf(stderr, "attack: cannot share memory: %s\n", strerror(errno));
		return 1;
	}
	run_group("files", attacks_files, s);
	run_group("processes", attacks_process, s);
	run_group("kernel", attacks_kernel, s);
	run_group("network", attacks_network, s);
	return 0;
}
