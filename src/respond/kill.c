#include "respond/kill.h"

#include <errno.h>
#include <signal.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "respond/procinfo.h"

/* /proc rounds the time down; one tick of difference is the rounding of the division. */
static bool same_start(uint64_t ticks, uint64_t boot_ns)
{
	uint64_t want = procinfo_ticks(boot_ns);

	return ticks == want || ticks + 1 == want || ticks == want + 1;
}

static void gone(const struct respond_request *q, struct respond_result *out)
{
	respond_say(out, RESPOND_FAILED, "process %u ended before it could be killed", q->pid);
}

void kill_process(const struct respond_request *q, struct respond_result *out)
{
	cleanup_close int fd = -1;
	char cgroup[RESPOND_CGROUP_MAX];
	struct procinfo info;

	if (q->pid < 2 || !q->start) {
		respond_say(out, RESPOND_REFUSED, "the process is not known well enough");
		return;
	}
	fd = (int)syscall(SYS_pidfd_open, (pid_t)q->pid, 0);
	if (fd < 0 || procinfo_read((pid_t)q->pid, &info) < 0 || info.state == 'Z') {
		gone(q, out);
		return;
	}
	if (!same_start(info.start, q->start)) {
		respond_say(out, RESPOND_REFUSED,
			    "process %u is another one by now: the one that was meant ended",
			    q->pid);
		return;
	}
	if (q->container[0] && (procinfo_cgroup((pid_t)q->pid, cgroup, sizeof(cgroup)) < 0 ||
				!strstr(cgroup, q->container))) {
		respond_say(out, RESPOND_REFUSED, "process %u is not in the container any more",
			    q->pid);
		return;
	}
	if (syscall(SYS_pidfd_send_signal, fd, SIGKILL, NULL, 0) == 0)
		respond_say(out, RESPOND_DONE, "killed process %u from user space (pidfd)", q->pid);
	else if (errno == ESRCH)
		gone(q, out);
	else
		respond_say(out, RESPOND_FAILED, "cannot kill process %u: %s", q->pid,
			    strerror(errno));
}
