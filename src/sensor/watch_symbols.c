#include "sensor/watch_symbols.h"

#include <stdio.h>
#include <string.h>

#include "base/cleanup.h"
#include "model/syscalls.h"

/* Where the function has another name than the call. */
static const struct {
	const char *call, *symbol;
} symbols[] = {
	{ "fstat", "newfstat" }, { "lstat", "newlstat" }, { "sendfile", "sendfile64" },
	{ "stat", "newstat" },	 { "umount2", "umount" }, { "uname", "newuname" },
};

const char *watch_symbol(const char *call)
{
	for (size_t i = 0; i < ARRAY_SIZE(symbols); i++)
		if (!strcmp(symbols[i].call, call))
			return symbols[i].symbol;
	return call;
}

#if defined(__x86_64__)
/* Calls of i386 that are native ones under another name, or with other arguments. */
static const struct compat_row {
	const char *call, *native, *symbol; /* NULL: that of the call */
	enum watch_compat_how how;
} compat[] = {
	{ "chown", "chown", "chown16", 0 },
	{ "chown32", "chown", "chown", 0 },
	{ "clone", "clone", "ia32_clone", WATCH_C_CLONE },
	{ "fchown", "fchown", "fchown16", 0 },
	{ "fchown32", "fchown", "fchown", 0 },
	{ "fcntl64", "fcntl", NULL, 0 },
	{ "fstat64", "fstat", "ia32_fstat64", 0 },
	{ "fstatat64", "newfstatat", "ia32_fstatat64", 0 },
	{ "ftruncate64", "ftruncate", "ia32_ftruncate64", WATCH_C_JOIN_1 },
	{ "futimesat", "futimesat", "futimesat_time32", 0 },
	{ "lchown", "lchown", "lchown16", 0 },
	{ "lchown32", "lchown", "lchown", 0 },
	{ "lstat64", "lstat", "ia32_lstat64", 0 },
	{ "mmap", "mmap", "ia32_mmap", WATCH_C_MMAP },
	{ "mmap2", "mmap", "mmap_pgoff", WATCH_C_MMAP2 },
	{ "pread64", "pread64", "ia32_pread64", WATCH_C_JOIN_3 },
	{ "pwrite64", "pwrite64", "ia32_pwrite64", WATCH_C_JOIN_3 },
	{ "sendfile64", "sendfile", NULL, 0 },
	{ "sendfile", "sendfile", "sendfile", 0 },
	{ "setfsgid", "setfsgid", "setfsgid16", 0 },
	{ "setfsgid32", "setfsgid", "setfsgid", 0 },
	{ "setfsuid", "setfsuid", "setfsuid16", 0 },
	{ "setfsuid32", "setfsuid", "setfsuid", 0 },
	{ "setgid", "setgid", "setgid16", 0 },
	{ "setgid32", "setgid", "setgid", 0 },
	{ "setgroups", "setgroups", "setgroups16", 0 },
	{ "setgroups32", "setgroups", "setgroups", 0 },
	{ "setregid", "setregid", "setregid16", 0 },
	{ "setregid32", "setregid", "setregid", 0 },
	{ "setresgid", "setresgid", "setresgid16", 0 },
	{ "setresgid32", "setresgid", "setresgid", 0 },
	{ "setresuid", "setresuid", "setresuid16", 0 },
	{ "setresuid32", "setresuid", "setresuid", 0 },
	{ "setreuid", "setreuid", "setreuid16", 0 },
	{ "setreuid32", "setreuid", "setreuid", 0 },
	{ "setuid", "setuid", "setuid16", 0 },
	{ "setuid32", "setuid", "setuid", 0 },
	{ "stat64", "stat", "ia32_stat64", 0 },
	{ "truncate64", "truncate", "ia32_truncate64", WATCH_C_JOIN_1 },
	{ "umount", "umount2", "oldumount", WATCH_C_ONE },
	{ "utime", "utime", "utime32", 0 },
	{ "utimensat", "utimensat", "utimensat_time32", 0 },
	{ "utimensat_time64", "utimensat", "utimensat", WATCH_C_TIME64 },
	{ "utimes", "utimes", "utimes_time32", 0 },
	{ "waitpid", "wait4", NULL, 0 },
};

/* By operation (linux/net.h, SYS_SOCKET …). */
static const char *const socketcalls[] = {
	[1] = "socket",	   [2] = "bind",	[3] = "connect",     [4] = "listen",
	[5] = "accept",	   [6] = "getsockname", [7] = "getpeername", [8] = "socketpair",
	[9] = "sendto",	   [10] = "recvfrom",	[11] = "sendto",     [12] = "recvfrom",
	[13] = "shutdown", [14] = "setsockopt", [15] = "getsockopt", [16] = "sendmsg",
	[17] = "recvmsg",  [18] = "accept4",	[19] = "recvmmsg",   [20] = "sendmmsg",
};

static const struct compat_row *row_of(const char *call)
{
	for (size_t i = 0; i < ARRAY_SIZE(compat); i++)
		if (!strcmp(compat[i].call, call))
			return &compat[i];
	return NULL;
}

static const char *native_name(const struct sc_desc *d)
{
	const struct compat_row *row = row_of(d->name);

	return row ? row->native : d->name;
}

void watch_compat_tables(struct watch_compat_tables *t)
{
	memset(t, 0, sizeof(*t));
	for (size_t i = 0; i < sc_count(); i++) {
		const struct sc_desc *d = sc_at(i);
		const struct compat_row *row = row_of(d->name);
		int nr = d->nr[SC_I386], native = sc_nr(SC_X86_64, native_name(d));

		if (nr < 0 || nr >= WATCH_NRS || native < 0 || native >= WATCH_NRS)
			continue;
		t->of[nr].nr = (uint16_t)(native + 1);
		t->of[nr].how = (uint16_t)(row ? row->how : WATCH_C_SAME);
	}
	t->of[sc_nr(SC_I386, "socketcall")].how = WATCH_C_SOCKETCALL;
	for (size_t i = 1; i < ARRAY_SIZE(socketcalls); i++)
		t->socketcall[i] = (uint16_t)(sc_nr(SC_X86_64, socketcalls[i]) + 1);
}

struct functions {
	struct watch_function *v;
	size_t n;
	unsigned choice;
};

static void add(struct functions *f, const char *prefix, const char *symbol)
{
	struct watch_function *one = &f->v[f->n];

	if (f->n == WATCH_FUNCTIONS_MAX)
		return;
	one->choice = f->choice;
	snprintf(one->name, sizeof(one->name), "%s%s", prefix, symbol);
	f->n++;
}

static void add_compat(struct functions *f, const char *symbol, const char *call)
{
	f->choice++;
	add(f, "__ia32_compat_sys_", symbol);
	add(f, "__ia32_sys_", symbol);
	add(f, "__ia32_compat_sys_", call);
	add(f, "__ia32_sys_", call);
	add(f, "__do_sys_", call); /* of a call without arguments, by both entries */
}

static bool is_socketcall(const char *call)
{
	for (size_t i = 1; i < ARRAY_SIZE(socketcalls); i++)
		if (!strcmp(socketcalls[i], call))
			return true;
	return false;
}

size_t watch_functions(const char *call, struct watch_function out[WATCH_FUNCTIONS_MAX])
{
	struct functions f = { .v = out };

	add(&f, "__x64_sys_", watch_symbol(call));
	add(&f, "__do_sys_", call);
	for (size_t i = 0; i < sc_count(); i++) {
		const struct sc_desc *d = sc_at(i);
		const struct compat_row *row = row_of(d->name);
		const char *symbol = watch_symbol(d->name);

		if (d->nr[SC_I386] >= 0 && !strcmp(native_name(d), call))
			add_compat(&f, row && row->symbol ? row->symbol : symbol, symbol);
	}
	if (is_socketcall(call))
		add_compat(&f, "socketcall", "socketcall");
	return f.n;
}
#else
void watch_compat_tables(struct watch_compat_tables *t)
{
	memset(t, 0, sizeof(*t));
}

size_t watch_functions(const char *call, struct watch_function out[WATCH_FUNCTIONS_MAX])
{
	out[0].choice = 0;
	snprintf(out[0].name, sizeof(out[0].name), "__arm64_sys_%s", watch_symbol(call));
	return 1;
}
#endif
