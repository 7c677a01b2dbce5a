/*
 * Capabilities concluded from calls and their results, where both leave no doubt: capabilities(7)
 * and the manual pages of the calls. What depends on modes and owners of files or on other
 * processes (CAP_DAC_OVERRIDE, CAP_FOWNER, CAP_KILL) is not in a log.
 */
#include <errno.h>
#include <linux/capability.h>
#include <sched.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>

#include "base/cleanup.h"
#include "import/strace_private.h"
#include "model/constants.h"

/* When a call asks for the capability of its row. */
enum when {
	ALWAYS,
	DEVICE,	    /* mknod: a device in argument `arg` */
	NAMESPACES, /* flags in argument `arg` with a namespace, and no new user namespace */
	RAW_SOCKET,
	OTHER_UID, /* some id in the arguments is neither -1 nor the known one */
	OTHER_GID,
	NEW_OWNER,   /* argument `arg` is not -1 */
	DROPS_BOUND, /* prctl(PR_CAPBSET_DROP) */
	REAL_TIME,   /* SCHED_FIFO, SCHED_RR, SCHED_DEADLINE in argument `arg` */
};

static const struct rule {
	const char *name;
	uint8_t cap;
	enum when when;
	uint8_t arg;
} rules[] = {
	{ "mount", CAP_SYS_ADMIN },
	{ "umount2", CAP_SYS_ADMIN },
	{ "pivot_root", CAP_SYS_ADMIN },
	{ "move_mount", CAP_SYS_ADMIN },
	{ "fsopen", CAP_SYS_ADMIN },
	{ "mount_setattr", CAP_SYS_ADMIN },
	{ "swapon", CAP_SYS_ADMIN },
	{ "swapoff", CAP_SYS_ADMIN },
	{ "sethostname", CAP_SYS_ADMIN },
	{ "setdomainname", CAP_SYS_ADMIN },
	{ "unshare", CAP_SYS_ADMIN, NAMESPACES, 0 },
	{ "setns", CAP_SYS_ADMIN },
	{ "chroot", CAP_SYS_CHROOT },
	{ "init_module", CAP_SYS_MODULE },
	{ "finit_module", CAP_SYS_MODULE },
	{ "delete_module", CAP_SYS_MODULE },
	{ "reboot", CAP_SYS_BOOT },
	{ "settimeofday", CAP_SYS_TIME },
	{ "clock_settime", CAP_SYS_TIME },
	{ "acct", CAP_SYS_PACCT },
	{ "iopl", CAP_SYS_RAWIO },
	{ "ioperm", CAP_SYS_RAWIO },
	{ "mknod", CAP_MKNOD, DEVICE, 1 },
	{ "mknodat", CAP_MKNOD, DEVICE, 2 },
	{ "socket", CAP_NET_RAW, RAW_SOCKET, 0 },
	{ "setgroups", CAP_SETGID },
	{ "setuid", CAP_SETUID, OTHER_UID, 0 },
	{ "setreuid", CAP_SETUID, OTHER_UID, 0 },
	{ "setresuid", CAP_SETUID, OTHER_UID, 0 },
	{ "setgid", CAP_SETGID, OTHER_GID, 0 },
	{ "setregid", CAP_SETGID, OTHER_GID, 0 },
	{ "setresgid", CAP_SETGID, OTHER_GID, 0 },
	{ "chown", CAP_CHOWN, NEW_OWNER, 1 },
	{ "lchown", CAP_CHOWN, NEW_OWNER, 1 },
	{ "fchown", CAP_CHOWN, NEW_OWNER, 1 },
	{ "fchownat", CAP_CHOWN, NEW_OWNER, 2 },
	{ "prctl", CAP_SETPCAP, DROPS_BOUND, 0 },
	{ "sched_setscheduler", CAP_SYS_NICE, REAL_TIME, 1 },
};

static bool value(const struct st_call *c, unsigned arg, const struct wl_call *so_far,
		  uint64_t *out)
{
	return arg < c->n &&
	       const_parse(sc_by_name(c->name), arg, so_far, c->args[arg].p, c->args[arg].n, out);
}

static bool raw_socket(const struct st_call *c)
{
	uint64_t family, type;

	if (!value(c, 0, NULL, &family) || !value(c, 1, NULL, &type))
		return false;
	return family == AF_PACKET ||
	       ((family == AF_INET || family == AF_INET6) && (type & 0xf) == SOCK_RAW);
}

static bool other_id(const struct st_call *c, int64_t known)
{
	bool other = false;

	for (unsigned i = 0; i < c->n && known >= 0; i++) {
		uint64_t v;

		if (!value(c, i, NULL, &v))
			return false;
		other |= (uint32_t)v != UINT32_MAX && (uint32_t)v != (uint32_t)known;
	}
	return other;
}

static bool asks(const struct rule *r, const struct st_task *t, const struct st_call *c)
{
	const uint64_t spaces = CLONE_NEWNS | CLONE_NEWUTS | CLONE_NEWIPC | CLONE_NEWPID |
				CLONE_NEWNET | CLONE_NEWCGROUP;
	uint64_t v = 0;

	switch (r->when) {
	case ALWAYS:
		return true;
	case DEVICE:
		return value(c, r->arg, NULL, &v) && (S_ISCHR(v) || S_ISBLK(v));
	case NAMESPACES:
		return value(c, r->arg, NULL, &v) && (v & spaces) && !(v & CLONE_NEWUSER);
	case RAW_SOCKET:
		return raw_socket(c);
	case OTHER_UID:
		return other_id(c, t->uid);
	case OTHER_GID:
		return other_id(c, t->gid);
	case NEW_OWNER:
		return value(c, r->arg, NULL, &v) && (uint32_t)v != UINT32_MAX;
	case DROPS_BOUND:
		return value(c, r->arg, NULL, &v) && v == PR_CAPBSET_DROP;
	case REAL_TIME:
		return value(c, r->arg, NULL, &v) && (v & 0xff) != 0 && (v & 0xff) != 3 &&
		       (v & 0xff) != 5; /* OTHER, BATCH, IDLE */
	}
	return false;
}

static void add(struct strace *s, const struct st_task *t, const char *name, unsigned cap,
		bool granted, uint32_t phases)
{
	struct wl_cap_use *u = wl_cap_add(s->im.w, cap, granted ? WL_CAP_GRANTED : WL_CAP_REFUSED,
					  name, "", false, true);

	wl_prov_add(&u->prov, phases, t->program, s->im.source);
}

/* The calls that tell or change who the process is. */
static void identity(struct st_task *t, const struct st_call *c)
{
	if (!strcmp(c->name, "geteuid"))
		t->uid = c->value;
	else if (!strcmp(c->name, "getegid"))
		t->gid = c->value;
	else if (!strncmp(c->name, "setuid", 6) || !strncmp(c->name, "setreuid", 8) ||
		 !strncmp(c->name, "setresuid", 9))
		t->uid = -1;
	else if (!strncmp(c->name, "setgid", 6) || !strncmp(c->name, "setregid", 8) ||
		 !strncmp(c->name, "setresgid", 9))
		t->gid = -1;
}

void st_caps(struct strace *s, struct st_task *t, const struct st_call *c, uint32_t phases)
{
	bool refused = c->result == ST_ERROR && c->value == EPERM;

	if (c->result != ST_VALUE && !refused)
		return;
	for (size_t i = 0; i < ARRAY_SIZE(rules); i++)
		if (!strcmp(rules[i].name, c->name) && asks(&rules[i], t, c))
			add(s, t, c->name, rules[i].cap, !refused, phases);
	if (!refused)
		identity(t, c);
}

void st_cap_port(struct strace *s, struct st_task *t, const struct st_call *c, uint16_t port,
		 uint32_t phases)
{
	/* ip(7): ports below 1024, unless net.ipv4.ip_unprivileged_port_start says otherwise. */
	if (port && port < 1024 &&
	    (c->result == ST_VALUE || (c->result == ST_ERROR && c->value == EACCES)))
		add(s, t, c->name, CAP_NET_BIND_SERVICE, c->result == ST_VALUE, phases);
}
