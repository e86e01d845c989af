#!/usr/bin/env python3
"""A workload on Azure's machines, of AMD's kind and of Intel's: whoami, run, fetch and collect of the release programs,
against a software TPM and a metadata service that makes TD quotes."""
import hashlib
import json
import pathlib
import shutil
import sys
import tempfile

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "harness"))
from cloud import Cloud  # noqa: E402
from plain_server import PlainServer  # noqa: E402
from process import Children, Failed, expect, run  # noqa: E402

ROOTS = 'test {{\n  amd_root_file = "{dir}/amd-root.pem"\n  intel_root_file = "{dir}/intel-root.pem"\n}}\n'


class Machine:
    def __init__(self, cloud, server, name, tee):
        self.cloud, self.server, self.name, self.tdx = cloud, server, name, tee == "tdx"
        self.family = f"azure-{tee}-vtpm"

    def where(self):
        return ["-tcti", self.cloud.tpm_of(self.name), "-imds", self.cloud.imds,
                "-event-log", self.cloud.dir / f"vm-{self.name}.eventlog"]

    def apm(self, verb, *words, ok=True, collateral=True):
        intel = ["-collateral", self.cloud.dir / "intel-collateral.json"] if self.tdx and collateral else []
        env = {k: v for k, v in self.server.environment.items() if k != "VAULT_TOKEN"}
        return run([self.cloud.bin / "anjuna-policy-manager", verb, *self.where(), *intel, *words], env=env, ok=ok)

    def refused(self, reason, *words, **how):
        done = self.apm(*words, ok=False, **how)
        expect(done.returncode != 0 and f"[reason: {reason}]" in done.stderr,
               f"{self.name} {words[0]}: not refused with {reason}: {done.stdout}{done.stderr}")

    # The evidence in files, and what `verify` says of them, offline.
    def collect(self, directory):
        evidence = directory / f"evidence-{self.name}"
        done = run([self.cloud.bin / "anjuna-policy-manager", "collect", *self.where(), "-nonce", "00ff", evidence])
        expect(self.family in done.stdout, f"collect: {done.stdout}")
        return evidence, done.stdout.strip().splitlines()[-1].split()[1:]

    def verify(self, words, ok=True):
        roots = ([f"root={self.cloud.dir}/intel-root.pem", f"collateral={self.cloud.dir}/intel-collateral.json"]
                 if self.tdx else [f"root={self.cloud.dir}/amd-root.pem"])
        done = run([self.cloud.bin / "anjuna-policy-manager", *words, *roots, "-format=json"], ok=ok)
        return json.loads(done.stdout)


def check_files(machine, work, ids):
    evidence, words = machine.collect(work)
    verdict = machine.verify(words)
    expect(verdict["verdict"] == "accept" and verdict["challenge_checked"], f"verify: {verdict}")
    expect(verdict["family"] == machine.family and verdict["enclave_id"] == ids["enclave_id"], "one id, everywhere")
    other = [w if not w.startswith("nonce=") else "nonce=hex:00fe" for w in words]
    expect(machine.verify(other, ok=False)["reason"] == "tpm_extra_data", "the quote is of another nonce")
    if machine.tdx:
        path = pathlib.Path(f"{evidence}.td-quote")
        quote = bytearray(path.read_bytes())
        quote[48 + 583] ^= 1
        path.write_bytes(quote)
        expect(machine.verify(words, ok=False)["reason"] == "dcap_quote_signature", "a quote that was changed")
        without = [w for w in words if not w.startswith("td_quote=")]
        expect(machine.verify(without, ok=False)["reason"] == "azure_td_quote_missing", "no quote")


def check_logins(machine, other, memory):
    server, secret = machine.server, "value-" + machine.name
    ids = json.loads(machine.apm("whoami", "-format=json").stdout)
    server.admin("secret", "create", machine.name, stdin=secret)
    machine.refused("not_authorised", "fetch", "-file-dir", memory, machine.name)
    server.admin("authorize", "enclave", "--enclave", ids["enclave_id"], "--signer", ids["signer_id"], machine.name)
    done = machine.apm("run", "-env", f"DEK={machine.name}", "-files", machine.name, "-file-dir", memory, "--",
                       "/bin/sh", "-c", 'printf %s "$DEK" | sha256sum; sha256sum < "$0"', memory / machine.name)
    want = hashlib.sha256(secret.encode()).hexdigest()
    expect([line.split()[0] for line in done.stdout.splitlines()] == [want, want], f"run: {done.stdout}")
    (memory / machine.name).unlink()
    machine.apm("fetch", "-file-dir", memory, machine.name)
    expect((memory / machine.name).read_text() == secret, "fetch")
    other.refused("not_authorised", "fetch", "-file-dir", memory, machine.name)
    return ids


def main(bin_dir):
    work = pathlib.Path(tempfile.mkdtemp(prefix="apm-azure-workload-"))
    memory = pathlib.Path(tempfile.mkdtemp(prefix="apm-azure-workload-", dir="/dev/shm"))
    children = Children()
    try:
        cloud = Cloud(bin_dir, work / "cloud", children)
        cloud.serve()
        server = PlainServer(bin_dir, work / "server", children, ROOTS.format(dir=cloud.dir))
        machines = [Machine(cloud, server, f"{tee}-{image}", tee) for tee in ("snp", "tdx") for image in "ab"]
        for machine in machines:
            cloud.vm(machine.name, machine.name[-1], "tdx" if machine.tdx else "snp")
        for one, other in (machines[0:2], machines[2:4]):
            ids = check_logins(one, other, memory)
            check_files(one, work, ids)

        tdx = machines[2]
        tdx.refused("dcap_collateral_missing", "whoami", collateral=False)
        quote_request = {"path_contains": "/acc/tdquote"}
        cloud.fault("status:503", match=quote_request, count=1)
        tdx.apm("whoami")  # asked again
        cloud.no_faults()
        cloud.fault("tamper", match=quote_request)  # in the middle: of the platform's certificates
        tdx.refused("dcap_chain_malformed", "whoami")
        cloud.no_faults()
        cloud.fault("status:400", match=quote_request)
        tdx.refused("td_quote_unavailable", "whoami")
        print("whoami, run, fetch and collect on Azure's machines of both kinds")
    finally:
        children.stop()
        shutil.rmtree(work, ignore_errors=True)
        shutil.rmtree(memory, ignore_errors=True)


if __name__ == "__main__":
    try:
        main(*sys.argv[1:])
    except Failed as failure:
        sys.exit(f"FAILED: {failure}")
