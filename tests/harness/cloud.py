"""A cloud on this machine: one azure-sim directory being served, and its confidential VMs."""
import base64
import fcntl
import json
import os
import pathlib
import shutil
import urllib.request

from process import Children, run

HOST = "localhost"
UNLIMITED = 1_000_000  # releases in ten seconds: proofs boot faster than a vault allows


def deployed_template(bin_dir, work_dir):
    """A directory as `azure-sim deploy` leaves it, made once for each build of azure-sim: its keys
    take seconds. Copies of it are clouds of their own."""
    azure_sim = pathlib.Path(bin_dir) / "azure-sim"
    work = pathlib.Path(work_dir)
    work.mkdir(parents=True, exist_ok=True)
    template, stamp_file = work / "template", work / "template.stamp"
    built = azure_sim.stat()
    stamp = f"{built.st_mtime_ns} {built.st_size}"
    with open(work / "template.lock", "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not stamp_file.exists() or stamp_file.read_text() != stamp:
            shutil.rmtree(template, ignore_errors=True)
            template.mkdir()
            run([azure_sim, "deploy", "--dir", template, "--hostname", HOST])
            stamp_file.write_text(stamp)
    return template


class Cloud:
    def __init__(self, bin_dir, directory, children=None, template=None, release_limit=None):
        self.bin = pathlib.Path(bin_dir)
        self.dir = pathlib.Path(directory)
        self.children = children or Children()
        self.release_limit = release_limit
        if template:
            shutil.copytree(template, self.dir, dirs_exist_ok=True)
        else:
            self.dir.mkdir(exist_ok=True)
            run([self.sim, "deploy", "--dir", self.dir, "--hostname", HOST])
        self.vault_file = self.dir / "vault.json"
        self.clean_vault = self.vault_file.read_bytes()

    @property
    def sim(self):
        return self.bin / "azure-sim"

    def serve(self):
        limit = ["--release-limit", self.release_limit] if self.release_limit else []
        self.children.start("azure-sim", [self.sim, "serve", "--dir", self.dir, "--die-with-parent",
                                          "--max-seconds", 86400, *limit],
                            "azure-sim ready", self.dir.parent / "azure-sim.log")
        self.endpoints = json.loads((self.dir / "endpoints.json").read_text())
        self.imds, self.https = self.endpoints["imds"], self.endpoints["https"]

    def vm(self, name, image, tee="snp"):
        self.children.start(f"vm-{name}",
                            [self.sim, "vm", "--dir", self.dir, "--name", name, "--image", image,
                             "--tee", tee, "--die-with-parent", "--max-seconds", 86400],
                            "azure-sim vm ready", self.dir.parent / f"vm-{name}.log")

    def tpm_of(self, name):
        return f"swtpm:path={self.dir}/vm-{name}.tpm"

    # --- the control API ---
    def control(self, method, path, body=None):
        data = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(self.endpoints["control"] + "/sim/" + path, method=method,
                                         data=data)
        with urllib.request.urlopen(request, timeout=10) as answer:
            return json.load(answer)

    def counts(self):
        return self.control("GET", "counts")

    def log(self):
        return self.control("GET", "log")

    def fault(self, action, **rule):
        self.control("POST", "faults", {"action": action, **rule})

    def no_faults(self):
        self.control("DELETE", "faults")

    def kill(self, pid, request, when):
        self.control("POST", "kill", {"pid": pid, "request": request, "when": when})

    def secret(self, name):
        return self.control("POST", "secret-get", {"name": name})["value"]

    def canaries(self):
        return {one["name"]: bytes.fromhex(one["hex"])
                for one in self.control("GET", "canaries")["canaries"]}

    # --- the vault's state, as its operator could change it ---
    def vault(self):
        return json.loads(self.vault_file.read_text())

    def write_vault(self, content):
        data = content if isinstance(content, bytes) else json.dumps(content).encode()
        fresh = self.vault_file.with_suffix(".edit")
        fresh.touch(mode=0o600)
        fresh.write_bytes(data)
        os.replace(fresh, self.vault_file)

    def edit_secret(self, name, change):
        """`change` gets the list of versions of one secret, oldest first."""
        vault = self.vault()
        for secret in vault["secrets"]:
            if secret["name"] == name:
                change(secret["versions"])
        self.write_vault(vault)

    def versions(self, name):
        for secret in self.vault()["secrets"]:
            if secret["name"] == name:
                return secret["versions"]
        return []

    def reset(self):
        """As after the deployment: no store has put keys here."""
        self.no_faults()
        self.write_vault(self.clean_vault)


def envelope_header(text):
    """What an envelope says of itself (docs/formats/envelope.md)."""
    part = text.split(".")[1]
    return json.loads(base64.urlsafe_b64decode(part + "=" * (-len(part) % 4)))
