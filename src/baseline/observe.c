#include "baseline/observe.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>

#include "base/cleanup.h"
#include "base/path.h"
#include "bpf/watch_rec.h"
#include "model/capture.h"

static const char *const kept_calls[] = {
	"bpf",		 "clone", "clone3", "keyctl", "mmap",	"mprotect",   "personality",
	"pkey_mprotect", "prctl", "ptrace", "setns",  "socket", "socketpair", "unshare",
};

const char *observe_kept(unsigned i)
{
	return i < ARRAY_SIZE(kept_calls) ? kept_calls[i] : NULL;
}

bool observe_kept_spec(const char *call, struct watch_kept *out)
{
	const struct capture *c = capture_by_name(call);
	const struct sc_desc *d = sc_by_name(call);
	enum sc_abi abi = sc_abi_native();

	if (!c || !d || d->nr[abi] < 0)
		return false;
	*out = (struct watch_kept){ .n = c->args_n, .pointer = c->kind == CAPTURE_CLONE3 };
	for (unsigned i = 0; i < c->args_n; i++) {
		out->arg[i] = c->arg[i];
		out->mask[i] = capture_value(c, d, abi, i, UINT64_MAX);
	}
	return true;
}

static const char *const changing_calls[] = {
	"open",	   "openat", "openat2",	 "creat",     "mkdir",	  "mkdirat",  "mknod",
	"mknodat", "rmdir",  "unlink",	 "unlinkat",  "rename",	  "renameat", "renameat2",
	"link",	   "linkat", "symlink",	 "symlinkat", "truncate", "chmod",    "fchmodat",
	"chown",   "lchown", "fchownat", "bind",      "listen",
};

/* An address says where somebody wanted to go, whether he came there or not. */
static const char *const reaching_calls[] = { "connect", "sendto", "sendmsg" };

const char *observe_wanted(unsigned i, bool *success)
{
	*success = i < ARRAY_SIZE(changing_calls);
	if (*success)
		return changing_calls[i];
	i -= ARRAY_SIZE(changing_calls);
	return i < ARRAY_SIZE(reaching_calls) ? reaching_calls[i] : NULL;
}

int observe_abi(unsigned watch_abi)
{
	static const enum sc_abi x86[] = { SC_X86_64, SC_I386, SC_X32 };

	if (sc_abi_native() == SC_X86_64 && watch_abi < ARRAY_SIZE(x86))
		return (int)x86[watch_abi];
	return watch_abi ? -1 : (int)sc_abi_native();
}

void observe_call(unsigned watch_abi, uint32_t nr, uint64_t count, struct observation *out)
{
	int abi = observe_abi(watch_abi);

	out->kind = OBS_CALL;
	out->count = count;
	out->abi = abi < 0 ? sc_abi_native() : (enum sc_abi)abi;
	out->nr = nr;
	out->call = abi < 0 ? NULL : sc_by_nr(out->abi, nr);
}

/* ---- paths */

/* The path argument as an absolute one; false when it is not known. */
static bool named_path(const struct watch_rec *rec, unsigned arg, char *out)
{
	const struct watch_part *p = watch_part_find(rec, WATCH_P_PATH, arg);
	const struct watch_part *base = watch_part_find(rec, WATCH_P_BASE, arg);
	const char *text = p ? watch_part_bytes(p) : NULL;
	size_t len = 0;

	if (!p || !p->len || (*text != '/' && !base))
		return false;
	if (*text != '/')
		len = path_append(out, 0, OBS_PATH, watch_part_bytes(base), base->len);
	len = path_append(out, len, OBS_PATH, text, p->len);
	if (!len)
		out[len++] = '/';
	out[len] = '\0';
	return true;
}

static void as_directory(char *path)
{
	size_t n = strlen(path);

	if (n && path[n - 1] != '/' && n <= OBS_PATH)
		memcpy(path + n, "/", 2);
}

/* The file that an open led to, where the kernel says it is. */
static size_t opened(const struct watch_rec *rec, const struct capture *c, struct observation *o)
{
	const struct watch_part *p = watch_part_find(rec, WATCH_P_FD, WATCH_RET);
	struct watch_fd d;
	size_t n;

	if (!p || p->flags || p->len < sizeof(d))
		return 0; /* memory, a pipe, a file outside of its root */
	memcpy(&d, watch_part_bytes(p), sizeof(d));
	n = path_append(o->path, 0, OBS_PATH, (const char *)watch_part_bytes(p) + sizeof(d),
			p->len - sizeof(d));
	if (!n)
		o->path[n++] = '/';
	o->path[n] = '\0';
	if (S_ISDIR(d.mode))
		as_directory(o->path);
	o->kind = OBS_FILE;
	o->access = c->flags_arg == CAPTURE_NONE && c->path[0].dirfd == CAPTURE_CWD
			    ? WL_F_WRITE
			    : capture_open_access(d.flags) & ~(uint32_t)WL_F_CREATE;
	o->access |= d.created ? WL_F_CREATE : 0;
	return o->access ? 1 : 0;
}

static size_t changed(const struct watch_rec *rec, const struct capture *c, struct observation *o)
{
	size_t n = 0;

	for (unsigned i = 0; i < CAPTURE_MAX_PATHS && c->path[i].access; i++) {
		if (c->path[i].path < 0 || !named_path(rec, (unsigned)c->path[i].path, o[n].path))
			continue;
		if (c->directory == CAPTURE_DIRECTORY ||
		    (c->directory == CAPTURE_DIRECTORY_BY_FLAG && rec->arg[2] & AT_REMOVEDIR))
			as_directory(o[n].path);
		o[n].kind = OBS_FILE;
		o[n].access = c->path[i].access;
		n++;
	}
	return n;
}

/* ---- sockets */

static bool inet_address(struct observation *o, int family, const void *bytes)
{
	static const uint8_t mapped[12] = { [10] = 0xff, [11] = 0xff };

	if (family == AF_INET6 && !memcmp(bytes, mapped, sizeof(mapped))) {
		family = AF_INET;
		bytes = (const char *)bytes + sizeof(mapped);
	}
	o->family = (uint16_t)family;
	return inet_ntop(family, bytes, o->address, sizeof(o->address));
}

static bool unix_address(struct observation *o, const char *name, size_t len)
{
	bool abstract = len && !*name;

	o->family = AF_UNIX;
	if (abstract) {
		name++;
		len--;
	}
	len = abstract ? len : strnlen(name, len);
	if (!len || len + 2 > sizeof(o->address))
		return false;
	snprintf(o->address, sizeof(o->address), "%s%.*s", abstract ? "@" : "", (int)len, name);
	return true;
}

/* A struct sockaddr that a program gave. */
static bool given_address(const struct watch_part *p, struct observation *o)
{
	const char *bytes = p ? watch_part_bytes(p) : NULL;
	struct sockaddr_in6 six = { 0 };
	struct sockaddr_in four;
	sa_family_t family;

	if (!p || p->len < sizeof(family))
		return false;
	memcpy(&family, bytes, sizeof(family));
	if (family == AF_UNIX)
		return unix_address(o, bytes + sizeof(family), p->len - sizeof(family));
	if (family == AF_INET && p->len >= sizeof(four)) {
		memcpy(&four, bytes, sizeof(four));
		o->port = ntohs(four.sin_port);
		return inet_address(o, AF_INET, &four.sin_addr);
	}
	if (family != AF_INET6 || p->len < offsetof(struct sockaddr_in6, sin6_scope_id))
		return false;
	memcpy(&six, bytes, offsetof(struct sockaddr_in6, sin6_scope_id));
	o->port = ntohs(six.sin6_port);
	return inet_address(o, AF_INET6, &six.sin6_addr);
}

/* The socket that the call was made on. */
static bool socket_of(const struct watch_rec *rec, struct watch_fd *d)
{
	const struct watch_part *p = watch_part_find(rec, WATCH_P_FD, 0);

	if (!p || p->len < sizeof(*d))
		return false;
	memcpy(d, watch_part_bytes(p), sizeof(*d));
	return S_ISSOCK(d->mode);
}

static size_t networked(const struct watch_rec *rec, const struct capture *c, struct observation *o)
{
	static const struct {
		enum capture_kind kind;
		enum wl_net_op op;
		uint8_t address;
	} ops[] = { { CAPTURE_CONNECT, WL_NET_CONNECT, 1 },
		    { CAPTURE_BIND, WL_NET_BIND, 1 },
		    { CAPTURE_SENDTO, WL_NET_SEND, 4 },
		    { CAPTURE_SENDMSG, WL_NET_SEND, 1 } };
	struct watch_fd d = { 0 };
	bool socket = socket_of(rec, &d);

	o->kind = OBS_NET;
	o->type = d.type;
	o->protocol = d.protocol;
	if (c->kind == CAPTURE_LISTEN) {
		o->op = WL_NET_LISTEN;
		o->port = d.lport;
		return socket && (d.family == AF_INET || d.family == AF_INET6) &&
		       inet_address(o, d.family, d.laddr);
	}
	for (size_t i = 0; i < ARRAY_SIZE(ops); i++) {
		if (ops[i].kind != c->kind)
			continue;
		o->op = ops[i].op;
		return given_address(watch_part_find(rec, WATCH_P_ADDR, ops[i].address), o);
	}
	return 0;
}

/* ---- records */

static size_t executed(const struct watch_rec *rec, struct observation *o)
{
	const struct watch_part *exe = watch_part_find(rec, WATCH_P_EXE, 0);
	const struct watch_part *facts = watch_part_find(rec, WATCH_P_PROC, 0);
	struct watch_proc proc = { 0 };
	size_t n;

	if (!exe)
		return 0;
	if (facts && facts->len >= sizeof(proc))
		memcpy(&proc, watch_part_bytes(facts), sizeof(proc));
	o->kind = OBS_EXEC;
	o->layer = (enum watch_layer)proc.layer;
	o->in_memory = exe->flags || proc.memfd;
	n = path_append(o->path, 0, OBS_PATH, watch_part_bytes(exe), exe->len);
	o->path[n] = '\0';
	return 1;
}

static size_t returned(const struct watch_rec *rec, struct observation *o)
{
	const struct sc_desc *d = sc_by_nr(sc_abi_native(), rec->nr);
	const struct capture *c = d ? capture_by_name(d->name) : NULL;

	if (!c)
		return 0;
	for (unsigned i = 0; i < OBS_MAX; i++)
		o[i].call = d;
	switch (c->kind) {
	case CAPTURE_OPEN:
		return rec->ret < 0 ? 0 : opened(rec, c, o);
	case CAPTURE_PLAIN:
		return rec->ret < 0 ? 0 : changed(rec, c, o);
	default:
		return networked(rec, c, o);
	}
}

static size_t arguments(const struct watch_rec *rec, struct observation *o)
{
	const struct sc_desc *d = sc_by_nr(sc_abi_native(), rec->nr);
	const struct capture *c = d ? capture_by_name(d->name) : NULL;

	if (!c)
		return 0;
	o->kind = OBS_ARGUMENTS;
	o->nr = rec->nr;
	o->call = d;
	o->args_n = c->args_n;
	memcpy(o->value, rec->arg, sizeof(o->value));
	return 1;
}

size_t observe(const struct watch_rec *rec, struct observation *out)
{
	for (unsigned i = 0; i < OBS_MAX; i++) {
		out[i] = (struct observation){ .count = 1, .abi = sc_abi_native() };
		if (rec->kind >= WATCH_NEW_CALL && rec->ret > 1)
			out[i].count = (uint64_t)rec->ret;
	}
	switch (rec->kind) {
	case WATCH_EXEC:
		return executed(rec, out);
	case WATCH_CALL:
		return returned(rec, out);
	case WATCH_NEW_CALL:
		observe_call(rec->nr >> WATCH_ABI_SHIFT, rec->nr & ((1u << WATCH_ABI_SHIFT) - 1),
			     out->count, out);
		return 1;
	case WATCH_NEW_ARGS:
		return arguments(rec, out);
	case WATCH_NEW_CAP:
		out->kind = OBS_CAPABILITY;
		out->capability = (unsigned)rec->arg[0];
		return 1;
	}
	return 0;
}
