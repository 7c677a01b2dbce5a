#!/bin/bash
# Comparing, explaining and writing filters: what is said about them is tried in the kernel.
set -u
# shellcheck source=tests/live/lib.sh
. "${BASH_SOURCE[0]%/*}/lib.sh"

[ -x "$boltseal" ] || skip_all "$boltseal is not built"
[ "$(uname -m)" = x86_64 ] || skip_all "the calls below are those of x86-64"
cd "$scratch" || exit 1

# profile NAME DEFAULT RULE...: a profile for all ABIs of this machine.
profile() {
	local name=$1 default=$2 rules
	shift 2
	rules=$(IFS=,; echo "$*")
	cat >"$name.json" <<-END
		{"defaultAction": "SCMP_ACT_$default",
		 "architectures": ["SCMP_ARCH_X86_64", "SCMP_ARCH_X86", "SCMP_ARCH_X32"],
		 "syscalls": [$rules]}
	END
}
# rule ACTION NAME [ARGS [ERRNO]]
rule() {
	echo "{\"names\": [\"$2\"], \"action\": \"SCMP_ACT_$1\", \"args\": [${3:-}]${4:+, \"errnoRet\": $4}}"
}
# cond OP INDEX VALUE
cond() {
	echo "{\"index\": $2, \"op\": \"SCMP_CMP_$1\", \"value\": $3}"
}

profile lax ALLOW "$(rule ERRNO socket "$(cond EQ 0 38)" 71)"
profile strict ALLOW "$(rule ERRNO socket "$(cond GE 0 38)" 71)" "$(rule ERRNO umask "" 72)"
profile same ALLOW "$(rule ERRNO umask "" 72)" "$(rule ERRNO socket "$(cond GT 0 37)" 71)"
profile idle ALLOW "$(rule ERRNO umask "" 72)" "$(rule ALLOW umask)"

cat >call.c <<'END'
/* call NR [ARG]...: makes the system call and prints the errno, 0 when there was none. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

int main(int argc, char **argv)
{
	long a[7] = { 0 };

	for (int i = 1; i < argc && i <= 7; i++)
		a[i - 1] = (long)strtoull(argv[i], NULL, 0);
	printf("%d\n", syscall(a[0], a[1], a[2], a[3], a[4], a[5], a[6]) < 0 ? errno : 0);
	return 0;
}
END
gcc -O1 -static -o call call.c 2>err || skip_all "no static C program can be linked here"

# ---- subsets and differences

gives "a stricter profile is a subset" 0 "proven for every call" \
	"$boltseal" verify --subset strict.json lax.json
gives "a laxer one is none, and a call shows it" 2 "lax.json is no subset of strict.json" \
	"$boltseal" verify --subset lax.json strict.json
gives "profiles that mean the same" 0 "do the same to every call" \
	"$boltseal" diff strict.json same.json
gives "profiles that differ" 2 "2 system calls differ: 1 always, 1 for some arguments." \
	"$boltseal" diff <(sed 's/, "SCMP_ARCH_X86", "SCMP_ARCH_X32"//' lax.json) \
	<(sed 's/, "SCMP_ARCH_X86", "SCMP_ARCH_X32"//' strict.json)
gives "a model is no profile" 1 "cannot be compared" \
	"$boltseal" diff lax.json "$repo/tests/golden/web.workload.json"
gives "rules that never decide are named" 0 "/syscalls/1: the rule never decides anything (umask)" \
	"$boltseal" show idle.json

# Each example of a difference, tried in the kernel under both profiles.
run "$boltseal" diff -o json lax.json strict.json
python3 - >examples <<'END'
import json
d = json.load(open("out"))
assert d["format"] == "boltseal.diff/1" and not d["equal"] and d["b_subset_of_a"]
for c in d["changes"]:
    x = c["example"]
    if c["abi"] == "x86_64":
        print(x["a"].get("data", 0), x["b"].get("data", 0), x["nr"], *x["args"])
END
examples=0
while read -r a b call; do
	# shellcheck disable=SC2086 # the number and the arguments
	for try in "lax $a" "strict $b"; do
		got=$("$boltseal" run -p "${try% *}.json" -- ./call $call 2>/dev/null)
		case ${try#* } in
		0) [ "$got" != 71 ] && [ "$got" != 72 ] && examples=$((examples + 1)) ;;
		*) [ "$got" = "${try#* }" ] && examples=$((examples + 1)) ;;
		esac
	done
done <examples
if [ $examples = 4 ] && [ "$(wc -l <examples)" = 2 ]; then
	ok "the kernel agrees with the examples"
else
	not_ok "the kernel agrees with $examples of 4 verdicts in the examples" examples
fi

# ---- compiled filters

for form in bpf bpf-base64; do
	gives "generate seccomp --dialect $form" 0 "" \
		"$boltseal" generate seccomp -d $form --output strict.$form strict.json
	gives "a filter as $form is what the profile says" 0 "do the same to every call" \
		"$boltseal" diff strict.$form same.json
	gives "show explains $form" 0 "ALLOW when family is at most AF_CAIF; otherwise ERRNO EPROTO" \
		"$boltseal" show strict.$form
done
gives "show --disassemble" 0 "; socket?" "$boltseal" show --disassemble strict.bpf
run "$boltseal" show -o json strict.bpf
if python3 -c 'import json; d = json.load(open("out")); a = d["abis"][0]
assert d["format"] == "boltseal.filter/1" and a["abi"] == "x86_64"
assert a["syscalls"]["umask"] == [{"action": "SCMP_ACT_ERRNO", "data": 72}]
assert a["syscalls"]["read"] == [{"action": "SCMP_ACT_ALLOW"}]' 2>err; then
	ok "show -o json"
else
	not_ok "show -o json" err
fi
head -c 100 strict.bpf >cut.bpf
gives "a filter that is cut off" 1 "100 bytes" "$boltseal" show cut.bpf
printf 'socket 1000000\nread 5\n' >counts
gives "frequencies do not change what a filter does" 0 "do the same" sh -c \
	"'$boltseal' generate seccomp -d bpf --frequencies counts strict.json | '$boltseal' diff - same.json"
gives "frequencies are for compiled filters" 1 "compiled" \
	"$boltseal" generate seccomp --frequencies counts strict.json

"$boltseal" generate seccomp -d c --name sealed strict.json >sealed.h
cat >load.c <<'END'
#include <errno.h>
#include <stdio.h>
#include <linux/seccomp.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>
#include "sealed.h"

int main(void)
{
	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) ||
	    prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &sealed_prog))
		return 1;
	return syscall(SYS_umask, 022) == -1 && errno == 72 && syscall(SYS_socket, 38, 1, 0) == -1 &&
			       errno == 71 ? 0 : 2;
}
END
if gcc -Wall -Wextra -Werror -o load load.c 2>err; then
	ok "the C array compiles"
	gives "the C array is loaded and works" 0 "" ./load
else
	not_ok "the C array compiles" err
fi

# ---- running processes

# started PROFILE...: sleep under them, the last one loaded last; its process id in $pid.
started() {
	local command=(sh -c 'echo $$ >pid.new && mv pid.new pid && exec sleep 60') i
	for ((i = $#; i > 0; i--)); do
		command=("$boltseal" run -p "${!i}.json" -- "${command[@]}")
	done
	rm -f pid
	"${command[@]}" >/dev/null 2>&1 &
	background+=("$!")
	for _ in $(seq 100); do
		[ ! -s pid ] || break
		sleep 0.05
	done
	pid=$(cat pid)
	for _ in $(seq 100); do
		grep -q '^Name:.*sleep' "/proc/$pid/status" 2>/dev/null && break
		sleep 0.05
	done
	background+=("$pid")
}

started strict
run "$boltseal" diff same.json "pid:$pid"
if [ $code = 1 ] && grep -qE 'CAP_SYS_ADMIN|CHECKPOINT_RESTORE|may not be traced' err; then
	skip "the filters of a process" "$(cat err)"
else
	gives "a process under a profile has that filter" 0 "do the same to every call" \
		"$boltseal" diff same.json "pid:$pid"
	gives "show pid:" 0 "1 seccomp filter" "$boltseal" show "pid:$pid"
	gives "verify --subset pid:" 0 "proven" "$boltseal" verify --subset "pid:$pid" lax.json
	if grep -q '^State:.*S (sleeping)' "/proc/$pid/status" &&
		grep -q '^TracerPid:.0$' "/proc/$pid/status"; then
		ok "the process runs on, untraced"
	else
		not_ok "the process runs on, untraced" "/proc/$pid/status"
	fi
	profile umask ALLOW "$(rule ERRNO umask "" 72)"
	profile socket ALLOW "$(rule ERRNO socket "$(cond GE 0 38)" 71)"
	started umask socket
	gives "two filters of a process count together" 0 "do the same to every call" \
		"$boltseal" diff same.json "pid:$pid"
	gives "both are printed" 0 "# filter 2 of 2" "$boltseal" show --disassemble "pid:$pid"
fi
gives "a process that is not there" 1 "no such thread" "$boltseal" show pid:2147483000

# ---- a container with the filter itself

busybox=$(command -v busybox)
if [ "$(id -u)" != 0 ] || ! command -v crun >/dev/null || [ -z "$busybox" ]; then
	skip "crun runs a container under the raw filter" "needs root, crun and busybox"
else
	mkdir -p bundle/rootfs/bin bundle/rootfs/proc bundle/rootfs/dev bundle/rootfs/sys bundle/rootfs/run
	cp "$busybox" bundle/rootfs/bin/busybox
	cp call bundle/rootfs/bin/call
	ln -sf busybox bundle/rootfs/bin/sh
	profile box ALLOW "$(rule ERRNO umask "" 72)" "$(rule ERRNO socket "$(cond EQ 0 38)" 71)"
	"$boltseal" generate seccomp -d bpf-base64 box.json >box.b64
	"$repo/tools/oci-config.py" --rootfs "$scratch/bundle/rootfs" --output bundle/config.json \
		--no-new-privs --annotation "run.oci.seccomp_bpf_data=$(tr -d '\n' <box.b64)" -- \
		/bin/sh -c 'echo "umask: $(call 95 0), socket: $(call 41 38 1 0)"; exec busybox sleep 60'
	if container_start crun "boltseal-filters-$$" bundle box.log; then
		for _ in $(seq 100); do
			grep -q '^Name:.*busybox\|^Name:.*sleep' "/proc/$container_pid/status" &&
				grep -q 'socket:' box.log && break
			sleep 0.05
		done
		if grep -q '^umask: 72, socket: 71$' box.log; then
			ok "crun runs a container under the raw filter"
		else
			not_ok "crun runs a container under the raw filter" box.log
		fi
		gives "the container's filter is what the profile says" 0 "do the same to every call" \
			"$boltseal" diff box.json "pid:$container_pid"
		runtime crun kill "boltseal-filters-$$" KILL 2>/dev/null
		wait "$container_job" 2>/dev/null
	else
		not_ok "crun runs a container under the raw filter" box.log
	fi
fi

# ---- models

model=$repo/tests/golden/web.workload.json
gives "a model and itself" 0 "have the same" "$boltseal" diff "$model" "$model"
python3 - "$model" >other.json <<'END'
import json, sys
m = json.load(open(sys.argv[1]))
calls = m["syscalls"]["x86_64"]
calls.remove(next(s for s in calls if "serving" in s["phases"]))
m["network"] = []
json.dump(m, sys.stdout)
END
gives "what a model lacks" 2 "- x86_64" "$boltseal" diff "$model" other.json
run "$boltseal" diff -o json "$model" other.json
if python3 -c 'import json; d = json.load(open("out"))
assert d["kind"] == "workload" and len(d["syscalls"]) == 1 and d["syscalls"][0]["change"] == "removed"
assert d["network"] and all(x["change"] == "removed" for x in d["network"])' 2>err; then
	ok "diff -o json of models"
else
	not_ok "diff -o json of models" err
fi
tap_end
