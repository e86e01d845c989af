"""storage-kill: a program that writes through the barrier with four threads is ended by SIGKILL at random
moments, on SQLite, on PostgreSQL and on Azurite; and PostgreSQL is, under a program that goes on. Afterwards the
store opens, every acknowledged change is there, at most the one change that each writer had under way
besides, and no change is there in part. Stores are used again round after round."""
import os
import pathlib
import random
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "harness"))

import azurite  # noqa: E402
from postgres import Postgres  # noqa: E402
from world import Failed, expect, run  # noqa: E402

TARGETS = ("storage_load",)
JOBS = 2
ROUNDS_EACH = 1000
ROUNDS_AZURITE = 200
WRITERS = 4
FRESH_EVERY = 100  # rounds on one store
DELAY_S = 0.06     # kills come this long after the first acknowledgement, at most
EARLY_PART = 0.2   # of the kills of a writer: that long after its start


class StorageWorld:
    def __init__(self, args):
        self.program = pathlib.Path(args.bin) / "storage_load"
        self.dir = pathlib.Path(tempfile.mkdtemp(prefix="apm-sk-"))
        self.dir.chmod(0o755)  # the server's user passes through
        self.postgres = None
        self.azurite = None
        self.stores = {}

    def place(self, backend):
        """(arguments, rounds) of the store in use; a new one now and then."""
        store = self.stores.get(backend)
        if store is None or store["rounds"] >= FRESH_EVERY:
            store = self.new_store(backend)
            self.stores[backend] = store
        store["rounds"] += 1
        return store["arguments"]

    def new_store(self, backend):
        number = len(list(self.dir.glob("key-*")))
        key = self.dir / f"key-{backend}-{number}"
        if backend == "sqlite":
            where = self.dir / f"store-{number}.db"
        elif backend == "azurite":
            self.azurite = self.azurite or azurite.Azurite(self.dir / "azurite.log")
            where = f"{self.azurite.endpoint}/store-{number}"
        else:
            self.postgres = self.postgres or Postgres(self.dir / "pg")
            run(["psql", "-q", "-h", self.postgres.dir, "-U", "apm", "-d", "postgres", "-c",
                 f"CREATE DATABASE store_{number}"])
            where = self.postgres.url(f"store_{number}")
        arguments = [self.program, backend, where, key]
        run([*arguments, "init"])
        return {"arguments": arguments, "rounds": 0}

    def close(self):
        if self.postgres:
            self.postgres.stop(signal.SIGQUIT)
        if self.azurite:
            self.azurite.stop()
        shutil.rmtree(self.dir, ignore_errors=True)


class Load:
    """A running writer, and what it was told is done."""

    def __init__(self, arguments):
        self.process = subprocess.Popen([str(a) for a in [*arguments, "write"]],
                                        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        self.acknowledged = [0] * WRITERS
        self.count = 0
        self.first = threading.Event()
        self.reader = threading.Thread(target=self.read)
        self.reader.start()

    def read(self):
        for line in self.process.stdout:
            if line.endswith("\n"):
                writer, number = line.split()
                self.acknowledged[int(writer)] = int(number)
                self.count += 1
                self.first.set()

    def wait_for_more(self, more, seconds):
        until, goal = time.monotonic() + seconds, self.count + more
        while self.count < goal:
            if self.process.poll() is not None:
                raise Failed(f"the writer ended: {self.process.stderr.read()}")
            expect(time.monotonic() < until, f"no {more} changes were acknowledged in {seconds} s")
            time.sleep(0.002)

    def kill(self):
        self.process.kill()
        self.process.wait()
        self.reader.join()
        trouble = self.process.stderr.read()
        self.process.stdout.close()
        self.process.stderr.close()
        expect(not trouble, f"a writer was refused: {trouble}")
        return self.acknowledged


def make_world(args):
    return StorageWorld(args)


def enumerate_cases(_world):
    groups = {"sqlite, writer killed": ("sqlite", "writer", ROUNDS_EACH),
              "postgresql, writer killed": ("postgresql", "writer", ROUNDS_EACH),
              "postgresql, server killed": ("postgresql", "server", ROUNDS_EACH),
              "azurite, writer killed": ("azurite", "writer", ROUNDS_AZURITE)}
    missing = {"azurite": azurite.missing()}
    if not list(pathlib.Path("/usr/lib/postgresql").glob("*/bin/postgres")):
        missing["postgresql"] = "PostgreSQL is not installed (scripts/install-packages run)"
    skipped = [why for why in missing.values() if why]
    groups = {group: what for group, what in groups.items() if not missing.get(what[0])}
    cases = [{"id": f"{backend}-{victim} {number}", "group": group, "backend": backend,
              "victim": victim, "number": number}
             for group, (backend, victim, rounds) in groups.items() for number in range(rounds)]
    counts = {"skipped": "; ".join(skipped)} if skipped else {}
    return cases, {**counts, "kills": {group: what[2] for group, what in groups.items()}}


WAITS_EVERY = 10  # of the kills on Azurite: the lease's end is waited for, and not brought about


def heads(arguments):
    lines = run([*arguments, "check"]).stdout.split("\n")
    return [int(line.split()[1]) for line in lines if line]


def kill_server(postgres, number):
    """Three ways in turn: all of it, one backend (the others are then reset), an immediate stop."""
    way = ("all", "backend", "immediate")[number % 3]
    if way == "backend":
        for pid in postgres.backends()[:1]:
            os.kill(pid, signal.SIGKILL)
        return way
    if way == "all":
        postgres.kill_all()
    else:
        postgres.stop(signal.SIGQUIT)
    postgres.start()
    return way


def run_case(world, case):
    chance = random.Random(case["id"])
    arguments = world.place(case["backend"])
    before = heads(arguments)
    load = Load(arguments)
    detail = {}
    try:
        # A writer is also killed while it opens the store, takes the lease and unseals.
        early = case["victim"] == "writer" and chance.random() < EARLY_PART
        if not early:
            load.wait_for_more(1, 60)
        time.sleep(chance.uniform(0, DELAY_S))
        if case["victim"] == "server":
            detail["way"] = kill_server(world.postgres, case["number"])
            load.wait_for_more(3 * WRITERS, 60)  # it went on by itself
    finally:
        load.process.kill()
    acknowledged = [max(pair) for pair in zip(load.kill(), before)]
    if case["backend"] == "azurite" and case["number"] % WAITS_EVERY:
        run([*arguments, "free"])
    after = heads(arguments)
    for writer, (told, found) in enumerate(zip(acknowledged, after)):
        expect(told <= found <= told + 1,
               f"writer {writer}: acknowledged up to {told}, the store has {found}")
    detail["acknowledged"] = load.count
    detail["unanswered_but_made"] = sum(a != b for a, b in zip(acknowledged, after))
    return detail
