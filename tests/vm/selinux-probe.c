/*
 * What the SELinux guest needs and busybox does not have:
 *   selinux-probe load POLICY             gives the kernel a policy, in one write
 *   selinux-probe label CONTEXT PATH...   sets the label of files
 *   selinux-probe run CONTEXT FILE ARG... executes in another domain
 *   selinux-probe bind|connect PORT       TCP on loopback
 *   selinux-probe read|append FILE        opens it so
 *   selinux-probe chroot DIRECTORY        needs a capability
 * The last ones print "ok" or the name of the error.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/xattr.h>
#include <unistd.h>

static int fail(const char *what)
{
	fprintf(stderr, "%s: %s\n", what, strerror(errno));
	return 1;
}

static int load(const char *path)
{
	int in = open(path, O_RDONLY), out = open("/sys/fs/selinux/load", O_WRONLY);
	struct stat st;
	char *data;

	if (in < 0 || out < 0 || fstat(in, &st) < 0)
		return fail(path);
	data = malloc((size_t)st.st_size);
	if (!data || read(in, data, (size_t)st.st_size) != st.st_size)
		return fail(path);
	return write(out, data, (size_t)st.st_size) == st.st_size ? 0 : fail("load");
}

static int label(const char *context, char **paths)
{
	for (; *paths; paths++)
		if (setxattr(*paths, "security.selinux", context, strlen(context) + 1, 0) < 0)
			return fail(*paths);
	return 0;
}

static int run(const char *context, char **argv)
{
	int fd = open("/proc/self/attr/exec", O_WRONLY);

	if (fd < 0 || write(fd, context, strlen(context)) < 0)
		return fail(context);
	execv(argv[0], argv);
	return fail(argv[0]);
}

static int tcp(const char *what, int port)
{
	struct sockaddr_in a = { .sin_family = AF_INET, .sin_port = htons((uint16_t)port) };
	int fd = socket(AF_INET, SOCK_STREAM, 0), r;

	a.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	if (fd < 0)
		return -1;
	if (!strcmp(what, "bind"))
		return bind(fd, (struct sockaddr *)&a, sizeof(a));
	r = connect(fd, (struct sockaddr *)&a, sizeof(a));
	return r < 0 && errno == ECONNREFUSED ? 0 : r; /* nobody listens: it was allowed */
}

static int attempt(const char *what, const char *arg)
{
	if (!strcmp(what, "read"))
		return open(arg, O_RDONLY);
	if (!strcmp(what, "append"))
		return open(arg, O_WRONLY | O_APPEND | O_CREAT, 0644);
	if (!strcmp(what, "chroot"))
		return chroot(arg);
	return tcp(what, atoi(arg));
}

int main(int argc, char **argv)
{
	if (argc < 3)
		return 2;
	if (!strcmp(argv[1], "load"))
		return load(argv[2]);
	if (!strcmp(argv[1], "label"))
		return label(argv[2], argv + 3);
	if (!strcmp(argv[1], "run") && argc > 3)
		return run(argv[2], argv + 3);
	if (attempt(argv[1], argv[2]) < 0)
		puts(strerrorname_np(errno));
	else
		puts("ok");
	return 0;
}
