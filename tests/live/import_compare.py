"""import_compare.py RECORDED IMPORTED PART...: what of each part only one of two models has."""
import json
import sys

TIMING = {"futex", "restart_syscall", "clock_nanosleep"}  # whether and when a thread waits


def calls(m):
    return {(abi, s.get("name") or s["number"]) for abi, l in m["syscalls"].items() for s in l
            if s.get("name") not in TIMING}


def arguments(m):
    return {(abi, s["name"], tuple(c["index"]), tuple(c["value"]))
            for abi, l in m["syscalls"].items() for s in l for c in s.get("arguments", [])}


def phases(m):
    return {(s["name"], p) for l in m["syscalls"].values() for s in l for p in s["phases"]
            if s.get("name") not in TIMING}


def files(m):
    return {(f["path"], w) for f in m.get("files", []) for w in f["access"]}


def programs(m):
    return {(p["path"], p.get("interpreter"), tuple(p.get("parents", []))) for p in m["programs"]}


def by_program(m):
    return {(s["name"], p) for l in m["syscalls"].values() for s in l
            for p in s.get("programs", []) if s.get("name") not in TIMING}


def network(m):
    return {(n["op"], n["family"], n.get("type"), n.get("protocol"), n.get("address"),
             n.get("port")) for n in m.get("network", [])}


def capabilities(m):
    return {(c["name"], c["result"]) for c in m.get("capabilities", [])
            if any(not u.get("speculative") for u in c["uses"])}


def main(recorded, imported, parts):
    a, b = (json.load(open(p, encoding="utf-8")) for p in (recorded, imported))
    bad = False
    for part in parts:
        x, y = globals()[part](a), globals()[part](b)
        for one in sorted(map(str, x - y)):
            print(part, "only recorded:", one)
        for one in sorted(map(str, y - x)):
            print(part, "only imported:", one)
        bad |= x != y
        print(part, len(x), "entries")
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1], sys.argv[2], sys.argv[3:]))
