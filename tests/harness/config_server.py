"""One server operated as Vault's is: `server -config`, on a free port, with a certificate of its own."""
import os
import pathlib
import ssl
import subprocess
import time
import urllib.error
import urllib.request

from ports import free_port
from process import Failed, expect, run


class ConfigServer:
    """Started by start(), sealed and not initialised; ended by the Children that it was given."""

    def __init__(self, children, bin_dir, work_dir):
        self.children = children
        self.program = pathlib.Path(bin_dir) / "anjuna-policy-manager-server"
        self.dir = pathlib.Path(work_dir)
        self.port = free_port()
        self.address = f"https://localhost:{self.port}"
        self.ca = self.dir / "cert.pem"
        self.log = self.dir / "server.log"
        self.audit = self.dir / "audit.log"
        run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes",
             "-days", "2", "-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost,IP:127.0.0.1",
             "-keyout", self.dir / "key.pem", "-out", self.ca])
        (self.dir / "apm.hcl").write_text(f"""
disable_mlock = true
api_addr = "{self.address}"
store_kind = "test"
listener "tcp" {{
  address = "127.0.0.1:{self.port}"
  tls_cert_file = "{self.ca}"
  tls_key_file = "{self.dir}/key.pem"
}}
storage "sqlite" {{ path = "{self.dir}/store.db" }}
audit "file" "main" {{ file_path = "{self.audit}" }}
""")

    def start(self, seconds=60):
        process = self.children.spawn([self.program, "server", f"-config={self.dir}/apm.hcl"], self.log)
        context = ssl.create_default_context(cafile=self.ca)
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            expect(process.poll() is None, f"the server ended:\n{self.tail()}")
            try:
                urllib.request.urlopen(self.address + "/v1/sys/health", timeout=5, context=context)
                return process
            except urllib.error.HTTPError:  # it answers: 501 as long as it is not initialised
                return process
            except OSError:
                time.sleep(0.05)
        raise Failed(f"the server does not answer:\n{self.tail()}")

    def environment(self, token=None):
        env = {name: value for name, value in os.environ.items()
               if not name.startswith(("VAULT_", "ANJUNA_"))}
        env.update(VAULT_ADDR=self.address, VAULT_CACERT=str(self.ca))
        if token:
            env["VAULT_TOKEN"] = token
        return env

    def command(self, *words, token=None, stdin=None):
        """One operator verb; the finished process, whatever its exit code."""
        return subprocess.run([str(self.program), *map(str, words)], input=stdin, capture_output=True,
                              text=True, env=self.environment(token), timeout=120)

    def tail(self):
        return self.log.read_text(errors="replace")[-2500:]
