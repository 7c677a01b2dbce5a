/* Operations of io_uring, which stand for system calls that somebody asks for. */
#ifndef SENSOR_WATCH_URING_H
#define SENSOR_WATCH_URING_H

struct watch;

/* Before the programs are loaded: whether those for io_uring are, and for which operations. */
void watch_uring_plan(struct watch *w);
/* Once they are attached. */
void watch_uring_started(struct watch *w);

#endif
