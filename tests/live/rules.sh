#!/bin/bash
# boltseal rules: check, list, explain, and what they say of broken files.
set -u
# shellcheck source=tests/live/lib.sh
. "${BASH_SOURCE[0]%/*}/lib.sh"

[ -x "$boltseal" ] || skip_all "$boltseal is not built"

rules() { run "$boltseal" rules "$@"; }

cat >"$scratch/good.yaml" <<'EOF'
- list: shells
  items: [sh, bash]
- macro: spawned
  condition: evt.type in (execve, execveat)
- rule: Shell in container
  desc: A shell starts in a container.
  condition: spawned and container.id != host and proc.name in (shells)
  output: shell | process=%proc.name container=%container.id
  priority: NOTICE
  tags: [container, shell]
  respond: [kill]
- rule: Many failed opens
  desc: A program that looks for files.
  condition: evt.type=openat and fd.num=-1
  output: looking for files | process=%proc.name
  priority: DEBUG
  count: {min: 20, within: 5s, by: process, distinct: fd.name}
- rule: Connects, then executes
  desc: A program is executed by what has connected before.
  condition: spawned
  sequence: {after: [evt.type=connect and fd.sport=4444], within: 90s, by: container}
  output: executed | process=%proc.name
  priority: WARNING
EOF
cat >"$scratch/bad.yaml" <<'EOF'
- rule: Broken
  desc: d
  condition: >
    evt.type = open
    and proc.nam = x
  output: o
  priority: NOTICE
EOF
cat >"$scratch/odd.yaml" <<'EOF'
- rule: Odd
  desc: d
  condition: proc.name = x
  output: o
  priority: NOTICE
EOF

rules check "$scratch/good.yaml"
gave "good rules" 0 "3 rules, 1 macro, 1 list: 0 errors, 0 warnings"
rules check "$scratch/bad.yaml"
gave "an error with its place" 2 "bad.yaml:5:9: error: rule 'Broken': filter_check called with nonexistent field proc.nam (did you mean 'proc.name'?) [LOAD_ERR_COMPILE_CONDITION]"
gave "and its line" 2 "    and proc.nam = x"
rules check "$scratch/odd.yaml"
gave "a warning is no error" 0 "[LOAD_NO_EVTTYPE]"
rules check --strict "$scratch/odd.yaml"
gave "but for --strict" 2 "0 errors, 1 warning"
mkdir "$scratch/folder"
cp "$scratch/good.yaml" "$scratch/folder/10-good.yml"
cp "$scratch/odd.yaml" "$scratch/folder/20-odd.yaml"
cp "$scratch/bad.yaml" "$scratch/folder/.hidden.yaml"
echo no >"$scratch/folder/notes.txt"
rules check "$scratch/folder"
gave "a folder: both endings, nothing hidden" 0 "4 rules, 1 macro, 1 list: 0 errors, 1 warning"
rules check "$scratch/none.yaml"
gave "a file that is not there" 1 "none.yaml"
rules check -o json "$scratch/bad.yaml"
if [ "$code" = 2 ] && python3 - "$out" <<'EOF'
import json, sys
d = json.load(open(sys.argv[1]))
f = d['findings'][0]
assert d['format'] == 'boltseal.rules-check/1' and d['errors'] == 1 and d['warnings'] == 0
assert (f['line'], f['column'], f['code']) == (5, 9, 'LOAD_ERR_COMPILE_CONDITION')
EOF
then
	ok "check as JSON"
else
	not_ok "check as JSON: exit code $code" "$out"
fi

rules list "$scratch/good.yaml"
gave "list" 0 "Shell in container  (execve,execveat)"
rules list --tag=shell "$scratch/good.yaml"
if [ "$code" = 0 ] && [ "$(grep -c "^[A-Z]" "$out")" = 1 ]; then
	ok "list by tag"
else
	not_ok "list by tag" "$out"
fi
rules list --tag=shel "$scratch/good.yaml"
gave "list by a tag that no rule has" 1 "--tag: no rule has 'shel'; did you mean 'shell'?"
rules list -o json "$scratch/good.yaml"
if python3 -c 'import json, sys
r = json.load(open(sys.argv[1]))["rules"]
assert r[0]["respond"] == ["kill"] and r[0]["types"] == ["execve", "execveat"], r
assert r[1]["priority"] == "Debug" and r[1]["enabled"], r' "$out"; then
	ok "list as JSON"
else
	not_ok "list as JSON" "$out"
fi
rules list "$scratch/bad.yaml"
gave "list refuses rules with errors" 1 "bad.yaml:5:9"

rules explain "Shell in container" "$scratch/good.yaml"
gave "explain: the kernel's part" 0 "execve       kernel: only containers; program: bash, sh"
gave "explain: the response" 0 "kill"
rules explain "Many failed opens" "$scratch/good.yaml"
gave "explain: a count" 0 "20 such events with different fd.name within 5s, for each process"
gave "explain: the result" 0 "kernel: result: failure"
rules explain "Connects, then executes" "$scratch/good.yaml"
gave "explain: a sequence" 0 "behind 1 step within 90s, of the same container"
gave "explain: the events of its steps" 0 "connect      for a step; kernel: port: 4444"
rules explain "Shell in contianer" "$scratch/good.yaml"
gave "explain: a rule that is not there" 1 "did you mean 'Shell in container'?"

stable=${BOLTSEAL_SHARED:-$repo/../shared}/testdata/falco/falco_rules.yaml
if [ -r "$stable" ]; then
	rules check --strict "$stable"
	gave "the published stable rules" 0 "25 rules, 87 macros, 49 lists: 0 errors, 0 warnings"
	rules check --strict "$stable" "$scratch/good.yaml"
	gave "several files" 0 "28 rules"
else
	skip "the published stable rules" "$stable is not there"
fi
tap_end
