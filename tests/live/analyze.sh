#!/bin/bash
# What analyze finds in programs compiled here, exactly; and that it misses nothing of what they do.
set -u
# shellcheck source=tests/live/lib.sh
. "${BASH_SOURCE[0]%/*}/lib.sh"

[ -x "$boltseal" ] || skip_all "$boltseal is not built"
command -v gcc >/dev/null || skip_all "there is no gcc"
export XDG_CACHE_HOME=$scratch/cache
mkdir "$XDG_CACHE_HOME"

# names MODEL: its system calls, as ABI/NAME or NAME for the program's own ABI.
names() {
	python3 - "$1" <<'PY'
import json, sys
m = json.load(open(sys.argv[1]))
print(" ".join(sorted(c["name"] if abi in ("x86_64", "aarch64") and abi == m["identity"]["arch"]
                      else abi + "/" + c["name"]
                      for abi, v in m.get("syscalls", {}).items() for c in v)))
PY
}

# bare NAME EXPECTED SOURCE [GCC_OPTION...]: a program without libc makes exactly these calls.
bare() {
	local name=$1 expected=$2 source=$3 got code=0
	shift 3
	{
		cat <<-'C'
			static long call(long n) {
				long r;
				__asm__ volatile("syscall" : "=a"(r) : "0"(n) : "rcx", "r11", "memory");
				return r;
			}
		C
		printf '%s\n' "$source"
	} >"$scratch/bare.c"
	gcc -O2 -ffreestanding -nostdlib -fno-stack-protector "$@" -o "$scratch/bare" \
		"$scratch/bare.c" 2>"$scratch/gcc.log" || {
		not_ok "$name: compiles" "$scratch/gcc.log"
		return
	}
	"$boltseal" analyze --output="$scratch/bare.json" "$scratch/bare" \
		>"$scratch/bare.log" 2>&1 || code=$?
	got=$(names "$scratch/bare.json")
	if [ $code = 0 ] && [ "$got" = "$expected" ]; then
		ok "$name: $expected"
	else
		not_ok "$name: exit code $code, '${got:0:200}' instead of '$expected'"
	fi
}

if [ "$(uname -m)" = x86_64 ]; then
	for kind in "-static -no-pie" "-static-pie -fPIE" "-static -no-pie -s" "-static-pie -fPIE -s"; do
		# shellcheck disable=SC2086 # several options
		{
			bare "constant ($kind)" "exit getpid" '
void _start(void) { call(39); call(60); for (;;); }' $kind
			bare "two values ($kind)" "getgid getuid" '
int which;
void _start(void) {
	long n = 102;
	if (which) { n = 104; __asm__ volatile("" ::: "memory"); }
	call(n);
	for (;;);
}' $kind
			bare "wrapper ($kind)" "getpid gettid" '
__attribute__((noinline)) long wrap(long n) { return call(n); }
void _start(void) { wrap(39); wrap(186); for (;;); }' $kind
			bare "wrapper of a wrapper ($kind)" "getpid sync" '
__attribute__((noinline)) long one(long n) { return call(n); }
__attribute__((noinline)) long two(int x, long n) { __asm__(""); return one(n) + x; }
void _start(void) { two(1, 39); two(2, 162); for (;;); }' $kind
			bare "number in a structure ($kind)" "setgid setuid" '
struct command { int nr; long id; };
__attribute__((noinline)) long act(struct command *c) { __asm__("" ::: "memory"); return call(c->nr); }
__attribute__((noinline)) void one(long id) { struct command a = { 105, id }; act(&a); }
__attribute__((noinline)) void two(long id) { struct command a = { 106, id }; act(&a); }
void _start(void) { one(1); two(2); for (;;); }' $kind
			bare "function pointer in data ($kind)" "getpid kill" '
static long used(void) { return call(62); }
static long other(void) { return call(88); }
long (*const volatile table[])(void) = { used };
long (*const volatile unused[])(void) = { other };
void _start(void) { call(39); table[0](); for (;;); }' $kind
			bare "unreached code ($kind)" "getpid" '
long never(void) { return call(169); }
void _start(void) { call(39); for (;;); }' $kind
			bare "jump table ($kind)" "getegid geteuid getgid getpid getppid getuid" '
volatile int which;
void _start(void) {
	long n;
	switch (which) {
	case 0: n = call(39); break;
	case 1: n = call(110); break;
	case 2: n = call(102); break;
	case 3: n = call(104); break;
	case 4: n = call(107); break;
	case 5: n = call(108); break;
	default: n = 0;
	}
	which = n;
	for (;;);
}' $kind
			bare "int 0x80 ($kind)" "getpid i386/kill" '
void _start(void) {
	call(39);
	__asm__ volatile("mov $37, %%eax; int $0x80" ::: "eax", "memory");
	for (;;);
}' $kind
		}
	done
	printf 'volatile long nr; void _start(void) { long r;
		__asm__ volatile("syscall" : "=a"(r) : "0"(nr) : "rcx", "r11"); for (;;); }' \
		>"$scratch/any.c"
	gcc -O2 -nostdlib -static -o "$scratch/any" "$scratch/any.c"
	code=0
	"$boltseal" analyze "$scratch/any" >"$scratch/any.log" 2>&1 || code=$?
	if [ $code = 3 ] && grep -q "unknown number" "$scratch/any.log" &&
		grep -q kexec_load "$scratch/any.log"; then
		ok "an unknown number: all calls, with the place, exit code 3"
	else
		not_ok "an unknown number: exit code $code" "$scratch/any.log"
	fi
else
	skip "programs without libc" "not on x86-64"
fi

# Programs with libc: what strace sees is found; some calls are not.
cat >"$scratch/plugin.c" <<'C'
#include <sys/stat.h>
int plugin_run(void) { return umask(7); }
C
cat >"$scratch/main.c" <<'C'
#define _GNU_SOURCE
#include <dlfcn.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>
static void on_signal(int s) { (void)s; getppid(); }
static void *thread(void *p) { nice(0); return p; }
static int compare(const void *a, const void *b) { getpgrp(); return a < b; }
int main(void) {
	int v[] = { 1, 2, 3 };
	pthread_t t;
	signal(SIGUSR1, on_signal);
	raise(SIGUSR1);
	qsort(v, 3, sizeof(*v), compare);
	pthread_create(&t, NULL, thread, NULL);
	pthread_join(t, NULL);
	syscall(SYS_getpriority, 0, 0);
#ifdef PLUGIN
	void *h = dlopen("plugin.so", RTLD_NOW);
	int (*run)(void) = h ? (int (*)(void))dlsym(h, "plugin_run") : NULL;
	if (run) run();
#endif
	printf("done\n");
	return 0;
}
C
gcc -O2 -shared -fPIC -s -o "$scratch/plugin.so" "$scratch/plugin.c"
# program NAME CALL... -- GCC_OPTION...: strace's calls and CALL... are found, ptrace and mount not.
program() {
	local name=$1 want=() got missing="" c
	shift
	while [ "$1" != -- ]; do
		want+=("$1")
		shift
	done
	shift
	gcc -O2 -s -o "$scratch/main" "$scratch/main.c" "$@" 2>"$scratch/gcc.log" || {
		not_ok "$name: compiles" "$scratch/gcc.log"
		return
	}
	"$boltseal" analyze --output="$scratch/main.json" "$scratch/main" 2>"$scratch/main.log" || {
		not_ok "$name: is analysed" "$scratch/main.log"
		return
	}
	got=" $(names "$scratch/main.json") "
	if command -v strace >/dev/null; then
		while read -r c; do
			want+=("$c")
		done < <(strace -f -o "$scratch/main.strace" "$scratch/main" >/dev/null 2>&1
			sed -nE 's/^[0-9]+ +([a-z0-9_]+)\(.*/\1/p' "$scratch/main.strace" |
				grep -v '^execve$' | sort -u)
	fi
	for c in "${want[@]}"; do
		[[ $got == *" $c "* ]] || missing+=" $c"
	done
	for c in ptrace mount init_module; do
		[[ $got != *" $c "* ]] || missing+=" -$c"
	done
	if [ -z "$missing" ]; then
		ok "$name: ${#want[@]} calls are among the $(wc -w <<<"$got") found"
	else
		not_ok "$name: missing:$missing"
	fi
}
calls=(getppid getpriority getpgrp setpriority write)
program "dynamic" "${calls[@]}" -- -pthread
program "static" "${calls[@]}" -- -static -pthread
program "dlopen" umask "${calls[@]}" -- -DPLUGIN -Wl,-rpath,"$scratch" -pthread

# choice NAME CALL WITHOUT WITH: a program whose main is WITHOUT does not reach CALL; with WITH it does.
choice() {
	local name=$1 call=$2 got=() body
	for body in "$3" "$4"; do
		printf '#define _GNU_SOURCE\n#include <dlfcn.h>\n#include <glob.h>\n
			#include <pthread.h>\n#include <spawn.h>\n
			#include <stdlib.h>\n#include <time.h>\n
			volatile int v;
			int main(void) { %s; return 0; }\n' "$body" >"$scratch/choice.c"
		gcc -O2 -s -o "$scratch/choice" "$scratch/choice.c" 2>"$scratch/gcc.log" || {
			not_ok "$name: compiles" "$scratch/gcc.log"
			return
		}
		"$boltseal" analyze --output="$scratch/choice.json" "$scratch/choice" >/dev/null
		[[ " $(names "$scratch/choice.json") " == *" $call "* ]] && got+=(yes) || got+=(no)
	done
	if [ "${got[*]}" = "no yes" ]; then
		ok "$name"
	else
		not_ok "$name: ${got[*]}"
	fi
}
tick='struct timespec t; clock_gettime'
choice "a clock that the vDSO answers makes no call" clock_gettime \
	"$tick(CLOCK_MONOTONIC, &t)" "$tick(CLOCK_THREAD_CPUTIME_ID, &t)"
choice "a clock that is not known makes a call" clock_gettime \
	"$tick(CLOCK_REALTIME, &t)" "$tick(v, &t)"
choice "a clock through a pointer makes a call" clock_gettime \
	"$tick(CLOCK_REALTIME, &t)" \
	'int (*volatile f)(clockid_t, struct timespec *) = clock_gettime; struct timespec t; f(2, &t)'
choice "glob without and with home directories" alarm \
	'glob_t g; glob("*", GLOB_MARK, 0, &g)' 'glob_t g; glob("~x", GLOB_TILDE, 0, &g)'
spawn='pid_t p; char *a[] = { 0 }; posix_spawnattr_t s; posix_spawnattr_init(&s);
	posix_spawn(&p, "/x", 0, &s, a, a); posix_spawnattr_setflags(&s,'
choice "a spawned program with signals, or with a session" setsid \
	"$spawn POSIX_SPAWN_SETSIGDEF)" "$spawn POSIX_SPAWN_SETSID)"
choice "a spawned program in a group" setpgid \
	"$spawn POSIX_SPAWN_SETSID)" "$spawn v)"
choice "temporary files, or directories" mkdir \
	'char s[] = "/tmp/XXXXXX"; mkstemp(s)' 'char s[] = "/tmp/XXXXXX"; mkdtemp(s)'
ceiling='pthread_mutexattr_t a; pthread_mutex_t m; pthread_mutexattr_init(&a);
	pthread_mutex_init(&m, &a); pthread_mutex_lock(&m); pthread_mutexattr_setprotocol(&a,'
choice "mutexes with inheritance, or with a ceiling" sched_get_priority_max \
	"$ceiling PTHREAD_PRIO_INHERIT)" "$ceiling PTHREAD_PRIO_PROTECT)"
choice "mutexes with inheritance, or with what is not known" sched_getscheduler \
	"$ceiling PTHREAD_PRIO_INHERIT)" "$ceiling v)"
# shellcheck disable=SC2016
choice "a library by a path, or by one from the program's" readlink \
	'dlopen("/lib/x.so", RTLD_NOW)' 'dlopen("$ORIGIN/x.so", RTLD_NOW)'

# In a root of its own: services of nsswitch.conf make more calls.
small=$scratch/small ends=()
mkdir "$small"
ldd "$scratch/choice" | grep -o '/[^ ]*' | xargs -I{} cp -L --parents {} "$small"
for list in pwd:endpwent netdb:endhostent; do
	printf '#include <%s.h>\nint main(void) { %s(); return 0; }\n' "${list%:*}" "${list#*:}" \
		>"$scratch/ends.c"
	gcc -O2 -s -o "$small/ends" "$scratch/ends.c"
	out=$("$boltseal" analyze --rootfs="$small" --explain=uname /ends)
	[ "$out" = "uname: cannot be reached" ] && ends+=(no) || ends+=(yes)
done
if [ "${ends[*]}" = "no yes" ]; then
	ok "the end of the list of users asks for no name server, that of hosts does"
else
	not_ok "the end of the list of users asks for no name server, that of hosts does: ${ends[*]}"
fi

out=$("$boltseal" analyze --explain=umask "$scratch/main")
if [[ $out == "umask "*plugin.so:plugin_run*umask* ]]; then
	ok "--explain names each step"
else
	not_ok "--explain names each step: $out"
fi
out=$("$boltseal" analyze --explain=ptrace "$scratch/main")
if [ "$out" = "ptrace: cannot be reached" ]; then
	ok "--explain says when there is no way"
else
	not_ok "--explain says when there is no way: $out"
fi

# What it executes, where that is a constant.
cat >"$scratch/exec.c" <<'C'
#include <spawn.h>
#include <stdlib.h>
#include <unistd.h>
extern char **environ;
int never(void) { return execl("/bin/never", "never", (char *)0); }
int main(int n, char **v) {
	pid_t p;
	system("date -u");
	posix_spawn(&p, "/bin/true", 0, 0, v, environ);
	return execv(n > 1 ? v[1] : v[2], v);
}
C
gcc -O2 -s -o "$scratch/exec" "$scratch/exec.c"
got=$("$boltseal" analyze "$scratch/exec" | grep '^executes' | sort)
if [ "$got" = 'executes "/bin/true" by posix_spawn in exec
executes "date -u" by system in exec
executes a program whose name is not a constant by execv in exec' ]; then
	ok "what it executes"
else
	not_ok "what it executes: $got"
fi

"$boltseal" analyze -o json "$scratch/exec" >"$scratch/exec.json"
got=$(python3 - "$scratch/exec.json" "$scratch/exec" <<'PY'
import json, os, sys
m = json.load(open(sys.argv[1]))
found = {p["path"] for p in m["programs"] if p.get("parents") == [sys.argv[2]] and p["sources"] == [0]}
want = {os.path.realpath(p) for p in ("/bin/sh", "/bin/date", "/bin/true")}
print(*sorted(found ^ want))
PY
)
if [ -z "$got" ]; then
	ok "what it executes is in the model"
else
	not_ok "what it executes is in the model, but for: $got"
fi

# What only a program with threads does in libc, in one that has none and in some that ask for a part of it.
threads() {
	local name=$1 has=$2 got
	printf '%s\n' "$3" >"$scratch/threads.c"
	gcc -O2 -s -pthread -o "$scratch/threads" "$scratch/threads.c" || return
	"$boltseal" analyze --output="$scratch/threads.json" "$scratch/threads" >/dev/null
	got=$(names "$scratch/threads.json" | tr ' ' '\n' |
		grep -xE 'exit|madvise|sched_getaffinity|sched_yield' | tr '\n' ' ')
	if [ "$got" = "$has" ]; then
		ok "threads, $name"
	else
		not_ok "threads, $name: '$got' instead of '$has'"
	fi
}
if getconf GNU_LIBC_VERSION 2>/dev/null | grep -q 'glibc 2.36'; then
	threads "none" "" '#include <stdio.h>
#include <stdlib.h>
int main(void) { printf("%p\n", malloc(1)); exit(0); }'
	threads "one" "exit madvise sched_getaffinity sched_yield " '#include <pthread.h>
static void *run(void *p) { return p; }
int main(void) { pthread_t t; return pthread_create(&t, 0, run, 0); }'
	threads "the first ends alone" "exit " '#include <pthread.h>
int main(void) { pthread_exit(0); }'
	threads "processors are counted" "sched_getaffinity " '#include <unistd.h>
int main(void) { return sysconf(_SC_NPROCESSORS_ONLN); }'
	threads "another number of the system" "" '#include <unistd.h>
int main(void) { return sysconf(_SC_CLK_TCK); }'
	threads "a program is executed" "" '#include <spawn.h>
int main(int c, char **v) { pid_t p; return posix_spawn(&p, v[1], 0, 0, v, 0); }'
	threads "clone(2)" "exit madvise sched_getaffinity sched_yield " '#define _GNU_SOURCE
#include <sched.h>
static int run(void *p) { return !p; }
int main(void) { static char stack[4096]; return clone(run, stack + 4096, CLONE_VM, 0); }'
else
	skip "threads" "what glibc does in single places is known of 2.36"
fi

# Code that an option of a known program asks for: a program of that name, in several ways.
mkdir -p "$scratch/known" "$scratch/more"
cat >"$scratch/known.c" <<'C'
#define _GNU_SOURCE
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>
int main(int argc, char **argv) {
	while (getopt(argc, argv, "ku:") != -1)
		if (optopt == 'k')
			mlockall(MCL_CURRENT);
	return accept4(3, 0, 0, 0) < 0 ? accept(3, 0, 0) : 0;
}
#ifdef MORE
__attribute__((noinline, used)) int further(void) { return mlockall(MCL_FUTURE); }
int (*volatile use)(void) = further;
#endif
C
gcc -O2 -s -o "$scratch/known/memcached" "$scratch/known.c"
gcc -O2 -s -o "$scratch/known/other" "$scratch/known.c"
gcc -O2 -s -DMORE -o "$scratch/more/memcached" "$scratch/known.c"
# asked NAME HAS PROGRAM [OPTION...]: whether accept(2) and mlockall(2) are found.
asked() {
	local name=$1 has=$2 program=$3 got
	shift 3
	"$boltseal" analyze "$@" --output="$scratch/asked.json" "$scratch/$program" >/dev/null
	got=$(names "$scratch/asked.json" | tr ' ' '\n' | grep -xE 'accept|mlockall' | tr '\n' ' ')
	if [ "$got" = "$has" ]; then
		ok "options, $name"
	else
		not_ok "options, $name: '$got' instead of '$has'"
	fi
}
asked "not given" "" known/memcached "--command=memcached -u nobody"
asked "given" "mlockall " known/memcached "--command=memcached -k"
asked "joined with another" "mlockall " known/memcached "--command=memcached -vku nobody"
asked "given in the second of two ways" "mlockall " known/memcached "--command=memcached" \
	"--command=memcached --lock"
asked "the command line is not known" "mlockall " known/memcached
asked "no assumptions" "accept mlockall " known/memcached "--command=memcached" --no-assumptions
asked "used in another place too" "mlockall " more/memcached "--command=memcached"
asked "another program" "accept mlockall " known/other "--command=memcached"

# What a Python script can call: a root with the interpreter and its library, and scripts beside it.
python=$(readlink -f /usr/bin/python3 2>/dev/null)
library=/usr/lib/${python##*/}
if [[ $python == */python3.* && -f $library/os.py ]] && ldd "$python" >/dev/null 2>&1; then
	root=$scratch/root
	mkdir -p "$root/usr/bin" "$root/usr/lib" "$root/srv"
	cp "$python" "$root/usr/bin/"
	mkdir -p "$root$library"
	cp -r "$library"/{*.py,collections,encodings,email,html,http,importlib,json,logging,re,urllib,lib-dynload} \
		"$root$library/"
	rm -rf "$root$library/lib-dynload/"_test*
	while read -r f; do
		mkdir -p "$root${f%/*}"
		cp -L "$f" "$root$f"
	done < <(ldd "$python" "$library"/lib-dynload/*.so 2>/dev/null | grep -oE '/[^ ]+' | grep -v ':$' | sort -u)
	# script NAME HAS SOURCE [CALLS]: which of these calls are found; without CALLS they are
	# sched_rr_get_interval(2) and sethostname(2).
	script() {
		local name=$1 has=$2 calls=${4:-sched_rr_get_interval|sethostname} got
		printf '%s\n' "$3" >"$root/srv/main.py"
		"$boltseal" analyze --rootfs "$root" --script /srv/main.py --output="$scratch/py.json" \
			"$python" >/dev/null 2>"$scratch/py.log"
		got=$(names "$scratch/py.json" | tr ' ' '\n' | grep -xE "$calls" | tr '\n' ' ')
		if [ "$got" = "$has" ]; then
			ok "Python, $name"
		else
			not_ok "Python, $name: '$got' instead of '$has'" "$scratch/py.log"
		fi
	}
	printf 'import os\nclass Helper:\n    def run(self):\n        os.sched_rr_get_interval(0)\n' \
		>"$root/srv/helper.py"
	script "nothing that is asked for" "" 'import os, socket, threading, subprocess
print(os.getcwd(), socket.socket())'
	script "a method by its name" "sched_rr_get_interval " 'import os
os.sched_rr_get_interval(0)'
	script "another module's method" "sethostname " 'import socket as s
s.sethostname("x")'
	script "all names of a module" "sched_rr_get_interval " 'from os import *
sched_rr_get_interval(0)'
	script "a name in a string" "sched_rr_get_interval " 'import os
getattr(os, "sched_rr_get_interval")(0)'
	script "a name that begins in a string" "sched_rr_get_interval " 'import os
class A:
    def call(self, what): return getattr(self.os, "sched_" + what)
A()'
	script "a name that is made" "sched_rr_get_interval sethostname " 'import os
name = "sched" + "_rr_get_interval"
getattr(os, name)(0)'
	script "a module whose name is made" "sched_rr_get_interval sethostname " 'import importlib
importlib.import_module("po" + "six")'
	script "objects from data" "sched_rr_get_interval sethostname " 'import pickle
pickle.loads(input())'
	script "a local variable of that name" "" 'sched_rr_get_interval = 1
print(sched_rr_get_interval)'
	script "a module beside the script" "sched_rr_get_interval " 'import helper
helper.Helper().run()'
	spawn='setgroups|setreuid|setpgid|chdir'
	script "subprocesses without attributes" "" 'import subprocess
subprocess.run(["/bin/true"], check=True)' "$spawn"
	script "subprocesses with a user" "setreuid " 'import subprocess
subprocess.run(["/bin/true"], user=1)' "$spawn"
	script "arguments in a dictionary" "setgroups " 'import subprocess
how = {"extra_groups": [1]}
subprocess.run(["/bin/true"], **how)' "$spawn"
	script "arguments in a list" "chdir " 'import subprocess, sys
subprocess.run(*sys.argv)' "$spawn"
	script "the inner function" "chdir setgroups setpgid setreuid " 'import _posixsubprocess as p, sys
p.fork_exec(sys.argv)' "$spawn"
	script "no directory by descriptor" "" 'import os
os.symlink("a", "b")' symlinkat
	script "a directory by descriptor" "symlinkat " 'import os
os.symlink("a", "b", dir_fd=3)' symlinkat
	script "attributes of os.posix_spawn" "" 'import os
os.posix_spawn("/bin/true", ["true"], {}, setsigmask=[1])' 'setresuid|sched_setscheduler'
	script "a user for os.posix_spawn" "sched_setscheduler setresuid " 'import os
os.posix_spawn("/bin/true", ["true"], {}, resetids=True)' 'setresuid|sched_setscheduler'
else
	skip "Python scripts" "there is no /usr/bin/python3 with its library"
fi

# What a script of Node.js can call: a program with a library in the form of node's, with two of its own modules.
node=$scratch/node
mkdir -p "$node/srv"
cat >"$scratch/libjs.c" <<'C'
#define _GNU_SOURCE
#include <sched.h>
#include <string.h>
#include <unistd.h>
struct pair { char id[32]; const char *one; const void *two; unsigned long length; };
typedef void callback(void);
callback *functions[8];
struct pair kept[2], *modules;
void set_method(void *in, void *to, const char *name, callback *f) __asm__("_ZN4node9SetMethodEv");
void registers(void) __asm__("_Z31_register_external_reference_osPv");
int start(int n, char **v) __asm__("_ZN4node5StartEiPPc");
static void interval(void) { struct timespec t; sched_rr_get_interval(0, &t); }
static void hostname(void) { sethostname("a", 1); }
void set_method(void *in, void *to, const char *name, callback *f) { functions[in != to] = f; }
void registers(void) { functions[2] = interval; functions[3] = hostname; }
__attribute__((noinline)) static void text(void *to, const char *from) { strcpy(to, from); }
static const char boot[] = "const b = internalBinding('os');\n"
	"function interval() { b.interval(); }\nmodule.exports = { interval };\n";
static const char os[] = "const b = internalBinding('os');\n"
	"module.exports = { machine() { return b.hostname(); }, later: require('internal/bootstrap/node') };\n";
__attribute__((constructor)) static void make(void)
{
	struct pair v[2];
	text(&v[0], "internal/bootstrap/node");
	v[0].one = boot, v[0].two = 0, v[0].length = sizeof(boot) - 1;
	text(&v[1], "os");
	v[1].one = os, v[1].two = 0, v[1].length = sizeof(os) - 1;
	modules = memcpy(kept, v, sizeof(v));
}
int start(int n, char **v)
{
	registers();
	set_method(v, v + n, "interval", interval);
	set_method(v, v, "hostname", hostname);
	functions[n & 3]();
	return 0;
}
C
printf 'int start(int, char **) __asm__("_ZN4node5StartEiPPc"); int main(int n, char **v) { return start(n, v); }\n' \
	>"$scratch/js.c"
if cc -O1 -fno-tree-slp-vectorize -shared -fPIC -o "$node/libjs.so" "$scratch/libjs.c" &&
	cc -O1 -o "$node/js" "$scratch/js.c" -L"$node" -ljs; then
	while read -r f; do
		mkdir -p "$node${f%/*}"
		cp -L "$f" "$node$f"
	done < <(ldd "$node/libjs.so" "$node/js" 2>/dev/null | grep -oE '/[^ ]+' | grep -v ':$' | sort -u)
	mkdir -p "$node/usr/lib"
	mv "$node/libjs.so" "$node/usr/lib/"
	# javascript NAME HAS SOURCE: whether the calls of sched_rr_get_interval(2) and sethostname(2) are found.
	javascript() {
		local name=$1 has=$2 got
		printf '%s\n' "$3" >"$node/srv/main.js"
		"$boltseal" analyze --rootfs "$node" --script /srv/main.js --output="$scratch/js.json" \
			/js >/dev/null 2>"$scratch/js.log"
		got=$(names "$scratch/js.json" | tr ' ' '\n' | grep -xE 'sched_rr_get_interval|sethostname' | tr '\n' ' ')
		if [ "$got" = "$has" ]; then
			ok "JavaScript, $name"
		else
			not_ok "JavaScript, $name: '$got' instead of '$has'" "$scratch/js.log"
		fi
	}
	both="sched_rr_get_interval sethostname "
	printf 'exports.ask = (os) => os.hostname;\n' >"$node/srv/beside.js"
	if [ "$(uname -m)" = x86_64 ]; then
		javascript "nothing that is asked for" "" "require('os').later;"
		javascript "a name of the script" "sethostname " "require('os').hostname();"
		javascript "a function of the library" "sched_rr_get_interval " "require('os').later.interval();"
		javascript "a name in a string" "sethostname " "require('os')['hostname']();"
		javascript "a file beside the script" "sethostname " "require('./beside');"
		javascript "a name that is made" "$both" "const os = require('os'); os['host' + a]();"
		javascript "a module that is not followed" "$both" "require('other');"
		javascript "a module whose name is made" "$both" "require('o' + 's');"
		javascript "code that is made" "$both" "eval(process.argv[2]);"
		javascript "the inside of node" "$both" "process.binding('os');"
	fi
	"$boltseal" analyze --rootfs "$node" --output="$scratch/js.json" /js >/dev/null
	for call in sched_rr_get_interval sethostname; do
		if [[ " $(names "$scratch/js.json") " == *" $call "* ]]; then
			ok "JavaScript without a script: $call"
		else
			not_ok "JavaScript without a script: $call" "$scratch/js.json"
		fi
	done
else
	skip "JavaScript" "there is no compiler"
fi

# A function that does what a number in an object says: only what somebody asks it for.
cat >"$scratch/cases.c" <<'C'
#define _GNU_SOURCE
#include <sched.h>
#include <sys/mman.h>
#include <unistd.h>
struct work { long more[4]; };
struct request { long first; int number; long rest[6]; struct work work; };
__attribute__((noinline)) static void work(struct work *w)
{
	struct request *r = (struct request *)((char *)w - __builtin_offsetof(struct request, work));
	do {
		switch (r->number) {
		case 0: r->rest[0] = sethostname("a", 1); break;
		case 1: r->rest[0] = setdomainname("a", 1); break;
		case 2: r->rest[0] = munlockall(); break;
		case 3: r->rest[0] = vhangup(); break;
		case 4: r->rest[0] = acct("a"); break;
		case 5: r->rest[0] = nice(1); break;
		case 6: r->rest[0] = chroot("a"); break;
		}
	} while (r->rest[0] == 7 && r->rest[1]);
}
#define ASK(name, what) \
	__attribute__((noinline, used)) void name(struct request *r) { r->number = what; work(&r->work); r->first = 1; }
ASK(a, 0) ASK(b, 1) ASK(c, 2) ASK(d, 3) ASK(e, OTHER)
int main(void) { static struct request r; a(&r); c(&r); return r.first == 0; }
C
for other in 4 r-\>rest[2]; do
	gcc -O2 -DOTHER="$other" -o "$scratch/cases" "$scratch/cases.c"
	"$boltseal" analyze --output="$scratch/cases.json" "$scratch/cases" >/dev/null
	got=$(names "$scratch/cases.json" | tr ' ' '\n' |
		grep -xE 'sethostname|setdomainname|munlockall|vhangup|acct|chroot' | tr '\n' ' ')
	case $other in
	4) has="munlockall sethostname " ;;
	*) has="acct chroot munlockall setdomainname sethostname vhangup " ;;
	esac
	if [ "$got" = "$has" ] || [ "$(uname -m)" != x86_64 ]; then
		ok "numbers that are asked for, the last $other"
	else
		not_ok "numbers that are asked for, the last $other: '$got' instead of '$has'"
	fi
done

# The cache changes nothing, and what is wrong in it is not used.
"$boltseal" analyze --no-cache --output="$scratch/fresh.json" "$scratch/main"
"$boltseal" analyze --output="$scratch/cached.json" "$scratch/main"
kept=("$XDG_CACHE_HOME"/boltseal/*.elf)
if cmp -s "$scratch/fresh.json" "$scratch/cached.json" && [ -s "${kept[0]}" ]; then
	ok "with and without the cache: the same model"
else
	not_ok "with and without the cache: the same model"
fi
for f in "${kept[@]}"; do
	printf X | dd of="$f" bs=1 seek=200 conv=notrunc 2>/dev/null
done
"$boltseal" analyze --output="$scratch/damaged.json" "$scratch/main"
if cmp -s "$scratch/fresh.json" "$scratch/damaged.json"; then
	ok "a damaged cache is not used"
else
	not_ok "a damaged cache is not used"
fi

# refused NAME TEXT FILE: exit code 1 and one line.
refused() {
	local code=0 err
	err=$("$boltseal" analyze "$3" 2>&1 >/dev/null) || code=$?
	if [ $code = 1 ] && [[ $err == *"$2"* && $err != *$'\n'* ]]; then
		ok "$1"
	else
		not_ok "$1: exit code $code, $err"
	fi
}
head -c 5000 /bin/ls >"$scratch/cut"
refused "a truncated file" "beyond the end of the file" "$scratch/cut"
refused "a script" "not an ELF file" "${BASH_SOURCE[0]}"
truncate -s 1G "$scratch/huge"
refused "a file of a gigabyte" "larger than the limit" "$scratch/huge"
refused "no such file" "cannot find this program" "$scratch/none"

if command -v aarch64-linux-gnu-gcc >/dev/null; then
	cat >"$scratch/arm.c" <<'C'
static long call(long n) {
	register long x8 __asm__("x8") = n, x0 __asm__("x0") = 0;
	__asm__ volatile("svc #0" : "+r"(x0) : "r"(x8) : "memory");
	return x0;
}
__attribute__((noinline)) static long wrap(long n) { return call(n); }
static long taken(void) { return call(81); }
long (*const volatile table[])(void) = { taken };
void _start(void) { call(172); wrap(178); table[0](); for (;;); }
C
	aarch64-linux-gnu-gcc -O2 -ffreestanding -nostdlib -static -s -o "$scratch/arm" "$scratch/arm.c"
	"$boltseal" analyze --output="$scratch/arm.json" "$scratch/arm"
	got=$(names "$scratch/arm.json")
	if [ "$got" = "getpid gettid sync" ]; then
		ok "AArch64: $got"
	else
		not_ok "AArch64: $got"
	fi
	aarch64-linux-gnu-gcc -O2 -s -static -pthread -o "$scratch/arm" "$scratch/main.c"
	code=0
	"$boltseal" analyze --output="$scratch/arm.json" "$scratch/arm" 2>/dev/null || code=$?
	got=" $(names "$scratch/arm.json") "
	if [ $code = 0 ] && [[ $got == *" getppid getpriority "* && $got != *" mount "* ]]; then
		ok "AArch64, static with libc: $(wc -w <<<"$got") calls"
	else
		not_ok "AArch64, static with libc: exit code $code, $(wc -w <<<"$got") calls"
	fi
	# Numbers that libc hands to its threads in a structure which vector registers fill, and how handlers
	# of signals return.
	printf '%s\n' '#include <signal.h>' '#include <unistd.h>' 'static void on(int s) { (void)s; }' \
		'int main(void) { signal(SIGUSR1, on); return setresuid(1, 1, 1) | setregid(1, 1); }' >"$scratch/ids.c"
	aarch64-linux-gnu-gcc -D_GNU_SOURCE -O2 -static -pthread -o "$scratch/arm" "$scratch/ids.c"
	code=0
	"$boltseal" analyze --output="$scratch/arm.json" "$scratch/arm" 2>/dev/null || code=$?
	got=$(names "$scratch/arm.json" | tr ' ' '\n' | grep -xE 'rt_sigreturn|setre.*|mount' | tr '\n' ' ')
	if [ $code = 0 ] && [ "$got" = "rt_sigreturn setregid setresuid " ]; then
		ok "AArch64, ids of all threads and handlers of signals"
	else
		not_ok "AArch64, ids of all threads and handlers of signals: exit code $code, '$got'"
	fi
	# Its libc, where a cross compiler brings it: what a second thread does.
	arm=/usr/aarch64-linux-gnu/lib
	if [ -e "$arm/libc.so.6" ] && strings -a "$arm/libc.so.6" | grep -q 'GLIBC 2.36'; then
		mkdir -p "$scratch/armroot/lib"
		cp -L "$arm/libc.so.6" "$arm/ld-linux-aarch64.so.1" "$scratch/armroot/lib/"
		printf '#include <stdio.h>\nint main(void) { return puts("x"); }\n' >"$scratch/one.c"
		printf '%s\n' '#include <pthread.h>' 'static void *run(void *p) { return p; }' \
			'int main(void) { pthread_t t; return pthread_create(&t, 0, run, 0); }' >"$scratch/two.c"
		got=
		for n in one two; do
			aarch64-linux-gnu-gcc -O2 -o "$scratch/armroot/$n" "$scratch/$n.c"
			"$boltseal" analyze --rootfs "$scratch/armroot" --output="$scratch/arm.json" "/$n" >/dev/null
			got+="$n: $(names "$scratch/arm.json" | tr ' ' '\n' | grep -xE 'exit|madvise|sched_yield' |
				tr '\n' ' ')"
		done
		if [ "$got" = "one: two: exit madvise sched_yield " ]; then
			ok "AArch64, with and without a second thread"
		else
			not_ok "AArch64, with and without a second thread: '$got'"
		fi
	else
		skip "AArch64, threads" "there is no glibc 2.36 for it"
	fi
else
	skip "AArch64" "there is no aarch64-linux-gnu-gcc"
fi
tap_end
