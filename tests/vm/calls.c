/*
 * For watch.sh, built for 64 and for 32 bits: one call after the other, whose events have to be the
 * same however calls are hooked. `calls filtered`: calls that a seccomp filter refuses. `calls
 * gate` (64 bits): opens a file through the 32-bit entry.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/fs.h>
#include <linux/openat2.h>
#include <linux/seccomp.h>
#include <netinet/in.h>
#include <signal.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <unistd.h>

static void check(long ret, int want_errno, const char *what)
{
	if (want_errno ? ret >= 0 || errno != want_errno : ret < 0) {
		perror(what);
		exit(1);
	}
}

static struct sockaddr_in local(int port)
{
	struct sockaddr_in a = { .sin_family = AF_INET, .sin_port = htons(port) };

	a.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	return a;
}

static void files(void)
{
	struct open_how how = { .flags = O_RDONLY | O_NOFOLLOW };
	int fd;

	check(mkdir("/tmp/calls", 0755), 0, "mkdir");
	check(chdir("/tmp/calls"), 0, "chdir");
	fd = creat("one", 0600);
	check(fd, 0, "creat");
	check(ftruncate(fd, 5), 0, "ftruncate");
	check(fchmod(fd, 0640), 0, "fchmod");
	check(close(fd), 0, "close");
	check(symlink("one", "two"), 0, "symlink");
	check(syscall(SYS_openat2, AT_FDCWD, "two", &how, sizeof(how)), ELOOP, "openat2");
	check(open("two", O_RDWR), 0, "open");
	check(open("/tmp/calls/none", O_RDONLY), ENOENT, "open");
	check(chown("one", 7, 7), 0, "chown");
	check(rename("one", "three"), 0, "rename");
	check(unlink("three"), 0, "unlink");
	check(unlink("two"), 0, "unlink");
	check(chdir("/"), 0, "chdir");
	check(rmdir("/tmp/calls"), 0, "rmdir");
	check(execl("/tmp/calls/none", "none", NULL), ENOENT, "execve");
}

static void sockets(void)
{
	struct sockaddr_in a = local(4242), b = local(4243), none = local(4244);
	int udp = socket(AF_INET, SOCK_DGRAM, 0), tcp = socket(AF_INET, SOCK_STREAM, 0);
	struct iovec v = { .iov_base = (void *)"hello", .iov_len = 5 };
	struct msghdr m = {
		.msg_name = &b, .msg_namelen = sizeof(b), .msg_iov = &v, .msg_iovlen = 1
	};
	char text[16];

	check(bind(udp, (void *)&a, sizeof(a)), 0, "bind");
	check(sendto(udp, "to", 2, 0, (void *)&a, sizeof(a)), 0, "sendto");
	check(recvfrom(udp, text, sizeof(text), 0, NULL, NULL), 0, "recvfrom");
	check(sendmsg(udp, &m, 0), 0, "sendmsg");
	check(connect(tcp, (void *)&none, sizeof(none)), ECONNREFUSED, "connect");
#ifdef SYS_socketcall
	{
		unsigned long args[] = { (unsigned long)tcp, (unsigned long)&none, sizeof(none) };

		check(syscall(SYS_socketcall, 3, args), ECONNREFUSED, "socketcall");
	}
#else
	check(connect(tcp, (void *)&none, sizeof(none)), ECONNREFUSED, "connect");
#endif
}

#ifndef SYS_utimensat_time64 /* of 32-bit programs */
#define SYS_utimensat_time64 SYS_utimensat
#endif

/* Of what stands in memory that is read besides names: at the same address in each program. */
static void values(void)
{
	struct {
		union {
			struct timespec times[2];
			struct {
				int64_t sec;
				int32_t nsec, beside; /* the kernel looks away in 32-bit programs */
			} wide[2];
			char room[64];
		};
		struct fsxattr x;
	} *m = mmap((void *)0x20000000, 4096, PROT_READ | PROT_WRITE,
		    MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0);
	int fd = creat("/tmp/values", 0600), ends[2];

	check((long)m, 0, "mmap");
	m->times[0].tv_sec = 1500000000;
	m->times[1].tv_sec = 1500000001;
	m->times[1].tv_nsec = 2;
	m->x.fsx_xflags = FS_XFLAG_NODUMP;
	check(write(fd, "x", 1), 0, "write");
	check(syscall(SYS_utimensat, AT_FDCWD, "/tmp/values", m->times, 0), 0, "utimensat");
	m->times[1].tv_nsec = UTIME_OMIT;
	check(syscall(SYS_utimensat, fd, NULL, m->times, 0), 0, "utimensat");
	m->wide[0].sec = m->wide[1].sec = 5000000000;
	m->wide[0].nsec = m->wide[1].nsec = 3;
	m->wide[0].beside = m->wide[1].beside = sizeof(long) == 8 ? 0 : -1;
	check(syscall(SYS_utimensat_time64, fd, NULL, m->wide, 0), 0, "utimensat_time64");
	ioctl(fd, FS_IOC_FSSETXATTR, &m->x); /* not every file system has it */
	check(unlink("/tmp/values"), 0, "unlink");
	check(pipe(ends), 0, "pipe");
	check(splice(open("/etc/passwd", O_RDONLY), NULL, ends[1], NULL, 1, 0), 0, "splice");
	check(prctl(PR_SET_NAME, "calls", 0, 0, 0), 0, "prctl");
	check(kill(0, 0), 0, "kill");
}

/* Both sides of a fork, made by the call itself: glibc has one of its own choice. */
static void children(void)
{
#ifdef SYS_fork
	pid_t pid = (pid_t)syscall(SYS_fork);
#else
	pid_t pid = (pid_t)syscall(SYS_clone, SIGCHLD, 0, 0, 0, 0);
#endif

	if (!pid)
		_exit(0);
	check(waitpid(pid, NULL, 0), 0, "waitpid");
}

static void filtered(void)
{
	struct sock_filter f[] = {
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_mount, 0, 1),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | EPERM),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
	};
	struct sock_fprog p = { .len = sizeof(f) / sizeof(f[0]), .filter = f };

	check(prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0), 0, "prctl");
	check(prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &p), 0, "seccomp");
	check(mount("none", "/tmp", "tmpfs", 0, NULL), EPERM, "mount");
}

static void many(void)
{
	char name[64];

	for (int i = 0; i < 400; i++) {
		snprintf(name, sizeof(name), "/tmp/calls.%03d", i);
		check(close(creat(name, 0600)), 0, name);
		check(unlink(name), 0, name);
		usleep(20000);
	}
}

#ifdef __x86_64__
static void gate(void)
{
	char *low = mmap(NULL, 4096, PROT_READ | PROT_WRITE,
			 MAP_PRIVATE | MAP_ANONYMOUS | MAP_32BIT, -1, 0);
	long ret = 5; /* open */

	check((long)low, 0, "mmap");
	strcpy(low, "/etc/shadow");
	__asm__ volatile("int $0x80"
			 : "+a"(ret)
			 : "b"(low), "c"(O_RDONLY), "d"(0)
			 : "memory", "r8", "r9", "r10", "r11");
	check(ret, 0, "open by int 0x80");
}
#endif

int main(int argc, char **argv)
{
	const char *what = argc > 1 ? argv[1] : "";

	if (!strcmp(what, "filtered")) {
		filtered();
		if (argc > 2)
			check(execv(argv[2], argv + 2), 0, argv[2]);
		return 0;
	}
#ifdef __x86_64__
	if (!strcmp(what, "gate")) {
		gate();
		return 0;
	}
#endif
	if (!strcmp(what, "wait"))
		pause();
	if (!strcmp(what, "many")) {
		many();
		return 0;
	}
	files();
	sockets();
	values();
	children();
	return 0;
}
