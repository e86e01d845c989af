"""Builds a folder's test program with switchable checks, and runs it with one of them off."""
import concurrent.futures
import json
import os
import pathlib
import re
import shlex
import signal
import subprocess

HERE = pathlib.Path(__file__).resolve().parent
SHORTEST_S = 60


class BuildFailed(Exception):
    pass


class Program:
    """FOLDER_test, linked from the dev build's objects and these sources' switchable ones."""

    def __init__(self, root, build, work, folder, jobs):
        self.root, self.build, self.work, self.folder, self.jobs = root, build, work, folder, jobs
        self.exe = work / f"{folder}_test"
        commands = json.loads((build / "compile_commands.json").read_text())
        self.commands = {c["file"]: c for c in commands}
        self.log = work / f"{folder}.log"
        self.server = None
        self.tests = {}  # name -> (milliseconds, numbers of the checks that decided something in it)

    # --- build ---
    def compile(self, text_of, broken):
        """text_of: {path: a function that returns its switchable text without the broken mutants}."""
        headers = [p for p in text_of if p.suffix == ".h"]
        for path in headers:
            self._write(path, text_of[path]())
        sources = [p for p in text_of if p.suffix == ".cc"]
        with concurrent.futures.ThreadPoolExecutor(self.jobs) as pool:
            return list(pool.map(lambda p: self._compile_one(p, text_of[p], broken), sources))

    def _write(self, path, text):
        copy = self.work / "tree" / path
        copy.parent.mkdir(parents=True, exist_ok=True)
        if not copy.exists() or copy.read_text() != text:
            copy.write_text(text)
        return copy

    def _command(self, path, copy, object_file):
        words = shlex.split(self.commands[str(self.root / path)]["command"])
        out = []
        for i, word in enumerate(words):
            if word == str(self.root / path):
                word = str(copy)
            elif i and words[i - 1] == "-o":
                word = str(object_file)
            elif re.match(r"-O\d|-g\d?$", word):
                continue
            out.append(word)
        first = next(i for i, w in enumerate(out) if w.startswith("-") and "ccache" not in w)
        return out[:first] + ["-O0", "-w", "-D_GLIBCXX_ASSERTIONS", "-fsanitize=null", "-fsanitize-undefined-trap-on-error",
                              f"-I{self.work}/tree/src", "-include",
                              str(HERE / "switch.h")] + out[first:]

    def _compile_one(self, path, text_of, broken):
        """Compiles one source; what does not compile with its switch is left out and reported."""
        for _ in range(4):
            copy = self._write(path, text_of())
            object_file = self.work / "objects" / (str(path).replace("/", "_") + ".o")
            object_file.parent.mkdir(parents=True, exist_ok=True)
            done = subprocess.run(self._command(path, copy, object_file), cwd=self.build,
                                  capture_output=True, text=True)
            if done.returncode == 0:
                return object_file
            lines = {int(n) for n in re.findall(re.escape(copy.name) + r":(\d+):\d+: error", done.stderr)}
            if not broken(path, lines):
                break
        raise BuildFailed(f"{path} does not compile with its switches:\n{done.stderr[:4000]}")

    def link(self, objects):
        commands = subprocess.run(["ninja", "-C", str(self.build), "-t", "commands", f"bin/{self.folder}_test"],
                                  capture_output=True, text=True, check=True).stdout.splitlines()
        target = f"-o bin/{self.folder}_test "
        (link,) = [c for c in commands if target in c]
        server = self._server()
        added = " ".join(shlex.quote(str(o)) for o in [*objects, server])
        link = link.replace(target, f"-o {shlex.quote(str(self.exe))} {added} ")
        done = subprocess.run(["/bin/sh", "-c", link], cwd=self.build, capture_output=True, text=True)
        if done.returncode != 0:
            raise BuildFailed(f"{self.exe.name} does not link:\n{done.stderr[:4000]}")

    def _server(self):
        some_test = next(f for f in sorted(self.commands) if f.startswith(str(self.root / "src")) and
                         f.endswith("_test.cc"))
        object_file = self.work / "objects" / "server.o"
        words = self._command(pathlib.Path(some_test).relative_to(self.root), HERE / "server.cc",
                              object_file)
        done = subprocess.run(words, cwd=self.build, capture_output=True, text=True)
        if done.returncode != 0:
            raise BuildFailed(done.stderr[:4000])
        return object_file

    # --- run ---
    def start(self):
        """The tests with every check on: they pass, and say which checks decide something in them."""
        trace = self.work / f"{self.folder}.trace"
        with open(self.work / f"{self.folder}.first.log", "wb") as log:
            self.server = subprocess.Popen([str(self.exe), str(trace), str(self.log)], cwd=self.build,
                                           stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=log)
        seen = []
        for line in self.server.stdout:
            if line == b"ready\n":
                break
            seen.append(line.decode(errors="replace"))
        else:
            raise BuildFailed(f"{self.exe.name} fails with every check on:\n{''.join(seen[-60:])}")
        for line in trace.read_text().splitlines():
            name, ms, *numbers = line.split()
            self.tests[name] = (int(ms), {int(n) for n in numbers})

    def close(self):
        if self.server:
            self.server.stdin.close()
            self.server.wait()

    def killer(self, number):
        """The first test that fails without the check, how; or None, and how many had a chance."""
        chances = sorted((ms, name) for name, (ms, seen) in self.tests.items() if number in seen)
        for again in (False, True):  # what a fixture keeps was made with every check on
            for group in self._groups(chances):
                limit = int(SHORTEST_S + sum(ms for ms, _ in group) / 50)
                names = ":".join(name for _, name in group)
                code, out = (self._once if again else self._child)(number, names, limit)
                if code != 0:
                    return self._who(code, out)
        return None, f"{len(chances)} tests reach it" if chances else "no test reaches it"

    def _child(self, number, names, limit):
        self.server.stdin.write(f"{number} {limit} {names}\n".encode())
        self.server.stdin.flush()
        for line in self.server.stdout:
            if line.startswith(b"status "):
                return os.waitstatus_to_exitcode(int(line.split()[1])), self.log.read_text(errors="replace")
        raise BuildFailed(f"{self.exe.name} ended by itself")

    def _once(self, number, names, limit):
        command = [str(self.exe), "--gtest_fail_fast", f"--gtest_filter={names}", "once", str(number)]
        with open(self.log, "wb") as log:
            try:
                code = subprocess.run(command, cwd=self.build, stdout=log, stderr=log, timeout=limit).returncode
            except subprocess.TimeoutExpired:
                code = -signal.SIGALRM
        return code, self.log.read_text(errors="replace")

    @staticmethod
    def _groups(chances):
        """Quick tests first, a few at a time; then the others."""
        begin, size = 0, 8
        while begin < len(chances):
            yield chances[begin:begin + size]
            begin, size = begin + size, size * 4

    @staticmethod
    def _who(code, out):
        failed = re.search(r"^\[  FAILED  \] ([\w./]+)", out, re.MULTILINE)
        begun = re.findall(r"^\[ RUN      \] ([\w./]+)", out, re.MULTILINE)
        if failed:
            return failed.group(1), "fails"
        last = (begun or ["a fixture"])[-1]
        return last, {-signal.SIGALRM: "does not end"}.get(code, f"ends the program ({code})")
