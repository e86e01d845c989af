#!/usr/bin/env python3
"""The product's main job from end to end; see scripts/demo. Every step is printed with its time, and
each expectation that does not hold ends the run with exit code 1."""
import argparse
import hashlib
import json
import os
import pathlib
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "harness"))

import azurite  # noqa: E402
import skr  # noqa: E402
from canary import Watcher  # noqa: E402
from cloud import Cloud  # noqa: E402
from process import Children, Failed, expect, run  # noqa: E402
from server import STORAGE_ACCOUNT, Server  # noqa: E402

SHARES = 5


class Demo:
    def __init__(self, args):
        self.bin = pathlib.Path(args.bin)
        self.image = pathlib.Path(args.image)
        self.dir = pathlib.Path(tempfile.mkdtemp(prefix="apm-demo-"))
        self.memory = pathlib.Path(tempfile.mkdtemp(prefix="apm-demo-", dir="/dev/shm"))
        self.children = Children()
        self.figures = {"boots": [], "canary_hits": 0, "logins": []}
        self.watcher = Watcher(ignore_pids={os.getpid()})
        self.storage = args.storage
        self.blobs = None
        self.colour = sys.stdout.isatty()

    def say(self, text, ms=None):
        mark = "\033[32m*\033[0m" if self.colour else "*"
        print(f"{mark} {text}" + (f"  ({ms} ms)" if ms is not None else ""), flush=True)

    # --- the parts ---
    def azure(self):
        began = time.monotonic()
        self.cloud = Cloud(self.bin, self.dir / "sim", self.children)
        self.cloud.serve()
        for name, image in (("server", "apm-server"), ("good", "workload-a"), ("other", "workload-b")):
            self.cloud.vm(name, image)
        self.server = Server(self.cloud, self.image, self.dir / "server")
        if self.storage == "azure":
            self.blob_service()
        self.say("azure-sim serves IMDS, MAA and Key Vault; three software confidential VMs run",
                 int((time.monotonic() - began) * 1000))

    def blob_service(self):
        """Azurite with the key that the deployment wrapped into Key Vault as apm-saa-key. It is Azure's
        side, as azure-sim is: the search leaves its process alone, and no process of ours runs yet."""
        key = self.cloud.canaries()["storage key"].decode()
        self.watcher.stop()
        self.blobs = azurite.Azurite(self.dir / "azurite.log", STORAGE_ACCOUNT, key)
        self.watcher.ignore.add(str(self.blobs.process.pid))
        self.watcher.start()
        self.server.use_azure(self.blobs.endpoint)
        self.say("Azurite serves the storage account")

    def boot(self, which):
        before = self.cloud.counts().get("release", 0)
        began = time.monotonic()
        self.server.boot()
        stood = time.monotonic()
        if self.server.health() != 200:  # the lease of a server that was killed has to end first
            expect(self.server.becomes_active(), "the server does not become active")
            self.say(f"  {which} boot: stood by until the killed server's lease was over",
                     int((time.monotonic() - stood) * 1000))
        total = int((time.monotonic() - began) * 1000)
        steps = self.server.steps()
        releases = self.cloud.counts().get("release", 0) - before
        children = self.server.child_processes()
        self.figures["boots"].append({"key_releases": releases, "child_processes": len(children),
                                      "total_ms": total, "steps": steps})
        for step in steps:
            self.say(f"  {which} boot: {step['name']}", step["ms"])
        self.say(f"{which} boot: from exec to serving, {releases} key release", total)
        expect(releases == 1, f"{releases} key releases in one boot")
        expect(not children, "the server has child processes")
        self.client = self.server.client_environment()

    def as_admin(self, *words, stdin=None, ok=True):
        token = self.memory / "admin-token"
        return run([self.bin / "anjuna-policy-manager", *words, "-token-file", token], env=self.client,
                   stdin=stdin, ok=ok)

    def workload(self, name, *words, ok=True):
        where = ["-tcti", self.cloud.tpm_of(name), "-imds", self.cloud.imds,
                 "-event-log", self.cloud.dir / f"vm-{name}.eventlog"]
        began = time.monotonic()
        done = run([self.bin / "anjuna-policy-manager", words[0], *where, *words[1:]], env=self.client, ok=ok)
        return done, int((time.monotonic() - began) * 1000)

    def main_job(self):
        secret = "demo-" + os.urandom(12).hex()
        self.watcher.add("secret value", secret, delivered_as="DEK")
        token = self.cloud.secret("apm-root-token")
        self.watcher.add("root token", token)
        token_file = self.memory / "admin-token"
        token_file.touch(mode=0o600)
        token_file.write_text(token)
        self.watcher.allow_file(token_file)
        self.as_admin("secret", "create", "dek", stdin=secret)
        self.say("an operator stored the secret dek (value on standard input)")

        who, ms = self.workload("good", "whoami", "-format=json")
        ids = json.loads(who.stdout)
        self.say(f"workload-a is enclave {ids['enclave_id'][:16]}... of signer {ids['signer_id'][:16]}...", ms)
        self.as_admin("authorize", "enclave", "--enclave", ids["enclave_id"], "--signer", ids["signer_id"], "dek")
        self.say("the operator authorised that enclave for dek")

        files = self.memory / "files"
        files.mkdir(mode=0o700)
        self.watcher.allow_file(files / "dek")
        done, ms = self.workload("good", "run", "-env", "DEK=dek", "-files", "dek", "-file-dir", files, "--",
                                 "/bin/sh", "-c", 'printf %s "$DEK" | sha256sum; sha256sum < "$0/dek"', files)
        want = hashlib.sha256(secret.encode()).hexdigest()
        got = [line.split()[0] for line in done.stdout.splitlines()]
        expect(got == [want, want], f"the workload got something else: {done.stdout}")
        self.figures["logins"].append({"workload": "workload-a", "verdict": "accepted", "reason": ""})
        self.say("workload-a attested and has dek in its environment and in a file in memory", ms)

        done, ms = self.workload("other", "fetch", "-file-dir", files, "dek", ok=False)
        expect(done.returncode != 0 and secret not in done.stdout, "workload-b got the secret")
        rule = (re.search(r"\[reason: (\w+)\]", done.stderr) or re.search(r"(permission denied)", done.stderr))
        expect(rule, f"the refusal names no rule: {done.stderr}")
        self.figures["logins"].append({"workload": "workload-b", "verdict": "refused", "reason": rule.group(1)})
        self.say(f"workload-b, another measurement, is refused: {rule.group(1)}", ms)
        return secret

    def crash_and_return(self, secret):
        self.server.process.send_signal(signal.SIGKILL)
        self.server.process.wait()
        self.say("the server was killed with SIGKILL")
        self.boot("later")
        done = self.as_admin("secret", "get", "dek")
        expect(done.stdout.strip() == secret, "the secret did not survive")
        self.say("it booted and unsealed itself; the secret is there")

    # --- the search ---
    def learn_canaries(self):
        """Besides what the demo itself knows: what the simulator deployed, and the shares, which
        open with the released master key alone."""
        for name, value in self.cloud.canaries().items():
            self.watcher.add(name, value)
        for index in range(SHARES):
            self.watcher.add(f"unseal key {index}", skr.open_share(self.cloud, f"apm-unseal-key-{index}"))

    def search(self):
        # The simulator's own directory is the other side: it holds keys as Azure's HSM and a TPM do.
        return self.watcher.search_files([self.dir, self.memory], skip=[self.cloud.dir])

    def canaries(self):
        self.learn_canaries()
        self.watcher.stop()
        hits = self.search() + self.watcher.search_processes()
        self.figures["canary_hits"] = len(hits)
        expect(not hits, "canaries were found:\n  " + "\n  ".join(hits))
        self.planted_leaks_are_found()
        self.say(f"looked for: {', '.join(self.watcher.names)}")
        self.say(f"no canary in any command line, environment, log or file "
                 f"({self.watcher.looks} looks at /proc); a planted leak is found")

    def planted_leaks_are_found(self):
        planted = self.dir / "planted" / "some.log"
        planted.parent.mkdir()
        for form, name in self.watcher.values.items():
            planted.write_bytes(b"leak: " + form + b" end\n")
            expect(any(hit.startswith(name) for hit in self.watcher.search_folder(planted.parent)),
                   f"a planted {name} was not found")
        expect(self.search(), "the search of everything does not find the planted leak")
        planted.unlink()
        leak = next(iter(self.watcher.values)).decode()
        self.watcher.start()
        child = subprocess.Popen(["/bin/sleep", "60"], env={"LEAK": leak})
        time.sleep(0.3)
        child.terminate()
        child.wait()
        self.watcher.stop()
        expect(any("environ" in hit for hit in self.watcher.search_processes()),
               "a planted leak in an environment was not found")

    def shut_down(self):
        self.server.process.terminate()
        code = self.server.process.wait(timeout=60)
        expect(code == 0, f"the server ended with {code} when it was asked to end")
        self.say("the server shut down cleanly")

    def stop(self):
        self.watcher.stop()
        self.children.stop()
        if self.blobs:
            self.blobs.stop()
        shutil.rmtree(self.dir, ignore_errors=True)
        shutil.rmtree(self.memory, ignore_errors=True)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--bin", required=True)
    parser.add_argument("--image", required=True)
    parser.add_argument("--summary")
    parser.add_argument("--storage", choices=("sqlite", "azure"), default="sqlite")
    args = parser.parse_args()
    if args.storage == "azure":
        missing = azurite.missing()
        if missing:
            print(f"SKIPPED: {missing}")
            return azurite.CANNOT_BE_HAD
    demo = Demo(args)
    try:
        demo.watcher.start()
        demo.azure()
        demo.boot("first")
        demo.crash_and_return(demo.main_job())
        demo.canaries()
        demo.shut_down()
        demo.say("done")
    except Failed as failure:
        print(f"FAILED: {failure}", file=sys.stderr)
        return 1
    finally:
        demo.stop()
        if args.summary:
            pathlib.Path(args.summary).write_text(json.dumps(demo.figures, indent=2) + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
