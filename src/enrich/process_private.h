#ifndef ENRICH_PROCESS_PRIVATE_H
#define ENRICH_PROCESS_PRIVATE_H

#include "enrich/process.h"

struct program *program_new(void);
void program_put(struct program *g);
void program_join(struct program *g);
struct process *processes_add(struct processes *ps, uint32_t pid, uint64_t start);
void process_adopt(struct processes *ps, struct process *p, uint32_t ppid);
/* The process executes `g`, which it owns from now on. */
void process_run(struct processes *ps, struct process *p, struct program *g);
const struct outside *processes_outside(const struct processes *ps);
/* process_scan.c: fills in what /proc has of the process; false when it is gone. */
bool process_read_proc(struct processes *ps, struct process *p);

#endif
