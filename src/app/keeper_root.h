/* The first process of keeper.h. */
#ifndef APP_KEEPER_ROOT_H
#define APP_KEEPER_ROOT_H

#include <sys/types.h>

/*
 * Does what is asked for until the other process `child` has ended; its exit status. `execs`: the
 * connection for executions (keeper_execs.h). `respond`: how what is asked for is done; NULL:
 * nothing is.
 */
struct respond_options;
int keeper_root(int sock, int execs, pid_t child, const struct respond_options *respond);

#endif
