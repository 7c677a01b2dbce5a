#!/bin/sh
# install-docs.sh BOLTSEAL MANDIR DATADIR: installs what boltseal says about itself, namely the manual
# pages and the completion scripts. meson runs it and sets MESON_INSTALL_DESTDIR_PREFIX.
set -eu

boltseal=$1
# Both folders are relative to the prefix, or absolute.
place() {
	case $1 in
	/*) echo "${DESTDIR:-}$1" ;;
	*) echo "$MESON_INSTALL_DESTDIR_PREFIX/$1" ;;
	esac
}
man=$(place "$2")/man1
data=$(place "$3")

mkdir -p "$man" "$data/bash-completion/completions" "$data/zsh/site-functions"
"$boltseal" help --man >"$man/boltseal.1"
for command in $("$boltseal" help --list); do
	"$boltseal" help --man "$command" >"$man/boltseal-$command.1"
done
"$boltseal" help --completion=bash >"$data/bash-completion/completions/boltseal"
"$boltseal" help --completion=zsh >"$data/zsh/site-functions/_boltseal"
[ -n "${MESON_INSTALL_QUIET:-}" ] || echo "Installing manual pages to $man"
