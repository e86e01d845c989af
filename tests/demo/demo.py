#!/usr/bin/env python3
"""The product's main job from end to end; see scripts/demo. Every step is printed with its time, and
each expectation that does not hold ends the run with exit code 1."""
import argparse
import json
import os
import pathlib
import re
import signal
import shutil
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request

from canary import Watcher

HOST = "localhost"


class Failed(Exception):
    pass


def expect(condition, text):
    if not condition:
        raise Failed(text)


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


class Demo:
    def __init__(self, args):
        self.bin = pathlib.Path(args.bin)
        self.image = pathlib.Path(args.image)
        self.dir = pathlib.Path(tempfile.mkdtemp(prefix="apm-demo-"))
        self.memory = pathlib.Path(tempfile.mkdtemp(prefix="apm-demo-", dir="/dev/shm"))
        self.sim = self.dir / "sim"
        self.sim.mkdir()
        self.children = []
        self.port = free_port()
        self.server = None
        self.figures = {"boots": [], "canary_hits": 0, "logins": []}
        self.watcher = Watcher(ignore_pids={os.getpid()})
        self.colour = sys.stdout.isatty()

    def say(self, text, ms=None):
        mark = "\033[32m*\033[0m" if self.colour else "*"
        print(f"{mark} {text}" + (f"  ({ms} ms)" if ms is not None else ""), flush=True)

    def start(self, name, command, ready, env=None, log=None):
        log = log or self.dir / f"{name}.log"
        child = subprocess.Popen([str(c) for c in command], stdout=open(log, "ab"),
                                 stderr=subprocess.STDOUT, stdin=subprocess.DEVNULL, env=env)
        self.children.append(child)
        deadline = time.monotonic() + 120
        while time.monotonic() < deadline:
            if ready in log.read_text(errors="replace"):
                return child
            if child.poll() is not None:
                break
            time.sleep(0.02)
        raise Failed(f"{name} did not get ready:\n{log.read_text(errors='replace')[-3000:]}")

    def run(self, command, env=None, stdin=None, ok=True):
        done = subprocess.run([str(c) for c in command], input=stdin, capture_output=True, text=True,
                              env=env, timeout=120)
        if ok:
            expect(done.returncode == 0, f"{command[0]} {command[1:4]} failed: {done.stderr}{done.stdout}")
        return done

    def get(self, path):
        with urllib.request.urlopen(self.imds + path, timeout=5) as answer:
            return json.load(answer)

    # --- the parts ---
    def azure(self):
        began = time.monotonic()
        azure_sim = self.bin / "azure-sim"
        self.run([azure_sim, "deploy", "--dir", self.sim, "--hostname", HOST])
        self.start("azure-sim", [azure_sim, "serve", "--dir", self.sim, "--die-with-parent"], "azure-sim ready")
        for name, image in (("server", "apm-server"), ("good", "workload-a"), ("other", "workload-b")):
            self.start(f"vm-{name}", [azure_sim, "vm", "--dir", self.sim, "--name", name, "--image", image,
                                      "--die-with-parent"], "azure-sim vm ready")
        endpoints = json.loads((self.sim / "endpoints.json").read_text())
        self.imds, self.https = endpoints["imds"], endpoints["https"]
        self.endpoints = endpoints
        self.say("azure-sim serves IMDS, MAA and Key Vault; three software confidential VMs run",
                 int((time.monotonic() - began) * 1000))

    def boot(self, which):
        before = self.get("/sim/counts").get("release", 0)
        log = self.dir / f"server-{len(self.figures['boots'])}.log"
        env = dict(os.environ, APM_HOSTNAME=HOST, APM_PORT=str(self.port), APM_SA_NAME="apmsa",
                   APM_KEYVAULT_NAME="apmkv",
                   APM_MK_ID="https://apmkv.vault.azure.net/keys/apm-master-key",
                   MAA_ENDPOINT="https://" + self.endpoints["maa_host"],
                   APM_TEMPLATE=str(self.image / "apm-embedded.hcl.tpl"), APM_RUN_DIR=str(self.dir / "run"),
                   APM_SERVER=str(self.bin / "anjuna-policy-manager-server"),
                   APM_DATA_DIR=str(self.dir), APM_TEST_DIR=str(self.sim), APM_TEST_HTTPS=self.https,
                   APM_TEST_IMDS=self.imds, APM_TEST_AMD_ROOT=self.endpoints["amd_root_file"])
        began = time.monotonic()
        self.server = self.start("server", [self.image / "run.sh"], "Vault server started", env=env, log=log)
        total = int((time.monotonic() - began) * 1000)
        text = log.read_text()
        steps = [{"name": n.strip('"'), "ms": int(ms)}
                 for n, ms in re.findall(r'boot: step name=("[^"]*"|\S+) ms=(\d+)', text)]
        releases = self.get("/sim/counts").get("release", 0) - before
        children = pathlib.Path(f"/proc/{self.server.pid}/task/{self.server.pid}/children").read_text().split()
        self.figures["boots"].append({"key_releases": releases, "child_processes": len(children),
                                      "total_ms": total, "steps": steps})
        for step in steps:
            self.say(f"  {which} boot: {step['name']}", step["ms"])
        self.say(f"{which} boot: from exec to serving, {releases} key release", total)
        expect(releases == 1, f"{releases} key releases in one boot")
        expect(not children, "the server has child processes")
        client = dict(os.environ, ANJUNA_ADDR=f"https://{HOST}:{self.port}",
                      ANJUNA_CACERT=str(self.sim / "server-ca.pem"))
        self.client = client

    def root_token(self):
        request = urllib.request.Request(self.imds + "/sim/secret-get", method="POST",
                                         data=json.dumps({"name": "apm-root-token"}).encode())
        with urllib.request.urlopen(request, timeout=5) as answer:
            return json.load(answer)["value"]

    def as_admin(self, *words, stdin=None, ok=True):
        token = self.memory / "admin-token"
        return self.run([self.bin / "anjuna-policy-manager", *words, "-token-file", token], env=self.client,
                        stdin=stdin, ok=ok)

    def workload(self, name, *words, ok=True):
        where = ["-tcti", f"swtpm:path={self.sim}/vm-{name}.tpm", "-imds", self.imds,
                 "-event-log", self.sim / f"vm-{name}.eventlog"]
        began = time.monotonic()
        done = self.run([self.bin / "anjuna-policy-manager", words[0], *where, *words[1:]], env=self.client, ok=ok)
        return done, int((time.monotonic() - began) * 1000)

    def main_job(self):
        secret = "demo-" + os.urandom(12).hex()
        self.watcher.add("secret value", secret)
        token = self.root_token()
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
        import hashlib
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
        os.kill(self.server.pid, signal.SIGKILL)
        self.server.wait()
        self.say("the server was killed with SIGKILL")
        self.boot("later")
        done = self.as_admin("secret", "get", "dek")
        expect(done.stdout.strip() == secret, "the secret did not survive")
        self.say("it booted and unsealed itself; the secret is there")

    def canaries(self):
        self.watcher.stop()
        hits = self.watcher.search_files([self.dir], skip=[self.sim])
        hits += self.watcher.search_processes()
        self.figures["canary_hits"] = len(hits)
        expect(not hits, "canaries were found:\n  " + "\n  ".join(hits))
        planted = self.dir / "planted.log"
        planted.write_text("leak: " + self.watcher.any_value())
        expect(self.watcher.search_files([self.dir], skip=[self.sim]), "a planted leak was not found")
        planted.unlink()
        self.say(f"no canary in any command line, environment, log or file "
                 f"({self.watcher.looks} looks at /proc); a planted leak is found")

    def shut_down(self):
        self.server.terminate()
        code = self.server.wait(timeout=60)
        expect(code == 0, f"the server ended with {code} when it was asked to end")
        self.say("the server shut down cleanly")

    def stop(self):
        self.watcher.stop()
        for child in reversed(self.children):
            if child.poll() is None:
                child.terminate()
        for child in self.children:
            try:
                child.wait(timeout=5)
            except subprocess.TimeoutExpired:
                child.kill()
        shutil.rmtree(self.dir, ignore_errors=True)
        shutil.rmtree(self.memory, ignore_errors=True)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--bin", required=True)
    parser.add_argument("--image", required=True)
    parser.add_argument("--summary")
    args = parser.parse_args()
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
