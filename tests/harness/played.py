"""A network-operated server with TLS over a store in memory, and workloads on machines that are played
(tests/e2e/played): the programs are the ones that ship, the hardware is software."""
import json
import os
import pathlib
import re
import shutil
import ssl
import tempfile
import time
import urllib.error
import urllib.request

from ports import free_port
from process import Children, expect, run

FAMILIES = ("snp", "tdx", "sgx", "aws-nitro")


class Hardware:
    """Four machines and their vendors; every one of these has keys of its own."""

    def __init__(self, bin_dir, folder, children):
        self.bin = pathlib.Path(bin_dir)
        self.dir = pathlib.Path(folder)
        self.dir.mkdir()
        children.start("played_hardware", [self.bin / "played_hardware", self.dir], "ready", self.dir / "log")

    def environment(self, family, wish="-"):
        # A sanitizer's run-time library must not mind that ours comes before it.
        return dict(os.environ, LD_PRELOAD=str(self.bin / "libplayed_device.so"),
                    ASAN_OPTIONS="verify_asan_link_order=0:" + os.environ.get("ASAN_OPTIONS", ""),
                    PLAYED_SOCKET=str(self.dir / "socket"), PLAYED_FAMILY=family, PLAYED_WISH=wish)

    def root_lines(self):
        return "".join(f'  {key} = "{self.dir / name}"\n' for key, name in
                       (("amd_root_file", "amd-root.pem"), ("intel_root_file", "intel-root.pem"),
                        ("aws_root_file", "aws-root.pem")))


class Server:
    def __init__(self, bin_dir, folder, children, stanzas="", kind="test"):
        self.bin = pathlib.Path(bin_dir)
        self.dir = pathlib.Path(folder)
        self.dir.mkdir(exist_ok=True)
        self.children = children
        self.port = free_port()
        self.address = f"https://localhost:{self.port}"
        self.certificate = self.dir / "cert.pem"
        self.config = self.dir / "apm.hcl"
        self.log = self.dir / "server.log"
        run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days",
             "2", "-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost,IP:127.0.0.1", "-keyout",
             self.dir / "key.pem", "-out", self.certificate])
        self.config.write_text(
            f'disable_mlock = true\napi_addr = "{self.address}"\nstore_kind = "{kind}"\n'
            f'listener "tcp" {{\n  address = "127.0.0.1:{self.port}"\n  tls_cert_file = "{self.certificate}"\n'
            f'  tls_key_file = "{self.dir / "key.pem"}"\n}}\nstorage "inmem" {{}}\n'
            f'audit "file" "main" {{ file_path = "{self.dir / "audit.log"}" }}\n{stanzas}')
        self.token = ""

    def start(self):
        self.process = self.children.start("the server", [
            self.bin / "anjuna-policy-manager-server", "server", f"-config={self.config}"],
            "Vault server started", self.log)
        text = run([self.bin / "anjuna-policy-manager-server", "operator", "init", "-key-shares=1",
                    "-key-threshold=1"], env=self.environment())
        said = text.stdout + text.stderr
        self.operator("operator", "unseal", re.search(r"Unseal Key 1: (\S+)", said).group(1))
        self.token = re.search(r"Initial Root Token: (\S+)", said).group(1)
        self.operator("auth", "enable", "apm")
        self.operator("secrets", "enable", "--path", "anjuna", "kv")
        return self

    def environment(self, base=None):
        return dict(base or os.environ, VAULT_ADDR=self.address, VAULT_CACERT=str(self.certificate),
                    ANJUNA_ADDR=self.address, ANJUNA_CACERT=str(self.certificate), VAULT_TOKEN=self.token,
                    ANJUNA_TOKEN=self.token)

    def operator(self, *words, ok=True):
        return run([self.bin / "anjuna-policy-manager-server", *words], env=self.environment(), ok=ok)

    def admin(self, *words, stdin=None, ok=True):
        return run([self.bin / "anjuna-policy-manager", *words], env=self.environment(), stdin=stdin, ok=ok)

    def read(self, path):
        return json.loads(self.operator("read", "-format=json", path).stdout)["data"]

    def workload(self, environment, *words, ok=False, timeout=120):
        """The workload's program on a played machine, without any token."""
        env = self.environment(environment)
        for name in ("VAULT_TOKEN", "ANJUNA_TOKEN"):
            env.pop(name)
        return run([self.bin / "anjuna-policy-manager", *words], env=env, ok=ok, timeout=timeout)

    def post(self, path, body):
        """(status, headers, JSON) of a request without a token."""
        request = urllib.request.Request(f"{self.address}/v1/{path}", method="POST", data=json.dumps(body).encode())
        context = ssl.create_default_context(cafile=self.certificate)
        try:
            with urllib.request.urlopen(request, timeout=60, context=context) as answer:
                return answer.status, answer.headers, json.loads(answer.read())
        except urllib.error.HTTPError as refusal:
            return refusal.code, refusal.headers, json.loads(refusal.read())

    def text(self):
        return self.log.read_text(errors="replace")

    def audit(self):
        return (self.dir / "audit.log").read_text(errors="replace")


class World:
    """Folders on disk and in memory, and what was started; all of it goes at the end."""

    def __enter__(self):
        self.dir = pathlib.Path(tempfile.mkdtemp(prefix="apm-played-"))
        self.memory = pathlib.Path(tempfile.mkdtemp(prefix="apm-played-", dir="/dev/shm"))
        self.children = Children()
        return self

    def __exit__(self, *_):
        self.children.stop()
        for folder in (self.dir, self.memory):
            shutil.rmtree(folder, ignore_errors=True)


def reason_of(done):
    """The code that a refused program prints."""
    found = re.search(r"\[reason: (\w+)\]", done.stderr + done.stdout)
    expect(done.returncode != 0 and found, f"not refused with a reason: {done.stderr}{done.stdout}")
    return found.group(1)


def now():
    return int(time.time())
