#!/bin/bash
# The frame around all commands: help, wrong uses, manual pages, completion, installation.
set -u
# shellcheck source=tests/live/lib.sh
. "${BASH_SOURCE[0]%/*}/lib.sh"

[ -x "$boltseal" ] || skip_all "$boltseal is not built"

# refused NAME TEXT ARGUMENT...: exit code 1, nothing on standard output, and one line with TEXT.
refused() {
	local name=$1 text=$2
	shift 2
	run "$boltseal" "$@" </dev/null
	if [ $code != 1 ]; then
		not_ok "$name: exit code $code"
	elif [ -n "$said_out" ]; then
		not_ok "$name: standard output: ${said_out%%$'\n'*}"
	elif [[ $said_err != *"$text"* || $said_err == *$'\n'* || $said_err != boltseal* ]]; then
		not_ok "$name: standard error: $said_err"
	else
		ok "$name"
	fi
}

# printed NAME TEXT ARGUMENT...: exit code 0, TEXT on standard output, nothing on standard error.
printed() {
	local name=$1 text=$2
	shift 2
	run "$boltseal" "$@"
	if [ $code = 0 ] && [ -z "$said_err" ] && [[ $said_out == *"$text"* ]]; then
		ok "$name"
	else
		not_ok "$name: exit code $code, '$said_err', '${said_out%%$'\n'*}'"
	fi
}

commands=$("$boltseal" help --list)
expected="record analyze import show merge generate verify diff lint run watch rules findings respond inspect admit node doctor help"
if [ "$(echo "$commands" | xargs)" = "$expected" ]; then
	ok "the commands are there"
else
	not_ok "the commands are there: $(echo "$commands" | xargs)"
fi

run "$boltseal"
if [ $code = 1 ] && [ -z "$said_out" ] && [[ $said_err == "Usage: boltseal "* ]]; then
	ok "without arguments: usage, exit code 1"
else
	not_ok "without arguments: exit code $code, $said_out"
fi
version=$(sed -n "s/.*version: '\([0-9.]*\)',/\1/p" "$repo/meson.build" | head -n 1)
printed "--version" "boltseal $version" --version
printed "--help" "Exit status:" --help
printed "-h" "Exit status:" -h
printed "help" "Exit status:" help

for command in $commands; do
	printed "$command --help shows an example" "
Examples:
  # " "$command" --help
	help=$said_out
	printed "$command -h" "Usage: boltseal $command " "$command" -h
	run "$boltseal" help "$command"
	if [ "$said_out" = "$help" ]; then
		ok "help $command is the same"
	else
		not_ok "help $command is the same: it differs"
	fi
	refused "$command: an unknown option" "boltseal $command: unknown option '--nonsense'" \
		"$command" --nonsense
	refused "$command: an unknown letter" "unknown option '-Z'" "$command" -Z
	# Each option that has choices refuses another value, and each with a value its absence.
	while read -r option; do
		refused "$command --$option: a wrong choice" "--$option 'nonsense' is not one of" \
			"$command" "--$option=nonsense"
	done < <("$boltseal" help --man "$command" |
		awk '/^\.TP/ { name = "" }
			/^\\fB.*\\-\\-/ { sub(/.*\\-\\-/, ""); sub(/\\fR.*/, ""); gsub(/\\/, ""); name = $0 }
			/^One of:/ && name { print name }')
done

refused "an unknown command" "unknown command 'nonsense'" nonsense
refused "a mistyped command" "did you mean 'record'?" recrod
refused "an unknown option in front" "unknown option '--nonsense'" --nonsense
refused "a time that is none, also without a store" "--window 'x' is no time from 1s to 366d" \
	watch --window x --for 1
refused "a priority that is none" "expected emergency, alert" watch -p loud --for 1
refused "a capture that is not there" "cannot read $scratch/none" watch --replay "$scratch/none"
refused "a rules file that is not there" "watch: $scratch/none.yaml: cannot open" \
	watch -r "$scratch/none.yaml" --for 1
refused "a sink of another kind" "or metrics:" watch --sink foo --for 1
refused "findings where none are kept" "$scratch/none.db: no findings are kept there" \
	findings list -s "$scratch/none.db"
refused "a kind of file that is none" "'nonsense': expected a file, or one of strace, audit" \
	import nonsense "$0"
BOLTSEAL_RULES=$scratch/none refused "rules that are not there" \
	"expected the folder of boltseal's own rules (BOLTSEAL_RULES names it)" rules check
refused "record: --runs of a command" "--runs needs --container or --runtime-base" \
	record --runs 2 -- true
refused "record: --tty of a container" "--tty needs a command" record --tty --container x
refused "inspect: --interval once" "--interval needs --continuous" inspect --interval 5 .
refused "an operation that is none" "expected some of file, exec" respond deny --operations=foo x
refused "a folder of profiles that is not there" "cannot read $scratch/none: No such file" \
	node --once --folder "$scratch/none"
refused "help of an unknown command" "boltseal help: unknown command 'nonsense'" help nonsense
refused "help of two commands" "one command at most" help record show
refused "help in two forms" "exclude one another" help --man --list
refused "completion of another shell" "--completion 'fish' is not one of bash, zsh" \
	help --completion=fish

run bash -c '"$0" --help >/dev/full' "$boltseal"
if [ $code = 1 ] && [ "$said_err" = "boltseal: cannot write standard output" ]; then
	ok "a full disk is an error"
else
	not_ok "a full disk is an error: exit code $code, $said_err"
fi
run bash -c '"$0" --help >&-' "$boltseal"
if [ $code = 1 ] && [ "$said_err" = "boltseal: cannot write standard output" ]; then
	ok "a closed standard output is an error"
else
	not_ok "a closed standard output is an error: exit code $code, $said_err"
fi

# Manual pages, read by every program here that reads them strictly.
"$boltseal" help --man >"$scratch/boltseal.1"
for command in $commands; do
	"$boltseal" help --man "$command" >"$scratch/boltseal-$command.1"
done
readers=0
for page in "$scratch"/*.1; do
	name=${page##*/}
	if command -v man >/dev/null; then
		readers=1
		run man --warnings -l "$page"
		if [ $code = 0 ] && [ -z "$said_err" ] && [ -n "$said_out" ]; then
			ok "man reads $name"
		else
			not_ok "man reads $name: $said_err"
		fi
	fi
	if command -v groff >/dev/null; then
		readers=1
		run groff -ww -man -Tutf8 "$page"
		if [ $code = 0 ] && [ -z "$said_err" ] && [ -n "$said_out" ]; then
			ok "groff reads $name"
		else
			not_ok "groff reads $name: $said_err"
		fi
	fi
	if command -v mandoc >/dev/null; then
		readers=1
		expect "mandoc reads $name" mandoc -Tlint -Wwarning "$page"
	fi
done
[ $readers = 1 ] || skip "manual pages" "neither man, groff nor mandoc is here"

"$boltseal" help --completion=bash >"$scratch/boltseal.bash"
expect "bash reads its completion" bash -n "$scratch/boltseal.bash"
# completes EXPECTED WORD...: what bash offers for the last word.
completes() {
	local expected=$1 got
	shift
	got=$(bash -c '
		compopt() { :; }
		. "$0"
		COMP_WORDS=("$@")
		COMP_CWORD=$(($# - 1))
		_boltseal
		echo "${COMPREPLY[*]}"' "$scratch/boltseal.bash" "$@")
	if [ "$got" = "$expected" ]; then
		ok "bash completes: $*"
	else
		not_ok "bash completes: $*: '$got' instead of '$expected'"
	fi
}
completes "record" boltseal rec
completes "$expected --help --version" boltseal ""
completes "--completion=" boltseal help --com
completes "bash zsh" boltseal help --completion ""
completes "bash zsh" boltseal help --completion =
completes "zsh" boltseal help --completion = z
completes "generate" boltseal help gen
completes "" boltseal nonsense ""
if command -v zsh >/dev/null; then
	"$boltseal" help --completion=zsh >"$scratch/_boltseal"
	expect "zsh reads its completion" zsh -n "$scratch/_boltseal"
else
	skip "zsh reads its completion" "zsh is not installed"
fi

if MESON_INSTALL_QUIET=1 MESON_INSTALL_DESTDIR_PREFIX=$scratch/usr \
	"$repo/tools/install-docs.sh" "$boltseal" share/man share >"$scratch/install.log" 2>&1 &&
	cmp -s "$scratch/boltseal.1" "$scratch/usr/share/man/man1/boltseal.1" &&
	cmp -s "$scratch/boltseal.bash" "$scratch/usr/share/bash-completion/completions/boltseal" &&
	diff <(cd "$scratch" && echo *.1) <(cd "$scratch/usr/share/man/man1" && echo *.1); then
	ok "manual pages and completion are installed"
else
	not_ok "manual pages and completion are installed: $(cat "$scratch/install.log")"
fi
tap_end
