/*
 * Calls of a merged model that an analysis of code can reach and no recording has: rare paths such
 * as an error, a crash or a reload, and what the analysis cannot exclude.
 */
#ifndef PROFILE_UNSEEN_H
#define PROFILE_UNSEEN_H

#include "profile/generate.h"

/* Whether only analyses know this, of a model that has a recording too. */
bool unseen_only(const struct workload *w, const struct wl_prov *p);

/* Whether the profile leaves the call out: it is unseen, and o->unseen says so. */
bool unseen_left_out(const struct workload *w, const struct gen_options *o, const char *name,
		     const struct wl_prov *p);

#endif
