/*
 * Records of AppArmor and SELinux. Names of fields and operations: the kernel's
 * security/apparmor/audit.c, file.c, capability.c, net.c and security/selinux/avc.c.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "base/cleanup.h"
#include "import/audit_private.h"
#include "model/caps.h"
#include "model/constants.h"

static const uint32_t PHASES = WL_PHASE_BIT(WL_START);

static const struct {
	char letter;
	uint32_t access;
} letters[] = {
	{ 'r', WL_F_READ },   { 'w', WL_F_WRITE },  { 'a', WL_F_APPEND },
	{ 'c', WL_F_CREATE }, { 'd', WL_F_DELETE }, { 'x', WL_F_EXEC },
	{ 'm', WL_F_MAP },    { 'k', WL_F_LOCK },   { 'l', WL_F_LINK },
};

static const struct {
	const char *operation;
	uint32_t access; /* in place of 'w' in the mask */
} special[] = {
	{ "chmod", WL_F_META },	   { "chown", WL_F_META },     { "setattr", WL_F_META },
	{ "unlink", WL_F_DELETE }, { "rmdir", WL_F_DELETE },   { "mkdir", WL_F_CREATE },
	{ "mknod", WL_F_CREATE },  { "symlink", WL_F_CREATE }, { "rename_src", WL_F_DELETE },
};

/* "wc", or "w::c" for owner and others. */
static uint32_t mask_access(const char *mask, const char *operation)
{
	uint32_t access = 0;

	for (const char *c = mask; *c; c++)
		for (size_t i = 0; i < ARRAY_SIZE(letters); i++)
			if (letters[i].letter == *c)
				access |= letters[i].access;
	for (size_t i = 0; i < ARRAY_SIZE(special); i++)
		if (!strcmp(special[i].operation, operation) && (access & WL_F_WRITE))
			access = (access & ~(uint32_t)WL_F_WRITE) | special[i].access;
	return access;
}

/* A profile that is named by a path is that program's. */
static int profile_program(struct audit *a, const char *profile)
{
	char path[PATH_MAX];

	if (!profile || *profile != '/')
		return -1;
	snprintf(path, sizeof(path), "%s", profile);
	if (strstr(path, "//"))
		*strstr(path, "//") = '\0';
	return strpbrk(path, "*?[{@") ? -1 : import_program(&a->im, path);
}

static void add_cap(struct audit *a, unsigned nr, int program)
{
	struct wl_cap_use *u = wl_cap_add(a->im.w, nr, WL_CAP_GRANTED, "", "", false, false);

	wl_prov_add(&u->prov, PHASES, program, a->im.source);
}

static void add_socket(struct audit *a, uint16_t family, uint16_t type, uint64_t protocol,
		       int program)
{
	static const uint8_t index[] = { 0, 1, 2 };
	const uint64_t value[] = { family, type, protocol };
	struct wl_syscall *s = wl_syscall_add_name(a->im.w, a->im.o->arch, sc_by_name("socket"));
	struct wl_call *c;

	wl_prov_add(&s->prov, PHASES, program, a->im.source);
	c = wl_call_add(s, 3, index, value);
	wl_prov_add(&c->prov, PHASES, program, a->im.source);
}

static const struct {
	const char *operation;
	enum wl_net_op op;
	const char *address, *port;
} net_ops[] = {
	{ "bind", WL_NET_BIND, "laddr", "lport" },
	{ "listen", WL_NET_LISTEN, "laddr", "lport" },
	{ "connect", WL_NET_CONNECT, "faddr", "fport" },
	{ "sendmsg", WL_NET_SEND, "faddr", "fport" },
};

static void apparmor_net(struct audit *a, const struct au_record *r, const char *operation,
			 int program)
{
	const char *family = au_get(r, "family"), *type = au_get(r, "sock_type");
	uint64_t protocol = 0, port = 0;
	uint16_t f, t = 0;

	if (!const_word(CONST_FAMILY, "AF_", family, &f)) {
		au_unsupported(a, "address family", family);
		return;
	}
	if (type)
		const_word(CONST_SOCKTYPE, "SOCK_", type, &t);
	au_number(r, "protocol", 10, &protocol);
	for (size_t i = 0; i < ARRAY_SIZE(net_ops); i++) {
		char address[PATH_MAX] = "";
		struct wl_net *n;

		if (strcmp(net_ops[i].operation, operation) != 0)
			continue;
		au_text(r, net_ops[i].address, address, sizeof(address));
		au_number(r, net_ops[i].port, 10, &port);
		n = wl_net_add(a->im.w, net_ops[i].op, f, t, (uint16_t)protocol, address,
			       (uint16_t)port);
		wl_prov_add(&n->prov, PHASES, program, a->im.source);
	}
	add_socket(a, f, t, protocol, program);
}

static void apparmor_file(struct audit *a, const struct au_record *r, const char *operation,
			  int program)
{
	const char *mask = au_get(r, "denied_mask");
	char name[PATH_MAX], target[PATH_MAX];
	uint32_t access;

	if (!au_text(r, "name", name, sizeof(name)))
		return;
	if (*name != '/') {
		au_unsupported(a, "name that is no absolute path (flag attach_disconnected)", name);
		return;
	}
	if (!mask)
		mask = au_get(r, "requested_mask");
	access = mask ? mask_access(mask, operation) : 0;
	if (!strcmp(operation, "mount") || !strcmp(operation, "umount") ||
	    !strcmp(operation, "pivotroot"))
		access = WL_F_MOUNT;
	if (!access) {
		au_unsupported(a, "operation", operation);
		return;
	}
	if (access & WL_F_EXEC)
		import_program(&a->im, name);
	import_file(&a->im, name, false, access, PHASES, program);
	if (au_text(r, "target", target, sizeof(target)) && *target == '/' && (access & WL_F_LINK))
		import_file(&a->im, target, false, WL_F_LINK, PHASES, program);
}

void au_apparmor(struct audit *a, const struct au_record *r)
{
	const char *status = au_get(r, "apparmor"), *operation = au_get(r, "operation");
	int program;
	uint64_t nr;

	if (!operation || !strcmp(status, "STATUS") || !strcmp(status, "HINT"))
		return; /* profiles loaded and removed */
	a->lsm++;
	program = profile_program(a, au_get(r, "profile"));
	if (!strcmp(operation, "capable") && au_number(r, "capability", 10, &nr) && nr < 64)
		add_cap(a, (unsigned)nr, program);
	else if (au_get(r, "family"))
		apparmor_net(a, r, operation, program);
	else if (au_get(r, "name") && strcmp(operation, "signal") && strcmp(operation, "ptrace"))
		apparmor_file(a, r, operation, program);
	else
		au_unsupported(a, "operation", operation);
}

/* SELinux: permissions of files and folders (security/selinux/include/classmap.h). */
static const struct {
	const char *perm;
	uint32_t access;
} file_perms[] = {
	{ "read", WL_F_READ },
	{ "open", 0 },
	{ "getattr", 0 },
	{ "write", WL_F_WRITE },
	{ "append", WL_F_APPEND },
	{ "create", WL_F_CREATE },
	{ "add_name", WL_F_CREATE },
	{ "unlink", WL_F_DELETE },
	{ "remove_name", WL_F_DELETE },
	{ "rmdir", WL_F_DELETE },
	{ "rename", WL_F_DELETE | WL_F_READ },
	{ "execute", WL_F_EXEC },
	{ "execute_no_trans", WL_F_EXEC },
	{ "map", WL_F_MAP },
	{ "lock", WL_F_LOCK },
	{ "link", WL_F_LINK },
	{ "setattr", WL_F_META },
	{ "relabelfrom", WL_F_META },
	{ "relabelto", WL_F_META },
	{ "search", 0 },
	{ "entrypoint", WL_F_EXEC },
	{ "mounton", WL_F_MOUNT },
	{ "ioctl", 0 },
};

static bool selinux_access(struct audit *a, const char *perms, uint32_t *access)
{
	char text[256], *save = NULL;

	*access = 0;
	snprintf(text, sizeof(text), "%s", perms);
	for (char *p = strtok_r(text, " ", &save); p; p = strtok_r(NULL, " ", &save)) {
		size_t i = 0;

		while (i < ARRAY_SIZE(file_perms) && strcmp(file_perms[i].perm, p) != 0)
			i++;
		if (i == ARRAY_SIZE(file_perms))
			au_unsupported(a, "SELinux permission", p);
		else
			*access |= file_perms[i].access;
	}
	return *access;
}

static bool is_file_class(const char *tclass)
{
	static const char *const names[] = { "file",	 "dir",	      "lnk_file", "chr_file",
					     "blk_file", "sock_file", "fifo_file" };

	for (size_t i = 0; i < ARRAY_SIZE(names); i++)
		if (!strcmp(names[i], tclass))
			return true;
	return false;
}

static void selinux_file(struct audit *a, const struct au_record *r)
{
	char path[PATH_MAX + 1];
	struct au_event *ev;
	uint32_t access;

	if (!selinux_access(a, r->perms, &access))
		return;
	if (au_text(r, "path", path, PATH_MAX) && *path == '/') {
		if (!strcmp(au_get(r, "tclass"), "dir") && path[strlen(path) - 1] != '/')
			strcat(path, "/");
		import_file(&a->im, path, false, access, PHASES, -1);
		return;
	}
	/* Only the last component: its whole name comes in a PATH record, if at all. */
	ev = au_event(a, r->serial);
	ev->selinux = true;
	ev->access |= access;
	import_lost(&a->im, "paths");
}

void au_path(struct audit *a, const struct au_record *r)
{
	struct au_event *ev = au_event(a, r->serial);
	char name[PATH_MAX], path[2 * PATH_MAX];

	if (!ev->selinux || !au_text(r, "name", name, sizeof(name)) || !*name)
		return;
	if (*name != '/' && !ev->cwd[0])
		return;
	snprintf(path, sizeof(path), "%s/%s", *name == '/' ? "" : ev->cwd, name);
	import_normalise(path);
	import_file(&a->im, path, false, ev->access, PHASES, ev->program);
	/* One of several names of the call; the record does not say which was refused. */
}

void au_selinux(struct audit *a, const struct au_record *r)
{
	const char *tclass = au_get(r, "tclass");
	uint64_t v;

	if (!tclass)
		return;
	a->lsm++;
	if (is_file_class(tclass)) {
		selinux_file(a, r);
	} else if (!strncmp(tclass, "capability", 10) || !strncmp(tclass, "cap_userns", 10) ||
		   !strncmp(tclass, "cap2_userns", 11)) {
		if (au_number(r, "capability", 10, &v) && v < 64)
			add_cap(a, (unsigned)v, -1);
	} else if (strstr(r->perms, "name_bind") && au_number(r, "src", 10, &v) &&
		   v <= UINT16_MAX) {
		bool udp = !strcmp(tclass, "udp_socket");
		struct wl_net *n = wl_net_add(a->im.w, WL_NET_BIND, AF_INET,
					      udp ? SOCK_DGRAM : SOCK_STREAM, udp ? 17 : 6, "",
					      (uint16_t)v);

		wl_prov_add(&n->prov, PHASES, -1, a->im.source);
	} else if (strstr(r->perms, "name_connect") && au_number(r, "dest", 10, &v) &&
		   v <= UINT16_MAX) {
		struct wl_net *n = wl_net_add(a->im.w, WL_NET_CONNECT, AF_INET, SOCK_STREAM, 6, "",
					      (uint16_t)v);

		wl_prov_add(&n->prov, PHASES, -1, a->im.source);
	} else {
		au_unsupported(a, "SELinux class", tclass);
	}
}
