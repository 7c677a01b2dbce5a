/*
 * What stands on a command line where something is compared or shown: a profile, a compiled filter,
 * the filters of a running process, or a workload model.
 */
#ifndef APP_OPERAND_H
#define APP_OPERAND_H

#include "confine/process_filters.h"
#include "model/workload.h"
#include "profile/compare.h"

enum operand_kind { OPERAND_PROFILE, OPERAND_FILTER, OPERAND_PROCESS, OPERAND_MODEL };

struct operand {
	enum operand_kind kind;
	char *name;
	struct sp_profile profile;
	struct workload model;
	struct sp_filter *filters; /* the newest first */
	size_t filters_n;
	struct buf unknown; /* names in the profile that are no system calls, one a line */
};

/*
 * "pid:N" (a process or thread), or a file ("-": standard input): JSON that is a profile of any
 * dialect or a workload model, raw BPF, or base64 of it. `h` decides a profile's conditions, NULL:
 * this host. Prints notes on names that have no effect.
 */
int operand_load(struct operand *o, const char *spec, const struct sp_host *h, struct err *e);
void operand_free(struct operand *o);
#define cleanup_operand cleanup(operand_free)

/* Prints the remarks on a profile (sp_remarks()) as notes; nothing for other operands. */
void operand_remarks(const struct operand *o);
void operand_profile_remarks(const char *name, const struct sp_profile *p);
/* The same for comparing; borrows from `o`. Not for models. */
struct sp_operand operand_of(const struct operand *o);
/* "profile", "filter", "filters of a process", "model" */
const char *operand_kind_name(enum operand_kind kind);
/* "kill_process" or "kill_thread" for architectures that profiles do not list; 0 or -EINVAL. */
int operand_bad_arch(struct operand *o, const char *action, struct err *e);

#endif
