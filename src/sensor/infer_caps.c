#include "sensor/infer_caps.h"

#include <errno.h>
#include <linux/capability.h>
#include <netinet/in.h>
#include <sched.h>
#include <signal.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/sysmacros.h>

#include "base/cleanup.h"

#define KEEP UINT32_MAX /* -1: "leave this id as it is" */

struct infer_row {
	const char *name;
	uint64_t (*needed)(const struct infer_call *c); /* NULL: `always` */
	uint64_t always;
	int refusal; /* 0: EPERM */
	bool changes_creds;
};

/* An id argument; the old i386 calls have ids of 16 bits. */
static uint32_t id_arg(const struct infer_call *c, unsigned i)
{
	unsigned n;
	const struct sc_arg *a = sc_args(c->desc, c->abi, &n);
	uint32_t id = (uint32_t)c->args[i];

	if (i < n && sc_arg_width(c->abi, a[i].kind) == 16)
		return (uint16_t)id == UINT16_MAX ? KEEP : (uint16_t)id;
	return id;
}

/* Whether an id may be taken on without a capability: it is one of ids[from..to]. */
static bool id_owned(const uint32_t ids[TASK_IDS], uint32_t id, unsigned from, unsigned to)
{
	if (id == KEEP)
		return true;
	for (unsigned i = from; i <= to; i++)
		if (ids[i] == id)
			return true;
	return false;
}

/* setuid(id): only the real and the saved id are free. */
static bool set_one(const struct infer_call *c, const uint32_t ids[TASK_IDS])
{
	uint32_t id = id_arg(c, 0);

	return c->creds->same_userns && id != KEEP && id != ids[TASK_REAL] && id != ids[TASK_SAVED];
}

/* setreuid(real, effective). */
static bool set_two(const struct infer_call *c, const uint32_t ids[TASK_IDS])
{
	return c->creds->same_userns && !(id_owned(ids, id_arg(c, 0), TASK_REAL, TASK_EFFECTIVE) &&
					  id_owned(ids, id_arg(c, 1), TASK_REAL, TASK_SAVED));
}

/* setresuid(real, effective, saved). */
static bool set_three(const struct infer_call *c, const uint32_t ids[TASK_IDS])
{
	if (!c->creds->same_userns)
		return false;
	for (unsigned i = 0; i < 3; i++)
		if (!id_owned(ids, id_arg(c, i), TASK_REAL, TASK_SAVED))
			return true;
	return false;
}

#define ID_RULE(name, how, ids, cap)                               \
	static uint64_t name(const struct infer_call *c)           \
	{                                                          \
		return how(c, c->creds->ids) ? INFER_CAP(cap) : 0; \
	}
ID_RULE(need_setuid, set_one, uid, CAP_SETUID)
ID_RULE(need_setreuid, set_two, uid, CAP_SETUID)
ID_RULE(need_setresuid, set_three, uid, CAP_SETUID)
ID_RULE(need_setgid, set_one, gid, CAP_SETGID)
ID_RULE(need_setregid, set_two, gid, CAP_SETGID)
ID_RULE(need_setresgid, set_three, gid, CAP_SETGID)

static bool in_group(const struct task_creds *c, uint32_t gid)
{
	if (c->gid[TASK_FS] == gid)
		return true;
	for (unsigned i = 0; i < c->groups_n; i++)
		if (c->groups[i] == gid)
			return true;
	return c->groups_cut; /* not known: no conclusion is drawn from it */
}

static uint64_t owner_change(const struct infer_call *c, uint32_t uid, uint32_t gid)
{
	const struct task_creds *cr = c->creds;
	const struct stat *st;
	bool owner;

	if (!cr->same_userns || !c->path || !c->path->exists)
		return 0;
	st = &c->path->st;
	owner = cr->uid[TASK_FS] == st->st_uid;
	if (uid != KEEP && !(owner && uid == st->st_uid))
		return INFER_CAP(CAP_CHOWN);
	if (gid != KEEP && !(owner && (gid == st->st_gid || in_group(cr, gid))))
		return INFER_CAP(CAP_CHOWN);
	return 0;
}

static uint64_t need_chown(const struct infer_call *c)
{
	return owner_change(c, id_arg(c, 1), id_arg(c, 2));
}

static uint64_t need_fchownat(const struct infer_call *c)
{
	return owner_change(c, id_arg(c, 2), id_arg(c, 3));
}

/* chmod(2) by another than the owner. */
static uint64_t need_chmod(const struct infer_call *c)
{
	if (!c->creds->same_userns || !c->path || !c->path->exists)
		return 0;
	return c->path->st.st_uid == c->creds->uid[TASK_FS] ? 0 : INFER_CAP(CAP_FOWNER);
}

/* A device node; 0:0 is a whiteout, which everybody may make. */
static uint64_t node(uint64_t mode, uint64_t dev)
{
	if (S_ISBLK(mode) || (S_ISCHR(mode) && dev))
		return INFER_CAP(CAP_MKNOD);
	return 0;
}

static uint64_t need_mknod(const struct infer_call *c)
{
	return node(c->args[1] & S_IFMT, c->args[2]);
}

static uint64_t need_mknodat(const struct infer_call *c)
{
	return node(c->args[2] & S_IFMT, c->args[3]);
}

static uint64_t need_bind(const struct infer_call *c)
{
	uint32_t len = (uint32_t)c->args[2];
	struct sockaddr_in in; /* the port is at the same place in sockaddr_in6 */
	int start;

	if (len < sizeof(in) || task_read(c->tid, c->args[1], &in, sizeof(in)))
		return 0;
	if ((in.sin_family != AF_INET && in.sin_family != AF_INET6) || !in.sin_port)
		return 0;
	start = task_unprivileged_port_start(c->tid);
	return start > ntohs(in.sin_port) ? INFER_CAP(CAP_NET_BIND_SERVICE) : 0;
}

static uint64_t need_socket(const struct infer_call *c)
{
	int family = (int)c->args[0], type = (int)c->args[1] & 0xf;

	if (family == AF_PACKET || ((family == AF_INET || family == AF_INET6) && type == SOCK_RAW))
		return INFER_CAP(CAP_NET_RAW);
	return 0;
}

/* Namespaces but for CLONE_NEWUSER, which needs nothing and gives the rest to its creator. */
static uint64_t new_namespaces(uint64_t flags)
{
	const uint64_t guarded = CLONE_NEWNS | CLONE_NEWUTS | CLONE_NEWIPC | CLONE_NEWNET |
				 CLONE_NEWPID | CLONE_NEWCGROUP;

	return (flags & guarded) && !(flags & CLONE_NEWUSER) ? INFER_CAP(CAP_SYS_ADMIN) : 0;
}

static uint64_t need_unshare(const struct infer_call *c)
{
	return new_namespaces((uint32_t)c->args[0]);
}

static uint64_t need_clone3(const struct infer_call *c)
{
	uint64_t flags;

	return task_read(c->tid, c->args[0], &flags, sizeof(flags)) ? 0 : new_namespaces(flags);
}

static uint64_t below_nice(const struct infer_call *c, int want, int now)
{
	struct rlimit lim;

	if (want >= now || prlimit(c->tid, RLIMIT_NICE, NULL, &lim))
		return 0;
	if (want < -20)
		want = -20;
	return lim.rlim_cur < (rlim_t)(20 - want) ? INFER_CAP(CAP_SYS_NICE) : 0;
}

static uint64_t need_setpriority(const struct infer_call *c)
{
	int now;

	if ((int)c->args[0] != PRIO_PROCESS || (int)c->args[1])
		return 0;
	errno = 0;
	now = getpriority(PRIO_PROCESS, (id_t)c->tid);
	return errno ? 0 : below_nice(c, (int)c->args[2], now);
}

static uint64_t need_nice(const struct infer_call *c)
{
	int now;

	errno = 0;
	now = getpriority(PRIO_PROCESS, (id_t)c->tid);
	return errno ? 0 : below_nice(c, now + (int)c->args[0], now);
}

static uint64_t realtime(const struct infer_call *c, uint32_t policy)
{
	struct rlimit lim;

	policy &= ~(uint32_t)SCHED_RESET_ON_FORK;
	if (policy == SCHED_DEADLINE)
		return INFER_CAP(CAP_SYS_NICE);
	if (policy != SCHED_FIFO && policy != SCHED_RR)
		return 0;
	return !prlimit(c->tid, RLIMIT_RTPRIO, NULL, &lim) && !lim.rlim_cur
		       ? INFER_CAP(CAP_SYS_NICE)
		       : 0;
}

static uint64_t need_sched_setscheduler(const struct infer_call *c)
{
	return realtime(c, (uint32_t)c->args[1]);
}

static uint64_t need_sched_setattr(const struct infer_call *c)
{
	uint32_t head[2]; /* struct sched_attr: size, policy */

	return task_read(c->tid, c->args[1], head, sizeof(head)) ? 0 : realtime(c, head[1]);
}

/* Only for a single process, and where its number means the same to us. */
static uint64_t need_kill(const struct infer_call *c)
{
	const struct task_creds *from = c->creds;
	pid_t pid = (pid_t)c->args[0];
	struct task_creds to;

	if (pid <= 0 || !from->same_pidns || (int)c->args[1] == SIGCONT ||
	    task_creds_read(pid, &to))
		return 0;
	if (!from->same_userns || !to.same_userns)
		return 0;
	if (from->uid[TASK_EFFECTIVE] == to.uid[TASK_SAVED] ||
	    from->uid[TASK_EFFECTIVE] == to.uid[TASK_REAL] ||
	    from->uid[TASK_REAL] == to.uid[TASK_SAVED] || from->uid[TASK_REAL] == to.uid[TASK_REAL])
		return 0;
	return INFER_CAP(CAP_KILL);
}

static uint64_t raise_limit(const struct infer_call *c, uint32_t resource, uint64_t max)
{
	struct rlimit lim;

	if (resource >= RLIM_NLIMITS || prlimit(c->tid, resource, NULL, &lim))
		return 0;
	return max > lim.rlim_max ? INFER_CAP(CAP_SYS_RESOURCE) : 0;
}

static uint64_t need_setrlimit(const struct infer_call *c)
{
	uint64_t wide[2];
	uint32_t narrow[2];

	if (c->abi == SC_I386) {
		if (task_read(c->tid, c->args[1], narrow, sizeof(narrow)))
			return 0;
		wide[1] = narrow[1] == UINT32_MAX ? RLIM_INFINITY : narrow[1];
	} else if (task_read(c->tid, c->args[1], wide, sizeof(wide))) {
		return 0;
	}
	return raise_limit(c, (uint32_t)c->args[0], wide[1]);
}

static uint64_t need_prlimit64(const struct infer_call *c)
{
	uint64_t limit[2];
	pid_t pid = (pid_t)c->args[0];

	if ((pid && pid != c->creds->ns_tgid) || !c->args[2] ||
	    task_read(c->tid, c->args[2], limit, sizeof(limit)))
		return 0;
	return raise_limit(c, (uint32_t)c->args[1], limit[1]);
}

static uint64_t need_prctl(const struct infer_call *c)
{
	int what = (int)c->args[0];

	return what == PR_CAPBSET_DROP || what == PR_SET_SECUREBITS ? INFER_CAP(CAP_SETPCAP) : 0;
}

#define CREDS(call)                                 \
	{                                           \
		.name = call, .changes_creds = true \
	}
#define RULE(call, fn, ...)                             \
	{                                               \
		.name = call, .needed = fn, __VA_ARGS__ \
	}
#define ALWAYS(call, cap, ...)                                      \
	{                                                           \
		.name = call, .always = INFER_CAP(cap), __VA_ARGS__ \
	}

static const struct infer_row rows[] = {
	RULE("setuid", need_setuid, .changes_creds = true),
	RULE("setuid32", need_setuid, .changes_creds = true),
	RULE("setreuid", need_setreuid, .changes_creds = true),
	RULE("setreuid32", need_setreuid, .changes_creds = true),
	RULE("setresuid", need_setresuid, .changes_creds = true),
	RULE("setresuid32", need_setresuid, .changes_creds = true),
	RULE("setgid", need_setgid, .changes_creds = true),
	RULE("setgid32", need_setgid, .changes_creds = true),
	RULE("setregid", need_setregid, .changes_creds = true),
	RULE("setregid32", need_setregid, .changes_creds = true),
	RULE("setresgid", need_setresgid, .changes_creds = true),
	RULE("setresgid32", need_setresgid, .changes_creds = true),
	ALWAYS("setgroups", CAP_SETGID, .changes_creds = true),
	ALWAYS("setgroups32", CAP_SETGID, .changes_creds = true),
	CREDS("setfsuid"),
	CREDS("setfsuid32"),
	CREDS("setfsgid"),
	CREDS("setfsgid32"),
	CREDS("capset"),
	RULE("chown", need_chown),
	RULE("chown32", need_chown),
	RULE("lchown", need_chown),
	RULE("lchown32", need_chown),
	RULE("fchown", need_chown),
	RULE("fchown32", need_chown),
	RULE("fchownat", need_fchownat),
	RULE("chmod", need_chmod),
	RULE("fchmod", need_chmod),
	RULE("fchmodat", need_chmod),
	RULE("fchmodat2", need_chmod),
	RULE("mknod", need_mknod),
	RULE("mknodat", need_mknodat),
	RULE("bind", need_bind, .refusal = EACCES),
	RULE("socket", need_socket),
	RULE("unshare", need_unshare, .changes_creds = true),
	RULE("clone", need_unshare),
	RULE("clone3", need_clone3),
	ALWAYS("setns", CAP_SYS_ADMIN, .changes_creds = true),
	ALWAYS("chroot", CAP_SYS_CHROOT),
	ALWAYS("mount", CAP_SYS_ADMIN),
	ALWAYS("umount2", CAP_SYS_ADMIN),
	ALWAYS("pivot_root", CAP_SYS_ADMIN),
	ALWAYS("sethostname", CAP_SYS_ADMIN),
	ALWAYS("setdomainname", CAP_SYS_ADMIN),
	ALWAYS("swapon", CAP_SYS_ADMIN),
	ALWAYS("swapoff", CAP_SYS_ADMIN),
	RULE("setpriority", need_setpriority),
	RULE("nice", need_nice),
	RULE("sched_setscheduler", need_sched_setscheduler),
	RULE("sched_setattr", need_sched_setattr),
	RULE("kill", need_kill),
	RULE("setrlimit", need_setrlimit),
	RULE("prlimit64", need_prlimit64),
	RULE("prctl", need_prctl, .changes_creds = true),
	ALWAYS("init_module", CAP_SYS_MODULE),
	ALWAYS("finit_module", CAP_SYS_MODULE),
	ALWAYS("delete_module", CAP_SYS_MODULE),
	ALWAYS("reboot", CAP_SYS_BOOT),
	ALWAYS("kexec_load", CAP_SYS_BOOT),
	ALWAYS("kexec_file_load", CAP_SYS_BOOT),
	ALWAYS("settimeofday", CAP_SYS_TIME),
	ALWAYS("clock_settime", CAP_SYS_TIME),
	ALWAYS("stime", CAP_SYS_TIME),
	ALWAYS("acct", CAP_SYS_PACCT),
	ALWAYS("vhangup", CAP_SYS_TTY_CONFIG),
};

const struct infer_row *infer_row(const char *name)
{
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
		if (!strcmp(rows[i].name, name))
			return &rows[i];
	return NULL;
}

bool infer_changes_creds(const struct infer_row *r)
{
	return r->changes_creds;
}

int infer_refusal(const struct infer_row *r)
{
	return r->refusal ? r->refusal : EPERM;
}

uint64_t infer_needed(const struct infer_row *r, const struct infer_call *c)
{
	return r->needed ? r->needed(c) : r->always;
}

/* The part of the mode that holds for the process: owner, group or others. */
static unsigned mode_for(const struct task_creds *c, const struct stat *st, bool acl)
{
	if (c->uid[TASK_FS] == st->st_uid)
		return (st->st_mode >> 6) & 7;
	if (acl || c->groups_cut)
		return 7;
	return in_group(c, st->st_gid) ? (st->st_mode >> 3) & 7 : st->st_mode & 7;
}

uint64_t infer_access(const struct task_creds *c, const struct stat *st, unsigned want, bool acl)
{
	if (!c->same_userns || !(want & ~mode_for(c, st, acl)))
		return 0;
	/* The kernel asks for the weaker one first, but for reading alone (a folder: searching
	 * too). */
	if (!(want & INFER_WRITE) && (S_ISDIR(st->st_mode) || !(want & INFER_EXECUTE)) &&
	    (c->cap_effective & INFER_CAP(CAP_DAC_READ_SEARCH)))
		return INFER_CAP(CAP_DAC_READ_SEARCH);
	return INFER_CAP(CAP_DAC_OVERRIDE);
}
