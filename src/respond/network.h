/*
 * Cutting a container off the network: programs on its control group of version 2 that refuse
 * every connect(2), every datagram and every packet of the Internet families. Programs of three
 * instructions, so there is nothing to build: they return 0, which means refused.
 */
#ifndef RESPOND_NETWORK_H
#define RESPOND_NETWORK_H

#include <stdbool.h>

#include "respond/cgroup.h"

struct network_block;

/*
 * keep: the programs stay with the group until network_allow(), whatever becomes of this process
 * (BPF_PROG_ATTACH); *out is NULL then. Otherwise they are links, which go with *out or with the
 * process.
 */
void network_block(const struct cgroup_place *p, bool keep, struct network_block **out,
		   struct respond_result *r);
void network_block_free(struct network_block *b);
/* Detaches what network_block() with `keep` left on the group. */
void network_allow(const struct cgroup_place *p, struct respond_result *r);
/* How many such programs are on the group. */
unsigned network_count(const struct cgroup_place *p);

#endif
