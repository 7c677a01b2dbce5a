/* What the root part of watching opens, and what not. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "app/keeper_table.h"
#include "app/keeper_wire.h"
#include "base/cleanup.h"

#define ID "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"

static void opens(void **state)
{
	static const struct {
		const char *path;
		int flags, result; /* 0: a descriptor */
	} rows[] = {
		{ "/proc/1/stat", O_RDONLY, 0 },
		{ "/proc/1/stat", O_RDWR, -EACCES },
		{ "/proc/1/stat", O_RDONLY | O_CREAT, -EACCES },
		{ "/proc/1/stat", O_PATH, -EACCES },
		{ "/proc/1/mem", O_RDONLY, -EACCES },
		{ "/proc/self/stat", O_RDONLY, -EACCES },
		{ "/proc/1/../1/stat", O_RDONLY, -EACCES },
		{ "/proc//1/stat", O_RDONLY, -EACCES },
		{ "/proc/1/stat/", O_RDONLY, -EACCES },
		{ "/proc/1x/stat", O_RDONLY, -EACCES },
		{ "/proc/12345678901/stat", O_RDONLY, -EACCES },
		{ "proc/1/stat", O_RDONLY, -EACCES },
		{ "", O_RDONLY, -EACCES },
		{ "/etc/shadow", O_RDONLY, -EACCES },
		{ "/proc/1/root/etc/shadow", O_RDONLY, -EACCES },
		{ "/proc/1/exe", O_RDONLY, -EACCES },
		{ "/nowhere/containers/" ID "/config.v2.json", O_RDONLY, -ENOENT },
		{ "/a/../containers/" ID "/config.v2.json", O_RDONLY, -EACCES },
		{ "/nowhere/containers/" ID "x/config.v2.json", O_RDONLY, -EACCES },
		{ "/nowhere/containers/x/config.v2.json", O_RDONLY, -EACCES },
		{ "/nowhere/containers/" ID "/config.v2.json/x", O_RDONLY, -EACCES },
		{ "/nowhere/overlay-containers/./containers.json", O_RDONLY, -ENOENT },
		{ "/run/x/io.containerd.runtime.v2.task", O_RDONLY, -EACCES },
		{ "/run/x/io.containerd.runtime.v2.task", O_RDONLY | O_DIRECTORY, -ENOENT },
		{ "/run/x/io.containerd.runtime.v2.task/../" ID "/config.json", O_RDONLY, -EACCES },
		{ "/run/x/io.containerd.runtime.v2.task/moby/" ID "/config.json", O_RDONLY,
		  -ENOENT },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		int fd = keeper_open(rows[i].path, rows[i].flags);

		if ((fd < 0 ? fd : 0) != rows[i].result)
			fail_msg("%s: %d, not %d", rows[i].path, fd, rows[i].result);
		if (fd >= 0)
			close(fd);
	}
}

/* What stands at a permitted place may be anything. */
static void no_files(void **state)
{
	char folder[] = "/tmp/boltseal-keeper-XXXXXX", path[256];
	int fd;

	(void)state;
	assert_non_null(mkdtemp(folder));
	snprintf(path, sizeof(path), "%s/containers", folder);
	mkdir(path, 0700);
	snprintf(path, sizeof(path), "%s/containers/" ID, folder);
	mkdir(path, 0700);
	snprintf(path, sizeof(path), "%s/containers/" ID "/config.v2.json", folder);
	assert_int_equal(mkfifo(path, 0600), 0);
	assert_int_equal(keeper_open(path, O_RDONLY), -EACCES);
	unlink(path);
	mkdir(path, 0700);
	assert_int_equal(keeper_open(path, O_RDONLY), -EACCES);
	rmdir(path);
	fd = open(path, O_WRONLY | O_CREAT, 0600);
	close(fd);
	fd = keeper_open(path, O_RDONLY);
	assert_true(fd >= 0);
	close(fd);
	unlink(path);
	*strrchr(path, '/') = '\0';
	rmdir(path);
	*strrchr(path, '/') = '\0';
	rmdir(path);
	rmdir(folder);
}

static void links(void **state)
{
	char path[64], target[4096];
	ssize_t n;

	(void)state;
	snprintf(path, sizeof(path), "/proc/%d/exe", getpid());
	n = keeper_link(path, target, sizeof(target));
	assert_true(n > 0 && target[0] == '/');
	snprintf(path, sizeof(path), "/proc/%d/root", getpid());
	assert_int_equal(keeper_link(path, target, sizeof(target)), -EACCES);
	snprintf(path, sizeof(path), "/proc/%d/fd/0", getpid());
	assert_int_equal(keeper_link(path, target, sizeof(target)), -EACCES);
}

static void wire(void **state)
{
	int sock[2], fd, pipes[2];
	char text[8] = "", byte = 0;

	(void)state;
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, sock), 0);
	assert_int_equal(pipe(pipes), 0);
	assert_true(keeper_send(sock[0], "request", 8));
	assert_true(keeper_send_fd(sock[0], pipes[1]));
	assert_true(keeper_receive(sock[1], text, 8));
	assert_string_equal(text, "request");
	assert_true(keeper_receive_fd(sock[1], &fd));
	assert_int_equal(write(fd, "x", 1), 1);
	assert_int_equal(read(pipes[0], &byte, 1), 1);
	assert_int_equal(byte, 'x');
	/* No descriptor where one should be; the end of the other side. */
	assert_true(keeper_send(sock[0], "f", 1));
	assert_false(keeper_receive_fd(sock[1], &fd));
	close(sock[0]);
	assert_false(keeper_receive(sock[1], text, 1));
	assert_false(keeper_send(sock[1], text, 1));
	close(sock[1]);
	close(fd);
	close(pipes[0]);
	close(pipes[1]);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(opens),
		cmocka_unit_test(no_files),
		cmocka_unit_test(links),
		cmocka_unit_test(wire),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
