#!/usr/bin/env python3
"""watch_cases.py plan CASES PASSWD HOST_PLAN CONTAINER_PLAN FILES | watch_cases.py check CASES FINDINGS

plan: turns event cases (one JSON object a line) into plans for the program actor, those that need a
container apart, and a list of the files that they want to find; users that they want and PASSWD, a file
like /etc/passwd, does not have are added to it. check: prints a TAP line for each case: whether the expected rule fired with the
expected priority and fields. Which finding is a case's follows from the folder of its programs, which
stands in every rule's proc.exepath, or from the name of the program in memory.
"""
import json
import shlex
import sys


def cases(path):
    with open(path, encoding="utf-8") as f:
        return [json.loads(line) for line in f]


def is_contained(case):
    return "container" in (case.get("context") or {})


def action(case):
    for resource in case.get("resources") or []:
        if resource.get("fileLess"):
            return f"memfd {resource['name']}"
    for step in case.get("steps") or []:
        args, call = step["args"], step["syscall"]
        if call in ("symlink", "symlinkat"):
            return f"{call} {args['target']} {args['linkPath']}"
        if call in ("open", "openat", "openat2"):
            return f"{call} {args['pathname']}"
        if call in ("dup2", "dup3"):
            return f"{call} {case['resources'][0]['l4Proto']} {args['newFd']}"
        sys.exit(f"watch_cases: {case['id']}: no action for {call}")
    return "none"


def users(all_cases, passwd):
    """Numbers by name, of all users that are wanted."""
    with open(passwd, "r+", encoding="utf-8") as f:
        known = {x.split(":")[0]: int(x.split(":")[2]) for x in f if x.count(":") >= 6}
        for case in all_cases:
            for p in processes(case):
                name = p.get("user")
                if name and name not in known:
                    known[name] = max(known.values()) % 60000 + 1
                    print(f"{name}:x:{known[name]}:65534::/:/usr/sbin/nologin", file=f)
    return known


def processes(case):
    return (case.get("context") or {}).get("processes") or [{"name": "actor"}]


def chain(case, known):
    for p in processes(case):
        uid = known[p["user"]] if p.get("user") else 0
        yield "|".join([p["name"], str(uid), *shlex.split(p.get("args", ""))])


def files(case):
    for resource in case.get("resources") or []:
        if resource.get("subtype") == "file":
            yield resource["filePath"]


def plan(all_cases, passwd, host, container, wanted):
    with open(wanted, "w", encoding="utf-8") as f:
        print("\n".join(sorted({x for case in all_cases for x in files(case)})), file=f)
    known = users(all_cases, passwd)
    with open(host, "w", encoding="utf-8") as h, open(container, "w", encoding="utf-8") as c:
        for n, case in enumerate(all_cases):
            print("\t".join([f"case{n}", action(case), *chain(case, known)]),
                  file=c if is_contained(case) else h)


def matches(case, n, finding):
    fields = finding["output_fields"]
    memfd = any(r.get("fileLess") for r in case.get("resources") or [])
    if not memfd and f"/case{n}/" not in str(fields.get("proc.exepath")):
        return False
    if memfd and "memfd:" not in str(fields.get("proc.exepath")):
        return False
    return finding["rule"].lower() == case["rule"].lower()


def wrong(case, finding):
    want = case["expectedOutcome"]
    if finding["priority"].lower() != want["priority"].lower():
        return f"priority {finding['priority']}"
    if is_contained(case) and finding["output_fields"].get("container.name") != "boltseal-watch":
        return f"container {finding['output_fields'].get('container.name')}"
    for key, value in want["outputFields"].items():
        got = finding["output_fields"].get(key, "no such field")
        if got != value and got != "no such field":
            return f"{key} is {got}, not {value}"
    return None


def check(all_cases, path):
    with open(path, encoding="utf-8") as f:
        findings = [json.loads(line) for line in f]
    for n, case in enumerate(all_cases):
        fired = [x for x in findings if matches(case, n, x)]
        why = [wrong(case, x) for x in fired]
        if not fired:
            print(f"not ok {case['id']}: '{case['rule']}' did not fire")
        elif None not in why:
            print(f"not ok {case['id']}: {why[0]}")
        else:
            print(f"ok {case['id']}: {case['rule']}")


if __name__ == "__main__":
    if sys.argv[1] == "plan":
        plan(cases(sys.argv[2]), *sys.argv[3:7])
    else:
        check(cases(sys.argv[2]), sys.argv[3])
