#include "confine/landlock.h"

#include <fcntl.h>
#include <linux/landlock.h>
#include <linux/openat2.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/mem.h"

enum { NOTES_MAX = 1024 * 1024 };

/* struct landlock_ruleset_attr and struct landlock_net_port_attr of Linux 6.12. */
struct ruleset_attr {
	uint64_t handled_access_fs;
	uint64_t handled_access_net; /* ABI 4 */
	uint64_t scoped;	     /* ABI 6 */
};
struct net_port_attr {
	uint64_t allowed_access;
	uint64_t port;
};
enum { RULE_NET_PORT = 2 }; /* LANDLOCK_RULE_NET_PORT */

/* All that a rule for something other than a directory may have. */
#define FILE_RIGHTS                                                   \
	(LANDLOCK_ACCESS_FS_EXECUTE | LANDLOCK_ACCESS_FS_WRITE_FILE | \
	 LANDLOCK_ACCESS_FS_READ_FILE | LL_FS_TRUNCATE | LL_FS_IOCTL_DEV)

int landlock_abi(void)
{
	long abi = syscall(SYS_landlock_create_ruleset, NULL, 0, LANDLOCK_CREATE_RULESET_VERSION);

	return abi < 0 ? -errno : (int)abi;
}

int landlock_need(struct err *e)
{
	int abi = landlock_abi();

	if (abi == -EOPNOTSUPP)
		return err_set(
			e, EOPNOTSUPP,
			"Landlock is switched off: boot the kernel with \"landlock\" in lsm=");
	if (abi < 0)
		return err_set(e, ENOSYS,
			       "this kernel has no Landlock (Linux 5.13 with "
			       "CONFIG_SECURITY_LANDLOCK)");
	return abi;
}

uint64_t landlock_fs_rights(int abi)
{
	uint64_t rights = LANDLOCK_ACCESS_FS_REFER - 1; /* ABI 1 has all the bits below */

	if (abi >= 2)
		rights |= LANDLOCK_ACCESS_FS_REFER;
	if (abi >= 3)
		rights |= LL_FS_TRUNCATE;
	if (abi >= 5)
		rights |= LL_FS_IOCTL_DEV;
	return rights;
}

void landlock_plan_rule(struct landlock_plan *p, const char *path, uint64_t rights)
{
	void **slot;

	rights &= p->handled_fs;
	if (!rights)
		return;
	slot = map_at(&p->rule_index, path, strlen(path));
	if (!*slot) {
		struct landlock_rule *r = vec_push(p->rules, p->rules_n, p->rules_cap);

		r->path = arena_strdup(&p->arena, path);
		*slot = (void *)(uintptr_t)p->rules_n;
	}
	p->rules[(uintptr_t)*slot - 1].rights |= rights;
}

/* What the file itself, or the files beneath a directory, need. */
static uint64_t rights_of_access(uint32_t access, bool dir)
{
	uint64_t rights = 0;

	if (access & WL_F_READ)
		rights |= dir ? LANDLOCK_ACCESS_FS_READ_DIR : LANDLOCK_ACCESS_FS_READ_FILE;
	if (access & (WL_F_WRITE | WL_F_APPEND))
		rights |= LANDLOCK_ACCESS_FS_WRITE_FILE;
	if (access & WL_F_WRITE)
		rights |= LL_FS_TRUNCATE;
	if (access & WL_F_EXEC)
		rights |= LANDLOCK_ACCESS_FS_EXECUTE;
	if (access & WL_F_MAP)
		rights |= LANDLOCK_ACCESS_FS_READ_FILE;
	return rights;
}

/* What the directory in which it is needs. The model does not say what kind of file was made. */
static uint64_t rights_of_parent(uint32_t access, bool dir)
{
	uint64_t rights = 0;

	if (access & (WL_F_CREATE | WL_F_LINK))
		rights |= dir ? LANDLOCK_ACCESS_FS_MAKE_DIR
			      : LANDLOCK_ACCESS_FS_MAKE_REG | LANDLOCK_ACCESS_FS_MAKE_SOCK |
					  LANDLOCK_ACCESS_FS_MAKE_FIFO |
					  LANDLOCK_ACCESS_FS_MAKE_SYM;
	if (access & WL_F_DELETE)
		rights |= dir ? LANDLOCK_ACCESS_FS_REMOVE_DIR : LANDLOCK_ACCESS_FS_REMOVE_FILE;
	if (rights)
		rights |= LANDLOCK_ACCESS_FS_REFER;
	return rights;
}

/* Cuts the path to its directory ("/a/b/" and "/a/b" become "/a"); false at the root. */
static bool to_parent(char *path)
{
	size_t n = strlen(path);

	while (n > 1 && path[n - 1] == '/')
		n--;
	while (n > 1 && path[n - 1] != '/')
		n--;
	while (n > 1 && path[n - 1] == '/')
		n--;
	if (!strcmp(path, "/"))
		return false;
	path[n ? n : 1] = '\0';
	return true;
}

/* stat(2) of a path below the plan's root; links stay inside. */
static bool find(const struct landlock_plan *p, const char *path, struct stat *st)
{
	struct open_how how = { .flags = O_PATH | O_CLOEXEC, .resolve = RESOLVE_IN_ROOT };
	cleanup_close int fd = -1;

	if (p->root < 0)
		return stat(path, st) == 0;
	fd = (int)syscall(SYS_openat2, p->root, path, &how, sizeof(how));
	return fd >= 0 && fstat(fd, st) == 0;
}

/* Cuts the path to the nearest directory that exists. */
static void to_existing_dir(const struct landlock_plan *p, char *path)
{
	struct stat st;

	while (!find(p, path, &st) || !S_ISDIR(st.st_mode))
		if (!to_parent(path))
			return;
}

static void note(struct landlock_plan *p, const char *path, const char *dir, const char *why)
{
	p->widened++;
	buf_printf(&p->notes, "%s: %s; allowed beneath %s\n", path, why, dir);
}

static bool is_device(const char *path, const struct stat *st)
{
	return S_ISCHR(st->st_mode) || S_ISBLK(st->st_mode) || !strncmp(path, "/dev/", 5);
}

static void plan_pattern(struct landlock_plan *p, const struct wl_file *f)
{
	bool dir = f->path[strlen(f->path) - 1] == '/';
	cleanup_free char *prefix = wl_pattern_prefix(f->path);
	uint64_t rights = rights_of_access(f->access, dir) | rights_of_parent(f->access, dir);

	if (!rights)
		return;
	if (!strncmp(prefix, "/dev/", 5))
		rights |= LL_FS_IOCTL_DEV;
	if (prefix[strlen(prefix) - 1] != '/') /* "/a/b*": the directory is "/a" */
		to_parent(prefix);
	to_existing_dir(p, prefix);
	landlock_plan_rule(p, prefix, rights);
	note(p, f->path, prefix, "a pattern");
}

static void plan_path(struct landlock_plan *p, const char *path, uint32_t access)
{
	bool dir = path[strlen(path) - 1] == '/';
	uint64_t rights = rights_of_access(access, dir);
	uint64_t parent_rights = rights_of_parent(access, dir);
	cleanup_free char *parent = xstrdup(path);
	struct stat st;

	to_parent(parent);
	to_existing_dir(p, parent);
	if (rights && find(p, path, &st)) {
		if (is_device(path, &st))
			rights |= LL_FS_IOCTL_DEV;
		landlock_plan_rule(p, path, S_ISDIR(st.st_mode) ? rights : rights & FILE_RIGHTS);
	} else if (rights && (access & WL_F_CREATE)) {
		landlock_plan_rule(p, parent, rights);
		note(p, path, parent, "does not exist yet");
		rights = 0;
	} else if (rights) {
		buf_printf(&p->notes, "%s: does not exist; left out\n", path);
	}
	if (!parent_rights)
		return;
	/* A file that is made anew is another one than the one that exists now. */
	landlock_plan_rule(p, parent, parent_rights | (access & WL_F_CREATE ? rights : 0));
	if (rights || !rights_of_access(access, dir) || !(access & WL_F_CREATE))
		note(p, path, parent, "is made or removed");
}

static void plan_files(struct landlock_plan *p, const struct workload *w, uint32_t phases)
{
	for (size_t i = 0; i < w->files_n; i++) {
		const struct wl_file *f = &w->files[i];

		if (!(f->prov.phases & phases) || f->path[0] != '/')
			continue;
		if (f->access & WL_F_MOUNT)
			buf_printf(&p->notes, "%s: mounts; Landlock refuses every mount\n",
				   f->path);
		if (f->pattern)
			plan_pattern(p, f);
		else
			plan_path(p, f->path, f->access);
	}
	/* The kernel itself opens an interpreter, so a recording may have it only here. */
	for (size_t i = 0; i < w->programs_n; i++) {
		const struct wl_program *prog = &w->programs[i];

		if (wl_program_only_named(w, (uint32_t)i))
			continue;
		if (prog->path[0] == '/')
			plan_path(p, prog->path, WL_F_EXEC | WL_F_READ);
		if (prog->interpreter && prog->interpreter[0] == '/')
			plan_path(p, prog->interpreter, WL_F_EXEC | WL_F_READ);
	}
}

static bool is_tcp(const struct wl_net *n)
{
	return (n->family == AF_INET || n->family == AF_INET6) && n->type == SOCK_STREAM;
}

void landlock_plan_port(struct landlock_plan *p, uint16_t port, uint64_t rights)
{
	struct landlock_port *slot;

	for (size_t i = 0; i < p->ports_n; i++) {
		if (p->ports[i].port == port) {
			p->ports[i].rights |= rights;
			return;
		}
	}
	slot = vec_push(p->ports, p->ports_n, p->ports_cap);
	slot->port = port;
	slot->rights = rights;
}

static void plan_nets(struct landlock_plan *p, const struct workload *w, uint32_t phases)
{
	bool abstract = false;

	p->handled_net = p->abi >= 4 ? LL_NET_BIND | LL_NET_CONNECT : 0;
	for (size_t i = 0; i < w->nets_n; i++) {
		const struct wl_net *n = &w->nets[i];

		if (!(n->prov.phases & phases))
			continue;
		abstract |= n->family == AF_UNIX && n->address[0] == '@';
		if (!is_tcp(n))
			continue;
		if (n->op == WL_NET_LISTEN || n->op == WL_NET_BIND) {
			landlock_plan_port(p, n->port, LL_NET_BIND); /* 0: any ephemeral port */
		} else if (n->port) {
			landlock_plan_port(p, n->port, LL_NET_CONNECT);
		} else if (p->handled_net & LL_NET_CONNECT) {
			p->handled_net &= ~LL_NET_CONNECT;
			buf_puts(&p->notes, "TCP connections: to any port in the model; "
					    "not restricted\n");
		}
	}
	if (p->abi < 4)
		buf_puts(&p->notes, "TCP ports: this kernel's Landlock cannot restrict them\n");
	if (p->abi >= 6 && !abstract)
		p->scoped = LL_SCOPE_ABSTRACT;
}

void landlock_plan_model(struct landlock_plan *p, const struct workload *w, uint32_t phases,
			 int abi, int root)
{
	*p = (struct landlock_plan){ .root = root,
				     .abi = abi < LANDLOCK_ABI_MAX ? abi : LANDLOCK_ABI_MAX,
				     .notes.max = NOTES_MAX };
	p->handled_fs = landlock_fs_rights(p->abi);
	plan_files(p, w, phases);
	plan_nets(p, w, phases);
}

void landlock_plan_free(struct landlock_plan *p)
{
	free(p->rules);
	free(p->ports);
	map_free(&p->rule_index);
	buf_free(&p->notes);
	arena_free(&p->arena);
	*p = (struct landlock_plan){ 0 };
}

static int add_path_rule(int ruleset, const struct landlock_rule *rule, struct err *e)
{
	cleanup_close int fd = open(rule->path, O_PATH | O_CLOEXEC);
	struct landlock_path_beneath_attr attr = { .allowed_access = rule->rights,
						   .parent_fd = fd };
	struct stat st;

	if (fd < 0 && (errno == ENOENT || errno == ENOTDIR))
		return 0;
	if (fd < 0 || fstat(fd, &st) < 0)
		return err_errno(e, errno, "%s: cannot open for a Landlock rule", rule->path);
	if (!S_ISDIR(st.st_mode))
		attr.allowed_access &= FILE_RIGHTS;
	if (!attr.allowed_access)
		return 0;
	if (syscall(SYS_landlock_add_rule, ruleset, LANDLOCK_RULE_PATH_BENEATH, &attr, 0) < 0)
		return err_errno(e, errno, "%s: the kernel refuses a Landlock rule", rule->path);
	return 0;
}

static int add_port_rule(int ruleset, const struct landlock_plan *p, size_t i, struct err *e)
{
	struct net_port_attr attr = { .allowed_access = p->ports[i].rights & p->handled_net,
				      .port = p->ports[i].port };

	if (!attr.allowed_access)
		return 0;
	if (syscall(SYS_landlock_add_rule, ruleset, RULE_NET_PORT, &attr, 0) < 0)
		return err_errno(e, errno, "port %u: the kernel refuses a Landlock rule",
				 p->ports[i].port);
	return 0;
}

int landlock_ruleset(const struct landlock_plan *p, struct err *e)
{
	struct ruleset_attr attr = { .handled_access_fs = p->handled_fs,
				     .handled_access_net = p->handled_net,
				     .scoped = p->scoped };
	size_t size = p->abi >= 6 ? sizeof(attr) : p->abi >= 4 ? 16 : 8;
	cleanup_close int fd = (int)syscall(SYS_landlock_create_ruleset, &attr, size, 0);

	if (fd < 0)
		return err_errno(e, errno, "cannot make a Landlock ruleset");
	for (size_t i = 0; i < p->rules_n; i++) {
		int r = add_path_rule(fd, &p->rules[i], e);

		if (r < 0)
			return r;
	}
	for (size_t i = 0; i < p->ports_n; i++) {
		int r = add_port_rule(fd, p, i, e);

		if (r < 0)
			return r;
	}
	return take_fd(fd);
}

int landlock_restrict(int ruleset)
{
	return syscall(SYS_landlock_restrict_self, ruleset, 0) < 0 ? -errno : 0;
}
