#include "respond/deny.h"

#include <bpf/bpf.h>
#include <bpf/btf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statfs.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/err.h"
#include "base/io.h"
#include "base/mem.h"
#include "bpf/deny.h"

#include "deny.skel.h"

#define BPFFS	"/sys/fs/bpf"
#define PINS	BPFFS "/boltseal-deny"
#define PIN_MAP PINS "/denied"

enum { NR_LSM_LIST_MODULES = 461, LSM_ID_BPF = 109 /* linux/lsm.h */ };

/* Which programs an operation needs, by the names in bpf/deny.bpf.c. */
static const struct hook {
	enum deny_operation operation;
	const char *program;
} hooks[] = {
	{ DENY_FILE, "deny_file_open" },	 { DENY_EXEC, "deny_exec" },
	{ DENY_NETWORK, "deny_socket_create" },	 { DENY_NETWORK, "deny_socket_connect" },
	{ DENY_NETWORK, "deny_socket_bind" },	 { DENY_NETWORK, "deny_socket_sendmsg" },
	{ DENY_NETWORK, "deny_socket_recvmsg" }, { DENY_MOUNT, "deny_mount" },
	{ DENY_MOUNT, "deny_move_mount" },	 { DENY_MOUNT, "deny_umount" },
	{ DENY_MOUNT, "deny_pivotroot" },	 { DENY_PTRACE, "deny_ptrace" },
	{ DENY_PTRACE, "deny_traceme" },	 { DENY_MODULE, "deny_read_module" },
	{ DENY_MODULE, "deny_load_module" },	 { DENY_MODULE, "deny_request_module" },
	{ DENY_CAPABILITY, "deny_capable" },	 { DENY_BPF, "deny_bpf" },
};

struct deny {
	struct deny_bpf_prog *skel; /* NULL: not loaded */
	int map;		    /* of the skeleton, or the pinned one; -1 */
	struct bpf_link *links[ARRAY_SIZE(hooks)];
};

struct deny *deny_new(void)
{
	struct deny *d = xcalloc(1, sizeof(*d));

	d->map = -1;
	return d;
}

void deny_free(struct deny *d)
{
	if (!d)
		return;
	for (size_t i = 0; i < ARRAY_SIZE(hooks); i++)
		bpf_link__destroy(d->links[i]);
	if (d->skel)
		deny_bpf_prog__destroy(d->skel);
	if (d->map >= 0)
		close(d->map);
	free(d);
}

/* Whether LSM programs are asked at all: they can be loaded where they are not. */
static bool is_active(void)
{
	char list[256];
	uint64_t ids[64];
	uint32_t bytes = sizeof(ids);
	long n;

	if (io_read_small("/sys/kernel/security/lsm", list, sizeof(list)) == 0)
		return strstr(list, "bpf");
	n = syscall(NR_LSM_LIST_MODULES, ids, &bytes, 0);
	for (long i = 0; i < n; i++)
		if (ids[i] == LSM_ID_BPF)
			return true;
	return false;
}

static int keep_silent(enum libbpf_print_level level, const char *fmt, va_list ap)
{
	(void)level;
	(void)fmt;
	(void)ap;
	return 0;
}

/* Programs whose hook this kernel does not have are left out. */
static void leave_out_unknown(struct deny_bpf_prog *skel)
{
	struct btf *btf = btf__load_vmlinux_btf();
	struct bpf_program *prog;

	bpf_object__for_each_program (prog, skel->obj) {
		cleanup_free char *name =
			xasprintf("bpf_lsm_%s", strchr(bpf_program__section_name(prog), '/') + 1);

		if (btf && btf__find_by_name_kind(btf, name, BTF_KIND_FUNC) < 0)
			bpf_program__set_autoload(prog, false);
	}
	btf__free(btf);
}

/* Over the table that is pinned when there is one. read_ids: see bpf/deny.bpf.c. */
static int load_programs(struct deny *d, bool read_ids)
{
	int pinned, err;

	d->skel = deny_bpf_prog__open();
	if (!d->skel)
		return -errno;
	d->skel->rodata->read_ids = read_ids;
	leave_out_unknown(d->skel);
	pinned = bpf_obj_get(PIN_MAP);
	if (pinned >= 0) {
		bpf_map__reuse_fd(d->skel->maps.denied, pinned);
		close(pinned);
	}
	err = deny_bpf_prog__load(d->skel);
	if (err < 0) {
		deny_bpf_prog__destroy(d->skel);
		d->skel = NULL;
	}
	return err;
}

static int load(struct deny *d)
{
	libbpf_print_fn_t before;
	int err;

	if (d->skel)
		return 0;
	before = libbpf_set_print(keep_silent);
	err = load_programs(d, false);
	if (err == -EINVAL)
		err = load_programs(d, true);
	libbpf_set_print(before);
	if (err == 0)
		d->map = dup(bpf_map__fd(d->skel->maps.denied));
	return err;
}

static int make_pins(struct deny *d)
{
	struct statfs fs;

	if (statfs(BPFFS, &fs) < 0 || fs.f_type != BPF_FS_MAGIC)
		return -ENOENT;
	if (mkdir(PINS, 0700) < 0 && errno != EEXIST)
		return -errno;
	if (access(PIN_MAP, F_OK) == 0)
		return 0;
	return bpf_obj_pin(d->map, PIN_MAP) < 0 ? -errno : 0;
}

static int attach(struct deny *d, size_t i, bool keep)
{
	cleanup_free char *pin = xasprintf(PINS "/%s", hooks[i].program);
	struct bpf_program *prog;
	int err;

	if (access(pin, F_OK) == 0)
		return 0;
	prog = bpf_object__find_program_by_name(d->skel->obj, hooks[i].program);
	if (!prog || bpf_program__fd(prog) < 0)
		return 0; /* a hook that this kernel does not have */
	if (!d->links[i]) {
		libbpf_print_fn_t before = libbpf_set_print(keep_silent);

		d->links[i] = bpf_program__attach_lsm(prog);
		err = errno;
		libbpf_set_print(before);
		if (!d->links[i])
			return -err;
	}
	if (!keep)
		return 0;
	err = bpf_link__pin(d->links[i], pin);
	return err;
}

/* The number of the group of version 2, which is its id for BPF; 0: there is none. */
static uint64_t id_of(const struct cgroup_place *p)
{
	struct stat st;

	return p->v2[0] && stat(p->v2, &st) == 0 ? st.st_ino : 0;
}

static void print_operations(const struct respond_request *q, char *out, size_t size)
{
	size_t at = 0;

	out[0] = '\0';
	for (enum respond_operation o = 0; o < RESPOND_OP_COUNT; o++)
		if (q->operations >> o & 1 && at < size)
			at += (size_t)snprintf(out + at, size - at, "%s%s", at ? ", " : "",
					       respond_operation_name(o));
}

/* The last one takes the programs with it. */
static void remove_pins(int map)
{
	uint64_t id;

	if (bpf_map_get_next_key(map, NULL, &id) == 0)
		return;
	for (size_t i = 0; i < ARRAY_SIZE(hooks); i++) {
		cleanup_free char *pin = xasprintf(PINS "/%s", hooks[i].program);

		unlink(pin);
	}
	unlink(PIN_MAP);
	rmdir(PINS);
}

static int switch_on(struct deny *d, const struct respond_request *q, uint64_t id, bool keep)
{
	struct deny_group g = { .capabilities = q->capabilities, .operations = q->operations };
	struct deny_group had;
	int err = load(d);

	if (err == 0 && keep)
		err = make_pins(d);
	for (size_t i = 0; err == 0 && i < ARRAY_SIZE(hooks); i++)
		if (q->operations >> hooks[i].operation & 1)
			err = attach(d, i, keep);
	if (err < 0) {
		if (keep && d->map >= 0)
			remove_pins(d->map);
		return err;
	}
	if (bpf_map_lookup_elem(d->map, &id, &had) == 0) {
		g.operations |= had.operations;
		g.capabilities |= had.capabilities;
	}
	return bpf_map_update_elem(d->map, &id, &g, BPF_ANY) < 0 ? -errno : 0;
}

void deny_add(struct deny *d, const struct respond_request *q, const struct cgroup_place *p,
	      struct respond_result *out)
{
	bool keep = q->flags & RESPOND_KEEP;
	uint64_t id = id_of(p);
	char what[128];
	int err;

	print_operations(q, what, sizeof(what));
	if (!is_active()) {
		respond_say(out, RESPOND_FAILED,
			    "the kernel was not booted with bpf among its security modules (lsm=)");
		return;
	}
	if (!id) {
		respond_say(out, RESPOND_FAILED, "the container has no control group of version 2");
		return;
	}
	err = switch_on(d, q, id, keep);
	if (err == -ENOENT && keep)
		respond_say(out, RESPOND_FAILED, "cannot be kept: no bpffs at " BPFFS);
	else if (err < 0)
		respond_say(out, RESPOND_FAILED, "LSM programs cannot be used: %s", err_text(-err));
	else
		respond_say(out, RESPOND_DONE, "refused from now on: %s (LSM programs, %s)", what,
			    keep ? "pinned in " PINS : "until boltseal ends");
}

/* Groups that are gone are found by their number no more (open_by_handle_at(2), kernfs). */
static bool is_gone(int mount, uint64_t id)
{
	enum { FILEID_KERNFS = 0xfe }; /* include/linux/exportfs.h */
	struct {
		struct file_handle head;
		uint64_t id;
	} h = { .head = { .handle_bytes = sizeof(id), .handle_type = FILEID_KERNFS } };
	int fd;

	memcpy(h.head.f_handle, &id, sizeof(id));
	fd = open_by_handle_at(mount, &h.head, O_PATH | O_CLOEXEC);
	if (fd < 0)
		return errno == ESTALE;
	close(fd);
	return false;
}

static void forget_gone(int map)
{
	const char *root = cgroup_unified_root();
	cleanup_close int mount = root ? open(root, O_RDONLY | O_DIRECTORY | O_CLOEXEC) : -1;
	uint64_t id, next;
	bool more = mount >= 0 && bpf_map_get_next_key(map, NULL, &next) == 0;

	while (more) {
		id = next;
		more = bpf_map_get_next_key(map, &id, &next) == 0;
		if (is_gone(mount, id))
			bpf_map_delete_elem(map, &id);
	}
}

void deny_remove(struct deny *d, const struct cgroup_place *p, struct respond_result *out)
{
	cleanup_close int pinned = bpf_obj_get(PIN_MAP);
	uint64_t id = id_of(p);
	bool had = false;

	if (d->map >= 0)
		had |= bpf_map_delete_elem(d->map, &id) == 0;
	if (pinned >= 0) {
		had |= bpf_map_delete_elem(pinned, &id) == 0;
		forget_gone(pinned);
		remove_pins(pinned);
	}
	respond_say(out, RESPOND_DONE, had ? "permitted again" : "nothing was refused to it");
}
