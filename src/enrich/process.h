/*
 * The processes of the machine: a scan of /proc, then what the records of bpf/watch.h tell. What
 * belongs to the executed program is shared by all processes that were forked from it.
 *
 * A process that ended stays as long as one of its descendants runs, so ancestors keep their names.
 */
#ifndef ENRICH_PROCESS_H
#define ENRICH_PROCESS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "bpf/watch.h"
#include "enrich/container.h"

/* What an execve(2) brought. */
struct program {
	unsigned refs;
	char *argv; /* strings, each with its NUL */
	size_t argv_len;
	char *env;
	size_t env_len;
	char *args;    /* argv[1…] joined with blanks */
	char *exepath; /* as the program sees it; NULL: not known */
	char *cwd;     /* when it began */
	char *cgroup;
	uint64_t time; /* CLOCK_BOOTTIME */
	struct watch_proc facts;
	bool has_facts; /* about the executable: not for programs found in /proc */
};

struct process {
	struct process *next; /* in its bucket */
	struct process *parent;
	unsigned refs; /* of children, and one of the table */
	uint32_t pid, ppid, vpid;
	uint64_t start; /* CLOCK_BOOTTIME; from /proc to 10 ms */
	uint32_t tty, loginuid;
	char comm[16];
	uint32_t uid, gid; /* effective, as those two: of the last record */
	uint64_t cap_permitted, cap_effective;
	uint64_t who, who_at;	 /* processes_who(): 0: to be said anew; when it was */
	bool in_table, told;	 /* told: the capture has it */
	uint32_t sid;		 /* of a session begun since; 0: the program's */
	char *cwd;		 /* of a folder gone to since; NULL: the program's */
	struct program *program; /* never NULL */
	struct container *container;
};

struct processes;

/* Both stay the caller's. */
struct processes *processes_new(struct containers *c, const struct outside *o);
void processes_free(struct processes *ps);
/* Reads /proc; returns how many processes were found. */
size_t processes_scan(struct processes *ps);

/* Tells all that are known, when somebody wants to know (outside.h). */
void processes_tell(struct processes *ps);
void processes_each(struct processes *ps, void (*fn)(struct process *p, void *arg), void *arg);

/* Records of processes were lost: what they would have told is to be read from /proc. */
void processes_lost(struct processes *ps);
/* Does a part of that. `seen`: CLOCK_BOOTTIME up to which all records were taken. */
void processes_recover(struct processes *ps, uint64_t seen);

/*
 * The process of the record, as it is after it; NULL when nothing can be known of it any more. An
 * ended one is to be given to processes_ended() when its record was used.
 */
struct process *processes_apply(struct processes *ps, const struct watch_rec *rec);
void processes_ended(struct processes *ps, struct process *p);

/* The process went to a folder, began a session; what the records of such calls say. */
void process_went(struct process *p, const char *folder, size_t len);
void process_began_session(struct processes *ps, struct process *p);
const char *process_cwd(const struct process *p); /* NULL: not known */
uint32_t process_sid(const struct process *p);

struct process *processes_find(const struct processes *ps, uint32_t pid);
/* By the number that it has for another process, in the pid namespace of that one. */
struct process *processes_find_seen(const struct processes *ps, const struct process *by,
				    uint32_t pid);
/* Running ones, and with those that descendants keep. */
size_t processes_count(const struct processes *ps, size_t *kept);

/* A number for the process as it is, its ancestors and its container included (event.who). */
uint64_t processes_who(struct processes *ps, struct process *p);

/* The n-th ancestor, 0 is the process itself; NULL when the chain is shorter. */
const struct process *process_ancestor(const struct process *p, unsigned n);
/* argv[n]; NULL beyond the last. */
const char *process_arg(const struct process *p, size_t n);
/* The value of an environment variable; NULL when it has none or the environment is not known. */
const char *process_env(const struct process *p, const char *name, size_t len, size_t *value_len);

#endif
