#include <arpa/inet.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "sensor/record_ptrace_private.h"

enum { MAX_FDS_LOOKED_AT = 4096 };

union address {
	uint8_t bytes[sizeof(struct sockaddr_storage)];
	struct sockaddr_in in;
	struct sockaddr_in6 in6;
	struct sockaddr_un un;
};

/* Type and protocol of a socket of the task, 0 when they cannot be asked. */
struct socket_kind {
	uint16_t type, protocol;
};

static int ask(int fd, int option)
{
	int v = 0;
	socklen_t n = sizeof(v);

	return getsockopt(fd, SOL_SOCKET, option, &v, &n) ? 0 : v;
}

static int socket_of(struct pt_task *t, struct socket_kind *k)
{
	const struct task_creds *c = pt_creds(t);
	int fd = c ? task_fd(c->tgid, (int)(int32_t)t->pend.args[0]) : -ESRCH;

	*k = (struct socket_kind){ 0 };
	if (fd >= 0) {
		k->type = (uint16_t)ask(fd, SO_TYPE);
		k->protocol = (uint16_t)ask(fd, SO_PROTOCOL);
	}
	return fd;
}

static void unix_name(const union address *a, size_t len, struct pt_addr *out)
{
	size_t n = len - offsetof(struct sockaddr_un, sun_path);
	const char *name = a->un.sun_path;

	if (len <= offsetof(struct sockaddr_un, sun_path))
		return;
	if (n > sizeof(a->un.sun_path))
		n = sizeof(a->un.sun_path);
	if (name[0]) {
		snprintf(out->text, sizeof(out->text), "%.*s", (int)n, name);
		return;
	}
	out->text[0] = '@';
	for (size_t i = 1; i < n; i++)
		out->text[i] = name[i] ? name[i] : '@';
	out->text[n] = '\0';
}

/* An address as the task gave it; false for what is none. */
static bool parse_address(const union address *a, size_t len, struct pt_addr *out)
{
	memset(out, 0, sizeof(*out));
	if (len < sizeof(sa_family_t))
		return false;
	memcpy(&out->family, a->bytes, sizeof(sa_family_t));
	switch (out->family) {
	case AF_UNSPEC:
		return false;
	case AF_INET:
		if (len < sizeof(a->in))
			return false;
		inet_ntop(AF_INET, &a->in.sin_addr, out->text, sizeof(out->text));
		out->port = ntohs(a->in.sin_port);
		break;
	case AF_INET6:
		if (len < offsetof(struct sockaddr_in6, sin6_scope_id))
			return false;
		inet_ntop(AF_INET6, &a->in6.sin6_addr, out->text, sizeof(out->text));
		out->port = ntohs(a->in6.sin6_port);
		break;
	case AF_UNIX:
		unix_name(a, len, out);
		break;
	}
	return true;
}

static bool read_address(pid_t tid, uint64_t at, uint64_t len, struct pt_addr *out)
{
	union address a = { .bytes = { 0 } };

	len = (uint32_t)len;
	if (len < sizeof(sa_family_t) || len > sizeof(a) || task_read(tid, at, a.bytes, len))
		return false;
	return parse_address(&a, len, out);
}

/* The name in a struct msghdr: pointer and length, which are 32 bits wide for 32-bit tasks. */
static bool read_message(struct pt_task *t, bool narrow, struct pt_addr *out)
{
	uint32_t head[4];

	if (task_read(t->tid, t->pend.args[1], head, sizeof(head)))
		return false;
	if (narrow)
		return head[0] && read_address(t->tid, head[0], head[1], out);
	return (head[0] || head[1]) &&
	       read_address(t->tid, (uint64_t)head[1] << 32 | head[0], head[2], out);
}

static void add_net(struct pt_recorder *r, struct pt_task *t, enum wl_net_op op,
		    const struct pt_addr *a, const struct socket_kind *k)
{
	const char *text = a->text;
	struct task_path path;
	struct wl_net *n;

	if (a->family == AF_UNIX && text[0] && text[0] != '@' &&
	    !task_path_resolve(t->tid, AT_FDCWD, text, op == WL_NET_CONNECT || op == WL_NET_SEND,
			       &path))
		text = path.path;
	if (r->w->nets_n >= PT_MAX_NETS) {
		pt_lost(r, "network");
		return;
	}
	n = wl_net_add(r->w, op, a->family, k->type, k->protocol, text, a->port);
	wl_prov_add(&n->prov, WL_PHASE_BIT(r->phase), t->program, r->source);
}

void pt_net_entry(struct pt_recorder *r, struct pt_task *t)
{
	struct pt_pending *p = &t->pend;
	struct socket_kind k;
	int fd;

	switch (p->call->cap->kind) {
	case CAPTURE_BIND:
	case CAPTURE_CONNECT:
		p->has_addr = read_address(t->tid, p->args[1], p->args[2], &p->addr);
		t->want_exit = true;
		return;
	case CAPTURE_LISTEN:
		t->want_exit = true;
		return;
	case CAPTURE_SENDTO:
		p->has_addr = p->args[4] && read_address(t->tid, p->args[4], p->args[5], &p->addr);
		break;
	default:
		p->has_addr = read_message(t, p->narrow, &p->addr);
		break;
	}
	if (!p->has_addr)
		return;
	fd = socket_of(t, &k);
	if (fd >= 0)
		close(fd);
	add_net(r, t, WL_NET_SEND, &p->addr, &k);
}

static void listened(struct pt_recorder *r, struct pt_task *t, int fd, const struct socket_kind *k)
{
	union address a = { .bytes = { 0 } };
	socklen_t len = sizeof(a);
	struct pt_addr addr = { 0 };

	r->listening = true;
	if (fd >= 0 && !getsockname(fd, (struct sockaddr *)a.bytes, &len) &&
	    parse_address(&a, len < sizeof(a) ? len : sizeof(a), &addr))
		add_net(r, t, WL_NET_LISTEN, &addr, k);
	else
		pt_lost(r, "network");
}

/* A connection that failed on the way is behaviour too; one that made no sense is not. */
static bool connect_counts(int64_t rval)
{
	return rval != -EBADF && rval != -ENOTSOCK && rval != -EFAULT && rval != -EINVAL &&
	       rval != -EAFNOSUPPORT && rval != -EPROTOTYPE && rval > -512; /* ERESTARTSYS … */
}

void pt_net_exit(struct pt_recorder *r, struct pt_task *t, int64_t rval)
{
	const struct pt_pending *p = &t->pend;
	cleanup_close int fd = -1;
	struct socket_kind k;

	if (p->call->cap->kind == CAPTURE_CONNECT) {
		if (!p->has_addr || !connect_counts(rval))
			return;
		fd = socket_of(t, &k);
		add_net(r, t, WL_NET_CONNECT, &p->addr, &k);
		return;
	}
	if (rval < 0)
		return;
	fd = socket_of(t, &k);
	if (p->call->cap->kind == CAPTURE_LISTEN) {
		listened(r, t, fd, &k);
	} else if (p->has_addr) {
		add_net(r, t, WL_NET_BIND, &p->addr, &k);
		if ((p->addr.family == AF_INET || p->addr.family == AF_INET6) &&
		    k.type == SOCK_DGRAM)
			r->listening = true;
	}
}

static bool receives(int fd)
{
	union address a = { .bytes = { 0 } };
	socklen_t len = sizeof(a);
	struct pt_addr addr;

	if (ask(fd, SO_ACCEPTCONN))
		return true;
	if (ask(fd, SO_TYPE) != SOCK_DGRAM || getsockname(fd, (struct sockaddr *)a.bytes, &len))
		return false;
	/* A datagram socket that was never bound has a port only when it is connected. */
	return parse_address(&a, len < sizeof(a) ? len : sizeof(a), &addr) && addr.port &&
	       getpeername(fd, (struct sockaddr *)a.bytes, &len) != 0;
}

bool pt_net_listens(pid_t tgid)
{
	char name[64], link[32];
	cleanup_closedir DIR *d = NULL;
	struct dirent *e;
	bool found = false;

	snprintf(name, sizeof(name), "/proc/%d/fd", tgid);
	d = opendir(name);
	for (unsigned i = 0; d && !found && i < MAX_FDS_LOOKED_AT && (e = readdir(d)); i++) {
		cleanup_close int fd = -1;
		ssize_t n = readlinkat(dirfd(d), e->d_name, link, sizeof(link));

		if (n < 7 || memcmp(link, "socket:", 7) != 0)
			continue;
		fd = task_fd(tgid, atoi(e->d_name));
		found = fd >= 0 && receives(fd);
	}
	return found;
}
