/*
 * `boltseal watch --user`: two processes. The first one stays root and does six things
 * when asked: it loads and attaches the programs of a plan (sensor/watch_share.h), opens a file of
 * a table, lists processes, keeps what is known of mount namespaces (sensor/watch_drift.h),
 * detaches programs again, and carries out responses (keeper_acts.h). The second one, which does
 * all the rest, is another user under a seccomp filter that was recorded and generated with
 * boltseal (profiles/watch.json, on AArch64 watch-aarch64.json).
 *
 * They talk over a socket, one request at a time; each has a fixed head and bounded bytes. When one
 * of them ends, so does the other.
 */
#ifndef APP_KEEPER_H
#define APP_KEEPER_H

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"
#include "enrich/outside.h"
#include "sensor/watch.h"

struct keeper;

enum { KEEPER_FOLDERS = 3 };

/*
 * Becomes two processes. In the second, which is `user` from here on: 0 and its end of the
 * connection. In the first: 1 when the other has ended, with its exit status. Before threads begin.
 * `folders`: where that user will write, are made for it when they do not exist; NULL: none.
 * `respond`: how responses are carried out; NULL: they are not.
 */
struct respond_options;
struct respond_policy;
struct respond_request;
struct respond_result;
struct respond_subject;
int keeper_split(struct keeper **out, const char *user, const char *const folders[KEEPER_FOLDERS],
		 const struct respond_options *respond, int *status, struct err *e);
void keeper_free(struct keeper *k);
/* Whether the first process has ended before this one. */
bool keeper_is_alone(struct keeper *k);

/* In place of watch_start(); its programs end with keeper_stop(). */
int keeper_start(struct keeper *k, struct watch *w, unsigned *slot, struct err *e);
void keeper_stop(struct keeper *k, unsigned slot);
/* By which policy the first process decides; once, before anything of a container was seen. */
int keeper_policy(struct keeper *k, const struct respond_policy *p, struct err *e);
/*
 * In place of respond_act(). `who`: what is known of the container. *program: what the request
 * forbids, opened, for exec_judge_forbid(); taken over by the caller; -1: nothing.
 */
void keeper_respond(struct keeper *k, const struct respond_request *q,
		    const struct respond_subject *who, int *program, struct respond_result *out);
/* Where executions are asked for (keeper_answers_start()). */
int keeper_execs_socket(const struct keeper *k);
/*
 * In place of watch_kill_arm() and watch_kill_between(), for the programs of a slot. How often the
 * kernel kills follows from the policy. Best effort: where it fails, user space kills.
 */
void keeper_arm(struct keeper *k, unsigned slot, const char *cgroup,
		const struct respond_subject *who, uint32_t rules);
void keeper_between(struct keeper *k, unsigned slot, uint64_t from, uint64_t until);
/* Makes enrichment ask the first process. */
void keeper_serve(struct keeper *k, struct outside *o);

#endif
