#ifndef APP_WATCH_DRIFT_PRIVATE_H
#define APP_WATCH_DRIFT_PRIVATE_H

#include "app/watch_drift.h"
#include "base/map.h"
#include "baseline/baseline.h"
#include "model/finding_dedup.h"
#include "sensor/watch_drift.h"

enum { SPACES = 8 }; /* mount namespaces of one container */

/* What one image's containers do, while it is being learned, and afterwards. */
struct learning {
	struct learning *next;
	char *key;
	struct workload w;
	int source;
	time_t until; /* CLOCK_MONOTONIC */
	size_t bytes;
	bool late;		/* a container was running before it was looked at */
	struct bl_model *model; /* NULL: still learning */
};

/* A container. */
struct box {
	struct box *next;
	char *id, *digest, *image_id, *image, *name; /* for models that are loaded later */
	const struct bl_model *model; /* NULL: learning, or nothing is known and it is ignored */
	struct learning *learning;
	uint32_t space[SPACES];
	unsigned spaces;
	struct watch_ns known[WATCH_ABIS];
};

struct watch_drift {
	struct baseline *models;
	uint64_t learn_s; /* 0: containers without a model are ignored */
	char *learned;	  /* folder, or NULL */
	struct learning *learnings;
	struct map by_id; /* container id → struct box */
	struct box *boxes;
	size_t boxes_n, dropped;
	size_t learned_bytes, learnings_n;
	bool full; /* what cannot be learned was said */
	uint32_t host_space;
	struct finding_dedup *dedup;
	struct watch *sensor;
	bool failed; /* the sensor could not be told something; said once */
	struct observation o[OBS_MAX];
};

/* What the kernel is to know of a container in one of its namespaces; singly, and all. */
void watch_drift_tell_space(struct watch_drift *d, uint32_t space, unsigned abi,
			    const struct watch_ns *n);
void watch_drift_tell_arguments(struct watch_drift *d, uint32_t space, uint32_t nr,
				const uint64_t value[WL_MAX_ARGS]);
void watch_drift_tell_box(struct watch_drift *d, struct box *b, uint32_t space);

/* watch_drift_learn.c. What is or was learned of the container's image; NULL: too much is. */
struct learning *watch_drift_learning_of(struct watch_drift *d, const struct container *c);
void watch_drift_learn(struct watch_drift *d, struct box *b, const struct process *p,
		       const struct observation *o, unsigned watch_abi);
void watch_drift_count_run(struct learning *l);
void watch_drift_end_learnings(struct watch_drift *d);

#endif
