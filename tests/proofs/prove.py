#!/usr/bin/env python3
"""Runs one area of proofs; see scripts/prove and docs/operations/proofs.md."""
import argparse
import collections
import importlib
import json
import math
import pathlib
import queue
import re
import signal
import sys
import threading
import time
import traceback

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))

from world import Failed  # noqa: E402

AREAS = {path.stem.removeprefix("area_").replace("_", "-"): path.stem
         for path in sorted(pathlib.Path(__file__).parent.glob("area_*.py"))}


PROGRAMS = ("anjuna-policy-manager-server", "anjuna-policy-manager", "AzureAttestSKR", "azure-sim",
            "boot_with_fault_store")
STOPPED = threading.Event()


def spread(count):
    """An order of the cases in which any few neighbours are far apart, the same every time."""
    step = max(1, round(count * 0.618))
    while math.gcd(step, count) != 1:
        step += 1
    return [(i * step) % count for i in range(count)]


class Results:
    """JSON lines: first what was proved with what, then one line a round. A run that was stopped
    goes on where it was, with the same programs; failed rounds are run again."""

    def __init__(self, path, head):
        self.path = path
        self.passed = {}
        self.lock = threading.Lock()
        lines = path.read_text().splitlines() if path.exists() else []
        if not lines or json.loads(lines[0]) != head:
            if lines:
                path.replace(path.with_suffix(".jsonl.old"))
            path.write_text(json.dumps(head) + "\n")
            lines = []
        for line in lines[1:]:
            try:
                entry = json.loads(line)
            except json.JSONDecodeError:  # the line that was being written when it was stopped
                continue
            if entry["verdict"] == "passed":
                self.passed[entry["round"]] = entry

    def add(self, entry):
        with self.lock, open(self.path, "a") as out:
            out.write(json.dumps(entry) + "\n")


def one_round(area, world, number, case):
    began = time.monotonic()
    entry = {"round": number, "case": case["id"], "group": case["group"], "verdict": "passed"}
    try:
        entry["detail"] = area.run_case(world, dict(case, round=number))
    except Exception as failure:  # reported as a failed round; the others still run
        entry["verdict"] = "failed"
        entry["detail"] = (str(failure) if isinstance(failure, Failed) else traceback.format_exc())
    entry["ms"] = int((time.monotonic() - began) * 1000)
    return entry


def work(area, args, todo, results, done, world):
    try:
        world = world or area.make_world(args)
        while not STOPPED.is_set():
            number, case = todo.get_nowait()
            entry = one_round(area, world, number, case)
            if STOPPED.is_set():  # its programs may have been ended with the terminal's process group
                break
            results.add(entry)
            done.append(entry)
            if entry["verdict"] == "failed":
                print(f"FAILED round {number} ({case['id']}): {entry['detail']}", flush=True)
                world.close()  # what a failed case left behind must not reach the next one
                world = area.make_world(args)
            elif len(done) % 25 == 0:
                print(f"  {len(done)} rounds done", flush=True)
    except queue.Empty:
        pass
    except Exception:
        done.append({"verdict": "failed", "case": "a worker", "group": "workers", "round": -1,
                     "detail": traceback.format_exc()})
        traceback.print_exc()
    finally:
        if world:
            world.close()


def targets_of(area):
    return getattr(area, "TARGETS", PROGRAMS)


def build_stamp(area, bin_dir):
    return {p.name: f"{p.stat().st_mtime_ns} {p.stat().st_size}"
            for p in sorted(pathlib.Path(bin_dir).iterdir()) if p.name in targets_of(area)}


def summarise(area, name, counts, entries, seconds):
    groups = collections.defaultdict(collections.Counter)
    for entry in entries:
        groups[entry["group"]][entry["verdict"]] += 1
    total = collections.Counter(e["verdict"] for e in entries)
    for what, numbers in counts.items():
        print(f"{name}: {what}: {json.dumps(numbers)}")
    for group in sorted(groups):
        print(f"{name}: {group}: " + ", ".join(f"{n} {v}" for v, n in sorted(groups[group].items())))
    notes = area.notes(entries) if hasattr(area, "notes") else {}
    for group, said in notes.items():
        print(f"{name}: {group}: {json.dumps(said)}")
    print(f"{name}: {total['passed']} passed, {total['failed']} failed, {seconds} s", flush=True)
    return {"area": name, "counts": counts, "groups": {g: dict(c) for g, c in groups.items()},
            "notes": notes,
            "passed": total["passed"], "failed": total["failed"], "seconds": seconds,
            "failures": [e for e in entries if e["verdict"] == "failed"]}


def arguments():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("area", choices=sorted(AREAS))
    parser.add_argument("--targets", action="store_true", help="only say what must be built")
    parser.add_argument("--bin", default="build/dev/bin", help="where the programs are")
    parser.add_argument("--image", default="image", help="the folder image/ of the sources")
    parser.add_argument("--work", default="build/dev/proofs", help="for results and the template")
    parser.add_argument("--rounds", default="all",
                        help="cases to run; all: each once; more: again. Of ha: rounds of each case")
    parser.add_argument("--jobs", type=int, help="cases at a time")
    parser.add_argument("--only", default="", help="only cases whose id contains this text")
    parser.add_argument("--storage", default="", help="of ha: the store, postgresql by default")
    parser.add_argument("--quick", action="store_true", help="of ha: short pauses, for the test suite")
    parser.add_argument("--fresh", action="store_true", help="forget what an earlier run proved")
    return parser.parse_args()


def check(args, area):
    if args.storage and args.storage not in getattr(area, "STORAGES", ()):
        sys.exit(f"the area {args.area} knows no storage \"{args.storage}\": "
                 + ", ".join(getattr(area, "STORAGES", ("it has no choice",))))


def name_of(args):
    """Of the results: runs with other cases or another storage may go on side by side."""
    words = [args.area, args.storage, "quick" if args.quick else "", args.only]
    return "-".join(re.sub(r"[^A-Za-z0-9]+", "-", word) for word in words if word)


def main():
    args = arguments()
    area = importlib.import_module(AREAS[args.area])
    if args.targets:
        print(*targets_of(area))
        return 0
    check(args, area)
    began = time.monotonic()
    work_dir = pathlib.Path(args.work)
    work_dir.mkdir(parents=True, exist_ok=True)
    first_world = area.make_world(args)
    try:
        cases, counts = area.enumerate_cases(first_world)
    except BaseException:
        first_world.close()
        raise
    counts["cases"] = len(cases)
    cases = [case for case in cases if args.only in case["id"]]
    if not cases:
        first_world.close()
        sys.exit(f"no case has \"{args.only}\" in its id")
    rounds = len(cases) if args.rounds == "all" else int(args.rounds)
    if getattr(area, "ROUNDS_OF_EACH", False) and args.rounds != "all":
        rounds *= len(cases)
    name = name_of(args)
    results_file = work_dir / f"{name}.jsonl"
    if args.fresh:
        results_file.unlink(missing_ok=True)
    results = Results(results_file, {"area": args.area, "programs": build_stamp(area, args.bin),
                                     "cases": [case["id"] for case in cases]})
    order, todo, done = spread(len(cases)), queue.Queue(), []
    for number in range(rounds):
        if number in results.passed:
            done.append(results.passed[number])
        else:
            todo.put((number, cases[order[number % len(cases)]]))
    print(f"{args.area}: {rounds} rounds over {len(cases)} cases, {len(done)} of them proved before",
          flush=True)
    jobs = max(1, min(args.jobs or area.JOBS, todo.qsize()))
    workers = [threading.Thread(target=work, args=(area, args, todo, results, done,
                                                   first_world if i == 0 else None))
               for i in range(jobs)]
    for ending in (signal.SIGINT, signal.SIGTERM):
        signal.signal(ending, lambda *_: STOPPED.set())
    for worker in workers:
        worker.start()
    for worker in workers:
        while worker.is_alive():
            worker.join(0.5)  # a signal's handler runs in this thread
    summary = summarise(area, args.area, counts, done, int(time.monotonic() - began))
    (work_dir / f"{name}.results.json").write_text(json.dumps(summary, indent=2) + "\n")
    print(f"{args.area}: written to {work_dir / (name + '.results.json')}")
    if STOPPED.is_set():
        print(f"{args.area}: stopped; the same command goes on from here")
    return 1 if summary["failed"] or summary["passed"] < rounds else 0


if __name__ == "__main__":
    sys.exit(main())
