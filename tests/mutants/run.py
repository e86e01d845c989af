#!/usr/bin/env python3
"""Switches off every check of src/attestation, src/skr and src/policy, one at a time, and finds the test
that fails without it; see docs/operations/proofs.md.

  run.py [--rounds N|all] [--only TEXT] [--folder NAME] [--seed N] [--results FILE] [--table FILE] ...

--only takes a part of "file:line function kind text". Exit code 0: every check has a test that fails
without it, or stands in accepted.json with the reason why none can."""
import argparse
import collections
import hashlib
import json
import pathlib
import random
import sys
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))

import checks  # noqa: E402
from programs import BuildFailed, Program  # noqa: E402

ROOT = pathlib.Path(__file__).resolve().parents[2]
FOLDERS = ("policy", "skr", "attestation")
A_FILE = 2000  # numbers of one file
REQUIRED = ("file", "function", "kind", "text", "reason")


def arguments():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", default="all", help="how many checks, chosen by chance; all: each")
    parser.add_argument("--seed", type=int, default=1, help="of that choice")
    parser.add_argument("--only", default="")
    parser.add_argument("--folder", choices=FOLDERS, action="append")
    parser.add_argument("--build", type=pathlib.Path, default=ROOT / "build/dev", help="an up-to-date dev build")
    parser.add_argument("--jobs", type=int, default=1)
    parser.add_argument("--results", type=pathlib.Path, help="JSON lines; a run that was stopped goes on from them")
    parser.add_argument("--table", type=pathlib.Path, help="writes the checks and their tests as Markdown")
    parser.add_argument("--fresh", action="store_true", help="forget what an earlier run found")
    parser.add_argument("--keep-killed", action="store_true",
                        help="after tests were added: try again only what survived")
    parser.add_argument("--list", action="store_true", help="only say which checks there are")
    return parser.parse_args()


def digest(paths):
    sha = hashlib.sha256()
    for path in sorted(paths):
        sha.update(str(path).encode() + b"\0" + (ROOT / path).read_bytes())
    return sha.hexdigest()[:16]


class Folder:
    """The product's sources of one folder, their checks, and the tests beside them."""

    def __init__(self, name, first_number):
        under = ROOT / "src" / name
        paths = [p.relative_to(ROOT) for p in sorted(under.rglob("*"))
                 if p.suffix in (".cc", ".h") and not p.stem.endswith("_bench")]
        self.name = name
        self.sources = [p for p in paths if not p.stem.endswith("_test") and "testing" not in p.parts]
        self.stamp = digest(paths)
        self.tests_stamp = digest([p for p in paths if p not in self.sources])
        self.texts = {p: (ROOT / p).read_text() for p in self.sources}
        declarations = checks.Declarations(
            self.texts.values(), [p.read_text() for p in (ROOT / "src").rglob("*.h")])
        self.mutants = {}
        for i, path in enumerate(self.sources):
            found = checks.Finder(str(path), self.texts[path], declarations).mutants()
            if len(found) > A_FILE:
                sys.exit(f"mutants: {path} has {len(found)} checks, more than {A_FILE}")
            for k, mutant in enumerate(found):
                self.mutants[first_number + i * A_FILE + k] = mutant
        self.next_number = first_number + len(self.sources) * A_FILE


def describe(mutant):
    return f"{mutant.file}:{mutant.line} {mutant.function} {mutant.kind} {mutant.text}"


class Results:
    def __init__(self, path, fresh):
        self.path, self.entries = path, {}
        if path is None:
            return
        path.parent.mkdir(parents=True, exist_ok=True)
        if fresh:
            path.unlink(missing_ok=True)
        for line in path.read_text().splitlines() if path.exists() else []:
            try:
                entry = json.loads(line)
            except json.JSONDecodeError:  # the line that was being written when it was stopped
                continue
            self.entries[self.key(entry)] = entry

    @staticmethod
    def key(entry):
        return (entry["file"], entry["line"], entry["function"], entry["kind"], entry["text"])

    def known(self, mutant, stamp, keep_killed):
        entry = self.entries.get((mutant.file, mutant.line, mutant.function, mutant.kind, mutant.text))
        if entry and (entry["stamp"] == stamp or (keep_killed and entry["verdict"] == "killed")):
            return entry
        return None

    def add(self, entry):
        self.entries[self.key(entry)] = entry
        if self.path:
            with open(self.path, "a") as out:
                out.write(json.dumps(entry) + "\n")


def read_accepted():
    accepted = {}
    for entry in json.loads((pathlib.Path(__file__).resolve().parent / "accepted.json").read_text()):
        if tuple(entry) != REQUIRED or not all(entry.values()):
            sys.exit(f"mutants: an entry of accepted.json has not exactly {REQUIRED}: {entry}")
        accepted[tuple(entry[k] for k in REQUIRED[:4])] = entry["reason"]
    return accepted


def entry_of(mutant, stamp, verdict, by, how):
    return {"file": mutant.file, "line": mutant.line, "function": mutant.function, "kind": mutant.kind,
            "text": mutant.text, "code": mutant.reason, "verdict": verdict, "by": by, "how": how, "stamp": stamp}


def build(folder, numbers, args):
    """A test program in which the checks of the files of `numbers` can be switched off."""
    program = Program(ROOT, args.build, args.build / "mutants", folder.name, args.jobs)
    left_out = set()
    wanted = {folder.mutants[n].file for n in numbers}
    if any(f.endswith(".h") for f in wanted):  # whoever includes it is compiled again
        wanted = {str(p) for p in folder.sources}

    def text_of(path):
        mine = [(n, m) for n, m in folder.mutants.items() if m.file == str(path) and n not in left_out]
        return checks.switchable(folder.texts[path], mine)

    def broken(path, lines):
        culprits = {n for n, m in folder.mutants.items() if m.file == str(path) and m.line in lines} - left_out
        left_out.update(culprits)
        return culprits

    tree = program.work / "tree" / "src" / folder.name
    for header in tree.rglob("*.h") if tree.exists() else []:
        header.unlink()
    objects = program.compile({p: (lambda p=p: text_of(p)) for p in folder.sources if str(p) in wanted}, broken)
    program.link(objects)
    program.start()
    return program, left_out


def examine(folder, numbers, results, args):
    todo = [n for n in numbers if not results.known(folder.mutants[n], folder.stamp, args.keep_killed)]
    print(f"mutants: {folder.name}: {len(numbers)} checks, {len(numbers) - len(todo)} of them tried before", flush=True)
    if not todo:
        return
    began = time.monotonic()
    program, left_out = build(folder, todo, args)
    print(f"mutants: {folder.name}: built, {len(program.tests)} tests, {time.monotonic() - began:.0f} s", flush=True)
    for done, number in enumerate(todo, 1):
        mutant = folder.mutants[number]
        if number in left_out:
            entry = entry_of(mutant, folder.stamp, "not built", "", "does not compile with its switch")
        else:
            by, how = program.killer(number)
            entry = entry_of(mutant, folder.stamp, "killed" if by else "survived", by or "", how)
        results.add(entry)
        if entry["verdict"] != "killed":
            print(f"  {entry['verdict']}: {describe(mutant)} ({how if number not in left_out else entry['how']})",
                  flush=True)
        if done % 100 == 0:
            print(f"  {done} of {len(todo)}, {time.monotonic() - began:.0f} s", flush=True)
    program.close()


def table(entries, accepted):
    lines = ["| check | without it | code | test that fails |", "|---|---|---|---|"]
    for e in sorted(entries, key=lambda e: (e["file"], e["line"], e["text"])):
        text = e["text"].replace("|", "\\|")
        by = e["by"] if e["verdict"] == "killed" else "none: " + accepted.get(key_of(e), e["verdict"])
        lines.append(f"| `{e['file'].removeprefix('src/')}:{e['line']}` `{e['function']}` `{text}` | {e['kind']} | "
                     f"{e['code'] or '-'} | {by} |")
    return "\n".join(lines) + "\n"


def key_of(entry):
    return (entry["file"], entry["function"], entry["kind"], entry["text"])


def main():
    args = arguments()
    accepted = read_accepted()
    folders, number = [], 0
    for name in FOLDERS:
        folders.append(Folder(name, number))
        number = folders[-1].next_number
    everything = {n: m for f in folders for n, m in f.mutants.items()}
    stale = set(accepted) - {m.key() for m in everything.values()}
    for key in sorted(stale):
        print(f"mutants: accepted.json names a check that is not there: {key}")
    chosen = [n for f in folders if not args.folder or f.name in args.folder for n in f.mutants
              if args.only in describe(f.mutants[n])]
    if args.rounds != "all":
        print(f"mutants: {args.rounds} of {len(chosen)} checks, seed {args.seed}")
        # A header's checks need every source that includes it: left to a whole run.
        chosen = [n for n in chosen if everything[n].file.endswith(".cc")]
        chosen = sorted(random.Random(args.seed).sample(chosen, min(int(args.rounds), len(chosen))))
    if args.list:
        for n in chosen:
            print(describe(everything[n]))
        return 0
    results = Results(args.results, args.fresh)
    try:
        for folder in folders:
            mine = [n for n in chosen if n in folder.mutants]
            if mine:
                examine(folder, mine, results, args)
    except BuildFailed as failure:
        sys.exit(f"mutants: {failure}")
    entries = [results.entries[(m.file, m.line, m.function, m.kind, m.text)] for m in map(everything.get, chosen)]
    return report(entries, accepted, stale, args)


def report(entries, accepted, stale, args):
    if args.table:
        args.table.write_text(table(entries, accepted))
    counts = collections.Counter()
    unexplained, needless = [], []
    for e in entries:
        verdict = e["verdict"]
        if verdict != "killed" and key_of(e) in accepted:
            verdict = "accepted"
        elif verdict != "killed":
            unexplained.append(e)
        counts[(e["file"].split("/")[1], verdict)] += 1
    killed = {key_of(e) for e in entries if e["verdict"] == "killed"}
    alive = {key_of(e) for e in entries if e["verdict"] != "killed"}
    needless = sorted((set(accepted) & killed) - alive)
    for key in needless:
        print(f"mutants: accepted.json names a check that a test fails without: {key}")
    for (folder, verdict), n in sorted(counts.items()):
        print(f"mutants: {folder}: {n} {verdict}")
    print(f"mutants: {len(entries)} checks, {len(unexplained)} without a test and without a reason")
    for e in unexplained:
        print(f"  {e['file']}:{e['line']} {e['function']}: {e['kind']}: {e['text']} ({e['how']})")
    return 1 if unexplained or needless or stale else 0


if __name__ == "__main__":
    sys.exit(main())
