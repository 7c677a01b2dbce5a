#!/usr/bin/env python3
"""detections.py check LIST DOC | write LIST DOC: the tables of docs/detections.md.

LIST is what `boltseal rules list -o json` prints. check: TAP lines - every type of GuardDuty's Runtime
Monitoring has a rule or a reason why it has none; every rule has type, tactic, technique and a note on
false positives; no rule asks for everything that is read or written; the document has the tables that
follow from LIST. write: puts them in, between their marks.
"""
import json
import re
import sys

# Amazon GuardDuty, Runtime Monitoring finding types (docs.aws.amazon.com, August 2026).
TYPES = """
CryptoCurrency:Runtime/BitcoinTool.B
CryptoCurrency:Runtime/BitcoinTool.B!DNS
Backdoor:Runtime/C&CActivity.B
Backdoor:Runtime/C&CActivity.B!DNS
UnauthorizedAccess:Runtime/TorRelay
UnauthorizedAccess:Runtime/TorClient
UnauthorizedAccess:Runtime/MetadataDNSRebind
Trojan:Runtime/BlackholeTraffic
Trojan:Runtime/BlackholeTraffic!DNS
Trojan:Runtime/DropPoint
Trojan:Runtime/DropPoint!DNS
Trojan:Runtime/DGADomainRequest.C!DNS
Trojan:Runtime/DriveBySourceTraffic!DNS
Trojan:Runtime/PhishingDomainRequest!DNS
Impact:Runtime/AbusedDomainRequest.Reputation
Impact:Runtime/BitcoinDomainRequest.Reputation
Impact:Runtime/MaliciousDomainRequest.Reputation
Impact:Runtime/SuspiciousDomainRequest.Reputation
Impact:Runtime/CryptoMinerExecuted
Execution:Runtime/NewBinaryExecuted
Execution:Runtime/NewLibraryLoaded
Execution:Runtime/ReverseShell
Execution:Runtime/SuspiciousTool
Execution:Runtime/SuspiciousCommand
Execution:Runtime/SuspiciousShellCreated
Execution:Runtime/MaliciousFileExecuted
Execution:Runtime/MaliciousFileExecuted.Custom
PrivilegeEscalation:Runtime/DockerSocketAccessed
PrivilegeEscalation:Runtime/RuncContainerEscape
PrivilegeEscalation:Runtime/CGroupsReleaseAgentModified
PrivilegeEscalation:Runtime/ContainerMountsHostDirectory
PrivilegeEscalation:Runtime/UserfaultfdUsage
PrivilegeEscalation:Runtime/ElevationToRoot
PrivilegeEscalation:Runtime/SuspiciousCommand
PrivilegeEscalation:Runtime/SensitiveFileModified
DefenseEvasion:Runtime/FilelessExecution
DefenseEvasion:Runtime/ProcessInjection.Proc
DefenseEvasion:Runtime/ProcessInjection.Ptrace
DefenseEvasion:Runtime/ProcessInjection.VirtualMemoryWrite
DefenseEvasion:Runtime/PtraceAntiDebugging
DefenseEvasion:Runtime/SuspiciousCommand
DefenseEvasion:Runtime/KernelModuleLoaded
DefenseEvasion:Runtime/SensitiveFileModified
Persistence:Runtime/SuspiciousCommand
Persistence:Runtime/SensitiveFileModified
Discovery:Runtime/SuspiciousCommand
""".split()

WHY_NOT = {
    "Execution:Runtime/MaliciousFileExecuted":
        "no rule: what is in a file is not in an event; names and paths are, see the type below",
}

BULK = {"read", "write", "readv", "writev", "pread64", "pwrite64", "preadv", "pwritev", "close"}
BY_PORT = {"sendto", "sendmsg", "sendmmsg", "recvfrom", "recvmsg"}


def load(path):
    with open(path, encoding="utf-8") as f:
        return json.load(f)["rules"]


def coverage(rules):
    yield "| type | rules |"
    yield "| --- | --- |"
    for kind in TYPES:
        names = [r["name"] for r in rules if r["type"] == kind]
        yield f"| `{kind}` | {'; '.join(names) or WHY_NOT.get(kind, '')} |"


def catalogue(rules):
    file = None
    for r in rules:
        if r["file"] != file:
            file = r["file"]
            yield ""
            yield f"### {file.rsplit('/', 1)[1]}"
            yield ""
            yield "| rule | severity | technique | type | who else does that |"
            yield "| --- | --- | --- | --- | --- |"
        cells = (r["name"], str(r["severity"]), r["technique"], f"`{r['type']}`", r["false_positives"])
        yield "| " + " | ".join(x.replace("|", "\\|") for x in cells) + " |"
    yield ""


TABLES = {"coverage": coverage, "catalogue": catalogue}


def with_tables(text, rules):
    for name, make in TABLES.items():
        begin, end = f"<!-- {name} -->\n", f"<!-- end of {name} -->\n"
        at, to = text.index(begin) + len(begin), text.index(end)
        text = text[:at] + "\n".join(make(rules)) + "\n" + text[to:]
    return text


def wrong_of(r):
    if not re.fullmatch(r"[A-Za-z]+:Runtime/[A-Za-z&.!]+", r["type"]) or r["type"] not in r["tags"]:
        yield "no type among its tags"
    if not re.fullmatch(r"T\d{4}(\.\d{3})?", r["technique"] or ""):
        yield "no technique"
    if not any(t.startswith("mitre_") for t in r["tags"]):
        yield "no tactic"
    if len(r["false_positives"]) < 10:
        yield "no note on false positives"
    if len(r["desc"]) < 20:
        yield "no description"
    if r["severity"] < 1:
        yield "no severity"
    if BULK & set(r["types"]):
        yield f"asks for every {', '.join(sorted(BULK & set(r['types'])))}"
    for call in BY_PORT & set(r["types"]):
        if "port:" not in r["kernel"][call] and r["kernel"][call] != "not needed":
            yield f"asks for every {call}"


def check(rules, doc):
    for r in rules:
        wrong = list(wrong_of(r))
        print(f"{'not ok' if wrong else 'ok'} {r['name']}: {'; '.join(wrong) or 'is described'}")
    for kind in TYPES:
        covered = any(r["type"] == kind for r in rules)
        print(f"{'ok' if covered != (kind in WHY_NOT) else 'not ok'} {kind}: has a rule, or a reason")
    with open(doc, encoding="utf-8") as f:
        text = f.read()
    print(f"{'ok' if with_tables(text, rules) == text else 'not ok'} docs/detections.md: has the tables of the rules "
          "(tools/detections.py write)")


def main():
    rules = load(sys.argv[2])
    if sys.argv[1] == "check":
        check(rules, sys.argv[3])
        return
    with open(sys.argv[3], encoding="utf-8") as f:
        text = with_tables(f.read(), rules)
    with open(sys.argv[3], "w", encoding="utf-8") as f:
        f.write(text)


if __name__ == "__main__":
    main()
