"""Azurite for proofs, through tests/harness/azurite.sh."""
import os
import pathlib
import socket
import subprocess
import time

from process import expect

SCRIPT = pathlib.Path(__file__).resolve().parent / "azurite.sh"
ACCOUNT = "devstoreaccount1"
CANNOT_BE_HAD = 77


def missing():
    """Why this machine cannot have Azurite; nothing when it can."""
    done = subprocess.run([SCRIPT, "install"], check=False, stdout=subprocess.PIPE,
                          stderr=subprocess.STDOUT, text=True)
    expect(done.returncode in (0, CANNOT_BE_HAD), done.stdout)
    return done.stdout.strip() if done.returncode else None


class Azurite:
    def __init__(self, log, account=ACCOUNT, key=None):
        """With the published account, or with another and its key."""
        self.account = account
        own = {"AZURITE_ACCOUNTS": f"{account}:{key}"} if key else {}
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.port = free.getsockname()[1]
        with open(log, "ab") as out:
            self.process = subprocess.Popen([SCRIPT, str(self.port)], stdout=out, stderr=out,
                                            stdin=subprocess.DEVNULL,
                                            env={**os.environ, **own})
        deadline = time.monotonic() + 300
        while not self.answers():
            expect(self.process.poll() is None, f"Azurite ended: {pathlib.Path(log).read_text()}")
            expect(time.monotonic() < deadline, "Azurite does not answer")
            time.sleep(0.05)

    @property
    def endpoint(self):
        return f"http://127.0.0.1:{self.port}/{self.account}"

    def answers(self):
        with socket.socket() as probe:
            return probe.connect_ex(("127.0.0.1", self.port)) == 0

    def stop(self):
        self.process.kill()
        self.process.wait()
