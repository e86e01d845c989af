#!/usr/bin/env python3
"""Proves that includes follow the edges: every include of a source file is of its own folder or of
one that its row in docs/architecture.md allows (a test: also of what those use); cmake/edges.cmake
says the same; no cycles."""
import pathlib
import re
import sys

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

print("\n".join(faults) if faults else f"edges hold: {len(edges)} folders")
sys.exit(1 if faults else 0)
