#include "profile/selinux.h"

#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "base/mem.h"
#include "model/caps.h"
#include "profile/platform_private.h"
#include "profile/seen.h"

/* Ports of the reference policy (corenetwork.te.in); the last row of a protocol is for the rest. */
static const struct {
	const char *protocol; /* NULL: any */
	uint16_t from, to;
	const char *type;
} ports[] = {
	{ "tcp", 22, 22, "ssh_port_t" },
	{ "tcp", 25, 25, "smtp_port_t" },
	{ NULL, 53, 53, "dns_port_t" },
	{ "tcp", 80, 80, "http_port_t" },
	{ "tcp", 110, 110, "pop_port_t" },
	{ NULL, 111, 111, "portmap_port_t" },
	{ "udp", 123, 123, "ntp_port_t" },
	{ "tcp", 143, 143, "pop_port_t" },
	{ "udp", 161, 162, "snmp_port_t" },
	{ NULL, 389, 389, "ldap_port_t" },
	{ "tcp", 443, 443, "http_port_t" },
	{ "tcp", 465, 465, "smtp_port_t" },
	{ "udp", 514, 514, "syslogd_port_t" },
	{ "tcp", 587, 587, "smtp_port_t" },
	{ NULL, 636, 636, "ldap_port_t" },
	{ NULL, 873, 873, "rsync_port_t" },
	{ "tcp", 993, 993, "pop_port_t" },
	{ "tcp", 995, 995, "pop_port_t" },
	{ NULL, 1, 511, "reserved_port_t" },
	{ NULL, 512, 1023, "hi_reserved_port_t" },
	{ NULL, 2049, 2049, "nfs_port_t" },
	{ "tcp", 3306, 3306, "mysqld_port_t" },
	{ "tcp", 5432, 5432, "postgresql_port_t" },
	{ NULL, 5671, 5672, "amqp_port_t" },
	{ "tcp", 6379, 6379, "redis_port_t" },
	{ "tcp", 8008, 8009, "http_port_t" },
	{ "tcp", 8080, 8080, "http_cache_port_t" },
	{ "tcp", 8443, 8443, "http_port_t" },
	{ NULL, 11211, 11211, "memcache_port_t" },
	{ "tcp", 27017, 27019, "mongod_port_t" },
	{ NULL, 32768, 60999, "ephemeral_port_t" },
	{ NULL, 1024, 65535, "unreserved_port_t" },
};

const char *se_port_type(const char *protocol, uint16_t port)
{
	for (size_t i = 0; i < ARRAY_SIZE(ports); i++)
		if (port >= ports[i].from && port <= ports[i].to &&
		    (!ports[i].protocol || !strcmp(ports[i].protocol, protocol)))
			return ports[i].type;
	return NULL;
}

/* What udica's templates are for, by the directory on the host. */
static const struct {
	const char *dir, *ro, *rw, *manage; /* manage: files are made, removed or renamed too */
	const char *type; /* what rules have to name when no template manages; else NULL */
} templates[] = {
	{ "/etc", "config_container", "config_rw_container", "config_manage_container", NULL },
	{ "/home", "home_container", "home_rw_container", "home_manage_container", NULL },
	{ "/tmp", "tmp_container", "tmp_rw_container", "tmp_rw_container", "tmp_t" },
	{ "/var/log", "log_container", "log_rw_container", "log_manage_container", NULL },
	{ "/var/tmp", "tmp_container", "tmp_rw_container", "tmp_rw_container", "tmp_t" },
};

static const struct {
	const char *path, *type;
} devices[] = {
	{ "/dev/dri", "dri_device_t" },		{ "/dev/fuse", "fuse_device_t" },
	{ "/dev/kvm", "kvm_device_t" },		{ "/dev/net/tun", "tun_tap_device_t" },
	{ "/dev/snd", "sound_device_t" },	{ "/dev/video", "v4l_device_t" },
	{ "/dev/vhost-net", "vhost_device_t" },
};

static const char *const dir_ro[] = { "getattr", "ioctl", "lock", "open", "read", "search", NULL };
static const char *const dir_rw[] = { "add_name", "create", "remove_name", "rmdir",
				      "setattr",  "write",  NULL };
static const char *const file_ro[] = { "getattr", "ioctl", "lock", "open", "read", NULL };
static const char *const file_rw[] = { "append", "create", "rename", "setattr",
				       "unlink", "write",  NULL };
static const char *const file_map[] = { "map", NULL };
static const char *const file_exec[] = { "execute", "execute_no_trans", "map", NULL };
static const char *const link_ro[] = { "getattr", "read", NULL };
static const char *const link_rw[] = { "create", "rename", "setattr", "unlink", NULL };
static const char *const fifo_rw[] = { "append", "getattr", "ioctl", "lock",
				       "open",	 "read",    "write", NULL };
static const char *const sock_rw[] = { "append",  "create", "getattr", "open", "read",
				       "setattr", "unlink", "write",   NULL };
static const char *const device_ro[] = { "getattr", "ioctl", "lock", "open", "read", NULL };
static const char *const device_rw[] = { "append", "write", NULL };

void se_free(struct se_policy *p)
{
	for (size_t i = 0; i < p->allows_n; i++) {
		free(p->allows[i].type);
		free(p->allows[i].perms);
	}
	free(p->allows);
	free(p->name);
	*p = (struct se_policy){ 0 };
}

static void add_block(struct se_policy *p, const char *block)
{
	for (size_t i = 0; i < p->blocks_n; i++)
		if (!strcmp(p->blocks[i], block))
			return;
	if (p->blocks_n < ARRAY_SIZE(p->blocks))
		p->blocks[p->blocks_n++] = block;
}

static struct se_allow *allow_at(struct se_policy *p, const char *type, const char *class)
{
	struct se_allow *a;

	for (size_t i = 0; i < p->allows_n; i++)
		if (!strcmp(p->allows[i].type, type) && !strcmp(p->allows[i].class, class))
			return &p->allows[i];
	a = vec_push(p->allows, p->allows_n, p->allows_cap);
	a->type = xstrdup(type);
	a->class = class;
	return a;
}

static void allow(struct se_policy *p, const char *type, const char *class, const char *perm)
{
	struct se_allow *a = allow_at(p, type, class);

	for (size_t i = 0; i < a->perms_n; i++)
		if (!strcmp(a->perms[i], perm))
			return;
	*vec_push(a->perms, a->perms_n, a->perms_cap) = perm;
}

static void allow_all(struct se_policy *p, const char *type, const char *class,
		      const char *const *perms)
{
	for (; *perms; perms++)
		allow(p, type, class, *perms);
}

/* The block's name: what CIL takes for an identifier, without "." which separates blocks. */
static int block_name(const struct workload *w, const struct gen_options *o, char **out,
		      struct err *e)
{
	cleanup_free char *name = NULL;
	int r = gen_name(w, o, &name, e);

	if (r < 0)
		return r;
	for (char *c = name; *c; c++)
		if (*c == '.')
			*c = '_';
	*out = *name >= '0' && *name <= '9' ? xasprintf("c%s", name) : xstrdup(name);
	return 0;
}

static void add_caps(const struct workload *w, struct se_policy *p)
{
	struct gen_caps c;

	gen_caps(w, &c);
	for (unsigned nr = 0; nr < BCAP_COUNT; nr++)
		if (c.needed >> nr & 1)
			allow(p, "process", nr < 32 ? "capability" : "capability2",
			      bcap_by_nr(nr)->aa_name);
}

static const char *protocol_of(const struct wl_net *n)
{
	if (n->protocol == IPPROTO_SCTP)
		return "sctp";
	return n->type == SOCK_STREAM ? "tcp" : n->type == SOCK_DGRAM ? "udp" : NULL;
}

static const char *class_of(const char *protocol)
{
	return !strcmp(protocol, "tcp")	  ? "tcp_socket"
	       : !strcmp(protocol, "udp") ? "udp_socket"
					  : "sctp_socket";
}

static void add_port(struct se_policy *p, const struct wl_net *n, struct buf *notes)
{
	const char *protocol = protocol_of(n), *type;
	bool own = n->op == WL_NET_LISTEN || n->op == WL_NET_BIND;

	if (!protocol || !n->port || (!own && !strcmp(protocol, "udp")))
		return; /* ports that the kernel chooses, and peers of UDP, are not checked */
	type = se_port_type(protocol, n->port);
	allow(p, type, class_of(protocol), own ? "name_bind" : "name_connect");
	gen_note(notes,
		 "port %s/%u: taken for %s, as in the reference policy (semanage port -l "
		 "says what the host has)",
		 protocol, n->port, type);
}

/* Whether sockets of IP were made at all, and raw ones. */
static void add_network(const struct workload *w, struct se_policy *p, struct buf *notes)
{
	cleanup_seen struct seen s = { 0 };
	bool inet, raw = false;

	seen_sockets(w, "socket", WL_PROGRAM_PHASES, false, &s);
	inet = s.state == SEEN_UNKNOWN || seen_called(w, "socketcall", WL_PROGRAM_PHASES);
	for (size_t i = 0; i < s.n; i++) {
		uint64_t family = s.rows[i].v[0], type = s.rows[i].v[1];
		bool ip = family == AF_INET || family == AF_INET6;

		inet = inet || ip;
		raw = raw || family == AF_PACKET || (ip && type == SOCK_RAW);
	}
	for (size_t i = 0; i < w->nets_n; i++) {
		const struct wl_net *n = &w->nets[i];

		if (!(n->prov.phases & WL_PROGRAM_PHASES) ||
		    (n->family != AF_INET && n->family != AF_INET6))
			continue;
		inet = true;
		add_port(p, n, notes);
	}
	if (raw) {
		add_block(p, "net_container");
		gen_note(notes, "raw sockets were used: net_container, with every kind of network "
				"access, since the restricted template has none of them");
	} else if (inet) {
		add_block(p, "restricted_net_container");
	}
}

static bool is_below(const char *path, const char *dir)
{
	size_t n = strlen(dir);

	return !strncmp(path, dir, n) && (path[n] == '/' || !path[n] || !strcmp(dir, "/"));
}

/* All accesses of the program below the directory of the container. */
static uint32_t accesses(const struct workload *w, const char *dir)
{
	uint32_t access = 0;

	for (size_t i = 0; i < w->files_n; i++)
		if (w->files[i].prov.phases & WL_PROGRAM_PHASES && is_below(w->files[i].path, dir))
			access |= w->files[i].access;
	for (size_t i = 0; i < w->nets_n; i++)
		if (w->nets[i].family == AF_UNIX && is_below(w->nets[i].address, dir))
			access |= WL_F_READ | WL_F_WRITE;
	return access;
}

#define CHANGES (WL_F_WRITE | WL_F_APPEND | WL_F_CREATE | WL_F_DELETE | WL_F_META | WL_F_LINK)

static void allow_files(struct se_policy *p, const char *type, uint32_t access)
{
	allow_all(p, type, "dir", dir_ro);
	allow_all(p, type, "file", file_ro);
	allow_all(p, type, "lnk_file", link_ro);
	if (access & WL_F_MAP)
		allow_all(p, type, "file", file_map);
	if (access & (WL_F_EXEC | WL_F_MAP))
		allow_all(p, type, "file", file_exec);
	if (!(access & CHANGES))
		return;
	allow_all(p, type, "dir", dir_rw);
	allow_all(p, type, "file", file_rw);
	allow_all(p, type, "lnk_file", link_rw);
	allow_all(p, type, "fifo_file", fifo_rw);
	allow_all(p, type, "sock_file", sock_rw);
	if (access & WL_F_LINK)
		allow(p, type, "file", "link");
}

/* Inherits the template for the directory; false when there is none. */
static bool use_template(struct se_policy *p, const char *host, uint32_t access)
{
	bool manages = access & (WL_F_CREATE | WL_F_DELETE | WL_F_LINK | WL_F_META);

	for (size_t i = 0; i < ARRAY_SIZE(templates); i++) {
		if (!is_below(host, templates[i].dir))
			continue;
		add_block(p, manages		? templates[i].manage
			     : access & CHANGES ? templates[i].rw
						: templates[i].ro);
		if (manages && templates[i].type)
			allow_files(p, templates[i].type, access);
		return true;
	}
	return false;
}

static int add_mount(const struct workload *w, const struct gen_selinux *s, const char *mount,
		     struct se_policy *p, struct buf *notes, struct err *e)
{
	const char *colon = strchr(mount, ':'), *dir = colon ? colon + 1 : mount, *type = NULL;
	cleanup_free char *host =
		xasprintf("%.*s", (int)(colon ? colon - mount : (long)strlen(mount)), mount);
	uint32_t access = accesses(w, dir);
	int r;

	if (!(access & ~(uint32_t)WL_F_MISSING)) {
		gen_note(notes, "%.200s: the program used nothing in it, so nothing is allowed",
			 mount);
		return 0;
	}
	/* A template is for the kinds of files of a whole directory; types are exact. */
	if (s->contexts) {
		r = fc_lookup(s->contexts, host, 'd', &type, e);
		if (r < 0)
			return r;
	}
	if (!type && use_template(p, host, access))
		return 0;
	if (!type) {
		type = access & CHANGES ? "container_file_t" : "container_ro_file_t";
		gen_note(notes,
			 "%.150s: taken for %s; label it so on the host (mount option :Z, or "
			 "semanage fcontext and restorecon), or give --file-contexts",
			 host, type);
	}
	allow_files(p, type, access);
	return 0;
}

/* The devices that every container has. */
static bool is_common_device(const char *path)
{
	static const char *const common[] = { "/dev/null",    "/dev/zero",    "/dev/full",
					      "/dev/random",  "/dev/urandom", "/dev/tty",
					      "/dev/console", "/dev/ptmx",    "/dev/pts",
					      "/dev/shm",     "/dev/mqueue",  "/dev/fd",
					      "/dev/stdin",   "/dev/stdout",  "/dev/stderr",
					      "/dev/log" };

	for (size_t i = 0; i < ARRAY_SIZE(common); i++)
		if (is_below(path, common[i]))
			return true;
	return !strcmp(path, "/dev/");
}

static int add_device(const struct gen_selinux *s, const struct wl_file *f, struct se_policy *p,
		      struct buf *notes, struct err *e)
{
	const char *type = NULL;
	int r = s->contexts ? fc_lookup(s->contexts, f->path, 'c', &type, e) : 0;

	if (r < 0)
		return r;
	for (size_t i = 0; !type && i < ARRAY_SIZE(devices); i++)
		if (!strncmp(f->path, devices[i].path, strlen(devices[i].path)))
			type = devices[i].type;
	if (!type) {
		gen_note(notes,
			 "%.200s: no type is known for this device (--file-contexts); it "
			 "will be refused",
			 f->path);
		return 0;
	}
	allow_all(p, type, "chr_file", device_ro);
	if (f->access & (WL_F_WRITE | WL_F_APPEND))
		allow_all(p, type, "chr_file", device_rw);
	return 0;
}

static int add_files(const struct workload *w, const struct gen_selinux *s, struct se_policy *p,
		     struct buf *notes, struct err *e)
{
	int r = 0;

	for (size_t i = 0; r >= 0 && i < s->mounts_n; i++)
		r = add_mount(w, s, s->mounts[i], p, notes, e);
	for (size_t i = 0; r >= 0 && i < w->files_n; i++) {
		const struct wl_file *f = &w->files[i];

		if (f->prov.phases & WL_PROGRAM_PHASES && !strncmp(f->path, "/dev/", 5) &&
		    f->access & (WL_F_READ | WL_F_WRITE | WL_F_APPEND) &&
		    !is_common_device(f->path))
			r = add_device(s, f, p, notes, e);
	}
	return r;
}

static int allow_cmp(const void *pa, const void *pb)
{
	const struct se_allow *a = pa, *b = pb;
	bool self_a = !strcmp(a->type, "process"), self_b = !strcmp(b->type, "process");
	int c = self_a == self_b ? strcmp(a->type, b->type) : self_b - self_a;

	return c ? c : strcmp(a->class, b->class);
}

static int perm_cmp(const void *a, const void *b)
{
	return strcmp(*(const char *const *)a, *(const char *const *)b);
}

int gen_selinux(const struct workload *w, const struct gen_options *o, const struct gen_selinux *s,
		struct se_policy *out, struct buf *notes, struct err *e)
{
	int r = gen_check_model(w, o, notes, e);

	*out = (struct se_policy){ .permissive = o->complain };
	if (r >= 0)
		r = block_name(w, o, &out->name, e);
	if (r < 0)
		return r;
	add_block(out, "container");
	add_network(w, out, notes);
	add_caps(w, out);
	r = add_files(w, s, out, notes, e);
	if (r < 0)
		return r;
	if (out->allows_n)
		qsort(out->allows, out->allows_n, sizeof(*out->allows), allow_cmp);
	for (size_t i = 0; i < out->allows_n; i++)
		qsort(out->allows[i].perms, out->allows[i].perms_n, sizeof(*out->allows[i].perms),
		      perm_cmp);
	gen_note(notes, "files of the image share one type (container_file_t), so the module does "
			"not tell them apart; AppArmor and Landlock do");
	return 0;
}

/* The file of udica's templates that has the block: "log_rw_container" is in log_container.cil. */
static void template_file(const char *block, struct buf *out)
{
	const char *end = strchr(block, '_');

	if (!strcmp(block, "container"))
		buf_puts(out, " base_container.cil");
	else if (!strcmp(block, "restricted_net_container"))
		buf_puts(out, " net_container.cil");
	else
		buf_printf(out, " %.*s_container.cil", (int)(end - block), block);
}

static void head(const struct se_policy *p, struct buf *out)
{
	buf_printf(out,
		   "; SELinux module, generated by boltseal. The process type is %s.process\n"
		   "; Load: semodule -i %s.cil, with the templates of udica:\n"
		   ";",
		   p->name, p->name);
	for (size_t i = 0; i < p->blocks_n; i++)
		template_file(p->blocks[i], out);
	buf_printf(out, "\n(block %s\n", p->name);
}

void se_write(const struct se_policy *p, bool block, struct buf *out)
{
	const char *indent = block ? "    " : "";

	if (block)
		head(p, out);
	for (size_t i = 0; i < p->blocks_n; i++)
		buf_printf(out, "%s(blockinherit %s)\n", indent, p->blocks[i]);
	if (p->permissive)
		buf_printf(out, "%s(typepermissive process)\n", indent);
	for (size_t i = 0; i < p->allows_n; i++) {
		const struct se_allow *a = &p->allows[i];

		buf_printf(out, "%s(allow process %s (%s (", indent, a->type, a->class);
		for (size_t k = 0; k < a->perms_n; k++)
			buf_printf(out, "%s%s", k ? " " : "", a->perms[k]);
		buf_puts(out, ")))\n");
	}
	if (block)
		buf_puts(out, ")\n");
}

struct json_object *se_spec(const struct se_policy *p)
{
	struct json_object *spec = json_object_new_object(), *inherit = json_object_new_array(),
			   *types = json_object_new_object(), *classes = NULL;

	for (size_t i = 0; i < p->blocks_n; i++) {
		struct json_object *o = json_object_new_object();

		put_str(o, "kind", "System");
		put_str(o, "name", p->blocks[i]);
		push(inherit, o);
	}
	put_str(spec, "mode", p->permissive ? "Permissive" : "Enforcing");
	put(spec, "inherit", inherit);
	for (size_t i = 0; i < p->allows_n; i++) {
		const struct se_allow *a = &p->allows[i];
		struct json_object *perms = json_object_new_array();

		if (!i || strcmp(a->type, p->allows[i - 1].type)) {
			classes = json_object_new_object();
			put(types, strcmp(a->type, "process") ? a->type : "@self", classes);
		}
		for (size_t k = 0; k < a->perms_n; k++)
			push_str(perms, a->perms[k]);
		put(classes, a->class, perms);
	}
	put(spec, "allow", types);
	return spec;
}
