"""restore-kill: `operator snapshot restore` into an empty store and `operator migrate` from SQLite are ended by
SIGKILL at random moments, the repetition at times too, with a store on SQLite, on PostgreSQL and on Azurite as
the destination. What is left afterwards is nothing, a whole store, or one that refuses by name to be used; the
same command then finishes it, and a server serves everything that was there."""
import http.client
import json
import os
import pathlib
import random
import shutil
import signal
import subprocess
import sys
import tempfile
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "harness"))

import azurite  # noqa: E402
from postgres import Postgres  # noqa: E402
from ports import free_port  # noqa: E402
from world import expect, run  # noqa: E402

TARGETS = ("anjuna-policy-manager-server", "storage_load")
JOBS = 2
ROUNDS_EACH = 50
RECORDS = 1400        # more than two batches (512 operations each)
RECORD_BYTES = 6000   # and of more than two appends to a log on Azure Blob (4 MiB each)
AGAIN_PART = 0.3      # of the rounds: the repetition is killed too
WAITS_EVERY = 10      # of the rounds with a lease that outlives its holder: its end is waited for
INCOMPLETE = "was begun and not finished"


class Served:
    """A server over one store, spoken to with HTTP alone."""

    def __init__(self, program, config, port, log):
        self.port = port
        with open(log, "ab") as out:
            self.process = subprocess.Popen([program, "server", f"-config={config}"], stdout=out, stderr=out,
                                            env={**os.environ, **BLOB_VARIABLES})
        deadline = time.monotonic() + 60
        while True:
            try:
                self.connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
                self.connection.connect()
                return
            except OSError:
                expect(self.process.poll() is None, f"the server ended: {pathlib.Path(log).read_text()[-2000:]}")
                expect(time.monotonic() < deadline, "the server does not answer")
                time.sleep(0.01)

    def ask(self, method, path, body=None, token=None):
        headers = {"X-Vault-Token": token} if token else {}
        self.connection.request(method, f"/v1/{path}", json.dumps(body) if body else None, headers)
        answer = self.connection.getresponse()
        text = answer.read()
        return answer.status, json.loads(text) if text else {}

    def stop(self):
        self.connection.close()
        self.process.terminate()
        expect(self.process.wait(timeout=60) == 0, "the server did not stop cleanly")


# Azurite's published development account; it protects nothing.
BLOB_VARIABLES = {
    "AZURE_ACCOUNT_NAME": azurite.ACCOUNT,
    "AZURE_ACCOUNT_KEY":
        "Eby8vdM02xNOcqFlqUwJPLlmEtlCDXJ1OUzFT50uSRZ6IFsuFq2UVErCz4I6tq/K1SZFPTOtr/KBHBeksoGMGw==",
}


class RestoreWorld:
    def __init__(self, args):
        self.bin = pathlib.Path(args.bin)
        self.program = self.bin / "anjuna-policy-manager-server"
        self.dir = pathlib.Path(tempfile.mkdtemp(prefix="apm-rk-"))
        self.dir.chmod(0o755)  # the database's user passes through
        self.port = free_port()
        self.postgres = None
        self.azurite = None
        self.count = 0
        self.full_s = {}
        try:
            self.fill()
        except BaseException:
            self.close()
            raise

    # --- stores ---
    def new_store(self, backend):
        """(storage stanza, what ends the lease of a killed program) of a store that does not exist yet."""
        self.count += 1
        name = f"s{self.count}"
        if backend == "sqlite":
            return f'storage "sqlite" {{ path = "{self.dir}/{name}.db" }}', None
        if backend == "postgresql":
            self.postgres = self.postgres or Postgres(self.dir / "pg")
            stanza = (f'storage "postgresql" {{ connection_url = "{self.postgres.url()}" '
                      f'table = "{name}" }}')
            sql = (f"DO $$ BEGIN IF to_regclass('{name}_lease') IS NOT NULL THEN "
                   f"UPDATE {name}_lease SET expires = '-infinity'; END IF; END $$")
            return stanza, ["psql", "-q", "-h", self.postgres.dir, "-U", "apm", "-d", "postgres", "-c", sql]
        self.azurite = self.azurite or azurite.Azurite(self.dir / "azurite.log")
        stanza = (f'storage "azure" {{\n container = "store-{name}"\n'
                  f' blob_endpoint = "{self.azurite.endpoint}"\n}}')
        return stanza, [self.bin / "storage_load", "azurite", f"{self.azurite.endpoint}/store-{name}", "-", "free"]

    def config(self, stanza):
        path = self.dir / "server.hcl"
        path.write_text(f'disable_mlock = true\nstore_kind = "test"\nlistener "tcp" {{\n'
                        f'  address = "127.0.0.1:{self.port}"\n  tls_disable = true\n}}\n{stanza}\n')
        return path

    def serve(self, stanza):
        return Served(self.program, self.config(stanza), self.port, self.dir / "server.log")

    def fill(self):
        """The source: a store on SQLite, and a snapshot of it."""
        self.source, _ = self.new_store("sqlite")
        server = self.serve(self.source)
        _, init = server.ask("PUT", "sys/init", {"secret_shares": 1, "secret_threshold": 1})
        self.share, self.token = init["keys"][0], init["root_token"]
        server.ask("PUT", "sys/unseal", {"key": self.share})
        server.ask("POST", "sys/mounts/anjuna", {"type": "kv"}, self.token)
        for number in range(RECORDS):
            status, answer = server.ask("PUT", f"anjuna/r/{number}", self.record(number), self.token)
            expect(status == 204, f"record {number} was not written: {status} {answer}")
        self.snapshot = self.dir / "one.snap"
        run([self.program, "operator", "snapshot", "save", self.snapshot],
            env={**os.environ, "VAULT_ADDR": f"http://127.0.0.1:{self.port}", "VAULT_TOKEN": self.token})
        server.stop()

    @staticmethod
    def record(number):
        return {"value": f"{number}-" + "x" * (RECORD_BYTES + number)}

    # --- the operations ---
    def command(self, operation, stanza):
        if operation == "restore":
            return [self.program, "operator", "snapshot", "restore", f"-config={self.config(stanza)}", self.snapshot]
        path = self.dir / "migrate.hcl"
        path.write_text('store_kind = "test"\n' + self.source.replace("storage ", "storage_source ", 1) + "\n" +
                        stanza.replace("storage ", "storage_destination ", 1) + "\n")
        return [self.program, "operator", "migrate", f"-config={path}"]

    def whole_run_s(self, backend, operation):
        """How long it takes when nobody kills it."""
        key = (backend, operation)
        if key not in self.full_s:
            stanza, _ = self.new_store(backend)
            began = time.monotonic()
            self.finish(operation, stanza)
            self.full_s[key] = time.monotonic() - began
            expect(self.look(stanza) == "whole", f"{operation} to {backend} is not whole")
        return self.full_s[key]

    def kill(self, operation, stanza, after_s):
        process = subprocess.Popen([str(c) for c in self.command(operation, stanza)], stdout=subprocess.PIPE,
                                   stderr=subprocess.STDOUT, env={**os.environ, **BLOB_VARIABLES}, text=True)
        try:
            out, _ = process.communicate(timeout=after_s)
            expect(process.returncode == 0, f"{operation} failed: {out}")
            return False
        except subprocess.TimeoutExpired:
            process.send_signal(signal.SIGKILL)
            process.communicate()
            return True

    def finish(self, operation, stanza):
        deadline = time.monotonic() + 30
        while True:  # the killed one's lease may have to end
            done = run(self.command(operation, stanza), ok=False, env={**os.environ, **BLOB_VARIABLES})
            if done.returncode == 0:
                return
            expect("in use by" in done.stderr + done.stdout and time.monotonic() < deadline,
                   f"{operation} was not finished: {done.stderr}{done.stdout}")
            time.sleep(0.2)

    def look(self, stanza):
        """nothing, incomplete or whole, as a server over the store has it."""
        server = self.serve(stanza)
        try:
            status, answer = server.ask("PUT", "sys/unseal", {"key": self.share})
            if status != 200:
                text = " ".join(answer.get("errors", []))
                if INCOMPLETE in text:
                    return "incomplete"
                expect("not initialized" in text, f"refused without its name: {status} {text}")
                return "nothing"
            expect(answer["sealed"] is False, f"not unsealed: {answer}")
            status, names = server.ask("GET", "anjuna/r?list=true", token=self.token)
            expect(status == 200 and len(names["data"]["keys"]) == RECORDS,
                   f"{status}: not all of {RECORDS} records are listed")
            for number in range(RECORDS):
                _, found = server.ask("GET", f"anjuna/r/{number}", token=self.token)
                expect(found.get("data") == self.record(number), f"record {number} is not as it was")
            return "whole"
        finally:
            server.stop()

    def close(self):
        if self.postgres:
            self.postgres.stop(signal.SIGQUIT)
        if self.azurite:
            self.azurite.stop()
        shutil.rmtree(self.dir, ignore_errors=True)


def make_world(args):
    return RestoreWorld(args)


def enumerate_cases(_world):
    missing = {"azurite": azurite.missing()}
    if not list(pathlib.Path("/usr/lib/postgresql").glob("*/bin/postgres")):
        missing["postgresql"] = "PostgreSQL is not installed (scripts/install-packages run)"
    skipped = [why for why in missing.values() if why]
    backends = [b for b in ("sqlite", "postgresql", "azurite") if not missing.get(b)]
    cases = [{"id": f"{backend}-{operation} {number}", "group": f"{operation} to {backend}", "backend": backend,
              "operation": operation, "number": number}
             for backend in backends for operation in ("restore", "migrate") for number in range(ROUNDS_EACH)]
    return cases, {"skipped": "; ".join(skipped)} if skipped else {}


def run_case(world, case):
    chance = random.Random(case["id"])
    operation = case["operation"]
    full_s = world.whole_run_s(case["backend"], operation)
    stanza, free = world.new_store(case["backend"])
    kills, left = 0, []
    for _ in range(2 if chance.random() < AGAIN_PART else 1):
        killed = world.kill(operation, stanza, chance.uniform(0, full_s))
        kills += killed
        if killed and free and case["number"] % WAITS_EVERY:
            run(free, ok=False)  # there may be no store yet
        left.append(world.look(stanza))
        expect(killed or left[-1] == "whole", f"{operation} says that it is done, and left {left[-1]}")
        if left[-1] == "whole":
            break
    if left[-1] != "whole":
        world.finish(operation, stanza)
        expect(world.look(stanza) == "whole", "the repetition did not finish it")
    return {"kills": kills, "left": left}
