/*
 * The capabilities of Linux, 0 to 40 (a 6.18 kernel has no more): names, first kernel, what each
 * one guards and how much of the host it gives away. Sources: <linux/capability.h>,
 * capabilities(7). Names start with bcap_ because <sys/capability.h> owns cap_.
 */
#ifndef MODEL_CAPS_H
#define MODEL_CAPS_H

#include <stdbool.h>
#include <stdint.h>

#include "model/syscalls.h"

#define BCAP_COUNT 41u

/* What a process in a container gains, when it holds the capability in the initial user namespace.
 */
enum bcap_risk {
	BCAP_RISK_LOW,	/* its own container, or little more */
	BCAP_RISK_HIGH, /* what others on the host own or rely on: traffic, processes, clock, logs
			 */
	BCAP_RISK_HOST, /* amounts to taking over the host */
};

struct bcap_desc {
	unsigned nr;
	const char *name;     /* "CAP_NET_RAW" */
	const char *aa_name;  /* as AppArmor writes it: "net_raw" */
	struct sc_kver since; /* 2.2 for those that came with capabilities themselves */
	enum bcap_risk risk;
	bool docker_default; /* one of the 14 that Docker grants unless told otherwise */
	const char *guards;  /* one or two sentences for reports */
};

/* The capability, or NULL when nr is BCAP_COUNT or more. */
const struct bcap_desc *bcap_by_nr(unsigned nr);

/* "CAP_SYS_ADMIN" or "SYS_ADMIN", in any case; NULL when unknown ("ALL" is not a capability). */
const struct bcap_desc *bcap_by_name(const char *name);

/* "low", "high", "host"; NULL for a value outside the enum. */
const char *bcap_risk_name(enum bcap_risk risk);

/* Bit n is capability n, as in CapEff of /proc/PID/status. */
uint64_t bcap_docker_default_mask(void);

#endif
