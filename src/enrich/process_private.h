#ifndef ENRICH_PROCESS_PRIVATE_H
#define ENRICH_PROCESS_PRIVATE_H

#include "enrich/process.h"

struct program *program_new(void);
void program_put(struct program *g);
void program_join(struct program *g);
struct process *processes_add(struct processes *ps, uint32_t pid, uint64_t start);
void process_adopt(struct processes *ps, struct process *p, uint32_t ppid);
/* Whether both are the start of one process; /proc has it to 10 ms. */
bool process_same_start(uint64_t a, uint64_t b);
/* The process executes `g`, which it owns from now on. */
void process_run(struct processes *ps, struct process *p, struct program *g);
const struct outside *processes_outside(const struct processes *ps);
/* Takes those out of the table for whom the question is answered with yes. */
void processes_drop(struct processes *ps, bool (*ended)(const struct process *p, void *arg),
		    void *arg);

/* Reading /proc again (process_recover.c). */
struct recovery {
	bool wanted;
	uint64_t listed, ended; /* CLOCK_BOOTTIME; listed 0: it does not go on */
	uint32_t *pids;
	size_t n, at;
};
struct recovery *processes_recovery(struct processes *ps);
/* Reads what is not as the table has it: another process, or another program. */
void process_compare_proc(struct processes *ps, uint32_t pid);
/* process_scan.c: fills in what /proc has of the process; false when it is gone. */
bool process_read_proc(struct processes *ps, struct process *p);

#endif
