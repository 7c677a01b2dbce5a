#ifndef ENRICH_FACTS_PRIVATE_H
#define ENRICH_FACTS_PRIVATE_H

#include "base/json.h"
#include "enrich/container.h"
#include "enrich/outside.h"
#include "enrich/process.h"
#include "enrich/users.h"
#include "model/event.h"

/* `ppid`: its parent's; 0: none that is told. */
void fact_process(const struct outside *o, const struct process *p, uint32_t ppid);
/* The process has ended; others that were told are its descendants. */
void fact_gone(const struct outside *o, uint32_t pid);
void fact_container(const struct outside *o, const struct container *c);
/* `u` NULL: there is no such user (group). */
void fact_user(const struct outside *o, uint64_t mnt_ns, uint32_t uid, const struct user *u);
/* `gone`: the address has the name no more. */
void fact_name(const struct outside *o, const struct ev_addr *a, const char *name, bool gone);
void fact_group(const struct outside *o, uint64_t mnt_ns, uint32_t gid, const char *name);

#endif
