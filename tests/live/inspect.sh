#!/bin/bash
# inspect: exit codes, formats that their readers take, corrections that pass, folders and input from
# outside.
set -u
# shellcheck source=lib.sh
. "$(dirname -- "$0")/lib.sh"

cat >"$scratch/web.yaml" <<'YAML'
# The shop
apiVersion: apps/v1
kind: Deployment
metadata:
  name: web
  namespace: shop
spec:
  template:
    spec:
      hostNetwork: true # for speed
      containers:
      # the server
      - name: nginx
        image: nginx:1.25
        securityContext:
          privileged: true
YAML
printf 'apiVersion: v1\nkind: Pod\nmetadata: {name: a}\nspec: {containers: [{name: b}]}\n---\na: [\n' \
	>"$scratch/broken.yaml"

inspects "findings end with 2" 2 "$scratch/web.yaml"
has "the place of a finding" "web.yaml:16:23  /spec/template/spec/containers/0/securityContext/privileged = true"
inspects "none is tolerated" 0 --fail-on none "$scratch/web.yaml"
inspects "what cannot be read ends with 3" 3 "$scratch/broken.yaml"
has "its place" "broken.yaml:7:1: not valid YAML"
has "the other document is inspected" "R13"
inspects "a file that is not there ends with 1" 1 "$scratch/none.yaml"
inspects "the standard" 2 --level baseline --version v1.29 "$scratch/web.yaml"
has "its words" 'violates PodSecurity "baseline:v1.29": host namespaces (hostNetwork=true), privileged (container "nginx" must not set securityContext.privileged=true)'
inspects "a version that is none" 1 --level baseline --version 1.29 "$scratch/web.yaml"
inspects "standard input" 2 - <"$scratch/web.yaml"
inspects "standard input without anything is not fine" 3 - </dev/null
has "and says so" "standard input:1:1: there is no document in it"
# Lists as the API writes them: items have no kind of their own.
echo '{"apiVersion": "apps/v1", "kind": "DeploymentList", "items": [{"metadata": {"name": "l", "namespace": "n"},
	"spec": {"template": {"spec": {"hostIPC": true, "containers": [{"name": "a"}]}}}}, 5]}' >"$scratch/list.json"
inspects "a list of one kind" 3 --level baseline "$scratch/list.json"
has "has objects of that kind" 'Deployment n/l: violates PodSecurity "baseline:latest": host namespaces (hostIPC=true)'
has "and what is wrong in it is named" "/items/1: expected a map, found a whole number (5)"
mkdir -p "$scratch/chart/templates" "$scratch/none"
echo 'name: x' >"$scratch/chart/Chart.yaml"
echo '{{- if .Values.x }}' >"$scratch/chart/templates/a.yaml"
inspects "nor is a folder without files" 3 "$scratch/none"
has "and says so, too" "none: the folder has no .yaml, .yml or .json files"
inspects "a chart is rendered before" 3 "$scratch/chart"
grep -qF "helm template NAME $scratch/chart | boltseal inspect -" "$err" &&
	ok "which is said" || not_ok "which is said" "$err"
cp "$scratch/web.yaml" "$scratch/none/"
mv "$scratch/chart" "$scratch/none/"
inspects "charts beside other files are left out" 2 "$scratch/none"
has "without being in the way" "1 subject in 1 document, score"

inspects "correction" 0 --fix -o yaml --output="$scratch/fixed.yaml" "$scratch/web.yaml"
inspects "what was corrected passes" 0 --fail-on low "$scratch/fixed.yaml"
inspects "the standard, too" 0 --level restricted "$scratch/fixed.yaml"
diff "$scratch/web.yaml" "$scratch/fixed.yaml" >"$out"
if [ "$(grep -c '^<' "$out")" = 2 ]; then
	ok "all lines stay but two"
else
	not_ok "all lines stay but two" "$out"
fi

mkdir -p "$scratch/dir/sub/.hidden"
cp "$scratch/web.yaml" "$scratch/dir/sub/web.yml"
cp "$scratch/web.yaml" "$scratch/dir/sub/.hidden/"
echo '{"name": "a package"}' >"$scratch/dir/package.json"
inspects "a folder" 2 "$scratch/dir"
has "one subject in it" "1 subject in 2 documents"

cat >"$scratch/waivers.yaml" <<'YAML'
waivers:
- {rule: R01, subject: "Deployment shop/*", owner: a, reason: b, expires: 2999-01-01}
- {rule: R02, owner: a, reason: b, expires: 2999-01-01}
YAML
inspects "waived findings do not count" 0 --waivers "$scratch/waivers.yaml" "$scratch/web.yaml"
has "and stay" "waived until 2999-01-01: b (a)"
sed -i 's/2999/2020/' "$scratch/waivers.yaml"
inspects "expired waivers do not help" 2 --waivers "$scratch/waivers.yaml" "$scratch/web.yaml"
sed -i 's/owner: a, //' "$scratch/waivers.yaml"
inspects "a waiver needs an owner" 1 --waivers "$scratch/waivers.yaml" "$scratch/web.yaml"

for format in json sarif policy-report; do
	inspects "$format" 2 -o $format "$scratch/web.yaml"
	if python3 -c 'import json, sys; json.load(open(sys.argv[1]))' "$out" 2>"$err"; then
		ok "$format is JSON"
	else
		not_ok "$format is JSON" "$err"
	fi
done
inspects "asff" 2 -o asff --aws-account 123456789012 --aws-region eu-west-1 "$scratch/web.yaml"
has "its account" 'arn:aws:securityhub:eu-west-1:123456789012:product/123456789012/default'
inspects "asff needs an account" 1 -o asff "$scratch/web.yaml"
inspects "junit" 2 -o junit "$scratch/web.yaml"
if python3 -c '
import sys, xml.etree.ElementTree as e
r = e.parse(sys.argv[1]).getroot()
cases = r.findall("testsuite/testcase")
assert int(r.get("tests")) == len(cases) and int(r.get("failures")) == len(r.findall("testsuite/testcase/failure"))
' "$out" 2>"$err"; then
	ok "junit counts what it has"
else
	not_ok "junit counts what it has" "$err"
fi
inspects "html" 2 -o html "$scratch/web.yaml"
if python3 -c '
import sys, html.parser
class P(html.parser.HTMLParser):
	stack = []
	def handle_starttag(self, tag, attrs):
		if tag not in ("meta", "circle", "br"): self.stack.append(tag)
		assert not any(k in ("src", "href") for k, v in attrs)
	def handle_startendtag(self, tag, attrs): pass
	def handle_endtag(self, tag): assert self.stack.pop() == tag, tag
p = P(); p.feed(open(sys.argv[1]).read()); assert not p.stack
' "$out" 2>"$err"; then
	ok "html is balanced and loads nothing"
else
	not_ok "html is balanced and loads nothing" "$err"
fi
inspects "markdown" 2 -o markdown "$scratch/web.yaml"

# A document of 100 MB, and one that would expand to billions of values.
python3 - "$scratch" <<'PY'
import sys
with open(sys.argv[1] + "/huge.yaml", "w") as f:
	for i in range(100): f.write("# " + "x" * (1 << 20) + "\n")
with open(sys.argv[1] + "/bomb.yaml", "w") as f:
	f.write("a0: &a0 [x]\n")
	for i in range(1, 40): f.write(f"a{i}: &a{i} [*a{i-1}, *a{i-1}]\n")
PY
inspects "a file of 100 MB" 3 "$scratch/huge.yaml"
has "is refused" "larger than the limit"
inspects "an alias bomb" 3 "$scratch/bomb.yaml"
has "has a place" "bomb.yaml:16:"
tap_end
