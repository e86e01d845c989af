#!/usr/bin/env python3
"""Proves that includes and link symbols follow the edges.

Includes: every include of a source file is of its own folder or of one that its row in
docs/architecture.md allows (a test: also of what those use); cmake/edges.cmake says the same; no cycles.
Link symbols, with --libraries DIRECTORY (a build): what a folder's library leaves undefined, and another
folder's library defines, belongs to a folder that it may use.
With --release DIRECTORY (of programs): no program but azure-sim holds a symbol of the simulator, nor a
string that names one of its sources."""
import argparse
import pathlib
import re
import subprocess
import sys

arguments = argparse.ArgumentParser()
arguments.add_argument("--libraries", type=pathlib.Path)
arguments.add_argument("--release", type=pathlib.Path)
options = arguments.parse_args()

root = pathlib.Path(__file__).resolve().parents[2]
faults = []


def documented():
    edges = {}
    for line in (root / "docs/architecture.md").read_text().splitlines():
        cells = [cell.strip() for cell in line.strip("|").split("|")]
        if line.startswith("| `") and len(cells) == 3:
            edges[cells[0].strip("`/")] = set(cells[1].split()) - {"-"}
    return edges


def built():
    text = re.sub(r"#.*", "", (root / "cmake/edges.cmake").read_text())
    edges = {}
    for call in re.findall(r"apm_folder\(([^)]*)\)", text):
        words = call.split()
        uses, taking = set(), False
        for word in words[1:]:
            if word in ("USES", "LIBS", "DIR"):
                taking = word == "USES"
            elif taking:
                uses.add(word)
        edges[words[0]] = uses
    return edges


def cycle(edges):
    done, path = set(), []

    def visit(folder):
        if folder in path:
            return path[path.index(folder):] + [folder]
        if folder in done:
            return None
        path.append(folder)
        for used in sorted(edges.get(folder, ())):
            found = visit(used)
            if found:
                return found
        path.pop()
        done.add(folder)
        return None

    for folder in edges:
        found = visit(folder)
        if found:
            return found
    return None


edges = documented()
for folder, uses in built().items():
    if edges.get(folder) != uses:
        faults.append(f"{folder}: cmake says {sorted(uses)}, docs say {sorted(edges.get(folder, []))}")
if cycle(edges):
    faults.append("cycle: " + " -> ".join(cycle(edges)))


def reachable(folder):
    found, todo = set(), [folder]
    while todo:
        for used in edges.get(todo.pop(), ()):
            if used not in found:
                found.add(used)
                todo.append(used)
    return found


include = re.compile(r'^\s*#\s*include\s+"([^"]+)"', re.M)
for file in sorted(list((root / "src").rglob("*.[ch]*")) + list((root / "sim").rglob("*.[ch]*"))):
    parts = file.relative_to(root).parts
    folder = parts[1] if parts[0] == "src" else "sim"
    for target in include.findall(file.read_text()):
        used = target.split("/")[0]
        test_only = "_test." in file.name or "_fixture." in file.name or "testing" in parts
        allowed = reachable(folder) if test_only else edges.get(folder, set())
        if used != folder and used not in allowed:
            faults.append(f"{'/'.join(parts)}: includes {target}; {folder} may not use {used}")
        if used == "sim" and parts[0] == "src" and not test_only:
            faults.append(f"{'/'.join(parts)}: src may not include the simulator")


def symbols(path, *flags):
    out = subprocess.run(["nm", *flags, str(path)], capture_output=True, text=True, check=True).stdout
    found = {}
    for line in out.splitlines():
        words = line.split()
        if len(words) >= 2 and len(words[-2]) == 1 and words[-2].isalpha():
            found.setdefault(words[-2], set()).add(words[-1])
    return found


def check_libraries(directory):
    tables = {}
    for folder in edges:
        path = directory / f"libapm_{folder}.a"
        if path.exists():
            tables[folder] = symbols(path)
    if len(tables) < 10:
        faults.append(f"{directory}: only {len(tables)} libraries of folders; build first")
        return 0
    owner = {}
    for folder, table in tables.items():
        for kind in "TDBR":  # strong ones: an inline function stands in every library that used it
            for symbol in table.get(kind, ()):
                owner.setdefault(symbol, folder)
    crossings = 0
    for folder, table in tables.items():
        own = set().union(*(names for kind, names in table.items() if kind != "U"))
        # Inline functions of a used folder's headers may call what that folder uses.
        allowed = edges[folder] | set().union(*(edges[used] for used in edges[folder]), set())
        for symbol in sorted(table.get("U", set()) - own):
            used = owner.get(symbol)
            if used is None or used == folder:
                continue
            crossings += 1
            if used not in allowed:
                name = subprocess.run(["c++filt", symbol], capture_output=True, text=True).stdout.strip()
                faults.append(f"lib{folder}: needs {name} of {used}, which it may not use")
    if crossings < 100:
        faults.append(f"{directory}: only {crossings} symbols cross folders; this proves nothing")
    return crossings


def check_release(directory):
    programs = [p for p in directory.iterdir() if p.is_file() and p.name != "azure-sim"]
    if not programs:
        faults.append(f"{directory}: no programs; build first")
    simulated = re.compile(rb"\bapm::sim::|N3apm3sim|/sim/[a-z_]+\.(cc|h)\b")
    control = (directory / "azure-sim").read_bytes()
    if not simulated.search(control):
        faults.append("azure-sim: holds no trace of the simulator; the search is broken")
    for program in programs:
        found = simulated.search(program.read_bytes())
        if found:
            faults.append(f"{program.name}: holds {found.group(0).decode()} of the simulator")
    return len(programs)


proved = [f"{len(edges)} folders"]
if options.libraries:
    proved.append(f"{check_libraries(options.libraries)} crossing symbols")
if options.release:
    proved.append(f"{check_release(options.release)} programs without the simulator")
print("\n".join(faults) if faults else "edges hold: " + ", ".join(proved))
sys.exit(1 if faults else 0)
