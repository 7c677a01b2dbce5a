/* Shared by record_bpf.c (following) and record_bpf_drain.c (from kernel maps to models). */
#ifndef SENSOR_RECORD_BPF_IMPL_H
#define SENSOR_RECORD_BPF_IMPL_H

#include <stdbool.h>
#include <stddef.h>

#include "bpf/record.h"
#include "record.skel.h"
#include "sensor/record_bpf.h"

/* File entries beyond which the maps are emptied while recording; half of what they hold. */
enum { REC_FILES_HIGH = 8192 };

struct rec_slot {
	struct workload *w; /* NULL: nobody wants it (yet) */
	int source;
	int root_fd; /* O_PATH of the root directory of its processes */
	bool root_open;
	unsigned dropped_polls;
};

struct record_bpf {
	struct record_bpf_prog *skel;
	struct ring_buffer *ring;
	struct bpf_link *links[4];
	unsigned links_n;
	__u16 *tids; /* words by thread id, shared with the programs */
	size_t tids_size;
	unsigned tids_n; /* elements of the map: chunks */
	bool per_call_exit, caps;
	uint64_t opens_seen;  /* opens counted at the last poll */
	unsigned quiet_polls; /* polls without an open */
	struct rec_slot slots[REC_SLOTS];
	char *prog_path[REC_PROGRAMS]; /* NULL: not known (yet) */
	bool prog_done[REC_PROGRAMS];  /* its interpreter was looked up */
	record_bpf_handler *handler;
	void *handler_arg;
};

/* The model's ABI for an ABI index of the programs; negative when there is no table for it. */
int record_bpf_abi(unsigned rec_abi);
/* Moves the file entries of kept slots into their models and deletes them and those of dropped
 * ones. */
void record_bpf_drain(struct record_bpf *r);
/* Deletes every entry of a slot and frees its program ids. */
void record_bpf_purge(struct record_bpf *r, unsigned slot);

#endif
