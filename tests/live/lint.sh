#!/bin/bash
# boltseal lint: the command; and that what it says of runc and crun is so: calls that it shows
# slip through a profile do so there, and no longer after --fix.
set -u
# shellcheck source=tests/live/lib.sh
. "${BASH_SOURCE[0]%/*}/lib.sh"

[ -x "$boltseal" ] || skip_all "$boltseal is not built"

case $(uname -m) in
x86_64) own='"arch_prctl","readlink",' ;;
*) own= ;;
esac
native=SCMP_ARCH_$(uname -m | tr '[:lower:]' '[:upper:]')

# profile FILE RULE...: what runc, crun and a static program need, and the rules.
profile() {
	local file=$scratch/$1 rule
	shift
	{
		echo '{"defaultAction": "SCMP_ACT_ERRNO", "architectures": ["'"$native"'"],'
		echo ' "syscalls": [{"action": "SCMP_ACT_ALLOW", "names": ['
		echo '"capget","capset","chdir","close","epoll_ctl","execve","faccessat2","fchown",'
		echo '"fcntl","fstat","fstatfs","futex","getcwd","getdents64","getpid","getppid",'
		echo '"newfstatat","openat","prctl","read","rt_sigreturn","setgid","setgroups",'
		echo '"setuid","write","ioctl","rt_sigaction","rt_sigprocmask","setresgid",'
		echo '"setresuid","statx","openat2","epoll_pwait","gettid","mmap","munmap",'
		echo '"nanosleep","sched_yield","sigaltstack","tgkill","close_range","getrandom",'
		echo '"rseq","copy_file_range","preadv2","pwritev2","renameat2","epoll_pwait2",'
		echo '"fchmodat2","futex_waitv",'
		echo '"brk",'"$own"'"set_tid_address","set_robust_list","prlimit64",'
		echo '"readlinkat","mprotect","exit_group","exit","uname"]}'
		for rule in "$@"; do
			echo ",$rule"
		done
		echo ']}'
	} >"$file"
}

profile clean.json
run "$boltseal" lint "$scratch/clean.json"
gave "a sound profile: exit code 0" 0 "clean.json: nothing found"
run "$boltseal" lint --fail-on info "$scratch/clean.json" "$scratch/clean.json"
gave "nothing at all is found" 0 "clean.json: nothing found"
run "$boltseal" lint --engine containerd --runtime runc --runtime-version 1.1.5 \
	--no-new-privileges off --libseccomp 2.5.4 "$scratch/clean.json"
gave "a name that libseccomp 2.5.4 does not know: exit code 2" 2 "fchmodat2"
run bash -c '"$0" lint - <"$1"' "$boltseal" "$scratch/clean.json"
gave "standard input" 0 "standard input: nothing found"

width='{"names":["socket"],"action":"SCMP_ACT_ALLOW","args":[{"index":0,"value":40,"op":"SCMP_CMP_GT"}]}'
profile width.json "$width"
run "$boltseal" lint "$scratch/width.json"
gave "a comparison of 64 bits: exit code 2" 2 "socket(0x100000028, 0, 0) slips through"
run "$boltseal" lint --fail-on high --fix --output "$scratch/width.fixed.json" "$scratch/width.json"
gave "--fix" 0 "corrected 1 of 1 findings"
run "$boltseal" lint -o json --fix --output "$scratch/again.json" "$scratch/width.json"
if [ $code = 0 ] && python3 - "$out" <<'PY'
import json, sys
with open(sys.argv[1]) as f:
    doc = json.load(f)
assert doc["format"] == "boltseal.lint/1"
one = doc["files"][0]
assert one["findings"] == [] and one["counts"]["high"] == 0
gone = one["corrected"][0]
assert gone["check"] == "arg-width" and gone["severity"] == "high" and gone["fixable"]
assert gone["pointer"].startswith("/syscalls/1/args/0") and gone["line"] > 1
assert gone["rules"][0]["args"][0]["op"] == "SCMP_CMP_MASKED_EQ"
PY
then
	ok "the JSON report"
else
	not_ok "the JSON report: exit code $code" "$out"
fi
run "$boltseal" lint --checks
gave "the list of checks" 0 "arg-width          high"
checks=$(wc -l <"$out")
if [ "$checks" -ge 50 ]; then
	ok "there are $checks checks"
else
	not_ok "there are $checks checks"
fi
run "$boltseal" lint --checks -o json
listed=$(grep -o '"id":' "$out" | wc -l)
if [ "$code" = 0 ] && [ "$listed" = "$checks" ]; then
	ok "as JSON they are as many"
else
	not_ok "as JSON they are as many: $listed" "$out"
fi
for bad in "--fix $scratch/width.json" "--libseccomp=new $scratch/width.json" \
	"--runtime-version=1.1 $scratch/width.json" "--libc-kernel=3 $scratch/width.json" "" \
	"--capabilities=CAP_NONE $scratch/width.json" "$scratch/none.json"; do
	# shellcheck disable=SC2086 # several words
	run "$boltseal" lint $bad
	if [ $code = 1 ] && [[ $said_err == "boltseal lint: "* ]] && [ -z "$said_out" ]; then
		ok "refused: ${bad//$scratch\//}"
	else
		not_ok "refused: ${bad//$scratch\//}: exit code $code, $said_err"
	fi
done

# What follows starts containers.
[ "$(uname -m)" = x86_64 ] || { skip "under runc and crun" "no x86-64"; tap_end; exit; }
[ "$(id -u)" = 0 ] || { skip "under runc and crun" "needs root"; tap_end; exit; }
mkdir -p "$scratch/root/proc" "$scratch/root/dev" "$scratch/root/sys" "$scratch/root/run" "$scratch/b"
gcc -O1 -static -o "$scratch/root/call" "${BASH_SOURCE[0]%/*}/call.c" 2>"$scratch/gcc.log" || {
	skip "under runc and crun" "no static C library"
	tap_end
	exit
}

serial=0

# call RUNTIME PROFILE NUMBER ARGUMENT...: leaves in $did what the call did in the container.
call() {
	local runtime=$1 seccomp=$2
	shift 2
	serial=$((serial + 1))
	"$repo/tools/oci-config.py" --rootfs "$scratch/root" --output "$scratch/b/config.json" \
		--seccomp "$scratch/$seccomp" -- /call "$@" >"$scratch/call.log" 2>&1 || return
	containers+=("$runtime boltseal-lint-$$-$serial")
	did=$(runtime "$runtime" run -b "$scratch/b" "boltseal-lint-$$-$serial" 2>"$scratch/call.log" \
		</dev/null) || did="does not start: $(tail -n 1 "$scratch/call.log")"
	container_delete "$runtime" "boltseal-lint-$$-$serial"
}

# slips NAME CHECK SLIPS REFUSED CALL RULE...: CALL (number and arguments) gets SLIPS under the profile with the
# rules, and REFUSED when it is corrected.
slips() {
	local name=$1 check=$2 before=$3 after=$4 runtime
	local -a words
	read -ra words <<<"$5"
	shift 5
	profile "$name.json" "$@"
	run "$boltseal" lint --fix --output "$scratch/$name.fixed.json" "$scratch/$name.json"
	run "$boltseal" lint -o json "$scratch/$name.json"
	if [[ $said_out != *"\"$check\""* ]]; then
		not_ok "$name: $check is found" "$out"
		return
	fi
	for runtime in runc crun; do
		command -v $runtime >/dev/null || {
			skip "$name under $runtime" "$runtime is not installed"
			continue
		}
		call $runtime "$name.json" "${words[@]}"
		if [ "$did" = "$before" ]; then
			ok "$name under $runtime: as lint says: $did"
		else
			not_ok "$name under $runtime: '$did' instead of '$before'"
		fi
		call $runtime "$name.fixed.json" "${words[@]}"
		if [ "$did" = "$after" ]; then
			ok "$name under $runtime, corrected: $did"
		else
			not_ok "$name under $runtime, corrected: '$did' instead of '$after'"
		fi
	done
}

eq9='{"index":2,"value":9,"op":"SCMP_CMP_EQ"}'
# socket(2) of family 40: the kernel answers EINVAL (or EAFNOSUPPORT) when it is asked.
slips width arg-width "errno 22" "errno 1" "41 0x100000028 99 0" "$width"
# lseek(2) on a file descriptor that is not open: EBADF.
slips range arg-same-index "errno 9" "errno 1" "8 99 1000 0" \
	'{"names":["lseek"],"action":"SCMP_ACT_ALLOW","args":[{"index":1,"value":10,"op":"SCMP_CMP_GE"},{"index":1,"value":20,"op":"SCMP_CMP_LE"}]}'
slips default rule-is-default "errno 9" "errno 1" "8 99 0 9" \
	'{"names":["lseek"],"action":"SCMP_ACT_ALLOW"}' \
	"{\"names\":[\"lseek\"],\"action\":\"SCMP_ACT_ERRNO\",\"args\":[$eq9]}"
slips order rule-order "errno 9" "errno 38" "8 99 0 9" \
	'{"names":["lseek"],"action":"SCMP_ACT_ALLOW"}' \
	"{\"names\":[\"lseek\"],\"action\":\"SCMP_ACT_ERRNO\",\"errnoRet\":38,\"args\":[$eq9]}"
tap_end
