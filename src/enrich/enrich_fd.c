/* fd.*, fs.* */
#include <arpa/inet.h>
#include <netinet/in.h>
#include <stddef.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/un.h>

#include "base/cleanup.h"
#include "base/path.h"
#include "enrich/enrich_private.h"

/* One end of a connection. */
struct end {
	struct ev_addr addr;
	uint16_t port;
};

struct tuple {
	struct end local, remote;
	bool has_remote, is_server, v6;
};

static const struct watch_fd *fd_of(const struct enrich *e)
{
	const struct watch_fd *d = e->fd_part ? watch_part_bytes(e->fd_part) : NULL;

	return d && d->mode ? d : NULL;
}

/* The name behind the description; it has no NUL. */
static struct ev_text name_of(const struct enrich *e)
{
	const struct watch_fd *d = watch_part_bytes(e->fd_part);

	return (struct ev_text){ (const char *)(d + 1), e->fd_part->len - sizeof(*d) };
}

/* Whether the call has to do with a descriptor at all. */
static bool has_fd(const struct enrich *e)
{
	return e->shape && e->shape->fd >= 0;
}

/* Files without a place in a file system, by the name that the kernel gives them. */
static const struct {
	const char *name, *type;
	char letter;
} nameless[] = {
	{ "[eventfd]", "event", 'e' },
	{ "[signalfd]", "signalfd", 's' },
	{ "[eventpoll]", "eventpoll", 'l' },
	{ "inotify", "inotify", 'i' },
	{ "[timerfd]", "timerfd", 't' },
	{ "bpf-", "bpf", 'b' },
	{ "[bpf", "bpf", 'b' },
	{ "[userfaultfd]", "userfaultfd", 'u' },
	{ "[io_uring]", "io_uring", 'r' },
	{ "memfd:", "memfd", 'm' },
	{ "[pidfd]", "pidfd", 'P' },
};

static const char *nameless_type(struct ev_text name, char *letter)
{
	for (size_t i = 0; i < ARRAY_SIZE(nameless); i++) {
		size_t len = strlen(nameless[i].name);

		if (name.len >= len && !memcmp(name.p, nameless[i].name, len)) {
			*letter = nameless[i].letter;
			return nameless[i].type;
		}
	}
	return NULL;
}

static const char *socket_type(const struct watch_fd *d, char *letter)
{
	switch (d->family) {
	case AF_INET:
		*letter = '4';
		return "ipv4";
	case AF_INET6:
		*letter = '6';
		return "ipv6";
	case AF_UNIX:
		*letter = 'u';
		return "unix";
	case AF_NETLINK:
		*letter = 'n';
		return "netlink";
	}
	*letter = 'X';
	return "<NA>";
}

/* What a call would have made when it did not (falcosecurity/libs, sinsp_filtercheck_fd.cpp). */
static const char *type_of_call(const struct enrich *e, char *letter)
{
	static const struct {
		const char *call, *type;
		char letter;
	} rows[] = {
		{ "openat", "file", 'f' }, { "openat2", "file", 'f' }, { "creat", "file", 'f' },
		{ "socket", "ipv4", '4' }, { "accept", "ipv4", '4' },  { "accept4", "ipv4", '4' },
	};

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
		if (!strcmp(rows[i].call, e->shape->name)) {
			*letter = rows[i].letter;
			return rows[i].type;
		}
	*letter = 'o';
	return "<NA>";
}

const char *fd_type_name(const struct enrich *e, char *letter)
{
	const struct watch_fd *d = fd_of(e);
	const char *type;

	if (!has_fd(e))
		return NULL;
	if (!d)
		return type_of_call(e, letter);
	if (S_ISSOCK(d->mode))
		return socket_type(d, letter);
	if (S_ISFIFO(d->mode)) {
		*letter = 'p';
		return "pipe";
	}
	if (S_ISDIR(d->mode)) {
		*letter = 'd';
		return "directory";
	}
	type = e->fd_part->flags ? nameless_type(name_of(e), letter) : NULL;
	if (type)
		return type;
	*letter = 'f';
	return "file";
}

static int64_t fd_number(const struct enrich *e)
{
	/* A new number for an old file is what dup(2) is about. */
	if (!strncmp(e->shape->name, "dup", 3) || e->shape->fd == FD_RET)
		return e->rec->ret < 0 ? -1 : e->rec->ret;
	return (int32_t)e->rec->arg[e->shape->fd];
}

/* ---- connections */

static bool is_zero(const uint8_t *p, size_t n)
{
	while (n--)
		if (*p++)
			return false;
	return true;
}

/* IPv4 in IPv6 is IPv4 to a reader. */
static struct ev_addr address(const uint8_t *b, bool v6)
{
	static const uint8_t mapped[12] = { [10] = 0xff, [11] = 0xff };
	struct ev_addr a = { .len = v6 ? 16 : 4 };

	if (v6 && !memcmp(b, mapped, sizeof(mapped))) {
		a.len = 4;
		memcpy(a.b, b + 12, 4);
	} else {
		memcpy(a.b, b, a.len);
	}
	return a;
}

static const struct watch_part *address_part(const struct enrich *e)
{
	const struct watch_part *p = NULL, *given;

	while ((p = watch_part_next(e->rec, p)))
		if (p->kind == WATCH_P_ADDR)
			break;
	given = p && e->memory == AS_GIVEN ? watch_part_find(e->rec, WATCH_P_GIVEN, p->arg) : NULL;
	return given ? given : p;
}

/* An address that the caller gave or got; -1 in *port when it is no internet address. */
static bool given_address(const struct enrich *e, struct end *out)
{
	const struct watch_part *p;
	struct sockaddr_in6 sa = { 0 };

	p = address_part(e);
	if (!p)
		return false;
	memcpy(&sa, watch_part_bytes(p), p->len < sizeof(sa) ? p->len : sizeof(sa));
	if (sa.sin6_family == AF_INET && p->len >= 8) {
		struct sockaddr_in v4;

		memcpy(&v4, &sa, sizeof(v4));
		out->addr = address((const uint8_t *)&v4.sin_addr, false);
		out->port = ntohs(v4.sin_port);
		return true;
	}
	if (sa.sin6_family != AF_INET6 || p->len < 24)
		return false;
	out->addr = address(sa.sin6_addr.s6_addr, true);
	out->port = ntohs(sa.sin6_port);
	return true;
}

static bool begins(const struct enrich *e, const char *what)
{
	return !strncmp(e->shape->name, what, strlen(what));
}

/*
 * Both ends. Who accepted is the server, who connected the client; else the owner of the lower port
 * is taken for the server.
 */
static bool tuple_of(const struct enrich *e, struct tuple *t)
{
	const struct watch_fd *d = fd_of(e);

	if (!d || !S_ISSOCK(d->mode) || (d->family != AF_INET && d->family != AF_INET6))
		return false;
	*t = (struct tuple){ .v6 = d->family == AF_INET6 };
	t->local = (struct end){ address(d->laddr, t->v6), d->lport };
	t->remote = (struct end){ address(d->raddr, t->v6), d->rport };
	t->has_remote = d->rport || !is_zero(d->raddr, sizeof(d->raddr));
	if (!t->has_remote && !begins(e, "bind"))
		t->has_remote = given_address(e, &t->remote);
	/* A connection that was waited for and refused has its address and no port any more. */
	else if (!d->rport && begins(e, "connect"))
		given_address(e, &t->remote);
	if (begins(e, "accept"))
		t->is_server = true;
	else if (begins(e, "connect"))
		t->is_server = false;
	else
		t->is_server = !t->has_remote || t->local.port < t->remote.port;
	return true;
}

/*
 * Whether a message goes to, or comes from, somebody else than the one before it on a socket that
 * is not connected. What was forgotten, because the table is small, counts as somebody else.
 */
static bool peer_changed(struct enrich *e, const struct watch_fd *d)
{
	struct peer *p = &e->peers[d->ino % PEERS];
	struct tuple t;

	if (d->type != SOCK_DGRAM || d->rport || !(begins(e, "send") || begins(e, "recv")) ||
	    !tuple_of(e, &t) || !t.has_remote)
		return false;
	if (p->ino == d->ino && p->port == t.remote.port && p->addr.len == t.remote.addr.len &&
	    !memcmp(p->addr.b, t.remote.addr.b, p->addr.len))
		return false;
	*p = (struct peer){ d->ino, t.remote.addr, t.remote.port };
	return true;
}

static const char *address_text(struct enrich *e, const struct ev_addr *a)
{
	char text[INET6_ADDRSTRLEN];

	return inet_ntop(a->len == 4 ? AF_INET : AF_INET6, a->b, text, sizeof(text))
		       ? scratch_printf(e, "%s", text)
		       : NULL;
}

static const char *l4_of(const struct watch_fd *d)
{
	switch (d->protocol) {
	case IPPROTO_TCP:
		return "tcp";
	case IPPROTO_UDP:
		return "udp";
	case IPPROTO_ICMP:
	case IPPROTO_ICMPV6:
		return "icmp";
	}
	return d->type == SOCK_RAW ? "raw" : "<NA>";
}

const char *fd_l4_letter(const struct enrich *e)
{
	const struct watch_fd *d = fd_of(e);

	if (!d || !S_ISSOCK(d->mode) || (d->family != AF_INET && d->family != AF_INET6))
		return "";
	switch (*l4_of(d)) {
	case 't':
		return "t";
	case 'u':
		return "u";
	case 'i':
		return "i";
	case 'r':
		return "r";
	}
	return "";
}

static const char *tuple_name(struct enrich *e, const struct tuple *t)
{
	const struct end *from = t->is_server ? &t->remote : &t->local;
	const struct end *to = t->is_server ? &t->local : &t->remote;
	const char *a = address_text(e, &from->addr), *b = address_text(e, &to->addr);

	if (!t->has_remote)
		return scratch_printf(e, "%s:%u", address_text(e, &t->local.addr), t->local.port);
	if (!from->port && !to->port)
		return scratch_printf(e, "%s->%s", a, b);
	return scratch_printf(e, "%s:%u->%s:%u", a, from->port, b, to->port);
}

/* A unix socket's path: its own, its peer's, or the one that the caller wants to reach. */
static const char *unix_text(struct enrich *e)
{
	struct ev_text name = name_of(e);
	const struct watch_part *p = NULL;
	char *s;

	if (!name.len)
		while ((p = watch_part_next(e->rec, p)))
			if (p->kind == WATCH_P_ADDR && p->len > 2) {
				name.p = (const char *)watch_part_bytes(p) + 2;
				name.len = p->len - 2;
				break;
			}
	/* An abstract name begins with a NUL and is shown with "@". */
	if (name.len && name.p[0])
		name.len = strnlen(name.p, name.len);
	s = scratch_text(e, name.len);
	if (!s)
		return NULL;
	memcpy(s, name.p, name.len);
	if (name.len && !s[0])
		s[0] = '@';
	return s;
}

const char *fd_name(struct enrich *e)
{
	const struct watch_fd *d = fd_of(e);
	struct tuple t;
	char *s;

	if (!has_fd(e))
		return NULL;
	if (is_open(e) && event_path(e, 0))
		return event_path(e, 0);
	if (!d)
		return "";
	if (tuple_of(e, &t))
		return tuple_name(e, &t);
	if (S_ISSOCK(d->mode))
		return d->family == AF_UNIX ? unix_text(e) : "";
	s = scratch_text(e, name_of(e).len);
	if (s)
		memcpy(s, name_of(e).p, name_of(e).len);
	return s;
}

/* ---- parts of the name */

static bool folder_of(struct enrich *e, struct ev_values *out)
{
	const char *name = fd_name(e), *slash;
	char letter = 0;

	fd_type_name(e, &letter);
	if (!name || (letter != 'f' && letter != 'd'))
		return false;
	if (letter == 'd')
		return give_text(out, name);
	slash = strrchr(name, '/');
	if (!slash)
		return false;
	return slash == name ? give_text(out, "/") : give_bytes(out, name, (size_t)(slash - name));
}

static bool file_of(struct enrich *e, struct ev_values *out)
{
	const char *name = fd_name(e), *slash;
	char letter = 0;

	fd_type_name(e, &letter);
	if (!name || letter != 'f')
		return false;
	slash = strrchr(name, '/');
	return give_text(out, slash ? slash + 1 : name);
}

static bool raw_name(struct enrich *e, struct ev_values *out)
{
	size_t len, n = 0;
	const char *raw = event_raw_path(e, 0, &len);
	char *s;

	if (!raw)
		return give_text(out, fd_name(e));
	if (path_is_plain(raw, len))
		return give_bytes(out, raw, len);
	s = scratch_text(e, len);
	if (!s)
		return false;
	for (size_t i = 0; i < len; i++)
		if (!(raw[i] == '/' && n && s[n - 1] == '/'))
			s[n++] = raw[i];
	return give_bytes(out, s, n);
}

static bool give_end(struct ev_values *out, const struct end *end, bool port)
{
	if (port)
		return give_number(out, end->port);
	out->one.a = end->addr;
	out->v = &out->one;
	out->n = 1;
	return true;
}

/* Both ends as a list of two; a listening socket has one. */
static bool give_ends(struct enrich *e, const struct tuple *t, bool port, struct ev_values *out)
{
	const struct end *ends[] = { &t->local, &t->remote };
	size_t n = t->has_remote ? 2 : 1;

	for (size_t i = 0; i < n; i++) {
		if (port)
			e->list[i].u = ends[i]->port;
		else
			e->list[i].a = ends[i]->addr;
	}
	return give_list(e, out, n);
}

static bool read_connection(struct enrich *e, unsigned id, struct ev_values *out)
{
	const struct watch_fd *d = fd_of(e);
	struct tuple t;

	if (!tuple_of(e, &t))
		return false;
	switch (id) {
	case EV_FD_IP:
	case EV_FD_NET:
		return give_ends(e, &t, false, out);
	case EV_FD_PORT:
		return give_ends(e, &t, true, out);
	case EV_FD_L4PROTO:
		return give_text(out, l4_of(d));
	case EV_FD_IS_SERVER:
		return give_bool(out, t.is_server);
	case EV_FD_LIP:
	case EV_FD_LNET:
		return give_end(out, &t.local, false);
	case EV_FD_LPORT:
		return give_end(out, &t.local, true);
	case EV_FD_SIP:
	case EV_FD_SNET:
		return (t.is_server || t.has_remote) &&
		       give_end(out, t.is_server ? &t.local : &t.remote, false);
	case EV_FD_SPORT:
		return (t.is_server || t.has_remote) &&
		       give_end(out, t.is_server ? &t.local : &t.remote, true);
	}
	if (!t.has_remote)
		return false;
	switch (id) {
	case EV_FD_RIP:
	case EV_FD_RNET:
		return give_end(out, &t.remote, false);
	case EV_FD_RPORT:
		return give_end(out, &t.remote, true);
	case EV_FD_CIP:
	case EV_FD_CNET:
		return give_end(out, t.is_server ? &t.remote : &t.local, false);
	case EV_FD_CPORT:
		return give_end(out, t.is_server ? &t.remote : &t.local, true);
	}
	return false;
}

/* What is known of the address that another field has; an address can have none. */
static bool read_names(struct enrich *e, unsigned id, struct ev_values *out)
{
	static const struct {
		unsigned name, address;
	} rows[] = { { EV_FD_CIP_NAME, EV_FD_CIP },
		     { EV_FD_SIP_NAME, EV_FD_SIP },
		     { EV_FD_LIP_NAME, EV_FD_LIP },
		     { EV_FD_RIP_NAME, EV_FD_RIP } };
	const char *names[NAMES_OF_ONE_MAX];
	struct ev_values v;
	size_t n;

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		if (rows[i].name != id)
			continue;
		if (!read_connection(e, rows[i].address, &v))
			return false;
		n = names_of(e->names_of, &v.v->a, names, ARRAY_SIZE(names));
		for (size_t k = 0; k < n; k++)
			e->list[k].s = (struct ev_text){ names[k], strlen(names[k]) };
		return give_list(e, out, n);
	}
	return false;
}

static bool read_paths(struct enrich *e, unsigned id, struct ev_values *out)
{
	bool two = e->shape && e->shape->path2 >= 0;
	unsigned which = (id == EV_FS_PATH_TARGET || id == EV_FS_PATH_TARGETRAW) && two;
	bool raw = id == EV_FS_PATH_NAMERAW || id == EV_FS_PATH_SOURCERAW ||
		   id == EV_FS_PATH_TARGETRAW;
	size_t len;
	const char *s;

	if (!e->shape || e->shape->path < 0)
		return false;
	if (two == (id == EV_FS_PATH_NAME || id == EV_FS_PATH_NAMERAW))
		return false; /* calls with two paths have a source and a target */
	/* Without a name it is the file that is open (utimensat(2), futimens(3)). */
	if (!event_raw_path(e, which, &len) && e->shape->fd >= 0 && !e->shape->open)
		return fd_of(e) && give_text(out, fd_name(e));
	if (!raw)
		return give_text(out, event_path(e, which));
	s = event_raw_path(e, which, &len);
	return s && give_bytes(out, s, len);
}

static bool read_file(struct enrich *e, unsigned id, struct ev_values *out)
{
	const struct watch_fd *d = fd_of(e);

	if (!d)
		return false;
	switch (id) {
	case EV_FD_INO:
		return give_signed(out, (int64_t)d->ino);
	/* The kernel's own form of a device: 12 bits of major over 20 of minor. */
	case EV_FD_DEV:
		return give_signed(out, (int32_t)d->dev);
	case EV_FD_DEV_MAJOR:
		return give_signed(out, d->dev >> 20);
	case EV_FD_DEV_MINOR:
		return give_signed(out, d->dev & 0xfffff);
	case EV_FD_IS_UPPER_LAYER:
		return give_bool(out, d->layer == WATCH_UPPER);
	case EV_FD_IS_LOWER_LAYER:
		return give_bool(out, d->layer == WATCH_LOWER);
	case EV_FD_SOCKFAMILY:
		if (!S_ISSOCK(d->mode))
			return false;
		return give_text(out, d->family == AF_INET || d->family == AF_INET6 ? "ip"
				      : d->family == AF_UNIX			    ? "unix"
										    : "<NA>");
	case EV_FD_CONNECTED:
		/* TCP_ESTABLISHED, which connected datagram sockets have too */
		return S_ISSOCK(d->mode) && give_bool(out, d->state == 1);
	case EV_FD_NAME_CHANGED:
		return S_ISSOCK(d->mode) && give_bool(out, peer_changed(e, d));
	}
	return false;
}

bool fd_has_port(const struct enrich *e, unsigned port)
{
	struct tuple t;

	return has_fd(e) && tuple_of(e, &t) &&
	       (t.local.port == port || (t.has_remote && t.remote.port == port));
}

bool fd_is_tcp(const struct enrich *e)
{
	const struct watch_fd *d = fd_of(e);

	return d && d->type == SOCK_STREAM;
}

/* What has no name of its own is called as in /proc/PID/fd: both ends of a pipe the same. */
static const char *stream_name(struct enrich *e)
{
	const struct watch_fd *d = fd_of(e);
	const char *name = fd_name(e);

	if (!name || *name || !d->ino)
		return name;
	if (S_ISFIFO(d->mode))
		return scratch_printf(e, "pipe:[%llu]", (unsigned long long)d->ino);
	return S_ISSOCK(d->mode) ? scratch_printf(e, "socket:[%llu]", (unsigned long long)d->ino)
				 : name;
}

bool read_stdio_field(struct enrich *e, unsigned id, struct ev_values *out)
{
	static const struct call_shape shape = { .name = "stdio", .path = -1, .path2 = -1 };
	bool name = id >= EV_PROC_STDIN_NAME;
	unsigned fd = id - (name ? EV_PROC_STDIN_NAME : EV_PROC_STDIN_TYPE);
	char letter;
	bool found;

	e->fd_part = e->rec->kind == WATCH_EXEC ? watch_part_find(e->rec, WATCH_P_FD, fd) : NULL;
	if (!e->fd_part)
		return false;
	e->shape = &shape;
	found = fd_of(e) && give_text(out, name ? stream_name(e) : fd_type_name(e, &letter));
	e->shape = NULL;
	e->fd_part = NULL;
	return found;
}

bool read_fd_field(struct enrich *e, const struct ev_ref *ref, struct ev_values *out)
{
	unsigned id = ref->field->id;
	const char *type;
	char letter = 0, *text;

	if (id >= EV_FS_PATH_NAME && id <= EV_FS_PATH_TARGETRAW)
		return read_paths(e, id, out);
	if (id >= EV_DNS_NAME && id <= EV_DNS_ADDRESSES)
		return read_dns_field(e, id, out);
	if (!has_fd(e))
		return false;
	switch (id) {
	case EV_FD_NUM:
		return give_signed(out, fd_number(e));
	case EV_FD_IS_DIRECT:
		return give_bool(out, e->rec->uring & WATCH_URING_DIRECT);
	case EV_FD_TYPE:
		return give_text(out, fd_type_name(e, &letter));
	case EV_FD_TYPECHAR:
		type = fd_type_name(e, &letter);
		text = type ? scratch_text(e, 1) : NULL;
		if (!text)
			return false;
		*text = letter;
		return give_bytes(out, text, 1);
	case EV_FD_NAME:
		return give_text(out, fd_name(e));
	case EV_FD_NAMERAW:
		return raw_name(e, out);
	case EV_FD_DIRECTORY:
		return folder_of(e, out);
	case EV_FD_FILENAME:
		return file_of(e, out);
	}
	return read_file(e, id, out) || read_connection(e, id, out) || read_names(e, id, out);
}
