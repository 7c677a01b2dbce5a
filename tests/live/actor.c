/*
 * actor PLAN FOLDER: plays the processes of a detection test, one line of the plan after the other:
 *
 *	CASE <tab> ACTION <tab> NAME|UID|ARGUMENT|… <tab> NAME|UID|ARGUMENT|… …
 *
 * Each NAME is this program under FOLDER/CASE/NAME, started by the one before it as the user UID;
 *the last one does the action: "none", "symlink TARGET LINK", "symlinkat TARGET LINK", "open PATH",
 * "openat PATH", "openat2 PATH", "dup2 FAMILY FD", "dup3 FAMILY FD", "memfd NAME". It is linked
 * statically, so that it runs in an empty container.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/sendfile.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

enum { MAX_ARGS = 16, MAX_LINE = 4096, MAX_CHAIN = 8 };

static void fail(const char *what)
{
	fprintf(stderr, "actor: %s: %s\n", what, strerror(errno));
	exit(1);
}

static void copy_self(const char *to)
{
	int in = open("/proc/self/exe", O_RDONLY | O_CLOEXEC);
	int out = open(to, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0755);
	struct stat st;

	if (in < 0 || out < 0 || fstat(in, &st) < 0 || sendfile(out, in, NULL, st.st_size) < 0)
		fail(to);
	fchmod(out, 0755);
	close(in);
	close(out);
}

/* ---- actions */

static void do_memfd(const char *name)
{
	char *argv[] = { (char *)name, NULL }, *envp[] = { (char *)"ACTOR_ACTION=none", NULL };
	int in = open("/proc/self/exe", O_RDONLY | O_CLOEXEC);
	int fd = memfd_create(name, 0);
	struct stat st;

	if (in < 0 || fd < 0 || fstat(in, &st) < 0 || sendfile(fd, in, NULL, st.st_size) < 0)
		fail("memfd");
	fexecve(fd, argv, envp);
	fail("fexecve");
}

static socklen_t loopback(int family, struct sockaddr_storage *a)
{
	memset(a, 0, sizeof(*a));
	if (family == AF_INET6) {
		struct sockaddr_in6 *in6 = (void *)a;

		in6->sin6_family = AF_INET6;
		in6->sin6_addr = in6addr_loopback;
		return sizeof(*in6);
	}
	((struct sockaddr_in *)(void *)a)->sin_family = AF_INET;
	((struct sockaddr_in *)(void *)a)->sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	return sizeof(struct sockaddr_in);
}

/* A connected socket: "tcp4", "tcp6", "udp4" or "udp6". */
static int connected(const char *kind)
{
	int family = kind[3] == '6' ? AF_INET6 : AF_INET;
	int type = kind[0] == 'u' ? SOCK_DGRAM : SOCK_STREAM;
	int server = socket(family, type | SOCK_CLOEXEC, 0), client = socket(family, type, 0);
	struct sockaddr_storage a;
	socklen_t len = loopback(family, &a);

	if (server < 0 || client < 0 || bind(server, (void *)&a, len) < 0 ||
	    (type == SOCK_STREAM && listen(server, 1) < 0) ||
	    getsockname(server, (void *)&a, &len) < 0 || connect(client, (void *)&a, len) < 0)
		fail(kind);
	return client;
}

static void act(char *action)
{
	char *word[4] = { 0 }, *save = NULL;
	struct open_how how = { .flags = O_RDONLY };
	int n = 0;

	for (char *w = strtok_r(action, " ", &save); w && n < 4; w = strtok_r(NULL, " ", &save))
		word[n++] = w;
	if (!word[0] || !strcmp(word[0], "none"))
		return;
	if (!strncmp(word[0], "symlink", 7))
		unlink(word[2]);
	if (!strcmp(word[0], "symlinkat"))
		syscall(SYS_symlinkat, word[1], AT_FDCWD, word[2]);
#ifdef SYS_symlink
	else if (!strcmp(word[0], "symlink"))
		syscall(SYS_symlink, word[1], word[2]);
	else if (!strcmp(word[0], "open"))
		syscall(SYS_open, word[1], O_RDONLY);
	else if (!strcmp(word[0], "dup2"))
		syscall(SYS_dup2, connected(word[1]), atoi(word[2]));
#endif
	else if (!strcmp(word[0], "openat"))
		syscall(SYS_openat, AT_FDCWD, word[1], O_RDONLY);
	else if (!strcmp(word[0], "openat2"))
		syscall(SYS_openat2, AT_FDCWD, word[1], &how, sizeof(how));
	else if (!strcmp(word[0], "dup3"))
		syscall(SYS_dup3, connected(word[1]), atoi(word[2]), 0);
	else if (!strcmp(word[0], "memfd"))
		do_memfd(word[1]);
	else
		fail(word[0]);
	if (!strncmp(word[0], "symlink", 7))
		unlink(word[2]);
}

/* ---- processes */

/* Starts the first process of the chain, which goes on with the rest, and waits for it. */
static void play(const char *folder, char *chain, const char *action)
{
	char *rest = strchr(chain, '\t'), *argv[MAX_ARGS + 1], *save = NULL, path[MAX_LINE];
	int n = 0, words = 0, status;
	unsigned uid = 0;
	pid_t pid;

	if (rest)
		*rest++ = '\0';
	for (char *w = strtok_r(chain, "|", &save); w; w = strtok_r(NULL, "|", &save)) {
		if (words++ == 1)
			uid = (unsigned)atoi(w);
		else if (n < MAX_ARGS)
			argv[n++] = w;
	}
	argv[n] = NULL;
	if (!n)
		return;
	snprintf(path, sizeof(path), "%s/%s", folder, argv[0]);
	if (access(path, X_OK) < 0)
		copy_self(path);
	pid = fork();
	if (pid < 0)
		fail("fork");
	if (pid == 0) {
		setenv("ACTOR_FOLDER", folder, 1);
		setenv("ACTOR_CHAIN", rest ? rest : "", 1);
		setenv("ACTOR_ACTION", action, 1);
		if (uid && setreuid(uid, uid) < 0)
			fail("setreuid");
		execv(path, argv);
		fail(path);
	}
	waitpid(pid, &status, 0);
}

static void play_line(const char *folder, char *line)
{
	char *id = strsep(&line, "\t"), *action = strsep(&line, "\t"), path[MAX_LINE];

	if (!id || !action || !line)
		return;
	snprintf(path, sizeof(path), "%s/%s", folder, id);
	mkdir(path, 0755);
	chmod(path, 0755);
	play(path, line, action);
}

int main(int argc, char **argv)
{
	char *action = getenv("ACTOR_ACTION"), *chain = getenv("ACTOR_CHAIN");
	char line[MAX_LINE];
	FILE *plan;

	if (action) {
		if (chain && *chain)
			play(getenv("ACTOR_FOLDER"), strdup(chain), action);
		else
			act(strdup(action));
		return 0;
	}
	plan = argc == 3 ? fopen(argv[1], "re") : NULL;
	if (!plan)
		fail("usage: actor PLAN FOLDER");
	while (fgets(line, sizeof(line), plan)) {
		line[strcspn(line, "\n")] = '\0';
		play_line(argv[2], line);
	}
	fclose(plan);
	return 0;
}
