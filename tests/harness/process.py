"""Programs that a test starts, and what it expects of them."""
import pathlib
import subprocess
import time


class Failed(Exception):
    pass


def expect(condition, text):
    if not condition:
        raise Failed(text)


def run(command, env=None, stdin=None, ok=True, timeout=120):
    done = subprocess.run([str(c) for c in command], input=stdin, capture_output=True, text=True,
                          env=env, timeout=timeout)
    if ok:
        expect(done.returncode == 0,
               f"{command[0]} {command[1:4]} failed: {done.stderr}{done.stdout}")
    return done


class Children:
    """Background programs; each is ended with stop(), the newest first."""

    def __init__(self):
        self.running = []

    def spawn(self, command, log, env=None, stdin=subprocess.DEVNULL):
        with open(log, "ab") as out:
            child = subprocess.Popen([str(c) for c in command], stdout=out,
                                     stderr=subprocess.STDOUT, stdin=stdin, env=env)
        self.running.append(child)
        return child

    def start(self, name, command, ready, log, env=None):
        log = pathlib.Path(log)
        child = self.spawn(command, log, env)
        expect(wait_for_text(child, log, ready, 120),
               f"{name} did not get ready:\n{log.read_text(errors='replace')[-3000:]}")
        return child

    def stop(self):
        for child in reversed(self.running):
            if child.poll() is None:
                child.terminate()
        for child in self.running:
            try:
                child.wait(timeout=5)
            except subprocess.TimeoutExpired:
                child.kill()
                child.wait()
        self.running = []


def wait_for_text(child, log, text, seconds):
    """True when the program's log holds the text, False when it ended before or time is up."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        ended = child.poll() is not None
        if text in log.read_text(errors="replace"):
            return True
        if ended:
            return False
        time.sleep(0.02)
    return False
