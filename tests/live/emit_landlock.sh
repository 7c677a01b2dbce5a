#!/bin/bash
# generate landlock: the rules of a recorded program, applied to it by boltseal run.
set -u
# shellcheck source=tests/live/lib.sh
. "${BASH_SOURCE[0]%/*}/lib.sh"

[ -x "$boltseal" ] || skip_all "$boltseal is not built"
"$boltseal" run --capabilities keep --landlock-rules /nonexistent -- true 2>"$scratch/log"
! grep -q 'no Landlock\|switched off' "$scratch/log" || skip_all "$(cat "$scratch/log")"
chmod 755 "$scratch"
mkdir "$scratch/dir"
echo one >"$scratch/dir/one"
echo two >"$scratch/dir/two"

work=(sh -c 'read -r x <"$0/one" && echo "read $x" && echo new >"$0/new" && rm "$0/new"' "$scratch/dir")
gives "a program is recorded" 0 "read one" \
	"$boltseal" record --output "$scratch/model" -- "${work[@]}"
gives "its rules are written" 0 "" \
	"$boltseal" generate landlock --output "$scratch/rules" "$scratch/model"
under=("$boltseal" run --landlock-rules "$scratch/rules" --)
gives "it works under its rules" 0 "read one" "${under[@]}" "${work[@]}"
gives "a file that it did not read is refused" 2 "cannot open" \
	"${under[@]}" sh -c 'read -r x </etc/hostname' x
gives "a directory that it did not use is refused" 2 "cannot create" \
	"${under[@]}" sh -c ': >"$0/x"' "$scratch"
gives "the report says how many rules there are" 0 '"rules"' "$boltseal" run -o json --report - \
	--landlock-rules "$scratch/rules" -- "${work[@]}"
gives "both kinds of rules at once are refused" 1 "not both" \
	"$boltseal" run --landlock --landlock-rules "$scratch/rules" -- true
gives "an older ABI has fewer rights" 0 '"abi": 1' \
	"$boltseal" generate landlock --abi 1 "$scratch/model"
gives "and its rules are applied too" 0 "read one" \
	sh -c '"$0" generate landlock --abi 1 --output "$1/rules1" "$1/model" && shift &&
		"$0" run --landlock-rules "$1/rules1" -- sh -c "read -r x <\"$1/dir/one\" && echo read \$x"' \
	"$boltseal" "$scratch" "$scratch"
sed 's/"read_file"/"read_files"/' "$scratch/rules" >"$scratch/wrong"
gives "an unknown right is refused with its place" 1 "'read_files' is no right" \
	"$boltseal" run --landlock-rules "$scratch/wrong" -- true
tap_end
