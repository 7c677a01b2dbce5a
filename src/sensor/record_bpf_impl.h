/*
 * Shared by record_bpf.c (events), record_bpf_load.c (the programs), record_bpf_follow.c
 * (processes) and record_bpf_drain.c (from kernel maps to models).
 */
#ifndef SENSOR_RECORD_BPF_IMPL_H
#define SENSOR_RECORD_BPF_IMPL_H

#include <stdbool.h>
#include <stddef.h>
#include <time.h>

#include "bpf/record.h"
#include "record.skel.h"
#include "sensor/record_bpf.h"

/* Paths of one undecided slot that are kept; more are counted as lost. */
enum { REC_PENDING_MAX = 16384, REC_EXITS_MAX = 4 };

/* A path that came before it was known whether its slot is wanted. */
struct rec_pending {
	struct rec_file_key key;
	unsigned len, base, flags;
	char *text;
};

struct rec_slot {
	struct workload *w; /* NULL: nobody wants it (yet) */
	int source;
	size_t files_left; /* in the model after the last generalisation */
	int root_fd;	   /* O_PATH of the root directory of its processes */
	bool root_open;
	bool gone; /* its last thread ended, and that was told */
	unsigned dropped_polls;
	struct rec_pending *pending;
	size_t pending_n, pending_cap;
	uint64_t pending_lost;
};

struct capture;

struct record_bpf {
	struct record_bpf_prog *skel;
	struct ring_buffer *ring;
	struct bpf_link *links[REC_EXITS_MAX]; /* events at the return of calls */
	unsigned links_n;
	struct timespec started; /* CLOCK_REALTIME */
	__u16 *tids;		 /* words by thread id, shared with the programs */
	size_t tids_size;
	unsigned tids_n; /* elements of the map: chunks */
	bool per_call_exit, task_work, caps;
	uint64_t opens_seen;   /* opens counted at the last poll */
	uint64_t window_opens; /* opens counted when the window began */
	int64_t window;	       /* CLOCK_MONOTONIC, milliseconds */
	unsigned quiet_polls;  /* polls without an open */
	struct rec_slot slots[REC_SLOTS];
	char *prog_path[REC_PROGRAMS]; /* NULL: not known (yet) */
	record_bpf_handler *handler;
	void *handler_arg;
};

/* The model's ABI for an ABI index of the programs; negative when there is no table for it. */
int record_bpf_abi(unsigned rec_abi);
/* Takes all paths that have come: into the models of kept slots, or aside for undecided ones. */
void record_bpf_drain(struct record_bpf *r);
/* Ring buffer handler for a struct rec_path_entry; `ctx` is the recorder. */
int record_bpf_on_path(void *ctx, void *data, size_t size);
/* Puts the paths that wait in a slot into its model. */
void record_bpf_replay(struct record_bpf *r, unsigned slot);
void record_bpf_forget_pending(struct rec_slot *s);
/* Deletes every entry of a slot and frees its program ids. */
void record_bpf_purge(struct record_bpf *r, unsigned slot);
/* Ring buffer handler for a struct rec_event; `ctx` is the recorder. */
int record_bpf_on_event(void *ctx, void *data, size_t size);
/* The native number of a call by which files are opened; negative when it is another call. */
int record_bpf_native_open(const struct capture *c);
/* Events at the return of the open calls. */
int record_bpf_attach_exits(struct record_bpf *r, struct err *e);
void record_bpf_detach_exits(struct record_bpf *r);
void record_bpf_give_slot(struct record_bpf *r, unsigned slot);
void record_bpf_open_root(struct record_bpf *r, unsigned slot, pid_t pid);
/* No thread has the slot in its word any more. */
void record_bpf_forget_threads(struct record_bpf *r, unsigned slot);

#endif
