/* The parts of what `boltseal show` prints as text. */
#ifndef APP_SHOW_H
#define APP_SHOW_H

#include "base/buf.h"
#include "model/workload.h"

enum {
	SHOW_SYSCALLS = 1 << 0,
	SHOW_FILES = 1 << 1,
	SHOW_CAPS = 1 << 2,
	SHOW_NET = 1 << 3,
	SHOW_PROGRAMS = 1 << 4,
};

struct show {
	struct workload *w; /* sorted */
	struct buf *out;
	unsigned sections; /* SHOW_*; 0: an overview of everything */
	uint32_t phases;   /* only what happened in one of these; WL_PHASE_BIT() */
	int program;	   /* only what this program did; -1: all */
	unsigned width;	   /* columns of the terminal */
};

/* Whether the filters of `s` let this through. */
bool show_wants(const struct show *s, const struct wl_prov *p);
/* Text from a model, with everything that could play tricks on a terminal written as \xNN. */
void show_text(struct buf *b, const char *text);
/* The heading of a section: an empty line before, a newline behind. */
__attribute__((format(printf, 2, 3))) void show_heading(struct show *s, const char *fmt, ...);
/* "start, serving" */
void show_phases(struct buf *b, uint32_t phases);
/* "tcp6", "[::]:80" */
void show_address(struct buf *protocol, struct buf *address, const struct wl_net *n);
/* "/usr/sbin/nginx, /bin/sh and 3 more" */
void show_programs_of(const struct show *s, const struct wl_set *programs);

/* The sections. Each prints nothing when there is nothing to print and it was not asked for. */
void show_identity(struct show *s);
void show_sources(struct show *s);
void show_syscalls(struct show *s);
void show_caps(struct show *s);
void show_programs(struct show *s);
void show_net(struct show *s);
void show_files(struct show *s);

#endif
