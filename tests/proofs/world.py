"""What one worker of a proof has for itself: a cloud, a confidential VM, and one server."""
import os
import pathlib
import shutil
import sys
import tempfile

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "harness"))

import skr  # noqa: E402
from cloud import Cloud, UNLIMITED, deployed_template, envelope_header  # noqa: E402
from process import Failed, expect, run  # noqa: E402, F401
from server import Server, unkept_keys  # noqa: E402

SHARES = [f"apm-unseal-key-{i}" for i in range(5)]
THRESHOLD = 3
SECRET = {"dek": "a value that must survive"}


class World:
    def __init__(self, args, vms=("server",)):
        self.args = args
        self.bin = pathlib.Path(args.bin)
        self.image = pathlib.Path(args.image)
        self.dir = pathlib.Path(tempfile.mkdtemp(prefix="apm-p-"))
        try:
            self.cloud = Cloud(args.bin, self.dir / "sim",
                               template=deployed_template(args.bin, args.work),
                               release_limit=UNLIMITED)
            self.cloud.serve()
            for name in vms:
                self.cloud.vm(name, "apm-" + name)
            self.server = self.new_server("s")
        except BaseException:
            self.close()
            raise
        self.kept_state = None

    def new_server(self, name, vm="server"):
        return Server(self.cloud, self.image, self.dir / name, vm)

    def close(self):
        if hasattr(self, "cloud"):
            self.cloud.children.stop()
        shutil.rmtree(self.dir, ignore_errors=True)

    def skr(self, *words, stdin=None, ok=True, env=None):
        return run(skr.command(self.cloud, *words), stdin=stdin, ok=ok,
                   env=dict(os.environ, **(env or {})))

    # --- states to begin from ---
    def fresh(self):
        """A deployed vault and an empty store."""
        self.server.empty_store()
        self.cloud.reset()
        self._forget_ended_children()

    def lived_in(self):
        """A store that was initialised, holds a secret, and whose server was killed."""
        if self.kept_state is None:
            self.fresh()
            self.server.boot()
            self.write_secret(self.server)
            self.server.kill()
            kept = self.dir / "kept"
            kept.mkdir()
            for file in self.server.data.glob("store.db*"):
                shutil.copy2(file, kept)
            self.kept_state = (kept, self.cloud.vault_file.read_bytes())
        self.fresh()
        kept, vault = self.kept_state
        for file in kept.iterdir():
            shutil.copy2(file, self.server.data)
        self.cloud.write_vault(vault)

    def _forget_ended_children(self):
        self.cloud.children.running = [c for c in self.cloud.children.running if c.poll() is None]

    # --- what must hold ---
    def root_token(self):
        return self.cloud.secret("apm-root-token")

    def write_secret(self, server):
        status, answer = server.api("PUT", "anjuna/dek", self.root_token(), SECRET)
        expect(status in (200, 204), f"the secret cannot be written: {status} {answer}")

    def check_secret(self, server):
        status, answer = server.api("GET", "anjuna/dek", self.root_token())
        expect(status == 200 and answer["data"] == SECRET, f"the secret is lost: {status} {answer}")

    def check_custody(self, server):
        """Never an initialised store whose keys the vault does not keep."""
        config = server.seal_config()
        if config is None:
            return None
        missing = unkept_keys(config, self.cloud)
        expect(not missing, f"the store is initialised and these keys are not kept: {missing}")
        expect(len(config["custody"]["secrets"]) == len(SHARES), "the store relies on too few keys")
        return config

    def check_settled(self, server):
        """What every boot that serves has done, whatever happened before it."""
        config = self.check_custody(server)
        expect(config is not None, "the server serves over a store that is not initialised")
        status, seal = server.api("GET", "sys/seal-status")
        expect(status == 200 and seal["sealed"] is False and seal["initialized"] is True,
               f"the server is not unsealed: {seal}")
        for name in SHARES:
            owners = {envelope_header(v["value"])["store_id"] for v in self.cloud.versions(name)}
            expect(owners == {config["store_id"]}, f"{name} has versions of the stores {owners}")
        self._check_root_token(server)
        token = self.root_token()
        _, mounts = server.api("GET", "sys/mounts", token)
        expect("anjuna/" in mounts["data"], f"no engine at anjuna/: {list(mounts['data'])}")
        _, methods = server.api("GET", "sys/auth", token)
        expect("apm/" in methods["data"], f"no method at auth/apm/: {list(methods['data'])}")
        status, _ = server.api("GET", "sys/policies/acl/anjuna-enclave-default-policy", token)
        expect(status == 200, "anjuna-enclave-default-policy does not exist")

    def _check_root_token(self, server):
        versions = [v["value"] for v in self.cloud.versions("apm-root-token")]
        expect(versions, "no root token was handed over")
        status, answer = server.api("GET", "auth/token/lookup-self", versions[-1])
        expect(status == 200, f"the root token in the vault is refused: {status} {answer}")
        for older in versions[:-1]:
            status, _ = server.api("GET", "auth/token/lookup-self", older)
            expect(status == 403, "an older root token in the vault still lives")
        _, listed = server.api("LIST", "auth/token/accessors", versions[-1])
        found = [server.api("POST", "auth/token/lookup-accessor", versions[-1], {"accessor": one})[1]
                 for one in listed["data"]["keys"]]
        roots = [one["data"]["accessor"] for one in found if one["data"]["path"] == "auth/token/root"]
        expect(roots == [answer["data"]["accessor"]], f"root tokens that nobody was given live: {roots}")

    def boots_cleanly(self):
        """The boot after the trouble: it serves, and so does the one after it, with what was written."""
        server = self.server
        server.boot()
        self.check_settled(server)
        if server.api("GET", "anjuna/dek", self.root_token())[0] == 404:
            self.write_secret(server)
        server.kill()
        server.boot()
        self.check_settled(server)
        self.check_secret(server)
        server.kill()
