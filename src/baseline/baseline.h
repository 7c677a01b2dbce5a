/*
 * Workload models as what is normal: which model a container has, and what of its behaviour is
 * outside of it (drift).
 */
#ifndef BASELINE_BASELINE_H
#define BASELINE_BASELINE_H

#include "base/buf.h"
#include "base/err.h"
#include "baseline/classes.h"
#include "baseline/observe.h"
#include "model/workload.h"

enum { BL_MAX_MODELS = 4096 };

/* A model, prepared for questions. */
struct bl_model;

/* Takes the workload over, which is empty afterwards. `file` is copied; "" for a learned one. */
struct bl_model *bl_model_new(struct workload *w, const char *file);
void bl_model_free(struct bl_model *m);
const char *bl_model_file(const struct bl_model *m);

/* What the kernel is to know of one ABI (WATCH_NEW_CALL's number): `known`, `caps` and `state`. */
void bl_model_calls(const struct bl_model *m, unsigned watch_abi, struct watch_ns *out);
/* Calls fn for every known set of arguments of a call (observe_kept); false: any are known. */
bool bl_model_arguments(const struct bl_model *m, const char *call,
			void (*fn)(void *ctx, const uint64_t value[WL_MAX_ARGS]), void *ctx);

struct baseline;

struct baseline *baseline_new(void);
void baseline_free(struct baseline *b);
/* A model, or every *.json in a folder. -EEXIST: two models of one image or name. */
int baseline_add(struct baseline *b, const char *path, struct err *e);
size_t baseline_count(const struct baseline *b);

/* What is known of a container; NULL where nothing is. */
struct bl_names {
	const char *digest, *image_id; /* "sha256:…" */
	const char *image;	       /* "registry/name:tag" */
	const char *name;
};
/*
 * The container's model: the one with its digest (of the image or its configuration), else with its
 * image, else with its name. Images are compared with the defaults put in: "nginx" is
 * "docker.io/library/nginx:latest". NULL: none.
 */
const struct bl_model *baseline_find(const struct baseline *b, const struct bl_names *n);

enum drift_kind {
	DRIFT_EXEC,
	DRIFT_CALL,
	DRIFT_ARGUMENTS,
	DRIFT_CAPABILITY,
	DRIFT_CONNECTION,
	DRIFT_LISTENING,
	DRIFT_WRITTEN,
	DRIFT_OPENED,
	DRIFT_KINDS
};

const char *drift_kind_name(enum drift_kind k); /* "exec", "call" … */

/* Something outside of a model. */
struct drift {
	enum drift_kind kind;
	char type[96];	       /* of a finding: "Execution:Runtime/NewBinaryExecuted" */
	unsigned severity;     /* tenths */
	const char *technique; /* of MITRE ATT&CK, NULL: none in particular */
	const char *rule;      /* a name for all of this kind: "Drift: new program" */
	struct buf subject;    /* what it is: a path, an address with its port, a class of calls */
	struct buf text;       /* a sentence */
};
void drift_free(struct drift *d);
#define cleanup_drift cleanup(drift_free)

/* Whether the observation is outside of the model; then *out says what it is. */
bool baseline_judge(const struct bl_model *m, const struct observation *o, struct drift *out);

/* Adds what was observed to a model that is being learned. `program`: its path, or NULL. */
void baseline_learn(struct workload *w, int source, const char *program,
		    const struct observation *o);

#endif
