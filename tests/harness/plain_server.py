"""One server that operators initialise and unseal, from a configuration file: for tests of what it serves, not of
how it boots."""
import os
import pathlib
import re

from ports import free_port
from process import expect, run

CONFIG = """disable_mlock = true
api_addr = "https://localhost:{port}"
store_kind = "test"
listener "tcp" {{
  address = "127.0.0.1:{port}"
  tls_cert_file = "{dir}/cert.pem"
  tls_key_file = "{dir}/key.pem"
}}
storage "inmem" {{}}
"""


class PlainServer:
    """With the method auth/apm and the engine anjuna. `more` is what else the configuration file says."""

    def __init__(self, bin_dir, directory, children, more=""):
        self.bin = pathlib.Path(bin_dir)
        self.dir = pathlib.Path(directory)
        self.dir.mkdir(mode=0o700)
        self.children = children
        self.port = free_port()
        self.log_path = self.dir / "server.log"
        run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "2",
             "-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost,IP:127.0.0.1",
             "-keyout", self.dir / "key.pem", "-out", self.dir / "cert.pem"])
        (self.dir / "apm.hcl").write_text(CONFIG.format(port=self.port, dir=self.dir) + more)
        self.environment = dict(os.environ, VAULT_ADDR=f"https://localhost:{self.port}",
                                VAULT_CACERT=str(self.dir / "cert.pem"))
        self.process = children.start("server", [self.bin / "anjuna-policy-manager-server", "server",
                                                 f"-config={self.dir}/apm.hcl"],
                                      "Vault server started", self.log_path)
        self._unseal()

    def _unseal(self):
        init = self.operator("operator", "init", "-key-shares=1", "-key-threshold=1").stdout
        key, token = (re.search(what, init) for what in (r"Unseal Key 1: (\S+)", r"Root Token: (\S+)"))
        expect(key and token, "the server was not initialised")
        self.operator("operator", "unseal", key.group(1))
        self.environment["VAULT_TOKEN"] = token.group(1)
        self.operator("auth", "enable", "apm")
        self.operator("secrets", "enable", "-path=anjuna", "kv")

    def operator(self, *words, **how):
        return run([self.bin / "anjuna-policy-manager-server", *words], env=self.environment, **how)

    def admin(self, *words, **how):
        return run([self.bin / "anjuna-policy-manager", *words], env=self.environment, **how)

    def log(self):
        return self.log_path.read_text(errors="replace")
