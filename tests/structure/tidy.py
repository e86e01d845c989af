#!/usr/bin/env python3
"""clang-tidy over every source of a build, as .clang-tidy says. What passed is remembered by the hash of the
source, of the project's headers that it includes, of its compile command, of the configuration and of
clang-tidy's version: a second run looks only at what changed.

Usage: tidy.py BUILD_DIRECTORY [--fix] [SOURCE...]"""
import concurrent.futures
import hashlib
import json
import os
import pathlib
import re
import subprocess
import sys

root = pathlib.Path(__file__).resolve().parents[2]
words = [word for word in sys.argv[1:] if word != "--fix"]
build = pathlib.Path(words[0]).resolve()
wanted = {(root / word).resolve() for word in words[1:]}
fix = "--fix" in sys.argv
tool = "clang-tidy-19"
cache = build / "tidy"
cache.mkdir(exist_ok=True)
include = re.compile(rb'^\s*#\s*include\s+"([^"]+)"', re.M)
contents, includes = {}, {}


def read(path):
    if path not in contents:
        contents[path] = path.read_bytes()
        includes[path] = [found for name in include.findall(contents[path])
                          for base in (root / "src", root, path.parent)
                          if (found := (base / name.decode()).resolve()).is_file()]
    return contents[path]


def closure(source):
    found, todo = set(), [source]
    while todo:
        path = todo.pop()
        if path not in found:
            found.add(path)
            read(path)
            todo += includes[path]
    return sorted(found)


version = subprocess.run([tool, "--version"], capture_output=True, text=True, check=True).stdout
settings = hashlib.sha256((version + (root / ".clang-tidy").read_text()).encode()).digest()


def key(entry):
    digest = hashlib.sha256(settings + entry["command"].encode())
    for path in closure(pathlib.Path(entry["file"]).resolve()):
        digest.update(hashlib.sha256(read(path)).digest())
    return digest.hexdigest()


def check(entry):
    command = [tool, "-p", str(build), "--quiet", *(["--fix"] if fix else []), entry["file"]]
    run = subprocess.run(command, capture_output=True, text=True)
    return entry, run.returncode, run.stdout


entries = {}
for entry in json.loads((build / "compile_commands.json").read_text()):
    path = pathlib.Path(entry["file"]).resolve()
    if path.is_relative_to(root) and "build" not in path.relative_to(root).parts and (not wanted or path in wanted):
        entries[path] = entry
if not entries:
    sys.exit(f"tidy: {build} compiles no source; configure it first")
todo = [entry for entry in entries.values() if not (cache / key(entry)).exists()]
failed = []
with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
    for entry, code, text in pool.map(check, todo):
        if code == 0:
            (cache / key(entry)).touch()
        else:
            failed.append(pathlib.Path(entry["file"]).relative_to(root).as_posix())
            print(text, flush=True)
print(f"tidy: {len(entries)} sources, {len(todo)} looked at, {len(failed)} with findings"
      + "".join("\n  " + name for name in failed))
sys.exit(1 if failed else 0)
