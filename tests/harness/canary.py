"""Looks for secret values where they must not be: command lines and environments of every process,
logs and files. Each value is looked for raw, in hexadecimal and in base64 at every alignment."""
import base64
import os
import pathlib
import threading
import time

PIECE_MAX = 48  # bytes of a long value that are looked for at once
BASE64_ALIGNMENTS = 3


def pieces(value):
    """A long value is a leak in parts too: its pieces, the last one as long as the others."""
    if len(value) <= PIECE_MAX:
        return [value]
    starts = list(range(0, len(value) - PIECE_MAX, PIECE_MAX)) + [len(value) - PIECE_MAX]
    return [value[at:at + PIECE_MAX] for at in starts]


def forms(raw):
    """As a leak could write it. In base64 the neighbours decide the first and last characters, so
    those are left out; a value in the middle of something else is found all the same."""
    found = {raw, raw.hex().encode(), raw.hex().upper().encode(), base64.b64encode(raw).rstrip(b"=")}
    for shift in range(BASE64_ALIGNMENTS):
        text = base64.b64encode(bytes(shift) + raw).rstrip(b"=")
        skip = (shift * 8 + 5) // 6
        cut = text[skip:-1] if (shift + len(raw)) % 3 else text[skip:]
        if len(cut) >= 12:
            found.add(cut)
    return found | {form.replace(b"+", b"-").replace(b"/", b"_") for form in found if form != raw}


class Watcher:
    def __init__(self, ignore_pids):
        self.ignore = {str(pid) for pid in ignore_pids}
        self.values = {}  # form -> name
        self.delivered = set()  # forms with the variable that they may stand in
        self.allowed = set()
        self.seen = {}  # (what, bytes of a /proc file) -> where; only distinct contents are kept
        self.files = set()  # that programs of ours had open
        self.looks = 0
        self.running = False
        self.thread = None

    def add(self, name, value, delivered_as=None):
        """`delivered_as`: the variable in which a workload's own environment holds the value."""
        raw = value.encode() if isinstance(value, str) else value
        for piece in pieces(raw):
            for form in forms(piece):
                self.values[form] = name
        if delivered_as:
            self.delivered.add(delivered_as.encode() + b"=" + raw)

    @property
    def names(self):
        return sorted(set(self.values.values()))

    def allow_file(self, path):
        self.allowed.add(str(path))

    def start(self):
        self.running = True
        self.thread = threading.Thread(target=self._watch, daemon=True)
        self.thread.start()

    def stop(self):
        self.running = False
        if self.thread:
            self.thread.join()
            self.thread = None

    def _watch(self):
        while self.running:
            self._look()
            time.sleep(0.02)

    def _look(self):
        self.looks += 1
        parents = {}
        for process in pathlib.Path("/proc").glob("[0-9]*"):
            if process.name in self.ignore:
                continue
            for what in ("cmdline", "environ"):
                try:
                    content = (process / what).read_bytes()
                except OSError:  # ended in between, or not ours to read
                    continue
                if content and (what, content) not in self.seen:
                    self.seen[(what, content)] = f"{what} of process {process.name} ({name_of(process)})"
            parents[process.name] = parent_of(process)
        for name in parents:
            if descends_from(name, str(os.getpid()), parents):
                self._note_open_files(pathlib.Path("/proc") / name)

    def _note_open_files(self, process):
        """The files that a program of ours has open, wherever they are."""
        try:
            for link in (process / "fd").iterdir():
                target = os.readlink(link)
                if target.startswith("/") and not target.startswith(("/proc/", "/dev/", "/sys/")):
                    self.files.add(target)
        except OSError:  # ended in between, or hardened against being looked at
            return

    def hits_in(self, content):
        # A line break may stand in the middle of a long text form.
        joined = content.replace(b"\n", b"")
        return sorted({name for form, name in self.values.items()
                       if form in content or form in joined})

    def search_processes(self):
        hits = []
        for (what, content), where in self.seen.items():
            if what == "environ":
                # The one place for the value: its variable in the workload's own environment.
                content = b"\0".join(v for v in content.split(b"\0") if v not in self.delivered)
            hits += [f"{name} in the {where}" for name in self.hits_in(content)]
        return hits

    def search_files(self, folders, skip=()):
        """In the folders, and in every file that one of our programs had open."""
        paths = {path for folder in folders for path in pathlib.Path(folder).rglob("*")}
        return self._search(paths | {pathlib.Path(file) for file in self.files}, skip)

    def search_folder(self, folder):
        return self._search(set(pathlib.Path(folder).rglob("*")), ())

    def _search(self, paths, skip):
        hits = []
        for path in sorted(paths):
            if str(path) in self.allowed or any(path.is_relative_to(s) for s in skip):
                continue
            try:
                if path.is_file():
                    hits += [f"{name} in {path}" for name in self.hits_in(path.read_bytes())]
            except OSError as failure:
                hits.append(f"{path} cannot be searched: {failure}")
        return hits


def parent_of(process):
    try:
        return (process / "stat").read_text().rpartition(")")[2].split()[1]
    except OSError:
        return ""


def descends_from(name, ancestor, parents):
    seen = set()
    while name in parents and name not in seen:
        seen.add(name)
        name = parents[name]
        if name == ancestor:
            return True
    return False


def name_of(process):
    try:
        return (process / "comm").read_text().strip()
    except OSError:
        return "?"
