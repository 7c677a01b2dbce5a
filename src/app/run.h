/* What the two halves of `boltseal run` share: cmd_run.c sets up and runs, run_report.c reports. */
#ifndef APP_RUN_H
#define APP_RUN_H

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"
#include "confine/confine.h"
#include "confine/landlock.h"
#include "confine/notify.h"
#include "model/workload.h"
#include "profile/seccomp.h"

struct run {
	bool complain, json;
	const char *profile_path; /* NULL: no filter */
	const char *report_path;  /* NULL: findings go to standard error */
	char **argv;
	char *path; /* the file that is executed */
	struct sp_profile profile;
	struct sp_filter filter;
	struct workload model;
	struct landlock_plan plan;
	bool landlock;
	int ruleset;
	struct confine confine;
	gid_t groups[CONFINE_MAX_GROUPS];
	struct notify notify;
	struct confine_end end;
	/* The call that a filter killed the program for, when the kernel's log says so. */
	bool killer_known;
	uint32_t killer_arch, killer_nr;
};

/*
 * Writes the report where the user wants it; on standard error when the file cannot be written.
 * Without
 * --report only what the user has to know goes to standard error: findings, an end by SIGSYS.
 */
int run_report(const struct run *r, struct err *e);

#endif
