"""One server that boots itself, through the image's run.sh or another program."""
import hashlib
import json
import os
import pathlib
import re
import shutil
import signal
import sqlite3
import ssl
import subprocess
import tempfile
import time
import urllib.error
import urllib.request

from cloud import HOST
from ports import free_port
from process import expect, wait_for_text

STORAGE_ACCOUNT = "apmsa"
READY = "Vault server started"


class Server:
    def __init__(self, cloud, image, data_dir, vm="server"):
        self.cloud = cloud
        self.data = pathlib.Path(data_dir)
        self.data.mkdir(mode=0o700, exist_ok=True)
        self.vm = vm
        self.port = free_port()
        self.boots = 0
        self.process = None
        self.template = self._template(pathlib.Path(image) / "apm-embedded.hcl.tpl", vm)
        self.command = [pathlib.Path(image) / "run.sh"]

    def _template(self, shipped, vm):
        if vm == "server":
            return shipped
        own = self.data / "template.hcl.tpl"
        own.write_text(shipped.read_text().replace("/vm-server.", f"/vm-{vm}.")
                       .replace("/audit.log", f"/audit-{vm}.log"))
        return own

    def use_azure(self, blob_endpoint):
        """Another storage stanza: the account's key is in Key Vault, and nowhere here."""
        stanza = (f'storage "azure" {{\n  accountName = "${{APM_SA_NAME}}"\n  container = "vault"\n'
                  f'  blob_endpoint = "{blob_endpoint}"\n}}')
        own = self.data / "template.hcl.tpl"
        text, count = re.subn(r'storage "sqlite" \{.*?\n\}', lambda _: stanza, self.template.read_text(),
                              flags=re.DOTALL)
        expect(count == 1, "the template has no storage \"sqlite\" stanza")
        own.write_text(text)
        self.template = own

    def environment(self, **changes):
        ends = self.cloud.endpoints
        env = dict(os.environ, APM_HOSTNAME=HOST, APM_PORT=str(self.port), APM_SA_NAME=STORAGE_ACCOUNT,
                   APM_KEYVAULT_NAME="apmkv",
                   APM_MK_ID="https://apmkv.vault.azure.net/keys/apm-master-key",
                   MAA_ENDPOINT="https://" + ends["maa_host"], APM_TEMPLATE=str(self.template),
                   APM_RUN_DIR=str(self.data / f"run-{self.vm}"),
                   APM_SERVER=str(self.cloud.bin / "anjuna-policy-manager-server"),
                   APM_DATA_DIR=str(self.data), APM_TEST_DIR=str(self.cloud.dir),
                   APM_TEST_HTTPS=ends["https"], APM_TEST_IMDS=ends["imds"],
                   APM_TEST_AMD_ROOT=ends["amd_root_file"])
        for name, value in changes.items():
            if value is None:
                env.pop(name, None)
            else:
                env[name] = value
        return env

    # --- a boot ---
    def launch(self, before=None, command=None, **environment):
        """Starts a boot. `before` is called with the process id while the program still waits."""
        self.log_path = self.data / f"boot-{self.vm}-{self.boots}.log"
        self.boots += 1
        self.log_path.write_bytes(b"")
        held = ["setpriv", "--pdeathsig", "KILL", "/bin/sh", "-c", 'read -r go && exec "$@" </dev/null', "sh"]
        self.process = self.cloud.children.spawn(held + (command or self.command), self.log_path,
                                                 self.environment(**environment),
                                                 stdin=subprocess.PIPE)
        if before:
            before(self.process.pid)
        self.process.stdin.write(b"go\n")
        self.process.stdin.close()
        return self.process

    def serving(self, seconds=300):
        return wait_for_text(self.process, self.log_path, READY, seconds)

    def boot(self, **how):
        """A boot that must end with serving."""
        self.launch(**how)
        expect(self.serving(), f"the boot did not end with serving:\n{self.tail()}")

    def boot_fails(self, seconds=300, **how):
        """A boot that must end by itself, with exit code 1; what it said."""
        self.launch(**how)
        expect(not self.serving(seconds), "the boot ended with serving and should not have")
        expect(self.process.poll() is not None, f"the boot did not end in {seconds} s:\n{self.tail()}")
        expect(self.process.returncode == 1,
               f"the boot ended with code {self.process.returncode}:\n{self.tail()}")
        return self.text()

    def boot_killed(self, **how):
        """A boot that somebody kills."""
        self.launch(**how)
        try:
            code = self.process.wait(timeout=120)
        except subprocess.TimeoutExpired:
            code = None
        expect(code == -signal.SIGKILL,
               f"the kill was not reached (exit code {code}):\n{self.tail()}")

    def kill(self):
        if self.process is not None and self.process.poll() is None:
            self.process.send_signal(signal.SIGKILL)
            self.process.wait()

    def text(self):
        return self.log_path.read_text(errors="replace")

    def tail(self):
        return self.text()[-2500:]

    def steps(self):
        return [{"name": name.strip('"'), "ms": int(ms)}
                for name, ms in re.findall(r'boot: step name=("[^"]*"|\S+) ms=(\d+)', self.text())]

    def child_processes(self):
        pid = self.process.pid
        return pathlib.Path(f"/proc/{pid}/task/{pid}/children").read_text().split()

    # --- its API ---
    def api(self, method, path, token=None, body=None):
        """(status, JSON or None)"""
        context = ssl.create_default_context(cafile=self.cloud.dir / "server-ca.pem")
        request = urllib.request.Request(
            f"https://{HOST}:{self.port}/v1/{path}", method=method,
            data=None if body is None else json.dumps(body).encode(),
            headers={"X-Vault-Token": token} if token else {})
        try:
            with urllib.request.urlopen(request, timeout=30, context=context) as answer:
                text = answer.read()
                return answer.status, json.loads(text) if text else None
        except urllib.error.HTTPError as refusal:
            text = refusal.read()
            return refusal.code, json.loads(text) if text else None

    def health(self):
        """The status of sys/health: 200 active, 429 standing by."""
        return self.api("GET", "sys/health")[0]

    def becomes_active(self, seconds=60):
        return wait_until(lambda: self.health() == 200, seconds)

    def client_environment(self):
        return dict(os.environ, ANJUNA_ADDR=f"https://{HOST}:{self.port}",
                    ANJUNA_CACERT=str(self.cloud.dir / "server-ca.pem"))

    # --- its store, from outside ---
    def record(self, key):
        """The raw record of a key; None when absent."""
        return sqlite_record(self.data / "store.db", key)

    def seal_config(self):
        raw = self.record("core/seal-config")
        return None if raw is None else json.loads(raw)

    def empty_store(self):
        self.kill()
        for file in self.data.glob("store.db*"):
            file.unlink()
        for file in self.data.glob("audit*.log*"):
            file.unlink()


def sqlite_record(file, key):
    """Read from a copy of the store's files."""
    if not file.exists():
        return None
    with tempfile.TemporaryDirectory() as copy:
        for one in file.parent.glob(file.name + "*"):
            shutil.copy(one, copy)
        connection = sqlite3.connect(pathlib.Path(copy) / file.name)
        try:
            row = connection.execute("SELECT value FROM kv WHERE key = ?", (key.encode(),)).fetchone()
        except sqlite3.OperationalError:  # killed before the table was made
            return None
        finally:
            connection.close()
    return None if row is None else bytes(row[0])


def unkept_keys(config, cloud):
    """The unseal keys that an initialised store relies on and the vault does not keep."""
    missing = []
    for entry in config["custody"]["secrets"]:
        kept = [v for v in cloud.versions(entry["name"]) if v["version"] == entry["version"]]
        if not kept or hashlib.sha256(kept[0]["value"].encode()).hexdigest() != entry["sha256"]:
            missing.append(entry["name"])
    return missing


def wait_until(condition, seconds):
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if condition():
            return True
        time.sleep(0.05)
    return False
