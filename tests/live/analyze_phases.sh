#!/bin/bash
# Which calls analyze shows for start-up and which for serving, in programs compiled here.
set -u
# shellcheck source=tests/live/lib.sh
. "${BASH_SOURCE[0]%/*}/lib.sh"

[ -x "$boltseal" ] || skip_all "$boltseal is not built"
command -v gcc >/dev/null || skip_all "there is no gcc"
export XDG_CACHE_HOME=$scratch/cache
mkdir "$XDG_CACHE_HOME"

# phases CALL: "start", "serving", "start serving" or nothing.
phases() {
	python3 - "$scratch/model.json" "$1" <<'PY'
import json, sys
m = json.load(open(sys.argv[1]))
print(*[p for v in m["syscalls"].values() for c in v if c["name"] == sys.argv[2]
        for p in c["phases"]])
PY
}

# analyzed NAME GCC_OPTION...: compiles $scratch/NAME.c and writes its model.
analyzed() {
	local name=$1
	shift
	gcc -O2 -w "$@" -o "$scratch/$name" "$scratch/$name.c" -pthread 2>"$scratch/gcc.log" || {
		not_ok "$name: compiles" "$scratch/gcc.log"
		return 1
	}
	"$boltseal" analyze --output="$scratch/model.json" "$scratch/$name" >"$scratch/log" 2>&1
	"$boltseal" analyze "$scratch/$name" >"$scratch/text" 2>>"$scratch/log"
}

shown=("$scratch/text")
phases_are() { # phases_are CALL PHASES
	local got
	got=$(phases "$1")
	echo "$1 is '$got'"
	[ "$got" = "$2" ]
}
# called WHAT CALL PHASES
called() { expect "$1: $2 $3" phases_are "$2" "$3"; }

cat >"$scratch/server.c" <<'C'
#define _GNU_SOURCE
#include <poll.h>
#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <unistd.h>
static volatile sig_atomic_t stop;
static jmp_buf again;
static struct { int (*stored)(void); } *heap;
static int by_pointer(void) { return acct("x"); }
static void on_signal(int s) { stop = 1; sync(); }
static void at_exit(void) { swapoff("x"); }
static void *thread(void *p) { for (;;) vhangup(); }
static __attribute__((noinline)) void prepare(void) { mlockall(0); }
static __attribute__((noinline)) void again_and_again(void) { swapon("x", 0); }
/* The loop, in a function of its own. */
static __attribute__((noinline)) void serve(void) {
	struct pollfd p = { 0, POLLIN };
	while (!stop) {
		poll(&p, 1, 1000);
		heap->stored();
		again_and_again();
		if (p.revents == 77) longjmp(again, 1);
	}
}
int main(void) {
	pthread_t t;
	umask(7);
	prepare();
	again_and_again();
	heap = malloc(sizeof(*heap));
	heap->stored = by_pointer;
	signal(SIGUSR1, on_signal);
	atexit(at_exit);
	pthread_create(&t, NULL, thread, NULL);
	munlockall();
	if (setjmp(again)) chroot("/");
	serve();
	setpriority(0, 0, 0);
	return 0;
}
C
for kind in -pie "-no-pie -fno-pie" "-pie -s -Wl,-z,lazy"; do
	# shellcheck disable=SC2086 # several options
	analyzed server $kind || continue
	grep -q '^serving begins at server:' "$scratch/text" ||
		not_ok "the loop is found ($kind)" "$scratch/text"
	for call in umask mlockall munlockall; do
		called "before the loop ($kind)" $call start
	done
	called "in the loop ($kind)" poll serving
	called "in front of the loop and in it ($kind)" swapon "start serving"
	called "behind the loop ($kind)" setpriority serving
	called "by longjmp out of the loop ($kind)" chroot "start serving"
	called "through a stored pointer ($kind)" acct "start serving"
	called "in a handler of signals ($kind)" sync "start serving"
	called "in a thread started before ($kind)" vhangup "start serving"
	called "at the end ($kind)" swapoff "start serving"
done

# allowed: the names that the profile on standard input allows.
allowed() {
	python3 -c 'import json, sys
print(*sorted(n for r in json.load(sys.stdin)["syscalls"]
              if r["action"] == "SCMP_ACT_ALLOW" for n in r["names"]))'
}
"$boltseal" generate seccomp --phase=serving "$scratch/model.json" >"$scratch/profile.json" \
	2>"$scratch/log"
got=" $(allowed <"$scratch/profile.json") "
if [[ $got == *" poll "* && $got == *" setpriority "* && $got != *" umask "* && $got != *" mlockall "* ]]; then
	ok "a profile for the program itself has the calls of serving"
else
	not_ok "a profile for the program itself has the calls of serving: $got" "$scratch/log"
fi
sed 's/"kind": "static"/"kind": "ebpf"/' "$scratch/model.json" >"$scratch/recorded.json"
if "$boltseal" generate seccomp --phase=serving "$scratch/recorded.json" >"$scratch/log" 2>&1 ||
	! grep -q "needs what an analysis knows" "$scratch/log"; then
	not_ok "a recording alone does not do for that" "$scratch/log"
else
	ok "a recording alone does not do for that"
fi

cat >"$scratch/workers.c" <<'C'
#include <signal.h>
#include <sys/epoll.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>
static volatile int quit;
static __attribute__((noinline)) void worker(int e) {
	struct epoll_event v;
	setuid(1);
	for (;;) {
		epoll_wait(e, &v, 1, -1);
		sync();
		if (quit) _exit(0);
	}
}
static __attribute__((noinline)) void master(int e) {
	sigset_t none;
	setpgid(0, 0);
	sigemptyset(&none);
	for (;;) {
		if (!fork()) worker(e);
		sigsuspend(&none);
		if (quit) _exit(0);
	}
}
int main(int argc, char **argv) {
	umask(7);
	master(epoll_create1(0));
}
C
if analyzed workers; then
	called "of a master" umask start
	called "of a master" setpgid start
	called "of a master" rt_sigsuspend serving
	called "of a worker that it starts" setuid serving
	called "of a worker that it starts" epoll_wait serving
fi

cat >"$scratch/tool.c" <<'C'
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>
int main(int argc, char **argv) {
	int total = 0;
	umask(7);
	for (int i = 1; i < argc; i++) total += unlink(argv[i]);
	sync();
	return total;
}
C
if analyzed tool; then
	called "a program without such a loop" umask "start serving"
	called "a program without such a loop" sync "start serving"
	if grep -q '^start-up and serving are not told apart: ' "$scratch/text"; then
		ok "a program without such a loop: it says so"
	else
		not_ok "a program without such a loop: it says so" "$scratch/text"
	fi
fi
