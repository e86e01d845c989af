"""PostgreSQL servers for proofs, through tests/harness/postgres.sh."""
import os
import pathlib
import signal
import subprocess
import time

from process import expect

SCRIPT = pathlib.Path(__file__).resolve().parent / "postgres.sh"
NOT_INSTALLED = 77


class Postgres:
    def __init__(self, directory):
        self.dir = pathlib.Path(directory)
        self.dir.mkdir(parents=True, exist_ok=True)
        self.process = None
        self.start()

    def url(self, database="postgres"):
        return f"postgresql://apm@/{database}?host={self.dir}"

    def start(self):
        deadline = time.monotonic() + 60
        while time.monotonic() < deadline:
            with open(self.dir / "log", "ab") as log:
                self.process = subprocess.Popen([SCRIPT, self.dir], stdout=log, stderr=log,
                                                stdin=subprocess.DEVNULL)
            if self.answers(deadline):
                return
            # After a SIGKILL the next one may find the old one's memory still in use.
            expect(self.process.wait() != NOT_INSTALLED, "PostgreSQL is not installed")
            time.sleep(0.05)
        raise AssertionError((self.dir / "log").read_text(errors="replace")[-2000:])

    def answers(self, deadline):
        while self.process.poll() is None and time.monotonic() < deadline:
            ready = subprocess.run(["pg_isready", "-q", "-h", self.dir, "-U", "apm", "-d", "postgres"],
                                   check=False)
            if ready.returncode == 0:
                return True
            time.sleep(0.02)
        return False

    def children(self):
        pid = self.process.pid
        return [int(p) for p in pathlib.Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]

    def backends(self):
        """The processes that serve clients."""
        def title(pid):
            try:
                return pathlib.Path(f"/proc/{pid}/cmdline").read_bytes()
            except OSError:
                return b""
        return [pid for pid in self.children() if b"postgres: apm " in title(pid)]

    def kill_all(self):
        """SIGKILL for every process at once, as when the machine goes away under them."""
        os.kill(self.process.pid, signal.SIGSTOP)  # it starts no more
        for pid in [*self.children(), self.process.pid]:
            os.kill(pid, signal.SIGKILL)
        self.process.wait()

    def stop(self, how=signal.SIGINT):
        if self.process and self.process.poll() is None:
            self.process.send_signal(how)
            self.process.wait()
