/*
 * What the halves of `boltseal generate` share: cmd_generate.c has the command and the profiles,
 * generate_platforms.c what container engines, orchestrators and service managers are told.
 */
#ifndef APP_GENERATE_H
#define APP_GENERATE_H

#include <stdbool.h>

#include "app/command.h"
#include "base/buf.h"
#include "base/json.h"
#include "model/workload.h"
#include "profile/generate.h"

struct generate {
	struct workload model, base;
	struct gen_options o;
	struct buf out, notes;
	struct sp_profile profile; /* given in place of a model, for seccomp */
	bool from_profile;
	struct sp_frequencies often;
	bool json;
};

struct generate_target {
	const char *name;
	int (*make)(struct generate *g, const struct args *a, struct err *e);
};

/* End with a row whose name is NULL. */
extern const struct generate_target generate_platforms[];

/* generate_landlock.c */
int generate_landlock(struct generate *g, const struct args *a, struct err *e);
/*
 * generate_filter.c: the target seccomp. Its input is a model or a finished profile, its output a
 * profile or the compiled filter.
 */
int generate_load(struct generate *g, const struct args *a, const char *path, struct err *e);
int generate_seccomp(struct generate *g, const struct args *a, struct err *e);

/* Whether the option was given with this value. */
bool generate_is(const struct args *a, const char *option, const char *value);

#endif
