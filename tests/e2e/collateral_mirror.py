#!/usr/bin/env python3
"""`verify --fetch-collateral` against a mirror on loopback with a certificate of its own: every fault of a
mirror has its reason, and, where captured evidence is at hand (APM_VECTORS), real quotes are accepted with
collateral that came over the wire. Usage: collateral_mirror.py BIN_DIRECTORY"""
import json
import os
import pathlib
import struct
import sys
import tempfile
import urllib.parse

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "harness"))
from mirror import Mirror, start_mirror  # noqa: E402
from process import expect, run  # noqa: E402

apm = pathlib.Path(sys.argv[1]) / "anjuna-policy-manager"
vectors = os.environ.get("APM_VECTORS")
checks = 0


def snp_report():
    """A report of Milan that says which certificate it needs, and is signed by nobody."""
    report = bytearray(1184)
    struct.pack_into("<IIQ", report, 0, 3, 0, 0x30000)
    struct.pack_into("<I", report, 0x34, 1)
    report[0x180] = 4
    report[0x188:0x18b] = bytes([0x19, 0x01, 0x01])
    report[0x1A0:0x1E0] = bytes(range(64))
    report[0x2A0] = report[0x2A0 + 72] = 1
    return bytes(report)


def verify(evidence, *more):
    return run([apm, "verify", evidence, "--fetch-collateral", *more], ok=False)


def refused(evidence, words, *more):
    global checks
    done = verify(evidence, *more)
    expect(done.returncode != 0, f"accepted: {done.stdout}")
    expect(words in done.stderr, f"'{words}' is not in: {done.stderr}{done.stdout}")
    checks += 1


def faults(folder, url, certificate):
    evidence = folder / "report.bin"
    evidence.write_bytes(snp_report())
    here = ["-kds", url, "-mirror-ca", certificate]
    target = "/vcek/v1/Milan/" + bytes(range(64)).hex() + "?blSPL=04&teeSPL=00&snpSPL=00&ucodeSPL=00"
    Mirror.answers = {}
    refused(evidence, "HTTP 404", *here)
    expect(Mirror.asked == [target], f"asked for {Mirror.asked}")
    Mirror.answers = {"*": (429, {"Retry-After": "0"}, b"")}
    Mirror.asked.clear()
    refused(evidence, "asked too often", *here)
    expect(len(Mirror.asked) == 3, f"asked {len(Mirror.asked)} times")
    Mirror.answers = {"*": (200, {}, b"<html>log in</html>")}
    refused(evidence, "not a certificate", *here)
    Mirror.answers = {"*": (200, {}, bytes(16 * 1024 + 1))}
    refused(evidence, "longer than 16384 bytes", *here)
    Mirror.answers = {"*": (302, {"Location": url + "/elsewhere"}, b"")}
    Mirror.asked.clear()
    refused(evidence, "HTTP 302", *here)
    expect("/elsewhere" not in Mirror.asked, "a redirect was followed")
    Mirror.asked.clear()
    refused(evidence, "certificate", "-kds", url)
    expect(not Mirror.asked, "an untrusted mirror was asked")
    refused(evidence, "plain http", "-kds", "http://192.0.2.1")
    refused(evidence, "leave one out", "vek=hex:00", *here)


def serve_intel(collateral, family, fmspc, ca):
    def signed(name, body, signature):
        return f'{{"{name}":{body},"signature":"{signature}"}}'.encode()

    def chain(name):
        return urllib.parse.quote(collateral[name + "_issuer_chain"].rstrip("\0"))

    base = f"/{family}/certification/v4"
    Mirror.answers = {
        f"{base}/tcb?fmspc={fmspc}":
            (200, {"TCB-Info-Issuer-Chain": chain("tcb_info")},
             signed("tcbInfo", collateral["tcb_info"], collateral["tcb_info_signature"])),
        f"{base}/qe/identity":
            (200, {"SGX-Enclave-Identity-Issuer-Chain": chain("qe_identity")},
             signed("enclaveIdentity", collateral["qe_identity"], collateral["qe_identity_signature"])),
        f"/sgx/certification/v4/pckcrl?ca={ca}&encoding=der": (200, {}, bytes.fromhex(collateral["pck_crl"])),
        "/sgx/certification/v4/rootcacrl": (200, {}, collateral["root_ca_crl"].encode()),
    }


def captured(url, certificate):
    """The case's own time, because the collateral is of then."""
    global checks
    here = ["-pcs", url, "-mirror-ca", certificate, "-format=json", "-at"]
    root = pathlib.Path(vectors)
    for family, name, fmspc, ca, wanted in (
            ("tdx", "v4-dcapqvl", "b0c06f000000", "platform", ("accept", "")),
            ("sgx", "dcapqvl", "00a067110000", "processor", ("reject", "dcap_tcb_configuration_and_sw_hardening_needed"))):
        serve_intel(json.loads((root / family / f"{name}.collateral.json").read_text()), family, fmspc, ca)
        quote = root / family / f"{name}.quote.bin"
        done = verify(quote, *here, "2025-07-01T00:00:00Z")
        verdict = json.loads(done.stdout)
        found = (verdict["verdict"], verdict["reason"])
        expect(found == wanted, f"{name}: {found}, wanted {wanted}")
        checks += 1
        refused(quote, "ended at", *here, "2026-07-01T00:00:00Z")


def main():
    with tempfile.TemporaryDirectory(prefix="apm-mirror-") as name:
        folder = pathlib.Path(name)
        url, certificate = start_mirror(folder)
        faults(folder, url, certificate)
        if vectors:
            captured(url, certificate)
        else:
            print("captured quotes: left out, APM_VECTORS names no directory")
    print(f"{checks} checks hold")


main()
