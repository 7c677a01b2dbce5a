/* Sockets of a log: what descriptors are, addresses, and when a workload serves. */
#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "base/cleanup.h"
#include "base/mem.h"
#include "import/strace_private.h"
#include "model/constants.h"

struct address {
	uint16_t family, port;
	char text[PATH_MAX];
};

static bool family_of(struct st_text t, uint16_t *out)
{
	uint64_t v;

	if (!t.n || !const_parse(sc_by_name("socket"), 0, NULL, t.p, t.n, &v) || v > UINT16_MAX)
		return false;
	*out = (uint16_t)v;
	return true;
}

/* "htons(80)" or a number. */
static uint16_t port_of(struct st_text t)
{
	unsigned char bytes[2];
	int64_t v = 0;
	size_t n;

	if (st_bytes(t, bytes, sizeof(bytes), &n) && n == 2) /* -X raw */
		return (uint16_t)(bytes[0] << 8 | bytes[1]);
	if (st_begins(t, "htons(") && t.p[t.n - 1] == ')')
		t = (struct st_text){ t.p + 6, t.n - 7 };
	return st_number(t, &v) && v >= 0 && v <= UINT16_MAX ? (uint16_t)v : 0;
}

/* The string inside NAME("…"), as a numeric address. */
static bool quoted_address(struct st_text t, int family, char *out, size_t size)
{
	const char *quote = t.n ? memchr(t.p, '"', t.n) : NULL;
	unsigned char bytes[sizeof(struct in6_addr)];
	char text[64];
	size_t n;
	bool cut;

	if (quote == t.p && st_bytes(t, bytes, sizeof(bytes), &n)) /* -X raw */
		return n == (family == AF_INET ? 4 : 16) &&
		       inet_ntop(family, bytes, out, (socklen_t)size);
	if (!quote ||
	    !st_string((struct st_text){ quote, t.n - (size_t)(quote - t.p) }, text, sizeof(text),
		       &cut) ||
	    inet_pton(family, text, bytes) != 1)
		return false;
	return inet_ntop(family, bytes, out, (socklen_t)size) != NULL;
}

static bool unix_address(struct st_text path, struct address *a)
{
	bool abstract = path.n && *path.p == '@', cut;

	if (!path.n)
		return true; /* no name */
	if (abstract)
		path = (struct st_text){ path.p + 1, path.n - 1 };
	a->text[0] = '@';
	if (!st_string(path, a->text + abstract, sizeof(a->text) - 1, &cut)) {
		a->text[0] = '\0';
		return false;
	}
	return true;
}

/* "inet_pton(AF_INET6, "::1", &sin6_addr)" stands where a member would. */
static bool inet6_address(struct st_text t, struct address *a)
{
	const char *at = memmem(t.p, t.n, "inet_pton(AF_INET6", 18);

	if (!at)
		return quoted_address(st_member(t, "sin6_addr"), AF_INET6, a->text,
				      sizeof(a->text));
	return quoted_address((struct st_text){ at, t.n - (size_t)(at - t.p) }, AF_INET6, a->text,
			      sizeof(a->text));
}

/* False: AF_UNSPEC, a pointer, or nothing that is understood (*lost). */
static bool parse_address(struct st_text t, struct address *a, bool *lost)
{
	*a = (struct address){ 0 };
	*lost = false;
	if (!t.n || st_text_is(t, "NULL"))
		return false;
	*lost = true;
	if (*t.p != '{' || !family_of(st_member(t, "sa_family"), &a->family))
		return false;
	*lost = false;
	switch (a->family) {
	case AF_UNSPEC:
		return false;
	case AF_INET:
		a->port = port_of(st_member(t, "sin_port"));
		*lost = !quoted_address(st_member(t, "sin_addr"), AF_INET, a->text,
					sizeof(a->text));
		break;
	case AF_INET6:
		a->port = port_of(st_member(t, "sin6_port"));
		*lost = !inet6_address(t, a);
		break;
	case AF_UNIX:
		*lost = !unix_address(st_member(t, "sun_path"), a);
		break;
	}
	return !*lost;
}

static void lost_address(struct strace *s, const struct st_call *c)
{
	import_lost(&s->im, "network");
	import_incomplete(&s->im, "an address of %s is not understood", c->name);
}

static void add_net(struct strace *s, struct st_task *t, enum wl_net_op op, const struct address *a,
		    const struct st_fd *f, uint32_t phases)
{
	struct wl_net *n;

	if (s->im.w->nets_n >= IMPORT_MAX_NETS) {
		import_lost(&s->im, "network");
		return;
	}
	n = wl_net_add(s->im.w, op, a->family, f ? f->type : 0, f ? f->protocol : 0, a->text,
		       a->port);
	wl_prov_add(&n->prov, phases, t->program, s->im.source);
}

static struct st_fd *socket_of(struct st_task *t, const struct st_call *c)
{
	struct st_text path;
	int fd;

	return c->n && st_descriptor(c->args[0], &fd, &path) ? st_fd_find(t, fd) : NULL;
}

/* A path of a unix socket that is relative belongs to the current folder. */
static void absolute(const struct st_task *t, struct address *a)
{
	char name[PATH_MAX];

	if (a->family != AF_UNIX || !a->text[0] || a->text[0] == '@')
		return;
	if (a->text[0] != '/') {
		if (!t->fs->cwd || (size_t)snprintf(name, sizeof(name), "%s/%s", t->fs->cwd,
						    a->text) >= sizeof(name))
			return;
		snprintf(a->text, sizeof(a->text), "%s", name);
	}
	import_normalise(a->text);
}

static void bound(struct strace *s, struct st_task *t, const struct st_call *c, struct address *a,
		  uint32_t phases)
{
	struct st_fd *f = socket_of(t, c);

	add_net(s, t, WL_NET_BIND, a, f, phases);
	if (f) {
		free(f->address);
		f->address = xstrdup(a->text);
		f->port = a->port;
		f->family = a->family;
	}
	if ((a->family == AF_INET || a->family == AF_INET6) && f && f->type == SOCK_DGRAM)
		t->phase->listening = true;
}

static void listened(struct strace *s, struct st_task *t, const struct st_call *c, uint32_t phases)
{
	const struct st_fd *f = socket_of(t, c);
	struct address a = { 0 };

	t->phase->listening = true;
	if (!f || !f->family) {
		lost_address(s, c);
		return;
	}
	a.family = f->family;
	a.port = f->port;
	snprintf(a.text, sizeof(a.text), "%s", f->address ? f->address : "");
	if (!f->address && f->family == AF_INET)
		snprintf(a.text, sizeof(a.text), "0.0.0.0");
	if (!f->address && f->family == AF_INET6)
		snprintf(a.text, sizeof(a.text), "::");
	add_net(s, t, WL_NET_LISTEN, &a, f, phases);
}

/* A connection that failed on the way is behaviour too; one that made no sense is not. */
static bool connect_counts(const struct st_call *c)
{
	static const int senseless[] = {
		EBADF, ENOTSOCK, EFAULT, EINVAL, EAFNOSUPPORT, EPROTOTYPE
	};

	for (size_t i = 0; c->result == ST_ERROR && i < ARRAY_SIZE(senseless); i++)
		if (c->value == senseless[i])
			return false;
	return true;
}

static void with_address(struct strace *s, struct st_task *t, const struct st_call *c,
			 const struct capture *cap, struct st_text text, uint32_t phases)
{
	struct address a;
	bool lost;

	if (!parse_address(text, &a, &lost)) {
		if (lost)
			lost_address(s, c);
		return;
	}
	absolute(t, &a);
	if (cap->kind == CAPTURE_BIND)
		st_cap_port(s, t, c, a.port, phases);
	if (cap->kind == CAPTURE_BIND && c->result == ST_VALUE)
		bound(s, t, c, &a, phases);
	else if (cap->kind == CAPTURE_CONNECT && connect_counts(c))
		add_net(s, t, WL_NET_CONNECT, &a, socket_of(t, c), phases);
	else if (cap->kind == CAPTURE_SENDTO || cap->kind == CAPTURE_SENDMSG)
		add_net(s, t, WL_NET_SEND, &a, socket_of(t, c), phases);
}

void st_net(struct strace *s, struct st_task *t, const struct st_call *c, const struct capture *cap,
	    uint32_t phases)
{
	switch (cap->kind) {
	case CAPTURE_BIND:
	case CAPTURE_CONNECT:
		if (c->n > 1)
			with_address(s, t, c, cap, c->args[1], phases);
		break;
	case CAPTURE_SENDTO:
		if (c->n > 4)
			with_address(s, t, c, cap, c->args[4], phases);
		break;
	case CAPTURE_SENDMSG:
		if (c->n > 1)
			with_address(s, t, c, cap, st_member(c->args[1], "msg_name"), phases);
		break;
	case CAPTURE_LISTEN:
		if (c->result == ST_VALUE)
			listened(s, t, c, phases);
		break;
	default:
		break;
	}
}

static void new_socket(struct strace *s, struct st_task *t, const struct st_call *c)
{
	const struct sc_desc *d = sc_by_name("socket");
	struct wl_call so_far = { .n = 0 };
	struct st_fd *f = st_fd_new(s, t, (int)c->value);

	for (unsigned i = 0; f && i < 3 && i < c->n; i++) {
		so_far.index[i] = (uint8_t)i;
		if (!const_parse(d, i, &so_far, c->args[i].p, c->args[i].n, &so_far.value[i]))
			return;
		so_far.n++;
	}
	if (!f || so_far.n < 3)
		return;
	f->family = (uint16_t)so_far.value[0];
	f->type = (uint16_t)(so_far.value[1] & 0xf);
	f->protocol = (uint16_t)so_far.value[2];
	/* What the kernel says for 0, and recorders ask it. */
	if ((f->family == AF_INET || f->family == AF_INET6) && !f->protocol)
		f->protocol = f->type == SOCK_STREAM ? 6 : f->type == SOCK_DGRAM ? 17 : 0;
}

static void accepted(struct strace *s, struct st_task *t, const struct st_call *c)
{
	const struct st_fd *from = socket_of(t, c);
	struct st_fd like = from ? *from : (struct st_fd){ 0 };
	struct st_fd *f = st_fd_new(s, t, (int)c->value);

	if (!f)
		return;
	f->family = like.family;
	f->type = like.type;
	f->protocol = like.protocol;
}

static bool duplicates(const struct st_call *c)
{
	return !strcmp(c->name, "dup") || !strcmp(c->name, "dup2") || !strcmp(c->name, "dup3") ||
	       ((!strcmp(c->name, "fcntl") || !strcmp(c->name, "fcntl64")) && c->n > 1 &&
		(st_begins(c->args[1], "F_DUPFD") || st_text_is(c->args[1], "0") ||
		 st_text_is(c->args[1], "0x406")));
}

void st_descriptors(struct strace *s, struct st_task *t, const struct st_call *c)
{
	struct st_text path;
	int fd;

	if (c->result != ST_VALUE || c->value < 0 || c->value > INT32_MAX)
		return;
	if (!strcmp(c->name, "socket"))
		new_socket(s, t, c);
	else if (!strcmp(c->name, "accept") || !strcmp(c->name, "accept4"))
		accepted(s, t, c);
	else if (duplicates(c) && st_descriptor(c->args[0], &fd, &path))
		st_fd_copy(s, t, fd, (int)c->value);
}
