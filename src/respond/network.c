#include "respond/network.h"

#include <bpf/bpf.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/bpf.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/err.h"
#include "base/mem.h"

#define PROGRAM_NAME "boltseal_cut" /* at most 15 bytes: BPF_OBJ_NAME_LEN */

/* r0 = 0; exit */
static const struct bpf_insn refuse[] = {
	{ .code = BPF_ALU64 | BPF_MOV | BPF_K, .dst_reg = BPF_REG_0 },
	{ .code = BPF_JMP | BPF_EXIT },
};

static const struct {
	const char *what;
	enum bpf_prog_type type;
	enum bpf_attach_type attach;
} hooks[] = {
	{ "packets out", BPF_PROG_TYPE_CGROUP_SKB, BPF_CGROUP_INET_EGRESS },
	{ "packets in", BPF_PROG_TYPE_CGROUP_SKB, BPF_CGROUP_INET_INGRESS },
	{ "connect4", BPF_PROG_TYPE_CGROUP_SOCK_ADDR, BPF_CGROUP_INET4_CONNECT },
	{ "connect6", BPF_PROG_TYPE_CGROUP_SOCK_ADDR, BPF_CGROUP_INET6_CONNECT },
	{ "sendmsg4", BPF_PROG_TYPE_CGROUP_SOCK_ADDR, BPF_CGROUP_UDP4_SENDMSG },
	{ "sendmsg6", BPF_PROG_TYPE_CGROUP_SOCK_ADDR, BPF_CGROUP_UDP6_SENDMSG },
};

struct network_block {
	int links[ARRAY_SIZE(hooks)];
};

void network_block_free(struct network_block *b)
{
	if (!b)
		return;
	for (size_t i = 0; i < ARRAY_SIZE(hooks); i++)
		if (b->links[i] >= 0)
			close(b->links[i]);
	free(b);
}

static int load(size_t i)
{
	LIBBPF_OPTS(bpf_prog_load_opts, o, .expected_attach_type = hooks[i].attach);

	return bpf_prog_load(hooks[i].type, PROGRAM_NAME, "GPL", refuse, ARRAY_SIZE(refuse), &o);
}

static bool is_ours(uint32_t id)
{
	cleanup_close int fd = bpf_prog_get_fd_by_id(id);
	struct bpf_prog_info info = { 0 };
	uint32_t len = sizeof(info);

	return fd >= 0 && bpf_obj_get_info_by_fd(fd, &info, &len) == 0 &&
	       !strcmp(info.name, PROGRAM_NAME);
}

/* Calls `each` for our programs that are attached to the group without a link. */
static unsigned each_of_ours(int group, void (*each)(int group, uint32_t id, size_t hook))
{
	unsigned found = 0;

	for (size_t i = 0; i < ARRAY_SIZE(hooks); i++) {
		uint32_t ids[64], flags, n = ARRAY_SIZE(ids);

		if (bpf_prog_query(group, hooks[i].attach, 0, &flags, ids, &n) < 0)
			continue;
		for (uint32_t k = 0; k < n && k < ARRAY_SIZE(ids); k++) {
			if (!is_ours(ids[k]))
				continue;
			found++;
			if (each)
				each(group, ids[k], i);
		}
	}
	return found;
}

static void detach(int group, uint32_t id, size_t hook)
{
	cleanup_close int fd = bpf_prog_get_fd_by_id(id);

	if (fd >= 0)
		bpf_prog_detach2(fd, group, hooks[hook].attach);
}

static int attach(int group, size_t i, bool keep, int *link)
{
	cleanup_close int prog = load(i);

	if (prog < 0)
		return -errno;
	if (keep)
		return bpf_prog_attach(prog, group, hooks[i].attach, BPF_F_ALLOW_MULTI) < 0 ? -errno
											    : 0;
	*link = bpf_link_create(prog, group, hooks[i].attach, NULL);
	return *link < 0 ? -errno : 0;
}

void network_block(const struct cgroup_place *p, bool keep, struct network_block **out,
		   struct respond_result *r)
{
	cleanup_close int group = p->v2[0] ? open(p->v2, O_RDONLY | O_DIRECTORY | O_CLOEXEC) : -1;
	struct network_block *b;

	*out = NULL;
	if (group < 0) {
		respond_say(r, RESPOND_FAILED,
			    "the container has no control group of version 2 of its own, which "
			    "blocking its network needs");
		return;
	}
	b = xcalloc(1, sizeof(*b));
	for (size_t i = 0; i < ARRAY_SIZE(hooks); i++)
		b->links[i] = -1;
	for (size_t i = 0; i < ARRAY_SIZE(hooks); i++) {
		int err = attach(group, i, keep, &b->links[i]);

		if (err == 0)
			continue;
		respond_say(r, RESPOND_FAILED, "cannot block the network (%s): %s", hooks[i].what,
			    err_text(-err));
		network_block_free(b);
		if (keep)
			each_of_ours(group, detach);
		return;
	}
	respond_say(r, RESPOND_DONE, "network blocked (%zu programs on cgroup v2 %s%s)",
		    ARRAY_SIZE(hooks), p->path,
		    keep ? ", which stay when boltseal ends" : ", which go when boltseal ends");
	if (keep)
		network_block_free(b);
	else
		*out = b;
}

void network_allow(const struct cgroup_place *p, struct respond_result *r)
{
	cleanup_close int group = p->v2[0] ? open(p->v2, O_RDONLY | O_DIRECTORY | O_CLOEXEC) : -1;
	unsigned n = group < 0 ? 0 : each_of_ours(group, detach);

	respond_say(r, RESPOND_DONE, "network allowed again (%u programs taken from %s)", n,
		    p->path);
}

unsigned network_count(const struct cgroup_place *p)
{
	cleanup_close int group = p->v2[0] ? open(p->v2, O_RDONLY | O_DIRECTORY | O_CLOEXEC) : -1;

	return group < 0 ? 0 : each_of_ours(group, NULL);
}
