/*
 * What a policy allows, as entries of a model: for importers of policies (AppArmor, bane, the
 * Security Profiles Operator). Everything gets both phases in which a program runs.
 */
#ifndef MODEL_POLICY_H
#define MODEL_POLICY_H

#include "model/workload.h"

struct policy {
	struct workload *w;
	int source;
	enum sc_abi abi;
};

/*
 * The files that an AppArmor glob stands for (apparmor.d(5), "Globbing"; path_name(5)): *, **, ?,
 * [abc], {a,b}, escapes with "\". Alternatives become several entries; ? and [abc] become *, which
 * is more (returns 1). -EINVAL: not absolute, an unknown @{variable}, or a bad form; -E2BIG: more
 * than POLICY_MAX_ALTERNATIVES. 0: exactly that.
 */
enum { POLICY_MAX_ALTERNATIVES = 256 };
int policy_path(const struct policy *p, const char *glob, uint32_t access);
/* socket(family, type, 0); type 0: every type that the family commonly has. */
void policy_socket(const struct policy *p, uint16_t family, uint16_t type);
/* Sockets of every kind: the call, without arguments. */
void policy_any_socket(const struct policy *p);
void policy_cap(const struct policy *p, unsigned nr);
/* The program is started: a call that every policy for a program implies. */
void policy_starts(const struct policy *p);

/* Numbers of address families and socket types as AppArmor writes them: "inet6", "dgram"; also
 * "tcp" and "udp". */
bool policy_family(const char *name, uint16_t *out);
bool policy_socktype(const char *name, uint16_t *out);

#endif
