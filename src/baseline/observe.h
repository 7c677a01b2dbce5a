/*
 * What a record of the sensor says that a workload model can say too: a program, a call, arguments,
 * a capability, a file with its accesses, a connection or a listening port. Drift compares such
 * observations with a model; learning makes a model of them.
 */
#ifndef BASELINE_OBSERVE_H
#define BASELINE_OBSERVE_H

#include <netinet/in.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "bpf/watch.h"
#include "model/workload.h"

enum obs_kind { OBS_EXEC, OBS_CALL, OBS_ARGUMENTS, OBS_CAPABILITY, OBS_FILE, OBS_NET };

enum { OBS_MAX = 2, OBS_PATH = 4096 };

struct observation {
	enum obs_kind kind;
	uint64_t count;
	enum sc_abi abi;	    /* of `call` */
	uint32_t nr;		    /* x32 without its bit */
	const struct sc_desc *call; /* by which it was done; NULL: none, or not known */
	uint8_t args_n;
	uint64_t value[WL_MAX_ARGS]; /* ARGUMENTS, as capture.h keeps them */
	unsigned capability;
	char path[OBS_PATH + 2]; /* EXEC, FILE; a directory ends in "/" */
	uint32_t access;	 /* FILE: WL_F_* */
	enum watch_layer layer;	 /* EXEC: where the file lies */
	bool in_memory;		 /* EXEC: it has no file in any folder */
	enum wl_net_op op;	 /* NET */
	uint16_t family, type, protocol, port;
	char address[112];
};

/*
 * The calls whose arguments are compared, of those that capture.h keeps: what they decide does not
 * change with a terminal, the network or a version of libc. NULL behind the last.
 */
const char *observe_kept(unsigned i);
/* How the kernel is to compare them; false: not on this architecture. */
bool observe_kept_spec(const char *call, struct watch_kept *out);

/* The calls that files, sockets and connections are seen by, and whether only when they succeed.
 * NULL at the end. */
const char *observe_wanted(unsigned i, bool *success);

/* What the record says, at most OBS_MAX; returns how many. */
size_t observe(const struct watch_rec *rec, struct observation *out);
/* The observation that a call of this number was made, times `count`. */
void observe_call(unsigned watch_abi, uint32_t nr, uint64_t count, struct observation *out);
/* The ABI that WATCH_NEW_CALL means; -1: none that models know. */
int observe_abi(unsigned watch_abi);

#endif
