#!/usr/bin/env python3
"""The rules of style that a script can see, over every file that git tracks. Prints each breach with its
place; exit code 1 when there is one. --limits lists the named limits that no test names (no breach)."""
import pathlib
import re
import subprocess
import sys

FUNCTION_LINES_MAX = 70
FILE_LINES_MAX = 450
# The tests of a verifier are a list, a case a reason, over one fixture: cutting it hides what is missing.
TEST_LINES_MAX = 750
LINE_COLUMNS_MAX = 100

root = pathlib.Path(__file__).resolve().parents[2]
listed = subprocess.run(["git", "-C", str(root), "ls-files", "-co", "--exclude-standard"], capture_output=True,
                        text=True, check=True).stdout.split("\n")
files = [root / name for name in listed if name and (root / name).is_file()]
texts = {}
for file in files:
    try:
        texts[file.relative_to(root).as_posix()] = file.read_text()
    except UnicodeDecodeError:
        pass
faults = []


def fault(name, line, what):
    faults.append(f"{name}:{line}: {what}")


def is_code(name):
    return name.endswith((".cc", ".h")) and name.split("/")[0] in ("src", "sim", "apps", "fuzz", "bench")


def check_lengths(name, lines):
    data = sum(1 for line in lines if re.match(r'\s*(0x|"|-----|[A-Za-z0-9+/=]{40,}$)', line))
    most = TEST_LINES_MAX if name.endswith("_test.cc") else FILE_LINES_MAX
    if len(lines) - data > most:  # tables of bytes and certificates do not count
        fault(name, 1, f"{len(lines)} lines; a file has at most {most}")
    # The sources are formatted: a body ends at its head's indentation. Namespace and class level.
    for indent in ("", "  "):
        head = begin = None
        for number, line in enumerate(lines, 1):
            if line.rstrip(";") == indent + "}":
                if begin is not None and number - begin + 1 > FUNCTION_LINES_MAX:
                    fault(name, begin, f"a function of {number - begin + 1} lines; at most {FUNCTION_LINES_MAX}")
                head = begin = None
            elif begin is None and re.match(rf"{indent}[A-Za-z~\[]", line):
                head = number
                if not re.match(r"\s*(class|struct|enum|union|namespace|extern|if|for|while|switch|do|else)\b", line):
                    begin = number if "(" in line and line.endswith("{") else None
                else:
                    head = None
            elif begin is None and head is not None and line.endswith("{") and line.startswith(indent + "    "):
                begin = head
            if line.endswith(";") and begin is None:
                head = None


def check_words(name, lines):
    for number, line in enumerate(lines, 1):
        if re.search(r"\b(TODO|FIXME|XXX|HACK)\b", line):
            fault(name, number, "unfinished: do it, or file it and say nothing here")
        marker = re.search(r"NOLINT(NEXTLINE|BEGIN)?(\([^)]*\))?(.*)", line)
        if marker and "NOLINTEND" not in line and not re.match(r": \S", marker.group(3)):
            fault(name, number, "NOLINT without a reason: NOLINT(check): why")
        if len(line) > LINE_COLUMNS_MAX and '"' not in line and "R\"" not in line:
            fault(name, number, f"{len(line)} columns")


def check_header(name, text):
    if not text.startswith("#pragma once\n"):
        fault(name, 1, "a header begins with #pragma once")
    elif not name.endswith("/limits.h") and not re.match(r"#pragma once\n\n//", text):
        fault(name, 2, "a header says in a paragraph what it is for")


hosts = re.compile(r"deb\.debian\.|registry\.npmjs|pypi\.org|pythonhosted\.|crates\.io|proxy\.golang|"
                   r"repo1?\.maven|snapshot\.debian")
for name, text in texts.items():
    lines = text.splitlines()
    if re.search(r"(^|/)(utils?|commons?|helpers?|misc)(/|\.|_|$)", name):
        fault(name, 1, "a name that says nothing")
    if name != "LICENSE":
        for number, line in enumerate(lines, 1):
            if hosts.search(line):
                fault(name, number, "names a package registry's host")
    if is_code(name):
        check_lengths(name, lines)
        check_words(name, lines)
    if is_code(name) and name.endswith(".h"):
        check_header(name, text)

# Decisions are numbered without holes, and a page's title has its number.
adrs = sorted(name for name in texts if re.match(r"docs/adr/\d{4}-", name))
for expected, name in enumerate(adrs, 1):
    number = int(name.split("/")[-1][:4])
    if number != expected:
        fault(name, 1, f"decision {number} where {expected} is next")
    if not texts[name].startswith(f"# {number}. "):
        fault(name, 1, f"the title does not begin with '# {number}. '")

# A format's page is named where the format is read or written.
for name in texts:
    if name.startswith("docs/formats/") and not any(
            name in text for other, text in texts.items() if other != name and not other.startswith("tests/structure")):
        fault(name, 1, "no source and no other page names this page")

tested = "".join(text for name, text in texts.items() if re.search(r"_(test|fuzz|fixture)\.(cc|h)$", name))
limits = [(name, constant) for name, text in texts.items() if name.endswith("/limits.h")
          for constant in re.findall(r"\b(k[A-Z]\w*) =", text)]
unnamed = [(name, constant) for name, constant in limits if not re.search(rf"\b{constant}\b", tested)]
if "--limits" in sys.argv:
    for name, constant in unnamed:
        print(f"{name}: {constant} is named by no test")

print("\n".join(faults) if faults else
      f"style holds: {len(texts)} files, {len(limits)} named limits ({len(limits) - len(unnamed)} named by tests)")
sys.exit(1 if faults else 0)
