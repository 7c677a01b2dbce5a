#include "node/lsm.h"

#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/io.h"
#include "base/proc.h"

/* https://apparmor.net, apparmor_parser(8); the list is the kernel's security/apparmor/apparmorfs.c
 */
#define APPARMOR_ENABLED "/sys/module/apparmor/parameters/enabled"
#define APPARMOR_LIST	 "/sys/kernel/security/apparmor/profiles"
#define SELINUX_FS	 "/sys/fs/selinux/enforce"
#define SELINUX_STATUS	 "/sys/fs/selinux/status"

enum {
	TOOL_MS = 60000,
	SEMODULE_MS = 300000,
	OUTPUT_MAX = 1024 * 1024,
	LIST_MAX = 8 * 1024 * 1024,
	TOLD_MAX = 200, /* of what a tool says about an error */
};

bool node_apparmor_on(char why[256])
{
	char on[8] = "";

	if (io_read_small(APPARMOR_ENABLED, on, sizeof(on)) < 0) {
		snprintf(why, 256, "this kernel has no AppArmor");
		return false;
	}
	if (*on != 'Y') {
		snprintf(why, 256, "AppArmor is switched off in this kernel");
		return false;
	}
	if (access(APPARMOR_LIST, R_OK) < 0) {
		snprintf(why, 256, "%s cannot be read (securityfs has to be mounted)",
			 APPARMOR_LIST);
		return false;
	}
	return true;
}

bool node_selinux_on(char why[256])
{
	if (access(SELINUX_FS, F_OK) == 0)
		return true;
	snprintf(why, 256, "SELinux is not active in this kernel");
	return false;
}

static int run(const char *const *argv, int ms, struct buf *out, struct err *e)
{
	int r = proc_capture(argv, OUTPUT_MAX, ms, out, e);

	if (r == -ENOENT)
		return err_set(e, ENOENT, "%s is not installed", argv[0]);
	if (r > 0)
		return err_set(e, EINVAL, "%s refuses it (exit code %d)", argv[0], r);
	return r;
}

/* For what changes something or judges a file: an error has the tool's own first line. */
static int run_told(const char *const *argv, int ms, struct err *e)
{
	cleanup_buf struct buf out = { 0 };
	int r = proc_capture_both(argv, OUTPUT_MAX, ms, &out, e), len;
	const char *said = buf_str(&out);

	if (r == -ENOENT)
		return err_set(e, ENOENT, "%s is not installed", argv[0]);
	if (r <= 0)
		return r;
	/* A remark of apparmor_parser where the kernel has no AppArmor. */
	if (!strncmp(said, "Cache read/write disabled", 25))
		said += strcspn(said, "\n");
	said += strspn(said, " \n");
	len = (int)strcspn(said, "\n");
	if (len > TOLD_MAX)
		len = TOLD_MAX;
	return err_set(e, EINVAL, "%s: %.*s", argv[0], len, len ? said : "it fails");
}

/* The names that a file defines, one a line. */
static int check_names(const char *names, const char *name, struct err *e)
{
	size_t n = strlen(name);
	bool found = false;

	while (*names) {
		size_t len = strcspn(names, "\n");

		if (len == n && !memcmp(names, name, n))
			found = true;
		else if (len && (len < n + 2 || memcmp(names, name, n) || names[n] != '/' ||
				 names[n + 1] != '/'))
			return err_set(e, EINVAL, "it defines the profile %.*s, too", (int)len,
				       names);
		names += len + (names[len] == '\n');
	}
	return found ? 0 : err_set(e, EINVAL, "it does not define the profile %s", name);
}

int node_apparmor_check(const char *file, const char *name, struct err *e)
{
	const char *const names[] = { "apparmor_parser", "--names", file, NULL };
	const char *const compile[] = { "apparmor_parser", "--quiet", "--skip-kernel-load",
					"--skip-cache",	   file,      NULL };
	cleanup_buf struct buf out = { 0 };
	int r = run_told(compile, TOOL_MS, e);

	if (r == 0)
		r = run(names, TOOL_MS, &out, e);
	return r < 0 ? r : check_names(buf_str(&out), name, e);
}

bool node_apparmor_loaded(const char *name)
{
	cleanup_buf struct buf list = { 0 };
	size_t n = strlen(name);
	struct err ignored;

	if (io_read_file(APPARMOR_LIST, LIST_MAX, &list, &ignored) < 0)
		return false;
	for (const char *p = buf_str(&list); *p;) {
		if (!strncmp(p, name, n) && !strncmp(p + n, " (", 2))
			return true;
		p += strcspn(p, "\n");
		p += *p == '\n';
	}
	return false;
}

int node_apparmor_load(const char *file, const char *name, struct err *e)
{
	const char *const argv[] = { "apparmor_parser", "--quiet", "--replace",
				     "--skip-cache",	file,	   NULL };
	int r = run_told(argv, TOOL_MS, e);

	if (r < 0)
		return r;
	return node_apparmor_loaded(name)
		       ? 0
		       : err_set(e, EIO, "it was loaded, but %s does not have it", APPARMOR_LIST);
}

int node_apparmor_unload(const char *file, const char *name, struct err *e)
{
	const char *const argv[] = { "apparmor_parser", "--remove", file, NULL };

	return node_apparmor_loaded(name) ? run_told(argv, TOOL_MS, e) : 0;
}

/* How many policies the kernel has taken (selinux_kernel_status of security/selinux/include). */
static bool policy_loads(uint32_t *out)
{
	cleanup_close int fd = open(SELINUX_STATUS, O_RDONLY | O_CLOEXEC);
	uint32_t status[4]; /* version, sequence, enforcing, policyload */

	if (fd < 0 || read(fd, status, sizeof(status)) != (ssize_t)sizeof(status))
		return false;
	*out = status[3];
	return true;
}

static int list_modules(struct buf *out, struct err *e)
{
	const char *const argv[] = { "semodule", "--list-modules", NULL };

	return run(argv, TOOL_MS, out, e);
}

int node_selinux_load(const char *file, const char *name, struct err *e)
{
	const char *const argv[] = { "semodule", "--install", file, NULL };
	cleanup_buf struct buf list = { 0 };
	uint32_t before = 0, after = 0;
	bool counted = policy_loads(&before);
	/* Without its store semodule has an empty one, in which nothing compiles. */
	int r = list_modules(&list, e);

	if (r < 0 && r != -EINVAL)
		return r;
	if (r < 0 || !list.len || !strncmp(list.p, "No modules", 10))
		return err_set(e, EIO, "semodule has no policy store");
	r = run_told(argv, SEMODULE_MS, e);
	if (r < 0)
		return r;
	if (!node_selinux_loaded(name))
		return err_set(e, EIO, "it was installed, but semodule does not list it");
	if (counted && policy_loads(&after) && after == before)
		return err_set(e, EIO, "it was installed, but the kernel took no new policy");
	return 0;
}

bool node_selinux_loaded(const char *name)
{
	cleanup_buf struct buf out = { 0 };
	size_t n = strlen(name);
	struct err ignored;

	if (list_modules(&out, &ignored) < 0)
		return false;
	for (const char *p = buf_str(&out); *p;) {
		size_t len = strcspn(p, " \t\n");

		if (len == n && !memcmp(p, name, n))
			return true;
		p += strcspn(p, "\n");
		p += *p == '\n';
	}
	return false;
}

int node_selinux_unload(const char *name, struct err *e)
{
	const char *const argv[] = { "semodule", "--remove", name, NULL };

	return node_selinux_loaded(name) ? run_told(argv, SEMODULE_MS, e) : 0;
}
