#ifndef ENRICH_ENRICH_PRIVATE_H
#define ENRICH_ENRICH_PRIVATE_H

#include "base/buf.h"
#include "bpf/watch_rec.h"
#include "enrich/enrich.h"
#include "enrich/names.h"
#include "model/event_fields.h"
#include "model/syscalls.h"

enum { SCRATCH_BYTES = 256 * 1024, MAX_ANCESTORS = 64 };

/* What a call is to rules: which argument has the path, the descriptor … */
struct call_shape {
	const char *name;
	int8_t path, path2; /* arguments with paths, -1 none */
	int8_t fd;	    /* argument with the descriptor, -1 none; FD_RET the result */
	bool open;
	int8_t flags, mode;
};
enum { FD_RET = 6 };

/* With whom a datagram socket that is not connected spoke last. */
enum { PEERS = 1024 };
struct peer {
	uint64_t ino; /* of the socket; 0: none */
	struct ev_addr addr;
	uint16_t port;
};

/* Who was asked for last, so that a capture has the names of all users. */
enum { ASKED = 256 };
struct asked {
	uint64_t time; /* 0: nobody */
	uint32_t mnt_ns, uid, gid, loginuid;
};

struct enrich {
	struct outside outside;
	struct asked asked[ASKED];
	struct peer peers[PEERS];
	struct containers *containers;
	struct processes *processes;
	struct users *users;
	struct names *names_of; /* of addresses */
	struct enrich_stats stats;

	/* The event in hand. */
	struct enrich_event {
		struct event base; /* first */
		struct enrich *all;
	} ev;
	const struct watch_rec *rec;
	struct process *p;
	struct process *ended; /* leaves the table with the next record */
	const struct call_shape *shape;
	const struct watch_part *fd_part;
	uint64_t boot;
	enum { AS_GIVEN, AS_READ, AS_OPENED } memory; /* which names and addresses count now */
	char path[2][2 * WATCH_PART_MAX];	      /* absolute and normal; made when asked for */
	bool path_made[2];
	char scratch[SCRATCH_BYTES];
	size_t scratch_n;
	struct ev_value list[MAX_ANCESTORS];
	struct buf names, line; /* text under construction; they keep their memory */

	int16_t type_of_nr[WATCH_NRS]; /* event types, -1: none */
	const struct call_shape *shape_of_nr[WATCH_NRS];
	int type_clone, type_exec, type_exit; /* -1: none */
	int nr_chdir, nr_fchdir, nr_setsid;
};

/* What the last record still needed may go. */
void enrich_settle(struct enrich *e);

/* Values. Each returns true. */
bool give_text(struct ev_values *out, const char *s);
bool give_bytes(struct ev_values *out, const char *p, size_t len);
bool give_number(struct ev_values *out, uint64_t v);
bool give_signed(struct ev_values *out, int64_t v);
bool give_bool(struct ev_values *out, bool v);
bool give_list(struct enrich *e, struct ev_values *out, size_t n);

/* Text that lives as long as the event; NULL when there is no room. */
char *scratch_text(struct enrich *e, size_t len);
__attribute__((format(printf, 2, 3))) const char *scratch_printf(struct enrich *e, const char *fmt,
								 ...);

/* The n-th path argument (0 or 1) of a call: absolute, without "." and ".."; NULL: has none. */
const char *event_path(struct enrich *e, unsigned n);
/* As the caller wrote it; *len bytes, no NUL behind them. */
const char *event_raw_path(struct enrich *e, unsigned n, size_t *len);
const char *part_text(struct enrich *e, const struct watch_part *p);
/* "a b", or a copy of `a` when `b` is NULL; lives as long as the event. */
const char *scratch_join(struct enrich *e, const char *a, const char *b);

bool read_process_field(struct enrich *e, const struct ev_ref *ref, struct ev_values *out);
bool read_fd_field(struct enrich *e, const struct ev_ref *ref, struct ev_values *out);
bool read_dns_field(struct enrich *e, unsigned id, struct ev_values *out);
bool read_event_field(struct enrich *e, const struct ev_ref *ref, struct ev_values *out);
bool read_container_field(struct enrich *e, const struct ev_ref *ref, struct ev_values *out);
/*
 * Who has the same mounts and most likely still runs: the container's first process, or the oldest
 * ancestor, or the process itself.
 */
const struct process *process_of_root(const struct enrich *e);
/* Whether the process may change the file that it was made of. */
bool exe_is_writable(const struct enrich *e);
/* Whether the call is one of the open family. */
static inline bool is_open(const struct enrich *e)
{
	return e->shape && e->shape->open;
}

/* Arguments by the names of Falco's parameters (enrich_args.c). */
bool read_argument(struct enrich *e, const struct ev_ref *ref, struct ev_values *out);
bool read_all_arguments(struct enrich *e, struct ev_values *out);
/* Of a negative result: "ENOENT"; NULL when none has that name. */
const char *errno_name(int64_t result);

/* enrich_fd.c: "file", "ipv4" …, and its letter; NULL: nothing is open there. */
const char *fd_type_name(const struct enrich *e, char *letter);
/* "t", "u", "i" or "r" of an internet socket, as Falco has it behind the type's letter; "". */
const char *fd_l4_letter(const struct enrich *e);
const char *fd_name(struct enrich *e);
/* Whether one end of the event's connection has the port; whether it is a stream. */
bool fd_has_port(const struct enrich *e, unsigned port);
bool fd_is_tcp(const struct enrich *e);
/* proc.stdin.type and the like: of a program that is executed. */
bool read_stdio_field(struct enrich *e, unsigned id, struct ev_values *out);

#endif
