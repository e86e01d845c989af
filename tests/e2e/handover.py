#!/usr/bin/env python3
"""The hand-over of the first root token, from a booted server to the boots after its confirmation:
encrypted to an administrator's key, opened with our verb and with openssl alone, confirmed, and what
operators changed in between. Then AzureAttestSKR with names, and a release policy that changed."""
import base64
import hashlib
import json
import os
import pathlib
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import urllib.request

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "harness"))
from ports import free_port  # noqa: E402

HOST = "localhost"
checks = 0


def expect(condition, text):
    global checks
    if not condition:
        raise SystemExit(f"FAILED: {text}")
    checks += 1


class Test:
    def __init__(self, bin_dir, image):
        self.bin, self.image = pathlib.Path(bin_dir), pathlib.Path(image)
        self.apm = self.bin / "anjuna-policy-manager-server"
        self.dir = pathlib.Path(tempfile.mkdtemp(prefix="apm-handover-"))
        self.sim = self.dir / "sim"
        self.sim.mkdir()
        self.port = free_port()
        self.children, self.server, self.boots = [], None, 0
        self.releases = []

    def start(self, name, command, ready, env=None):
        log = self.dir / f"{name}.log"
        child = subprocess.Popen([str(c) for c in command], stdout=open(log, "wb"), stderr=subprocess.STDOUT,
                                 stdin=subprocess.DEVNULL, env=env)
        self.children.append(child)
        deadline = time.monotonic() + 120
        while time.monotonic() < deadline:
            text = log.read_text(errors="replace")
            if ready in text:
                return child, text
            if child.poll() is not None:
                break
            time.sleep(0.02)
        raise SystemExit(f"FAILED: {name} did not get ready:\n{log.read_text(errors='replace')[-3000:]}")

    def pace(self):
        """Key Vault releases ten keys in ten seconds, and this test would ask for more."""
        self.releases = [at for at in self.releases if time.monotonic() - at < 11]
        if len(self.releases) >= 8:
            time.sleep(11 - (time.monotonic() - self.releases[0]))
        self.releases.append(time.monotonic())

    def azure(self):
        azure_sim = self.bin / "azure-sim"
        subprocess.run([azure_sim, "deploy", "--dir", self.sim, "--hostname", HOST], check=True, capture_output=True)
        self.start("azure-sim", [azure_sim, "serve", "--dir", self.sim, "--die-with-parent"], "azure-sim ready")
        self.start("vm", [azure_sim, "vm", "--dir", self.sim, "--name", "server", "--image", "apm-server",
                          "--die-with-parent"], "azure-sim vm ready")
        self.endpoints = json.loads((self.sim / "endpoints.json").read_text())
        self.client = dict(os.environ, ANJUNA_ADDR=f"https://{HOST}:{self.port}",
                           ANJUNA_CACERT=str(self.sim / "server-ca.pem"))
        self.env = dict(os.environ, APM_HOSTNAME=HOST, APM_PORT=str(self.port), APM_SA_NAME="apmsa",
                        APM_KEYVAULT_NAME="apmkv", APM_MK_ID="https://apmkv.vault.azure.net/keys/apm-master-key",
                        MAA_ENDPOINT="https://" + self.endpoints["maa_host"],
                        APM_TEMPLATE=str(self.image / "apm-embedded.hcl.tpl"), APM_RUN_DIR=str(self.dir / "run"),
                        APM_SERVER=str(self.apm), APM_DATA_DIR=str(self.dir), APM_TEST_DIR=str(self.sim),
                        APM_TEST_HTTPS=self.endpoints["https"], APM_TEST_IMDS=self.endpoints["imds"],
                        APM_TEST_AMD_ROOT=self.endpoints["amd_root_file"])

    def boot(self, **more):
        if self.server:
            self.server.send_signal(signal.SIGTERM)
            self.server.wait(timeout=30)
        self.boots += 1
        self.pace()
        self.server, log = self.start(f"server-{self.boots}", [self.image / "run.sh"], "Vault server started",
                                      env=dict(self.env, **more))
        return log

    def run(self, *words, token=None, stdin=None, program=None):
        if program:
            self.pace()
        env = dict(self.client)
        if token:
            env["ANJUNA_TOKEN"] = token
        return subprocess.run([str(w) for w in (program or self.apm, *words)], input=stdin, text=True,
                              capture_output=True, env=env, timeout=120)

    def ok(self, *words, **how):
        done = self.run(*words, **how)
        expect(done.returncode == 0, f"{words}: {done.stderr}{done.stdout}")
        return done

    def counts(self):
        with urllib.request.urlopen(self.endpoints["imds"] + "/sim/counts", timeout=5) as answer:
            return json.load(answer)

    def vault(self):
        return json.loads((self.sim / "vault.json").read_text())

    def root_versions(self):
        return next(s for s in self.vault()["secrets"] if s["name"] == "apm-root-token")["versions"]

    def handover(self):
        key = self.dir / "admin.pem"
        subprocess.run(["openssl", "genpkey", "-algorithm", "RSA", "-pkeyopt", "rsa_keygen_bits:3072", "-out", key],
                       check=True, capture_output=True)
        public = subprocess.run(["openssl", "pkey", "-in", key, "-pubout"], check=True, capture_output=True).stdout

        weak = subprocess.run(["openssl", "genpkey", "-algorithm", "RSA", "-pkeyopt", "rsa_keygen_bits:2048"],
                              check=True, capture_output=True).stdout
        weak = subprocess.run(["openssl", "pkey", "-pubout"], input=weak, check=True, capture_output=True).stdout
        before = self.counts()
        refused = subprocess.run([self.image / "run.sh"], text=True, capture_output=True, timeout=60,
                                 env=dict(self.env, APM_ADMIN_PUBLIC_KEY=weak.decode(), APM_ROOT_TOKEN_TTL="soon"))
        expect(refused.returncode == 1 and "2048 bits" in refused.stderr and "APM_ROOT_TOKEN_TTL" in refused.stderr,
               f"a weak key and another fault at once: {refused.stderr}")
        expect(self.counts() == before, "nothing was asked of Azure before the environment was right")

        self.keyed = {"APM_ADMIN_PUBLIC_KEY": base64.b64encode(public).decode(), "EPID_API_KEY": "0" * 32}
        log = self.boot(**self.keyed)
        expect("a root token was handed over" in log and "delivered_as=encrypted" in log, "the boot says so")
        delivered = self.root_versions()[-1]
        expect(delivered["value"].startswith("apm-admin1."), "Key Vault holds no token in clear")
        expect(abs(delivered["expires_s"] - time.time() - 72 * 3600) < 300, f"exp: {delivered['expires_s']}")
        root = self.ok("operator", "handover", "open", f"-key={key}", "-", stdin=delivered["value"]).stdout.strip()
        expect(root.startswith("hvs."), "the token is opened")
        _, header, cipher = delivered["value"].split(".")
        pad = lambda text: base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))
        by_openssl = subprocess.run(
            ["openssl", "pkeyutl", "-decrypt", "-inkey", key, "-pkeyopt", "rsa_padding_mode:oaep", "-pkeyopt",
             "rsa_oaep_md:sha256", "-pkeyopt", "rsa_oaep_label:" + pad(header).hex()], input=pad(cipher),
            capture_output=True, check=True).stdout
        expect(by_openssl.decode() == root, "openssl alone opens it too")
        other = self.dir / "other.pem"
        subprocess.run(["openssl", "genpkey", "-algorithm", "RSA", "-pkeyopt", "rsa_keygen_bits:3072", "-out", other],
                       check=True, capture_output=True)
        wrong = self.run("operator", "handover", "open", f"-key={other}", stdin=delivered["value"])
        expect(wrong.returncode == 1 and "admin_envelope_key" in wrong.stderr, wrong.stderr)

        shown = self.ok("status", token=root)
        for part in ("TEST STORE", "TRUST ANCHORS THAT ARE NOT A VENDOR'S", "still lives", "disable_mlock"):
            expect(part in shown.stderr, f"status warns of {part}: {shown.stderr}")
        for part in ("Sealed", "Release Policy", "amd_root_file", "sqlite", "main"):
            expect(part in shown.stdout, f"status shows {part}: {shown.stdout}")
        public_view = self.ok("status")
        expect("TEST STORE" in public_view.stderr and "Release Policy" not in public_view.stdout, "without a token")
        server = json.loads(self.ok("status", "-format=json", token=root).stdout)["server"]
        expect(server["handover"]["state"] == "delivered" and server["master_key"]["kid"], f"status: {server}")

        own = self.run("operator", "handover", "confirm", token=root)
        expect(own.returncode == 2 and "-force" in own.stderr, f"its own token: {own.stderr}")
        self.ok("policy", "write", "admin", "-", token=root, stdin='path "*" { capabilities = '
                '["create", "read", "update", "delete", "list", "sudo"] }')
        child = self.ok("token", "create", "-policy=admin", "-field=token", token=root).stdout.strip()
        refused = self.run("operator", "handover", "confirm", token=child)
        expect(refused.returncode == 2 and "-orphan" in refused.stderr, f"its child: {refused.stderr}")
        self.admin = self.ok("token", "create", "-orphan", "-policy=admin", "-period=24h", "-field=token",
                             token=root).stdout.strip()
        # What an operator changes stays, though the environment is the same at the next boot.
        self.ok("policy", "write", "anjuna-enclave-default-policy", "-", token=self.admin,
                stdin='path "sys/mounts" { capabilities = ["read", "list"] }')
        self.ok("write", "auth/apm/config", "epid-api-key=", token=self.admin)
        log = self.boot(**self.keyed)
        config = json.loads(self.ok("read", "-format=json", "auth/apm/config", token=self.admin).stdout)
        expect(config["data"]["epid-api-key-set"] is False, f"what the operator wrote stays: {config}")
        self.boot(**dict(self.keyed, EPID_API_KEY="1" * 32))
        config = json.loads(self.ok("read", "-format=json", "auth/apm/config", token=self.admin).stdout)
        expect(config["data"]["epid-api-key-set"] is True, f"a changed variable is written: {config}")
        self.keyed["EPID_API_KEY"] = "1" * 32
        expect("still lives" in log and len(self.root_versions()) == 1, "a later boot nags and mints none")
        policy = self.ok("policy", "read", "anjuna-enclave-default-policy", token=self.admin).stdout
        expect('"list"' in policy, "the operator's policy stays")

        done = self.ok("operator", "handover", "confirm", token=self.admin)
        expect("confirmed" in done.stdout and "delete it" in done.stdout, done.stdout)
        for gone in (root, child):
            expect("permission denied" in self.run("token", "lookup", token=gone).stderr, "revoked")
        log = self.boot(**self.keyed)
        expect("handed over" not in log and len(self.root_versions()) == 1, "after a confirmation none ever")
        state = json.loads(self.ok("operator", "handover", "status", "-format=json", token=self.admin).stdout)
        expect(state["state"] == "confirmed" and state["secret_version"], f"{state}")
        quiet = self.ok("status", token=self.admin).stderr
        expect("root token" not in quiet, f"status does not nag any more: {quiet}")
        for name in os.listdir(self.dir):
            if name.endswith(".log") or name.startswith("store.db"):
                held = (self.dir / name).read_bytes()
                expect(root.encode() not in held and self.admin.encode() not in held, f"a token is in {name}")

    def skr(self):
        skr = self.bin / "AzureAttestSKR"
        common = ["-a", self.env["MAA_ENDPOINT"], "-k", self.env["APM_MK_ID"], "--config", self.dir / "run" / "apm.hcl"]
        password = next(s for s in self.vault()["secrets"] if s["name"] == "apm-tls-cert-password")
        plain = self.ok(*common, "-u", "-s", "-", program=skr, stdin=password["versions"][-1]["value"])
        expect("TEST ANCHORS" in plain.stderr, "it says which anchors it used")
        value = plain.stdout.rstrip("\n")
        bound = self.ok(*common, "-w", "-s", "-", "--name", "apm-tls-cert-password", program=skr, stdin=value).stdout
        expect(bound.startswith("apm1.") and value not in bound, "an envelope")
        again = self.ok(*common, "-u", "-s", "-", "--name", "apm-tls-cert-password", program=skr, stdin=bound)
        expect(again.stdout == plain.stdout, "it opens under its name")
        moved = self.run(*common, "-u", "-s", "-", "--name", "apm-saa-key", program=skr, stdin=bound)
        expect(moved.returncode == 5 and "envelope_name" in moved.stderr and not moved.stdout, moved.stderr)
        # The server takes its PFX's password in such an envelope too, and no other secret's.
        self.edit(lambda vault: self.secret(vault, "apm-tls-cert-password").update(value=bound.strip()))
        self.boot(**self.keyed)
        self.other = self.ok(*common, "-w", "-s", "-", "--name", "apm-saa-key", program=skr, stdin=value).stdout.strip()

    @staticmethod
    def secret(vault, name):
        return next(s for s in vault["secrets"] if s["name"] == name)["versions"][-1]

    def edit(self, change):
        path = self.sim / "vault.json"
        vault = json.loads(path.read_text())
        change(vault)
        new = path.with_suffix(".new")
        new.write_text(json.dumps(vault))
        os.replace(new, path)

    def changed_policy(self):
        claim = {"claim": "x-ms-isolation-tee.x-ms-sevsnpvm-is-debuggable", "equals": False}

        def tighten(vault):
            policy = json.loads(vault["keys"][0]["release_policy"])
            policy["anyOf"][0]["allOf"].append(claim)
            vault["keys"][0]["release_policy"] = json.dumps(policy, separators=(",", ":"))

        key = self.vault()["keys"][0]
        before = hashlib.sha256(key["release_policy"].encode()).hexdigest()
        self.edit(tighten)
        after = hashlib.sha256(self.vault()["keys"][0]["release_policy"].encode()).hexdigest()
        log = self.boot(**self.keyed)
        expect("RELEASE POLICY IS ANOTHER" in log and before in log and after in log, f"both hashes: {log[-2000:]}")
        expect(f"from {before} to {after}" in self.ok("status", token=self.admin).stderr, "status names both")
        expect("RELEASE POLICY IS ANOTHER" not in self.boot(**self.keyed), "said once")

    def moved_envelope(self):
        self.edit(lambda vault: self.secret(vault, "apm-tls-cert-password").update(value=self.other))
        self.server.send_signal(signal.SIGTERM)
        self.server.wait(timeout=30)
        refused = subprocess.run([self.image / "run.sh"], text=True, capture_output=True, timeout=120,
                                 env=dict(self.env, **self.keyed))
        expect(refused.returncode == 1 and "envelope_name" in refused.stderr, f"a moved one: {refused.stderr}")

    def stop(self):
        for child in reversed(self.children):
            if child.poll() is None:
                child.terminate()
        for child in self.children:
            try:
                child.wait(timeout=10)
            except subprocess.TimeoutExpired:
                child.kill()
        shutil.rmtree(self.dir, ignore_errors=True)


def main():
    test = Test(sys.argv[1], sys.argv[2])
    try:
        test.azure()
        test.handover()
        test.skr()
        test.changed_policy()
        test.moved_envelope()
    finally:
        test.stop()
    print(f"{checks} passed, 0 failed")


if __name__ == "__main__":
    main()
