#!/bin/bash
# boltseal run: seccomp, capabilities, user and Landlock on real programs; boltseal doctor.
# Every program that is started has a time limit of its own.
set -u
# shellcheck source=tests/live/lib.sh
. "${BASH_SOURCE[0]%/*}/lib.sh"
work=$scratch
chmod 755 "$work"

[ -x "$boltseal" ] || skip_all "$boltseal is not built"

case $(uname -m) in
x86_64) arch=SCMP_ARCH_X86_64 ;;
aarch64) arch=SCMP_ARCH_AARCH64 ;;
*)
	skip_all "no test for $(uname -m)"
	;;
esac

# bs ARGUMENT...: boltseal, bounded.
bs() {
	timeout -s KILL 20 "$boltseal" "$@"
}

# profile FILE DEFAULT RULE...: writes an OCI profile; a rule is "ACTION NAME..." or JSON.
profile() {
	local file=$work/$1 default=$2 sep="" rule names
	shift 2
	{
		echo "{\"defaultAction\":\"$default\",\"defaultErrnoRet\":1,\"architectures\":[\"$arch\"],"
		echo '"syscalls":['
		for rule in "$@"; do
			if [ "${rule:0:1}" != "{" ]; then
				names=${rule#* }
				rule="{\"action\":\"${rule%% *}\",\"names\":[\"${names// /\",\"}\"]}"
			fi
			echo "$sep$rule"
			sep=,
		done
		echo ']}'
	} >"$file"
	# An errno only where the default takes one.
	[ "$default" = SCMP_ACT_ERRNO ] || sed -i 's/"defaultErrnoRet":1,//' "$file"
}

root=0
[ "$(id -u)" = 0 ] && root=1

# ---- what is refused before anything runs ----
profile allow SCMP_ACT_ALLOW "SCMP_ACT_ERRNO sethostname"
profile noexec SCMP_ACT_ALLOW "SCMP_ACT_ERRNO execve"
profile killexec SCMP_ACT_ALLOW "SCMP_ACT_KILL_PROCESS execve"
profile notify SCMP_ACT_ALLOW "SCMP_ACT_NOTIFY sethostname"
echo '{' >"$work/broken"
mark=$work/mark
# refused NAME TEXT ARGUMENT...: exit code 1 with TEXT, and the program did not run.
refused() {
	local name=$1 text=$2
	shift 2
	run bs run "$@" -- touch "$mark"
	if [ -e "$mark" ]; then
		not_ok "$name: the program ran"
		rm -f "$mark"
	else
		gave "$name" 1 "$text"
	fi
}
refused "nothing to confine with" "nothing to confine with"
refused "a profile that is not there" "/nonexistent" --profile /nonexistent
refused "a profile that is no JSON" "$work/broken:" --profile "$work/broken"
refused "a profile without execve" "does not allow execve (SCMP_ACT_ERRNO)" \
	--profile "$work/noexec"
refused "a profile that kills for execve" "does not allow execve (SCMP_ACT_KILL_PROCESS)" \
	--profile "$work/killexec"
refused "a profile that needs an agent" "SCMP_ACT_NOTIFY needs an agent" --profile "$work/notify"
refused "an unknown capability" "'NONSENSE' is no capability" --capabilities CHOWN,NONSENSE
refused "an empty capability" "'' is no capability" --capabilities CHOWN,,KILL
refused "an unknown user" "there is no user 'nonsense-user'" --user nonsense-user
refused "an unknown group" "there is no group 'nonsense-group'" --user root:nonsense-group
refused "a number without a group" "give one: 4294967294:GROUP" --user 4294967294
refused "user -1" "there is no user '4294967295'" --user 4294967295:0
refused "Landlock without a model" "need --model" --landlock
refused "capabilities of no model" "need --model" --capabilities model
refused "complaining without a profile" "--mode complain needs --profile" \
	--mode complain --capabilities none
refused "a word before --" "the command stands behind '--'" --profile "$work/allow" touch
run bs run --profile "$work/allow"
gave "no command" 1 "expected a command"
run bs run --profile "$work/allow" -- nonsense-command
gave "a command that is not there" 1 "nonsense-command: command not found in PATH"
echo text >"$work/plain"
run bs run --profile "$work/allow" -- "$work/plain"
gave "a file that is not executable" 1 "$work/plain: cannot execute: Permission denied"
chmod 755 "$work/plain"
run bs run --profile "$work/allow" -- "$work/plain"
gave "a file that is no program" 1 "$work/plain: cannot execute (neither ELF nor a #! line?)"
printf '#!/nonexistent\n' >"$work/plain"
run bs run --profile "$work/allow" -- "$work/plain"
gave "a script without its interpreter" 1 "its interpreter is missing"

# ---- enforcing ----
run bs run --profile "$work/allow" -- sh -c 'exit 42'
gave "the exit code is the command's" 42 ""
run bs run --profile "$work/allow" -- sh -c 'kill -KILL $$'
gave "a signal is 128 and its number" 137 ""
run bs run --profile "$work/allow" -- cat /proc/self/status
if [[ $said_out == *"NoNewPrivs:	1"* && $said_out == *"Seccomp:	2"* ]]; then
	ok "a filter and no_new_privs are in force"
else
	not_ok "a filter and no_new_privs are in force: $said_out"
fi
run bs run --profile "$work/allow" -- sh -c 'exec 3>&- 4>&- 5>&-; ls -l /proc/$$/fd'
if [[ $said_out$said_err == *seccomp* || $said_out$said_err == *landlock* || $said_out$said_err == *signalfd* ]]; then
	not_ok "no descriptor of boltseal reaches the program: $said_out"
else
	ok "no descriptor of boltseal reaches the program"
fi

# Calls whose refusal can be seen: mkdir(at) of mkdir, and umask.
profile denied SCMP_ACT_ALLOW '{"names":["mkdir","mkdirat"],"action":"SCMP_ACT_ERRNO","errnoRet":28}'
run bs run --profile "$work/denied" -- mkdir "$work/made"
gave "a call gets the profile's errno" 1 "No space left on device"
profile killed SCMP_ACT_ALLOW "SCMP_ACT_KILL_PROCESS mkdir mkdirat"
run bs run --profile "$work/killed" -- mkdir "$work/made"
gave "killed by the filter: 128 + SIGSYS, and boltseal says so" 159 "was killed"
if [ "$code" = 159 ] && [[ $said_err == *"forbids mkdir"* ]]; then
	ok "the kernel's log names the call"
elif [ $root = 1 ] && dmesg 2>/dev/null | tail -n 50 | grep -q 'type=1326.*comm="mkdir"'; then
	not_ok "the kernel's log names the call: $said_err"
else
	skip "the kernel's log names the call" "audit records are not in the kernel's log"
fi
profile trapped SCMP_ACT_ALLOW "SCMP_ACT_TRAP mkdir mkdirat"
run bs run --profile "$work/trapped" -- mkdir "$work/made"
gave "trapped by the filter: SIGSYS too" 159 "SIGSYS"
same "nothing was made" "" "$(ls -d "$work/made" 2>/dev/null)"
profile umask SCMP_ACT_ALLOW \
	'{"names":["umask"],"action":"SCMP_ACT_KILL_PROCESS","args":[{"index":0,"value":63,"op":"SCMP_CMP_EQ"}]}'
run bs run --profile "$work/umask" -- sh -c 'umask 022; exit 4'
gave "a condition that does not hold" 4 ""
run bs run --profile "$work/umask" -- sh -c 'umask 077; exit 4'
gave "a condition that holds" 159 ""

# A program of the other width, under a profile for one architecture.
cat >"$work/small.c" <<'C'
int main(void)
{
	return 7;
}
C
small=0
if [ "$arch" = SCMP_ARCH_X86_64 ] &&
	gcc -m32 -idirafter /usr/include/x86_64-linux-gnu -static -o "$work/small" "$work/small.c" 2>"$work/gcc.err"; then
	"$work/small"
	small=$?
fi
if [ $small = 7 ]; then
	run bs run --profile "$work/allow" -- "$work/small"
	gave "a 32-bit program under a 64-bit profile is killed" 159 ""
	run bs run --profile "$work/allow" --mode complain -o json -- "$work/small"
	if [ "$code" = 7 ] && [[ $said_err == *'"abi": "i386"'* && $said_err == *'"SCMP_ACT_KILL_PROCESS"'* ]]; then
		ok "complain mode tells of 32-bit calls"
	else
		not_ok "complain mode tells of 32-bit calls: exit code $code, $said_err"
	fi
else
	skip "a 32-bit program under a 64-bit profile is killed" "none can be built and run"
	skip "complain mode tells of 32-bit calls" "none can be built and run"
fi

# ---- complaining ----
# What it reports is what enforcing denies: the same program, once in each mode.
run bs run --profile "$work/denied" --mode complain --report "$work/report" -o json -- \
	sh -c "mkdir '$work/one'; mkdir '$work/two'; mkdir '$work/three'; exit 9"
gave "complain mode has the command's exit code" 9 ""
same "the calls were made" "one three two" "$(cd "$work" && echo o[n]e t[h]ree t[w]o)"
same "denied calls are counted" 3 \
	"$(sed -n 's/^      "count": \([0-9]*\),.*/\1/p' "$work/report" | awk '{ n += $1 } END { print n + 0 }')"
same "by program" "$(readlink -f "$(command -v mkdir)")" \
	"$(sed -n 's/.*"program": "\(.*\)",/\1/p' "$work/report" | sort -u | xargs)"
same "with the action" "SCMP_ACT_ERRNO 28" \
	"$(sed -n 's/.*"action": "\(.*\)",/\1/p' "$work/report" | sort -u) $(
		sed -n 's/.*"errno": \(.*\),/\1/p' "$work/report" | sort -u)"
rmdir "$work/one" "$work/two" "$work/three"
run bs run --profile "$work/denied" -- \
	sh -c "mkdir '$work/one'; mkdir '$work/two'; mkdir '$work/three'; exit 9"
same "enforcing denies as many" 3 "$(grep -c "No space left" <<<"$said_err")"
same "and makes none" "" "$(ls -d "$work"/one "$work"/two "$work"/three 2>/dev/null)"

run bs run --profile "$work/allow" --mode complain -- true
gave "a profile that suffices" 0 "would have denied nothing"
run bs run --profile "$work/noexec" --mode complain -- true
gave "a missing execve is a finding when complaining" 0 "execve"
run bs run --profile "$work/killed" --mode complain --report - -- mkdir "$work/made"
if [ "$code" = 0 ] && [ -d "$work/made" ] && [[ $said_out == *"KILL_PROCESS"*"/mkdir"* ]]; then
	ok "the report goes to standard output"
else
	not_ok "the report goes to standard output: exit code $code, $said_out"
fi
run bs run --profile "$work/denied" --mode complain --report "$work/no/such/dir" -- true
gave "a report that cannot be written is an error, and is shown" 1 "would have denied"
profile orphan SCMP_ACT_ALLOW "SCMP_ACT_ERRNO mkdir mkdirat"
run bs run --profile "$work/orphan" --mode complain -- \
	sh -c "(sleep 0.5; mkdir '$work/late') >/dev/null 2>&1 & exit 3"
gave "processes that outlive the command are served" 3 "/mkdir"
same "their calls are made" "$work/late" "$(ls -d "$work/late" 2>/dev/null)"
run bs run --profile "$work/orphan" --mode complain --landlock --model /nonexistent -- true
gave "Landlock cannot complain" 1 "no complain mode"

# ---- signals ----
for mode in enforce complain; do
	timeout --foreground -s KILL 20 "$boltseal" run --profile "$work/denied" --mode $mode --report "$work/report.$mode" -- \
		sh -c "trap 'exit 23' TERM; mkdir '$work/sig.$mode' 2>/dev/null; : >'$work/ready.$mode'
			while :; do sleep 0.1; done" >/dev/null 2>&1 &
	pid=$!
	for _ in $(seq 100); do
		[ -e "$work/ready.$mode" ] && break
		sleep 0.1
	done
	# $pid is timeout's, which hands SIGTERM on. Twice, as a group may get it.
	kill -TERM $pid
	kill -TERM $pid
	wait $pid
	same "SIGTERM is handed on ($mode)" 23 $?
done
if grep -q mkdir "$work/report.complain"; then
	ok "the report is there after SIGTERM"
else
	not_ok "the report is there after SIGTERM: $(cat "$work/report.complain")"
fi
timeout --foreground -s KILL 20 "$boltseal" run --profile "$work/denied" --mode complain \
	--report "$work/report.early" -o json -- \
	sh -c "(: >'$work/ready.early'; exec sleep 4) & exit 6" >/dev/null 2>&1 &
pid=$!
for _ in $(seq 100); do
	[ -e "$work/ready.early" ] && break
	sleep 0.1
done
sleep 0.3
kill -TERM $pid
wait $pid
same "SIGTERM after the command's end ends the service" 6 $?
same "such a report is incomplete" '"complete": false,' "$(grep -o '"complete".*' "$work/report.early")"

# ---- user and capabilities ----
if [ $root = 1 ]; then
	# caps ARGUMENT...: bounding, permitted, effective, inheritable and ambient set of the program.
	caps() {
		bs run "$@" -- sh -c \
			'sed -n "s/^Cap\(...\):\t0*\(.*\)/\1=\2/p" /proc/self/status | sort | xargs'
	}
	same "no capabilities" "Amb= Bnd= Eff= Inh= Prm=" "$(caps --capabilities none)"
	same "a list, user 0" "Amb= Bnd=401 Eff=401 Inh= Prm=401" \
		"$(caps --capabilities chown,CAP_NET_BIND_SERVICE)"
	same "a list, another user" "Amb=400 Bnd=400 Eff=400 Inh=400 Prm=400" \
		"$(caps --capabilities NET_BIND_SERVICE --user 4711:4711)"
	same "a list, without no_new_privs, with a filter" "Amb=400 Bnd=400 Eff=400 Inh=400 Prm=400" \
		"$(caps --profile "$work/allow" --capabilities NET_BIND_SERVICE --user 4711:4711 \
			--no-new-privileges off)"
	same "a profile that refuses what boltseal did before" "Amb= Bnd= Eff= Inh= Prm=" "$(
		profile strict SCMP_ACT_ALLOW \
			"SCMP_ACT_KILL_PROCESS capset prctl setresuid setresgid setgroups seccomp sigaltstack"
		caps --profile "$work/strict" --capabilities none --user 4711:4711)"
	run bs run --user nobody --capabilities none -- id -un
	same "a user by name" nobody "$said_out"
	run bs run --user 4711:4712 --capabilities none -- sh -c 'id -u; id -g; id -G'
	same "a user by number" "4711 4712 4712" "$(xargs <<<"$said_out")"
	run bs run --user 4711:4712 --no-new-privileges off -- sh -c \
		"$boltseal run --profile $work/allow --no-new-privileges off -- true"
	if [ "$code" = 1 ] && [[ $said_err == *CAP_SYS_ADMIN* ]]; then
		ok "no_new_privs cannot be left out by others"
	elif [[ $said_err == *"ermission denied"* || $said_err == *"not found"* ]]; then
		skip "no_new_privs cannot be left out by others" "they cannot read the binary"
	else
		not_ok "no_new_privs cannot be left out by others: exit code $code, $said_err"
	fi
	cp "$(command -v id)" "$work/suid-id" && chmod 4755 "$work/suid-id"
	run bs run --user 4711:4711 --capabilities none -- "$work/suid-id" -u
	same "set-user-ID gives nothing under no_new_privs" 4711 "$said_out"
	run bs run --user 4711:4711 --capabilities none --no-new-privileges off -- \
		"$work/suid-id" -u
	if [ "$said_out" = 4711 ]; then
		skip "but without it" "$work is mounted nosuid"
	else
		same "but without it" 0 "$said_out"
	fi
else
	skip "user and capabilities" "this needs root"
fi

# ---- Landlock ----
# files NAME ACCESS... -- PATH...: members of a model's list of files.
files() {
	local access=""
	while [ "$1" != -- ]; do
		access+=${access:+,}\"$1\"
		shift
	done
	shift
	printf ',{"path":"%s","access":['"$access"'],"phases":["start"]}\n' "$@"
}

landlock=$(bs doctor -o json | grep -A 5 '"id": *"landlock"' |
	sed -n 's/.*"detail": *"ABI \([0-9]*\).*/\1/p')
if [ -z "$landlock" ]; then
	skip "Landlock" "this kernel has none"
else
	mkdir "$work/in" "$work/outside"
	echo inside >"$work/in/a.txt"
	echo outside >"$work/outside/a.txt"
	cat=$(readlink -f "$(command -v cat)")
	sh=$(readlink -f "$(command -v sh)")
	true=$(readlink -f "$(type -P true)")
	libraries=$(ldd "$cat" "$sh" | grep -o '/[^ ]*' | grep -v ':$' | sort -u | xargs -n 1 readlink -f)
	{
		echo '{"format":"boltseal.workload/1","identity":{"name":"test","arch":"'"$(uname -m)"'"},'
		echo '"programs":[{"path":"'"$cat"'"},{"path":"'"$sh"'"}],'
		echo '"files":[{"path":"'"$work"'/in/*.txt","pattern":true,"access":["read"],"phases":["start"]}'
		# shellcheck disable=SC2086 # one path each
		files read map exec -- $libraries
		files read -- /etc/ld.so.cache "$work/gone"
		files read write -- /dev/null
		files write create -- "$work/in/new"
		files read -- "$work/in/"
		echo '],"network":[{"op":"listen","family":"AF_INET","type":"SOCK_STREAM","port":18099,'
		echo '"phases":["serving"]}],'
		echo '"capabilities":[{"name":"CAP_CHOWN","result":"granted","uses":[{"phases":["start"]}]}]}'
	} >"$work/model"
	# sealed COMMAND...
	sealed() {
		run bs run --model "$work/model" --landlock -- "$@"
	}
	sealed "$cat" "$work/in/a.txt"
	same "Landlock: a file of the model" inside "$said_out"
	sealed "$cat" "$work/outside/a.txt"
	gave "Landlock: a file that the model does not have" 1 "Permission denied"
	sealed "$sh" -c ": >'$work/in/new' && echo made"
	same "Landlock: a file that the model makes" made "$said_out"
	sealed "$sh" -c ": >'$work/outside/new'"
	gave "Landlock: another one" 2 "Permission denied"
	sealed "$sh" -c ": >>'$work/outside/a.txt'"
	gave "Landlock: writing what is only there" 2 "Permission denied"
	sealed "$true"
	if [ "$code" = 1 ] && [[ $said_err == *"$true: cannot execute"*"model"* ]]; then
		ok "Landlock: a program that the model does not have is not executed"
	else
		not_ok "Landlock: a program that the model does not have is not executed: $code, $said_err"
	fi
	run bs run --model "$work/model" --landlock --report "$work/report" -o json -- "$cat" /dev/null
	gave "Landlock: with a report" 0 ""
	if grep -q "\"abi\": $landlock" "$work/report" && grep -q 'a pattern; allowed beneath' "$work/report" &&
		grep -q "gone: does not exist" "$work/report"; then
		ok "Landlock: the report says what is allowed by its folder"
	else
		not_ok "Landlock: the report says what is allowed by its folder: $(cat "$work/report")"
	fi
	if [ $root = 1 ]; then
		same "capabilities of the model" "Bnd=1 Eff=1" "$(
			bs run --model "$work/model" --capabilities model -- \
				sed -n 's/^Cap\(Bnd\|Eff\):\t0*\(.*\)/\1=\2/p' /proc/self/status | sort | xargs)"
	else
		skip "capabilities of the model" "this needs root"
	fi
	if [ "$landlock" -lt 4 ]; then
		skip "Landlock: TCP ports" "they need ABI 4, this kernel has $landlock"
	else
		# All files, so that only ports are in question; nobody listens on either.
		bash=$(readlink -f "$(command -v bash)")
		{
			sed '/"files"/,$d' "$work/model"
			echo '"files":[{"path":"/**","pattern":true,"access":["read","exec"],"phases":["start"]}'
			files read exec -- "$bash"
			echo '],"network":[{"op":"connect","family":"AF_INET","type":"SOCK_STREAM",'
			echo '"address":"127.0.0.1","port":18099,"phases":["serving"]}]}'
		} >"$work/ports"
		run bs run --model "$work/ports" --landlock -- bash -c ': </dev/tcp/127.0.0.1/18099'
		gave "Landlock: a port of the model" 1 "Connection refused"
		run bs run --model "$work/ports" --landlock -- bash -c ': </dev/tcp/127.0.0.1/18098'
		gave "Landlock: another port" 1 "Permission denied"
	fi
fi

# ---- doctor ----
run bs doctor -o json
if [ "$code" = 0 ] || [ "$code" = 3 ]; then
	ok "doctor: exit code 0 or 3"
else
	not_ok "doctor: exit code $code, $said_err"
fi
json=$said_out
# state ID: its state in the JSON.
state() {
	grep -A 5 "\"id\": *\"$1\"" <<<"$json" | sed -n 's/.*"state": *"\(.*\)",/\1/p' | head -n 1
}
if [ "$code" = 0 ]; then
	same "doctor: profiles can be enforced" yes "$(state seccomp)"
fi
same "doctor: actions as in /proc" "$(cat /proc/sys/kernel/seccomp/actions_avail)" \
	"$(grep -A 5 '"id": *"seccomp_actions"' <<<"$json" | sed -n 's/.*"detail": *"\(.*\)",/\1/p')"
for file in btf:/sys/kernel/btf/vmlinux tracefs:/sys/kernel/tracing/events/syscalls \
	selinux:/sys/fs/selinux/enforce; do
	[ -e "${file#*:}" ] && expected=yes || expected=no
	got=$(state "${file%%:*}")
	[ "$got" = limited ] && got=yes
	same "doctor: ${file%%:*} as the files say" "$expected" "$got"
done
for program in runc crun podman containerd; do
	command -v $program >/dev/null && expected=yes || expected=no
	same "doctor: $program" "$expected" "$(state $program)"
done
run env LC_ALL=C timeout -s KILL 20 "$boltseal" doctor
if LC_ALL=C grep -q '[^ -~]' <<<"$said_out"; then
	not_ok "doctor: plain text without UTF-8: $(LC_ALL=C grep -m 1 '[^ -~]' <<<"$said_out")"
else
	ok "doctor: plain text without UTF-8"
fi
if [ $root = 1 ]; then
	run bs run --user 4711:4711 --capabilities none -- cat /dev/null
	cp "$boltseal" "$work/boltseal" && chmod 755 "$work/boltseal"
	run bs run --user 4711:4711 --capabilities none -- "$work/boltseal" doctor -o json
	if [[ $said_out == *'"record": "ptrace"'* && $code = 0 ]]; then
		ok "doctor: without privileges ptrace is left"
	elif [[ $said_out == *'"record": "none"'* && $code = 3 ]]; then
		skip "doctor: without privileges ptrace is left" "ptrace is refused here"
	else
		not_ok "doctor: without privileges ptrace is left: exit code $code, $said_err"
	fi
else
	skip "doctor: without privileges ptrace is left" "this needs root"
fi
tap_end
