#include <errno.h>
#include <linux/capability.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "confine/confine.h"
#include "model/caps.h"

#define CAP_BIT(nr) (1ull << (nr))

/* The kernel's interface has room for 64; which of them exist it says itself. */
enum { CAPABILITIES_MAX = 64 };

/* This process's sets, as bits. */
static int get_sets(uint64_t *effective, uint64_t *permitted, uint64_t *inheritable)
{
	struct __user_cap_header_struct head = { .version = _LINUX_CAPABILITY_VERSION_3 };
	struct __user_cap_data_struct d[2] = { 0 };

	if (syscall(SYS_capget, &head, d) < 0)
		return -errno;
	*effective = d[0].effective | (uint64_t)d[1].effective << 32;
	*permitted = d[0].permitted | (uint64_t)d[1].permitted << 32;
	*inheritable = d[0].inheritable | (uint64_t)d[1].inheritable << 32;
	return 0;
}

static int capabilities_put(uint64_t permitted, uint64_t inheritable)
{
	struct __user_cap_header_struct head = { .version = _LINUX_CAPABILITY_VERSION_3 };
	struct __user_cap_data_struct d[2];

	for (int i = 0; i < 2; i++) {
		d[i].effective = d[i].permitted = (uint32_t)(permitted >> (32 * i));
		d[i].inheritable = (uint32_t)(inheritable >> (32 * i));
	}
	return syscall(SYS_capset, &head, d) < 0 ? -errno : 0;
}

uint64_t capabilities_bounding(void)
{
	uint64_t set = 0;

	for (unsigned nr = 0; nr < CAPABILITIES_MAX; nr++)
		if (prctl(PR_CAPBSET_READ, nr, 0, 0, 0) == 1)
			set |= CAP_BIT(nr);
	return set;
}

/* Filter and Landlock without no_new_privs are a privilege. */
static bool needs_admin(const struct confine *c)
{
	return !c->no_new_privs && (c->filter || c->ruleset >= 0);
}

static int check_list(uint64_t want, uint64_t have, struct err *e)
{
	for (unsigned nr = 0; nr < CAPABILITIES_MAX; nr++) {
		const struct bcap_desc *d = bcap_by_nr(nr);

		if ((want & CAP_BIT(nr)) && !(have & CAP_BIT(nr)))
			return err_set(e, EPERM,
				       "capabilities: %s is asked for, but this process does not "
				       "have it and cannot give it",
				       d ? d->name : "an unknown capability");
	}
	return 0;
}

int capabilities_check(const struct confine *c, struct err *e)
{
	uint64_t effective, permitted, inheritable;
	int r = get_sets(&effective, &permitted, &inheritable);

	if (r < 0)
		return err_errno(e, -r, "capget");
	if (c->set_caps) {
		r = check_list(c->caps, permitted & capabilities_bounding(), e);
		if (r < 0)
			return r;
	}
	if (needs_admin(c) && !(effective & CAP_BIT(CAP_SYS_ADMIN)))
		return err_set(
			e, EPERM,
			"without no_new_privs the kernel lets only a process with "
			"CAP_SYS_ADMIN load a filter or a Landlock ruleset; this one does not "
			"have it");
	if (c->set_caps && !c->no_new_privs && !(effective & CAP_BIT(CAP_SETPCAP)))
		return err_set(e, EPERM,
			       "capabilities: without no_new_privs the bounding set has to be cut, "
			       "which needs CAP_SETPCAP; this process does not have it");
	return 0;
}

int capabilities_limit(const struct confine *c)
{
	uint64_t effective, permitted, inheritable;
	int r;

	if (!c->set_caps)
		return 0;
	r = get_sets(&effective, &permitted, &inheritable);
	if (r < 0)
		return r;
	/* Under no_new_privs execve adds nothing, so the bounding set decides nothing. */
	if (c->no_new_privs && !(effective & CAP_BIT(CAP_SETPCAP)))
		return 0;
	for (unsigned nr = 0; nr < CAPABILITIES_MAX; nr++) {
		if (c->caps & CAP_BIT(nr) || prctl(PR_CAPBSET_READ, nr, 0, 0, 0) != 1)
			continue;
		if (prctl(PR_CAPBSET_DROP, nr, 0, 0, 0) < 0)
			return -errno;
	}
	return 0;
}

static int set_ambient(uint64_t set)
{
	if (prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0) < 0)
		return -errno;
	for (unsigned nr = 0; nr < CAPABILITIES_MAX; nr++)
		if ((set & CAP_BIT(nr)) &&
		    prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_RAISE, nr, 0, 0) < 0)
			return -errno;
	return 0;
}

int capabilities_set(const struct confine *c)
{
	uid_t uid = c->set_user ? c->uid : geteuid();
	uint64_t admin = needs_admin(c) ? CAP_BIT(CAP_SYS_ADMIN) : 0;
	uint64_t inherit = uid ? c->caps : 0;
	uint64_t effective, permitted, inheritable;
	int r;

	if (c->set_caps) {
		r = capabilities_put(c->caps | admin, inherit);
		return r < 0 ? r : set_ambient(inherit);
	}
	if (!c->set_user || !uid || !admin)
		return 0;
	/* The change of user emptied the effective set; PR_SET_KEEPCAPS kept the permitted one. */
	r = get_sets(&effective, &permitted, &inheritable);
	return r < 0 ? r : capabilities_put(admin, inheritable);
}
