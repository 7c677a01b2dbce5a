#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/err.h"
#include "base/io.h"
#include "base/proc.h"
#include "probe/probe_private.h"

/* lsm_list_modules(2), Linux 6.8: the same number on all architectures. */
enum { NR_LSM_LIST_MODULES = 461 };

/* LSM_ID_* of <linux/lsm.h>, from 100 on. */
static const char *const lsm_names[] = {
	"capability", "selinux",  "smack", "tomoyo",   "apparmor", "yama", "loadpin",
	"safesetid",  "lockdown", "bpf",   "landlock", "ima",	   "evm",  "ipe",
};
enum { LSM_ID_FIRST = 100, LSM_MAX = 64 };

static void append_name(char *out, size_t size, uint64_t id)
{
	size_t at = strlen(out), i = id - LSM_ID_FIRST;

	if (i < sizeof(lsm_names) / sizeof(lsm_names[0]))
		snprintf(out + at, size - at, "%s%s", at ? "," : "", lsm_names[i]);
	else
		snprintf(out + at, size - at, "%s%llu", at ? "," : "", (unsigned long long)id);
}

/* The active modules, separated by commas; false when the kernel cannot be asked. */
static bool read_lsms(char *out, size_t size)
{
	uint64_t ids[LSM_MAX];
	uint32_t bytes = sizeof(ids);
	long n;

	if (io_read_small("/sys/kernel/security/lsm", out, size) == 0) {
		out[strcspn(out, "\n")] = '\0';
		return true;
	}
	n = syscall(NR_LSM_LIST_MODULES, ids, &bytes, 0);
	out[0] = '\0';
	for (long i = 0; i < n; i++)
		append_name(out, size, ids[i]);
	return n >= 0;
}

static bool is_active(const char *name)
{
	char list[256], *save = NULL;

	if (!read_lsms(list, sizeof(list)))
		return false;
	for (const char *word = strtok_r(list, ",", &save); word; word = strtok_r(NULL, ",", &save))
		if (!strcmp(word, name))
			return true;
	return false;
}

void probe_lsm(struct probe_result *r)
{
	bool mounted = access("/sys/kernel/security/lsm", F_OK) == 0;
	char list[256];

	if (!read_lsms(list, sizeof(list)))
		probe_set(r, PROBE_NO, "unknown: securityfs is not mounted");
	else if (!mounted)
		probe_set(r, PROBE_LIMITED, "%s; securityfs is not mounted", list);
	else
		probe_set(r, PROBE_YES, "%s", list);
}

void probe_landlock(struct probe_result *r)
{
	long abi = syscall(SYS_landlock_create_ruleset, NULL, 0, 1U /* VERSION */);

	if (abi >= 4)
		probe_set(r, PROBE_YES, "ABI %ld", abi);
	else if (abi > 0)
		probe_set(r, PROBE_LIMITED, "ABI %ld; ports need ABI 4 (Linux 6.7)", abi);
	else if (errno == EOPNOTSUPP)
		probe_set(r, PROBE_NO, "built in, but not active");
	else
		probe_set(r, PROBE_NO, "not in this kernel");
}

void probe_apparmor(struct probe_result *r)
{
	char enabled[8];

	if (io_read_small("/sys/module/apparmor/parameters/enabled", enabled, sizeof(enabled)) < 0)
		probe_set(r, PROBE_NO, "not in this kernel");
	else if (enabled[0] != 'Y')
		probe_set(r, PROBE_NO, "built in, but not active");
	else if (access("/sys/kernel/security/apparmor", F_OK) < 0)
		probe_set(r, PROBE_LIMITED, "active; securityfs is not mounted");
	else
		probe_set(r, PROBE_YES, "active");
}

void probe_apparmor_parser(struct probe_result *r)
{
	if (proc_exists("apparmor_parser"))
		probe_set(r, PROBE_YES, "in PATH");
	else if (access("/usr/sbin/apparmor_parser", X_OK) == 0 ||
		 access("/sbin/apparmor_parser", X_OK) == 0)
		probe_set(r, PROBE_YES, "in /usr/sbin or /sbin, which PATH does not have");
	else
		probe_set(r, PROBE_NO, "not found");
}

void probe_selinux(struct probe_result *r)
{
	long enforce = probe_number("/sys/fs/selinux/enforce");

	if (enforce == 1)
		probe_set(r, PROBE_YES, "enforcing");
	else if (enforce == 0)
		probe_set(r, PROBE_LIMITED, "permissive");
	else if (is_active("selinux"))
		probe_set(r, PROBE_LIMITED, "active; selinuxfs is not mounted");
	else
		probe_set(r, PROBE_NO, "not active");
}

void probe_bpf_lsm(struct probe_result *r)
{
	int err = probe_lsm_program();

	if (!is_active("bpf"))
		probe_set(r, PROBE_NO, "not active");
	else if (err < 0)
		probe_set(r, PROBE_NO, "active, but no program can be attached: %s",
			  err_text(-err));
	else
		probe_set(r, PROBE_YES, "active; attached to file_open");
}
