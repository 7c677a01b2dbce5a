#ifndef SENSOR_WATCH_PRIVATE_H
#define SENSOR_WATCH_PRIVATE_H

#include "base/buf.h"
#include "sensor/watch.h"
#include "sensor/watch_drift.h"
#include "sensor/watch_ring.h"
#include "sensor/watch_symbols.h"

#include "watch.skel.h"

struct want {
	int nr;
	char call[32];
	struct watch_spec spec;
	struct watch_clause clauses[WATCH_CLAUSES];
};

/* A group of texts: its members as subject, place and text, and the subjects that they have. */
struct group {
	struct buf key;
	uint32_t subjects; /* 1u << enum watch_subject */
	/* Of its only text, when that is about paths as given; else 0. There "//" counts as one
	 * slash, so that one may only be the last byte. */
	char needle[3];
};

struct head {
	const struct watch_rec *rec; /* NULL: none that is complete and old enough */
	uint64_t time;
};

/* What watch_drift.c asked for. */
struct watch_drifting {
	struct watch_drift_there there; /* ask is NULL: the programs are this process's */
	bool on, caps;
	struct watch_kept kept[WATCH_KEPTS]; /* 0 is none */
	uint16_t kept_nr[WATCH_KEPTS];
	unsigned kept_n;
};

/* A function of the kernel for a call that somebody asked for (watch_hooks.c). */
struct hook {
	char name[WATCH_SYMBOL_MAX];
	uint16_t nr;	 /* native */
	unsigned choice; /* of struct watch_function */
	bool chosen;
	uint32_t id, type; /* of it, in the kernel's BTF; id 0: not there */
	int group;	   /* of its type, -1: none */
	int prog, link;	   /* descriptors, or -1 */
	uint64_t missed;
};

struct watch_hooks_state {
	enum watch_hooks used;
	bool preempted;
	struct hook *hooks;
	size_t hooks_n, hooks_cap;
	uint32_t types[WATCH_HOOK_TYPES];
};

struct watch {
	struct watch_options o;
	struct watch_bpf_prog *skel;
	const struct watch_bpf_prog__bss *bss; /* once it is started */
	void *shared;			       /* the same of another process's programs */
	struct buf plan;		       /* what was asked for, in its order */
	struct want *wants;
	size_t wants_n, wants_cap;
	struct watch_texts_builder *texts;
	struct group groups[WATCH_GROUPS];
	size_t groups_n;
	struct watch_kills *kills;
	struct bpf_link **links;
	size_t links_n, links_cap;
	struct watch_ring *rings;
	struct head *heads;
	unsigned cpus;
	int epoll;
	struct watch_hooks_state hooks;
	bool uring;			   /* operations of io_uring are watched */
	char uring_why[120];		   /* why they are not, though somebody asks */
	struct watch_narrow_calls *narrow; /* NULL: not needed */
	uint32_t self;			   /* whose calls are none of interest */
	uint64_t records;
	struct watch_drifting drift;
};

/* What was asked for of this call, NULL: nothing. */
struct want *watch_want_of(struct watch *w, int nr);

/* Room for the rings of so many processors, then each of them; a ring's descriptor is taken over.
 */
int watch_use_rings(struct watch *w, unsigned cpus, struct err *e);
int watch_use_ring(struct watch *w, unsigned i, int fd, struct err *e);

/* watch_share.c: notes what was asked for. */
void watch_plan_want(struct watch *w, const char *call, const struct watch_clause *clauses,
		     size_t n);
void watch_plan_group(struct watch *w, const struct watch_text *v, size_t n);
void watch_plan_drift(struct watch *w);
void watch_plan_also(struct watch *w, const char *call, bool success);
void watch_plan_keep(struct watch *w, const char *call, const struct watch_kept *k);
void watch_plan_kill(struct watch *w, const char *call, const struct watch_kill *k);
void watch_plan_kill_path(struct watch *w, const char *path, bool prefix, uint32_t bits);

#endif
