/* How the two processes of keeper.h talk. */
#ifndef APP_KEEPER_WIRE_H
#define APP_KEEPER_WIRE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "respond/request.h"

enum keeper_op {
	KEEPER_WATCH = 1,
	KEEPER_UNWATCH,
	KEEPER_OPEN,
	KEEPER_LINK,
	KEEPER_PIDS,	/* uint32_t[] of all processes */
	KEEPER_POLICY,	/* respond_policy_put() */
	KEEPER_RESPOND, /* struct keeper_act → struct respond_result, and a program to forbid */
	KEEPER_ARM,	/* struct keeper_arm */
	KEEPER_BETWEEN, /* struct keeper_time */
	KEEPER_DRIFT,	/* struct watch_drift_ask → struct watch_asked, or nothing */
};
/* PID_MAX_LIMIT of include/linux/threads.h. */
enum { KEEPER_WATCHES = 2, KEEPER_PATH_MAX = 4096, KEEPER_PIDS_MAX = 4 << 20 };

struct keeper_request {
	uint32_t op, len; /* bytes that follow: a plan, a path, a request */
	int32_t arg;	  /* flags of KEEPER_OPEN, slot of KEEPER_UNWATCH, _BETWEEN, _DRIFT */
};

/* What is told of a container; texts are empty when that is not known. */
struct keeper_box {
	char id[RESPOND_ID_MAX], cgroup[RESPOND_CGROUP_MAX];
	char name[256], image[RESPOND_IMAGE_MAX], namespace[256], pod[256];
};

struct keeper_act {
	struct respond_request request;
	struct keeper_box box; /* of the container that it is about */
};

/* In this container rows of the slot's programs may act (sensor/watch_kill.h). */
struct keeper_arm {
	struct keeper_box box;
	uint32_t slot, rules; /* 1u << row */
};

struct keeper_time {
	uint64_t from, until; /* of watch_kill_between() */
};

struct keeper_reply {
	int32_t result;	      /* 0, a slot, or a negative errno */
	uint32_t len;	      /* bytes that follow: what went wrong, a link's target, pids */
	uint32_t fds;	      /* descriptors behind them, each with a byte of its own */
	uint32_t hooks, caps; /* enum watch_hooks; of the programs that were loaded */
};

/* All bytes, or false: the other end is gone. */
bool keeper_send(int sock, const void *p, size_t len);
bool keeper_receive(int sock, void *p, size_t len);
/* Bytes and a descriptor in one message; `flags` as of sendmsg(2). */
bool keeper_send_with_fd(int sock, const void *p, size_t len, int fd, int flags);
bool keeper_receive_with_fd(int sock, void *p, size_t len, int *fd);
/* A descriptor with a byte that says nothing. */
bool keeper_send_fd(int sock, int fd);
bool keeper_receive_fd(int sock, int *fd);

#endif
