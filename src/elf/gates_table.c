/* What is kept back, where, and until when. */
#include <glob.h>
#include <pthread.h>
#include <spawn.h>
#include <time.h>

#include "base/cleanup.h"
#include "elf/gates_private.h"

static bool opens_schedule(uint32_t flags)
{
	return flags & (POSIX_SPAWN_SETSCHEDPARAM | POSIX_SPAWN_SETSCHEDULER);
}

static bool opens_session(uint32_t flags)
{
	return flags & POSIX_SPAWN_SETSID;
}

static bool opens_group(uint32_t flags)
{
	return flags & POSIX_SPAWN_SETPGROUP;
}

static bool opens_ids(uint32_t flags)
{
	return flags & POSIX_SPAWN_RESETIDS;
}

static bool opens_home(uint32_t flags)
{
	return flags & (GLOB_TILDE | GLOB_TILDE_CHECK);
}

/* The vDSO of Linux answers for these and asks the kernel for all others. */
static bool opens_clock(uint32_t id)
{
	return id != CLOCK_REALTIME && id != CLOCK_MONOTONIC && id != CLOCK_MONOTONIC_RAW &&
	       id != CLOCK_REALTIME_COARSE && id != CLOCK_MONOTONIC_COARSE &&
	       id != CLOCK_BOOTTIME && id != CLOCK_TAI;
}

static bool opens_ceiling(uint32_t protocol)
{
	return protocol == PTHREAD_PRIO_PROTECT;
}

/* EVENT_BASE_FLAG_PRECISE_TIMER of event2/event.h. */
static bool opens_precise(uint32_t flags)
{
	return flags & 0x08;
}

/* UV_LOOP_BLOCK_SIGPROF of uv.h. */
static bool opens_blocking(uint32_t option)
{
	return !option;
}

/* _SC_NPROCESSORS_CONF and _SC_NPROCESSORS_ONLN of glibc. */
static bool opens_processors(uint32_t name)
{
	return name == 83 || name == 84;
}

#define SPAWN_CHILD                                                         \
	{                                                                   \
		"sched_setparam", "sched_setscheduler", "setsid", "setpgid" \
	}

#define GLIBC	     "gnu_get_libc_version"
#define GLIBC_LOADER "_rtld_global_ro"
#define OPENSSL	     "OPENSSL_init_crypto"
#define LIBUV	     "uv_loop_init"
#define LIBEVENT     "event_base_new"
#define JEMALLOC     "mallctlbymib"
#define KERBEROS     "krb5_init_context"
#define GSSAPI	     "gss_init_sec_context"
#define SYSTEMD	     "sd_notify"
#define NODE	     "_ZN4node5StartEiPPc"
#define PYTHON_OS    "PyInit_posix"
#define PYTHON_SPAWN "PyInit__posixsubprocess"
#define PYTHON_TIME  "PyInit_time"
/* child_exec() of _posixsubprocess.c, which compilers divide in two. */
#define PYTHON_CHILD              \
	{                         \
		"setsid", "execv" \
	}
#define PYTHON_CHILD_IDS                            \
	{                                           \
		"setgroups", "setregid", "setreuid" \
	}
#define SPAWN_FLAGS                        \
	{                                  \
		"posix_spawnattr_setflags" \
	}

/* All ways in which a second thread begins; clone(2) of posix_spawn(3) is none. */
#define THREADS                             \
	{                                   \
		"@pthread_create", "clone", \
	}

static const char by_clock[] = "clocks that the vDSO answers (generate adds these calls)";
static const char by_kernel[] = "what Linux before 5.8 lacks";
const char gates_by_dns[] = "names of hosts from DNS";
const char gates_by_nscd[] = "answers of nscd";
const char gates_by_gconv[] = "modules of iconv(3) without their cache (also by GCONV_PATH)";
static const char by_directory[] = "a working directory with a path longer than a page, or outside "
				   "of the root";
static const char by_pages[] =
	"huge pages of malloc(3) (GLIBC_TUNABLES), memory of further threads";
static const char by_ends[] = "ends of libraries that were not used";
const char gates_by_keyring[] = "Kerberos' caches in keyrings (KRB5CCNAME=KEYRING:…)";
static const char by_stack[] = "longjmp(3) from a stack of its own for signals";
static const char by_command[] = "the dynamic loader started as a command, or with LD_PROFILE";

const struct gate gates[] = {
	{ "attributes of posix_spawn(3): scheduling",
	  GLIBC,
	  SPAWN_CHILD,
	  { "sched_setparam", "sched_setscheduler" },
	  .watched = SPAWN_FLAGS,
	  .argument = 1,
	  .opens = opens_schedule },
	{ "attributes of posix_spawn(3): session",
	  GLIBC,
	  SPAWN_CHILD,
	  { "setsid" },
	  .watched = SPAWN_FLAGS,
	  .argument = 1,
	  .opens = opens_session },
	{ "attributes of posix_spawn(3): process group",
	  GLIBC,
	  SPAWN_CHILD,
	  { "setpgid" },
	  .watched = SPAWN_FLAGS,
	  .argument = 1,
	  .opens = opens_group },
	{ "attributes of posix_spawn(3): user and group",
	  GLIBC,
	  SPAWN_CHILD,
	  { "setresuid", "setresgid" },
	  .watched = SPAWN_FLAGS,
	  .argument = 1,
	  .opens = opens_ids },
	{ "posix_spawn(3) in another directory by descriptor",
	  GLIBC,
	  SPAWN_CHILD,
	  { "fchdir" },
	  { "posix_spawn_file_actions_addfchdir_np" } },
	{ "posix_spawn(3) in another directory",
	  GLIBC,
	  SPAWN_CHILD,
	  { "chdir" },
	  { "posix_spawn_file_actions_addchdir_np" } },
	{ "posix_spawn(3) that closes all descriptors",
	  GLIBC,
	  SPAWN_CHILD,
	  { "close_range" },
	  { "posix_spawn_file_actions_addclosefrom_np" } },
	{ "posix_spawn(3) that takes the terminal",
	  GLIBC,
	  SPAWN_CHILD,
	  { "getpgid", "getpgrp", "tcsetpgrp" },
	  { "posix_spawn_file_actions_addtcsetpgrp_np" } },
	{ "mutexes with a priority ceiling",
	  GLIBC,
	  { "sched_get_priority_max", "sched_get_priority_min" },
	  { NULL },
	  { "pthread_mutexattr_setprioceiling", "pthread_mutex_setprioceiling" },
	  .watched = { "pthread_mutexattr_setprotocol" },
	  .argument = 1,
	  .opens = opens_ceiling },
	{ "mutexes with a priority ceiling",
	  GLIBC,
	  { "sched_getparam", "sched_getscheduler" },
	  { NULL },
	  { "pthread_mutexattr_setprioceiling", "pthread_mutex_setprioceiling" },
	  .watched = { "pthread_mutexattr_setprotocol" },
	  .argument = 1,
	  .opens = opens_ceiling },
	{ "the end of threads that used Sun RPC",
	  GLIBC,
	  { ">svc_unregister" },
	  { NULL },
	  { "svc*", "clnt*", "xprt_*", "pmap_*", "callrpc", "registerrpc", "auth*", "key_*",
	    "__rpc_*", "getrpcport", "xdr_*", "_rpc_*" } },
	{ "threads with a scheduling policy",
	  GLIBC,
	  { "sched_setaffinity", "sched_setscheduler" },
	  { "sched_setscheduler" },
	  { "pthread_attr_setsched*", "pthread_attr_setinheritsched", "pthread_setattr_default_np",
	    "thrd_create" } },
	{ "threads with a scheduling policy",
	  GLIBC,
	  { "@pthread_create" },
	  { "sched_getparam", "sched_getscheduler" },
	  { "pthread_attr_setinheritsched", "pthread_setattr_default_np" } },
	{ "threads that begin on certain processors",
	  GLIBC,
	  { "sched_setaffinity", "sched_setscheduler" },
	  { "sched_setaffinity" },
	  { "pthread_attr_setaffinity_np", "pthread_setattr_default_np" } },
	{ gates_by_dns,
	  GLIBC,
	  { "_nss_dns_gethostbyname4_r", "_nss_dns_gethostbyaddr2_r" },
	  { NULL },
	  { "gethostby*", "getaddrinfo*", "getnet*", "gethostent*", "getnameinfo", "sethostent",
	    "gethostid", "clnt*", "callrpc", "getrpcport", "rcmd*", "rexec*", "ruserok*",
	    "iruserok*" } },
	{ gates_by_dns,
	  GLIBC,
	  { "__resolv_context_get" },
	  { "__resolv_context_get" },
	  { "gethostby*", "getaddrinfo*", "getnet*", "setnetent", "endnetent", "gethostent*",
	    "getnameinfo", "sethostent", "endhostent", "gethostid", "clnt*", "callrpc",
	    "getrpcport", "rcmd*", "rexec*", "ruserok*", "iruserok*" } },
	{ "glob(3) of home directories",
	  GLIBC,
	  { "@glob" },
	  { "getlogin_r" },
	  .watched = { "glob", "glob64" },
	  .argument = 1,
	  .opens = opens_home },
	{ by_clock,
	  GLIBC,
	  { "@clock_gettime" },
	  { "clock_gettime" },
	  .watched = { "clock_gettime" },
	  .opens = opens_clock },
	{ by_clock,
	  GLIBC,
	  { "@clock_getres" },
	  { "clock_getres" },
	  .watched = { "clock_getres" },
	  .opens = opens_clock },
	/* now(), to which sd-event and sd-journal pass such clocks only. */
	{ by_clock, SYSTEMD, { "clock_gettime" }, { "clock_gettime" } },
	{ by_clock, GLIBC, { "gettimeofday" }, { "gettimeofday" } },
	{ by_clock, GLIBC, { "time" }, { "time" } },
	{ by_clock, GLIBC, { "@sched_getcpu" }, { "getcpu" } },
	{ gates_by_nscd, GLIBC, { "socket", "connect", "send" }, { "send", "poll" } },
	{ gates_by_nscd, GLIBC, { "recvmsg", "mmap" }, { "recvmsg" } },
	{ gates_by_nscd, GLIBC, { "readv", ">poll" }, { "readv" } },
	/* exit_group(2) does not return; both functions go on behind it. */
	{ "what stands behind exit_group(2)", GLIBC, { "@_exit" }, { "#exit" } },
	{ "what stands behind exit_group(2)", GLIBC_LOADER, { "exit_group", "exit" }, { "#exit" } },
	/*
	 * start_thread, the child of clone(3), and __libc_start_call_main, to which the first
	 * thread comes back when it ends alone. What posix_spawn(3) begins by clone ends by
	 * _exit(2).
	 */
	{ "the end of one thread",
	  GLIBC,
	  { "exit" },
	  { "#exit" },
	  { "@pthread_create", "clone", "@pthread_exit", "@pthread_cancel" } },
	/* _IO_cleanup waits for locks that the thread itself does not have. */
	{ "streams that another thread holds",
	  GLIBC,
	  { "sched_yield" },
	  { "sched_yield" },
	  THREADS },
	/* arena_get2: with one thread malloc(3) and its kin take the first arena only. */
	{ "arenas of further threads", GLIBC, { "get_nprocs" }, { "get_nprocs" }, THREADS },
	{ "the number of processors",
	  GLIBC,
	  { "@sysconf" },
	  { "get_nprocs", "get_nprocs_conf" },
	  .watched = { "sysconf", "__sysconf" },
	  .argument = 0,
	  .opens = opens_processors },
	/* madvise_thp needs the tunable; shrinking heaps and freeing stacks needs threads. */
	{ by_pages, GLIBC, { "madvise" }, { "madvise" }, THREADS },
	{ by_pages, GLIBC, { "@realloc" }, { "madvise" }, THREADS },
	{ by_pages, GLIBC, { "getdents64", "!opendir" }, { "getdents64" } },
	/* What getcwd(3) does when the kernel's answer does not fit, or does not begin with "/". */
	{ by_directory, GLIBC, { "@getcwd" }, { "readdir64", "readdir" } },
	{ by_directory, GLIBC_LOADER, { "getcwd", ">>getdents64" }, { ">>getdents64" } },
	{ gates_by_gconv,
	  GLIBC,
	  { "opendir", "readdir64", "asprintf", "closedir" },
	  { "opendir", "readdir64" } },
	/* wait_on_socket */
	{ gates_by_nscd,
	  GLIBC,
	  { "poll", "!read", "!recvmsg", "!recvfrom", "!recv", "!sendto", "!send", "!connect" },
	  { "poll" } },
	{ by_kernel,
	  GLIBC,
	  { "@faccessat" },
	  { "faccessat", "geteuid", "getuid", "getegid", "getgid", "group_member" } },
	{ by_kernel, GLIBC, { "getrandom", "ppoll" }, { "ppoll" } },
	{ by_kernel, OPENSSL, { "shmget", "shmat" } },
	{ by_kernel, LIBUV, { "epoll_create1", "epoll_create" }, { "epoll_create" } },
	{ by_kernel, LIBEVENT, { "epoll_create1", "epoll_create" }, { "epoll_create" } },
	{ by_stack, GLIBC, { "sigaltstack" }, { "sigaltstack" }, { "sigaltstack" } },
	{ "temporary directories", GLIBC, { "mkdir" }, { "mkdir" }, { "mkdtemp" } },
	{ "paths with $ORIGIN for the dynamic loader (also by LD_LIBRARY_PATH, LD_PRELOAD)",
	  GLIBC_LOADER,
	  { "readlink" },
	  { "readlink" },
	  { "$" } },
	/* Chosen by default_ccache_name of krb5.conf; the built-in default is a file. */
	{ gates_by_keyring,
	  KERBEROS,
	  { NULL },
	  { "add_key", "keyctl_clear", "keyctl_describe_alloc", "keyctl_get_keyring_ID",
	    "keyctl_get_persistent", "keyctl_link", "keyctl_read_alloc", "keyctl_search",
	    "keyctl_set_timeout", "keyctl_unlink" } },
	{ "changes of Kerberos' configuration",
	  KERBEROS,
	  { "sync", "link" },
	  { NULL },
	  { "profile_update_relation", "profile_clear_relation", "profile_rename_section",
	    "profile_add_relation", "profile_flush*" } },
	{ "precise timers of libevent (also by EVENT_PRECISE_TIMER)",
	  LIBEVENT,
	  { "timerfd_create" },
	  { "timerfd_create" },
	  .watched = { "event_config_set_flag" },
	  .argument = 1,
	  .opens = opens_precise },
	{ "precise timers of libevent (also by EVENT_PRECISE_TIMER)",
	  LIBEVENT,
	  { "timerfd_settime" },
	  { "timerfd_settime" },
	  .watched = { "event_config_set_flag" },
	  .argument = 1,
	  .opens = opens_precise },
	{ "jemalloc's profiles of the heap (MALLOC_CONF=prof:true)",
	  JEMALLOC,
	  { "creat" },
	  { "creat" },
	  { "malloc_conf" } },
	{ "processors of jemalloc's arenas (MALLOC_CONF=percpu_arena)",
	  JEMALLOC,
	  { "sched_setaffinity" },
	  { "sched_setaffinity" },
	  { "malloc_conf" } },
	/* Their ends return at once when their beginnings, which the functions call, did not run.
	 */
	{ by_ends,
	  KERBEROS,
	  { "-fini", "!__cxa_finalize" },
	  { NULL },
	  { "krb5*", "k5*", "decode_krb5*", "encode_krb5*" } },
	{ by_ends,
	  GSSAPI,
	  { "-fini", "!__cxa_finalize" },
	  { NULL },
	  { "gss*", "krb5*", "generic_gss*", "spnego*" } },
	{ "loops of libuv that block SIGPROF",
	  LIBUV,
	  { "epoll_pwait", "epoll_wait" },
	  { "epoll_pwait" },
	  .watched = { "uv_loop_configure" },
	  .argument = 1,
	  .opens = opens_blocking },
	{ "files that libuv watches",
	  LIBUV,
	  { "@uv_fs_event_stop" },
	  { "inotify_rm_watch" },
	  { "uv_fs_event_start" } },
	{ "streams that libuv shuts down",
	  LIBUV,
	  { "shutdown" },
	  { "shutdown" },
	  { "uv_shutdown" } },
	/* Parameters of functions in os that can be given by name only (Argument Clinic's "*"). */
	{ "Python: directories given by descriptor (dir_fd=)",
	  PYTHON_OS,
	  { NULL },
	  { "mkdirat", "mknodat", "mkfifoat", "readlinkat", "renameat", "symlinkat", "unlinkat" },
	  { "=dir_fd", "=src_dir_fd", "=dst_dir_fd" } },
	{ "Python: directories given by descriptor (dir_fd=)",
	  PYTHON_OS,
	  { NULL },
	  { "fchmodat", "fchownat", "linkat" },
	  { "=dir_fd", "=src_dir_fd", "=dst_dir_fd", "=follow_symlinks" } },
	{ "Python: attributes of os.posix_spawn",
	  PYTHON_OS,
	  { "posix_spawnattr_setflags" },
	  { "posix_spawnattr_setflags" },
	  { "=scheduler", "=resetids", "=setsid", "=setpgroup" } },
	/*
	 * Parameters of subprocess.Popen, which hands them to _posixsubprocess.fork_exec. Those two
	 * can also be given by place, behind eight others.
	 */
	{ "Python: sessions of subprocesses",
	  PYTHON_SPAWN,
	  PYTHON_CHILD,
	  { "setsid" },
	  { "=start_new_session", "=...", "=fork_exec" } },
	{ "Python: directories of subprocesses",
	  PYTHON_SPAWN,
	  PYTHON_CHILD,
	  { "chdir" },
	  { "=cwd", "=...", "=fork_exec" } },
	{ "Python: user and groups of subprocesses",
	  PYTHON_SPAWN,
	  PYTHON_CHILD_IDS,
	  { "setreuid" },
	  { "=user", "=fork_exec" } },
	{ "Python: user and groups of subprocesses",
	  PYTHON_SPAWN,
	  PYTHON_CHILD_IDS,
	  { "setregid" },
	  { "=group", "=fork_exec" } },
	{ "Python: user and groups of subprocesses",
	  PYTHON_SPAWN,
	  PYTHON_CHILD_IDS,
	  { "setgroups" },
	  { "=extra_groups", "=fork_exec" } },
	{ "Python: umask of subprocesses",
	  PYTHON_SPAWN,
	  PYTHON_CHILD_IDS,
	  { "umask" },
	  { "=umask", "=fork_exec" } },
	{ "Python: process groups of subprocesses",
	  PYTHON_SPAWN,
	  PYTHON_CHILD_IDS,
	  { "setpgid" },
	  { "=process_group", "=fork_exec" } },
	{ "Node.js: its option --secure-heap",
	  NODE,
	  { NULL },
	  { "CRYPTO_secure_malloc_init" },
	  { "=secure-heap" } },
	/*
	 * Options of child_process, which node hands to uv_spawn(3). cluster takes them from a
	 * script too; a program without a script has all of them.
	 */
	{ "Node.js: user and group of child processes",
	  LIBUV,
	  { "@uv_spawn" },
	  { "setuid", "setgid", "setgroups" },
	  { "=uid", "=gid" } },
	{ "Node.js: sessions of child processes",
	  LIBUV,
	  { "@uv_spawn" },
	  { "setsid" },
	  { "=detached" } },
	{ "Node.js: directories of child processes",
	  LIBUV,
	  { "@uv_spawn" },
	  { "chdir" },
	  { "=cwd" } },
	/* time.process_time() has CLOCK_PROCESS_CPUTIME_ID, which Linux always had. */
	{ by_kernel, PYTHON_TIME, { "getrusage" }, { "getrusage", "times" } },
	{ by_kernel, PYTHON_TIME, { "times", "clock" }, { "times" } },
	{ by_command, GLIBC_LOADER, { "execve" }, { "execve" } },
	{ by_command, GLIBC_LOADER, { "setitimer" }, { "setitimer" } },
	{ by_command, GLIBC_LOADER, { "uname" }, { "uname" } },
};

_Static_assert(ARRAY_SIZE(gates) <= 128, "rows are bits of gate_rows");

const unsigned gates_n = ARRAY_SIZE(gates);
