/* What the files about responding while watching share. */
#ifndef APP_WATCH_RESPOND_PRIVATE_H
#define APP_WATCH_RESPOND_PRIVATE_H

#include "app/watch_respond.h"
#include "base/map.h"
#include "model/finding.h"
#include "respond/act.h"
#include "respond/decide.h"
#include "respond/protect.h"
#include "sensor/watch_kill.h"

/* Rules that the kernel decides and acts on (watch_respond_kernel.c). */
struct respond_kernel {
	struct respond_rows rows;
	struct map armed; /* ids of containers → struct armed */
	struct armed **all;
	size_t all_n, all_cap;
	uint64_t refreshed; /* ns of a clock that only goes forward */
	int killed;	    /* the rule for which the kernel killed the process of the record; -1 */
};

struct watch_respond {
	struct respond_policy policy;
	struct respond_decider *decider;
	struct respond_protect *protect;
	bool acting;	       /* or a dry run */
	struct respond *acts;  /* NULL: another process does */
	struct keeper *keeper; /* that one, for which executions are decided here */
	struct exec_judge *judge;
	struct keeper_answers *answers;
	bool guards; /* executions are asked for somewhere */
	struct respond_kernel kernel;
	struct map seen; /* ids of containers */
	uint64_t told;	 /* when refusals were asked for */
	bool from_start; /* something is done to containers when they are seen first */
};

struct respond_subject respond_subject_of(const struct container *c, const struct rule_info *rule);
/* Carries a request out; `who` is what is known of the container. */
void respond_do(struct watch_respond *r, const struct respond_request *q,
		const struct respond_subject *who, struct respond_result *out);

void respond_fill(struct respond_request *q, const struct process *p, const char *rule);
/* What became of a request, as a finding: `f` has what is known of process and container. */
void respond_tell(struct watch_session *s, struct finding *f, const struct respond_request *q,
		  const struct respond_result *result);

/* watch_respond_first.c: what the policy wants of every container from its start. */
void respond_container_seen(struct watch_respond *r, struct watch_session *s,
			    const struct process *p);
/* Executions that were refused meanwhile, as findings. */
void respond_tell_refusals(struct watch_respond *r, struct watch_session *s);

void respond_kernel_free(struct respond_kernel *k);
/* A record came: a container that is new is armed; what the kernel did is noted. */
void respond_kernel_record(struct watch_respond *r, struct watch_session *s,
			   const struct watch_rec *rec);
/* The limits of the last minute in the kernel's words. */
void respond_kernel_refresh(struct watch_respond *r);

#endif
