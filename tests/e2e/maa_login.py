#!/usr/bin/env python3
"""A login by a token of Azure Attestation, with the release programs: refused until the server's file pins a provider,
its certificate and its policy; then the answer opens under the TPM key that the token names, and nothing else does."""
import base64
import hashlib
import json
import pathlib
import re
import shutil
import ssl
import sys
import tempfile

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "harness"))
from cloud import Cloud  # noqa: E402
from plain_server import PlainServer  # noqa: E402
from process import Children, Failed, expect, run  # noqa: E402

STANZA = 'maa "{url}" {{\n  signing_certificates = ["{pin}"]\n  policy_hashes = ["{policy}"]\n}}\n'
ANY_HASH = base64.urlsafe_b64encode(bytes(32)).decode().rstrip("=")


class Machine:
    def __init__(self, cloud, name):
        self.cloud, self.name = cloud, name
        self.url = "https://" + cloud.endpoints["maa_host"]

    def apm(self, server, verb, *words, ok=True, maa=True):
        cloud = self.cloud
        where = ["-tcti", cloud.tpm_of(self.name), "-imds", cloud.imds, "-event-log", cloud.dir / f"vm-{self.name}.eventlog"]
        token = ["-maa", self.url, "-maa-ca", cloud.dir / "ca.pem", "-maa-connect-to", cloud.https] if maa else []
        env = {k: v for k, v in server.environment.items() if k != "VAULT_TOKEN"}
        return run([cloud.bin / "anjuna-policy-manager", verb, *where, *token, *words], env=env, ok=ok)

    def refused(self, reason, server, *words):
        done = self.apm(server, *words, ok=False)
        expect(done.returncode != 0 and f"[reason: {reason}]" in done.stderr,
               f"{words[0]}: not refused with {reason}: {done.stdout}{done.stderr}")


def last_refusal(server):
    keys = json.loads(server.operator("list", "-format=json", "auth/apm/refusals").stdout)
    return json.loads(server.operator("read", "-format=json", f"auth/apm/refusals/{keys[0]}").stdout)["data"]


def main(bin_dir):
    work = pathlib.Path(tempfile.mkdtemp(prefix="apm-maa-login-"))
    memory = pathlib.Path(tempfile.mkdtemp(prefix="apm-maa-login-", dir="/dev/shm"))
    children = Children()
    try:
        cloud = Cloud(bin_dir, work / "cloud", children)
        cloud.serve()
        for name in ("a", "b"):
            cloud.vm(name, "image-" + name)
        one, other = Machine(cloud, "a"), Machine(cloud, "b")
        pem = (cloud.dir / "hardware" / "maa.pem").read_text()
        pin = hashlib.sha256(ssl.PEM_cert_to_DER_cert(pem)).hexdigest()
        trust = f'test {{\n  amd_root_file = "{cloud.dir}/amd-root.pem"\n}}\n'

        def server(name, **pins):
            more = STANZA.format(url=one.url, **pins) if pins else ""
            return PlainServer(bin_dir, work / name, children, trust + more)

        # By default no token logs in; then each pin is one that must hold.
        one.refused("maa_login_unsupported", server("none"), "whoami")
        wrong = server("policy", pin=pin, policy=ANY_HASH)
        one.refused("maa_policy_hash", wrong, "whoami")
        rule = next(r for r in last_refusal(wrong)["rules"] if r["rule"] == "maa_policy_hash")
        policy = rule["found"]  # as an operator learns it
        one.refused("maa_key_not_pinned", server("key", pin="00" * 32, policy=policy), "whoami")

        good = server("good", pin=pin, policy=policy)
        expect("TOKENS OF AZURE ATTESTATION MAY LOG IN" in good.log(), "the log says who may vouch")
        status = good.operator("status", "-format=json").stdout
        expect(one.url in json.loads(status)["server"]["trust_anchors"], f"status names the provider: {status}")
        ids = json.loads(one.apm(good, "whoami", "-format=json").stdout)
        direct = json.loads(one.apm(good, "whoami", "-format=json", maa=False).stdout)
        expect(ids["enclave_id"] == direct["enclave_id"], "a token and the evidence itself name one enclave")
        expect(ids["signer_id"] == "" and direct["signer_id"] != "", "a token names no signer")

        good.admin("secret", "create", "dek", stdin="the value")
        one.refused("not_authorised", good, "fetch", "-file-dir", memory, "dek")
        good.admin("authorize", "enclave", "--enclave", ids["enclave_id"], "dek")
        done = one.apm(good, "run", "-env", "DEK=dek", "--", "/bin/sh", "-c", 'printf %s "$DEK" | sha256sum')
        expect(done.stdout.split()[0] == hashlib.sha256(b"the value").hexdigest(), "run")
        one.apm(good, "fetch", "-file-dir", memory, "dek")
        expect((memory / "dek").read_text() == "the value", "fetch")
        other.refused("not_authorised", good, "fetch", "-file-dir", memory, "dek")

        # Services that answer otherwise.
        for fault, reason in (("no_pcr_values", "identity_pcr_missing"), ("wrong_issuer", "maa_token_issuer"),
                              ("expired_token", "maa_token_expired"), ("tamper", "maa_envelope")):
            cloud.fault(fault, match={"service": "maa", "method": "POST"})
            one.refused(reason, good, "whoami")
            cloud.no_faults()
        cloud.fault("status:404", match={"service": "maa", "method": "GET"})
        one.refused("maa_keys_unavailable", good, "whoami")
        cloud.no_faults()
        done = one.apm(good, "whoami", "-maa-ca", "/dev/null", ok=False, maa=False)
        expect("-maa URL" in done.stderr, f"a word without its provider: {done.stderr}")
        found = re.findall(r"eyJ[\w-]{20,}", "".join((work / n / "server.log").read_text() for n in ("policy", "good")))
        expect(not found, "a token stands in a log")
        print("logins by tokens of Azure Attestation")
    finally:
        children.stop()
        shutil.rmtree(work, ignore_errors=True)
        shutil.rmtree(memory, ignore_errors=True)


if __name__ == "__main__":
    try:
        main(*sys.argv[1:])
    except Failed as failure:
        sys.exit(f"FAILED: {failure}")
