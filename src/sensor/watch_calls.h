/* What the arguments of system calls are, for those that can be watched in detail. */
#ifndef SENSOR_WATCH_CALLS_H
#define SENSOR_WATCH_CALLS_H

#include <stdint.h>

#include "bpf/watch.h"

enum { WATCH_OPENS = 1, WATCH_MAKES };

struct watch_call {
	const char *name;
	uint8_t arg[WATCH_ARGS]; /* enum watch_arg */
	int8_t dir[WATCH_ARGS];	 /* of a path: number of the descriptor's argument, plus one */
	uint8_t text;		 /* number of an argument that is a name; 0: none */
	uint8_t ret_fd; /* the result is a descriptor: WATCH_OPENS a path, or another one */
};

/* The row of the call; NULL: its arguments are numbers. */
const struct watch_call *watch_call_find(const char *name);

#endif
