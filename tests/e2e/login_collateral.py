#!/usr/bin/env python3
"""Logins whose evidence brings no collateral, at a server that may ask a mirror for it: what is fetched and
how often, what is refused before anybody is asked, and what a slow, stale, wrong or empty mirror does to the
rest of the server. The hardware is played, the programs are the ones that ship.
Usage: login_collateral.py BIN_DIRECTORY"""
import base64
import hashlib
import json
import pathlib
import socket
import struct
import sys
import threading
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "harness"))
from mirror import Mirror, start_mirror  # noqa: E402
from played import Hardware, Server, World, reason_of  # noqa: E402
from process import expect, run  # noqa: E402

checks = 0
BARE = {"snp": "bare", "tdx": "-", "sgx": "-"}


def holds(condition, text):
    global checks
    expect(condition, text)
    checks += 1


class Place:
    """One played world with a mirror of its vendors."""

    def __init__(self, bin_dir, world):
        self.bin, self.world = bin_dir, world
        self.hardware = Hardware(bin_dir, world.dir / "hardware", world.children)
        self.url, self.certificate = start_mirror(world.dir)
        self.servers = 0
        key = world.dir / "caller.pem"
        run(["openssl", "genpkey", "-algorithm", "RSA", "-pkeyopt", "rsa_keygen_bits:2048", "-out", key])
        run(["openssl", "pkey", "-in", key, "-pubout", "-outform", "DER", "-out", world.dir / "caller.der"])
        self.spki = (world.dir / "caller.der").read_bytes()

    def server(self, more="", ca=True):
        self.servers += 1
        ca_line = f'  ca_file = "{self.certificate}"\n' if ca else ""
        return Server(self.bin, self.world.dir / f"server-{self.servers}", self.world.children,
                      f'test {{\n{self.hardware.root_lines()}}}\nendorsements {{\n  amd_kds = "{self.url}"\n'
                      f'  intel_pcs = "{self.url}"\n{ca_line}{more}}}\n').start()

    def serve(self, name="mirror"):
        told = json.loads((self.hardware.dir / f"{name}.json").read_text())
        Mirror.answers = {path: (200, a["headers"], bytes.fromhex(a["body"])) for path, a in told.items()}
        Mirror.asked.clear()

    def login(self, server, family, wish=None):
        return server.workload(self.hardware.environment(family, wish or BARE[family]), "whoami")

    # --- a login without the program, to see its answer ---
    def evidence(self, family, wish, report_data):
        with socket.socket(socket.AF_UNIX) as hardware:
            hardware.connect(str(self.hardware.dir / "socket"))
            hardware.sendall(f"{family} {wish} {report_data.hex()}\n".encode())
            text = b""
            while chunk := hardware.recv(65536):
                text += chunk
        return bytes.fromhex(text.decode().split("\n")[0])

    def raw(self, server, family, wish=None, edit=lambda evidence: evidence, nonce_of=lambda nonce: nonce):
        challenge = server.post("auth/apm/challenge", {})[2]["data"]
        nonce = base64.urlsafe_b64decode(challenge["nonce"] + "==")
        parts = (nonce, challenge["cluster_id"].encode(), bytes.fromhex(challenge["server_key_sha256"]), self.spki)
        binding = hashlib.sha256(b"apm-login-v1\0" + b"".join(struct.pack(">I", len(p)) + p for p in parts)).digest()
        evidence = edit(bytearray(self.evidence(family, wish or BARE[family], binding + bytes(32))))
        return server.post("auth/apm/login", {
            "family": family, "nonce": nonce_of(challenge["nonce"]), "caller_key": base64.b64encode(self.spki).decode(),
            "report" if family == "snp" else "quote": base64.b64encode(bytes(evidence)).decode()})


def fetched(place):
    server = place.server()
    status = server.read("sys/apm/status")
    holds(status["endorsement_sources"] == [f"amd {place.url}", f"intel {place.url}"], status)
    place.serve()
    told = set(Mirror.answers)
    for family in BARE:
        done = place.login(server, family)
        holds(done.returncode == 0, f"{family}: {done.stderr}")
    holds(sorted(Mirror.asked) == sorted(told), f"asked for {Mirror.asked}")
    for family in BARE:
        holds(place.login(server, family).returncode == 0, f"{family}: a second time")
    holds(len(Mirror.asked) == len(told), "what is kept was asked for again")
    # What it got is told to operators, who ask about a file.
    file = place.world.dir / "tdx.evidence"
    server.workload(place.hardware.environment("tdx"), "collect", file, ok=True)
    said = json.loads(server.admin("explain", file, "-format=json").stdout)
    holds(said["verdict"] == "accept" and said["collateral"] == {"fetched": True}, said)


def amd_list(place):
    """Evidence that brings its certificates, and a server that asks for AMD's list as well."""
    server = place.server()
    place.serve()
    server.operator("write", "auth/apm/config", "require_crl=true")
    done = place.login(server, "snp", "-")
    holds(done.returncode == 0, done.stderr)
    holds(Mirror.asked == ["/vcek/v1/Milan/crl"], f"asked for {Mirror.asked}")


def nobody_is_asked(place):
    server = place.server()
    place.serve()

    def refused(answer, reason):
        holds(answer[2].get("reason") == reason and answer[0] == 403, f"{reason}: {answer[0]} {answer[2]}")

    def flip(at):
        def edit(evidence):
            evidence[at] ^= 1
            return evidence
        return edit

    refused(place.raw(server, "snp", "bare,debug"), "snp_debug_allowed")
    refused(place.raw(server, "tdx", "debug"), "tdx_debug")
    refused(place.raw(server, "sgx", "debug"), "sgx_debug")
    refused(place.raw(server, "snp", edit=flip(0x50)), "snp_report_data")
    refused(place.raw(server, "tdx", edit=flip(48 + 136)), "dcap_quote_signature")
    refused(place.raw(server, "sgx", edit=flip(48 + 64)), "dcap_quote_signature")
    for family in ("tdx", "sgx"):
        refused(place.raw(server, family, "stranger"), "dcap_root_not_pinned")
    for family in BARE:
        refused(place.raw(server, family, nonce_of=lambda n: "AAAA" + n[4:]), "nonce_invalid")
    server.operator("write", "auth/apm/config", "denied_chips=" + "c1" * 64)
    refused(place.raw(server, "snp"), "snp_chip_denied")
    server.operator("write", "auth/apm/config", "allowed_families=aws-nitro")
    refused(place.raw(server, "snp"), "family_not_allowed")
    holds(Mirror.asked == [], f"asked for {Mirror.asked}")


def mirrors_that_fail(place):
    for kind, status, reason in (("mirror-stale", 503, "endorsement_expired"), ("none", 403, "endorsement_not_found"),
                                 ("page", 503, "endorsement_malformed")):
        server = place.server()
        place.serve("mirror-stale")
        if kind == "none":
            Mirror.answers = {}
        if kind == "page":
            Mirror.answers = {"*": (200, {}, b"<html>log in</html>")}
        for family in BARE:
            answer = place.raw(server, family)
            if kind == "mirror-stale" and family == "snp":  # a VCEK is not stale, the list is
                holds("/vcek/v1/Milan/crl" in Mirror.asked, Mirror.asked)
            holds(answer[0] == status and answer[2]["reason"] == reason, f"{kind} {family}: {answer[0]} {answer[2]}")
            if status == 503:
                holds(place.url not in json.dumps(answer[2]) and "Intel" not in json.dumps(answer[2]), answer[2])
        count = len(Mirror.asked)
        for family in BARE:
            place.raw(server, family)
        holds(len(Mirror.asked) == count, "a failure was not remembered")
        refusals = json.loads(server.operator("list", "-format=json", "auth/apm/refusals").stdout)
        holds(len(refusals) == 6, refusals)
        kept = server.read(f"auth/apm/refusals/{refusals[0]}")
        holds(kept["reason"] == reason and len(kept["message"]) > 40, kept)
    untrusted = place.server(ca=False)
    place.serve()
    answer = place.raw(untrusted, "tdx")
    holds(answer[2]["reason"] == "endorsement_untrusted" and Mirror.asked == [], answer[2])


def silent_path():
    return next(path for path in Mirror.answers if path.startswith("/tdx/") and "/tcb" in path)


def slow(place):
    """A mirror that says nothing holds up as many logins as may wait, and nothing else."""
    server = place.server('  waiting_max = 1\n  deadline = "30s"\n')
    place.serve()
    silent, speaks = silent_path(), threading.Event()
    Mirror.answers[silent] = (200, {}, speaks)
    answers = []
    held = threading.Thread(target=lambda: answers.append(place.raw(server, "tdx")))
    held.start()
    while silent not in Mirror.asked:
        time.sleep(0.02)
    # The same document and another: both would wait.
    for family in ("tdx", "sgx"):
        status, headers, body = place.raw(server, family)
        holds(status == 503 and body["reason"] == "endorsement_busy", f"{family}: {status} {body}")
        holds(headers["Retry-After"] == "2", dict(headers))
    holds(place.login(server, "snp").returncode == 0, "AMD's source is held up, too")
    brought = server.workload(place.hardware.environment("tdx"), "whoami", "--collateral",
                              place.hardware.dir / "tdx.collateral.json")
    holds(brought.returncode == 0, f"a login that brings its collateral waits: {brought.stderr}")
    # The program comes again by itself, as it is told to, until there is room.
    busy = server.audit().count("endorsement_busy")
    again = []
    program = threading.Thread(target=lambda: again.append(place.login(server, "sgx")))
    program.start()
    while server.audit().count("endorsement_busy") == busy:
        expect(program.is_alive(), "the program gave up, or nothing held it up")
        time.sleep(0.02)
    holds(held.is_alive(), "the first is not held up any more: nothing was shown")
    speaks.set()
    for thread in (held, program):
        thread.join()
    holds(again[0].returncode == 0, again[0].stderr)
    holds(answers[0][2]["reason"] == "endorsement_not_found", answers[0][2])


def deadline(place):
    server = place.server('  deadline = "2s"\n')
    place.serve()
    Mirror.answers[silent_path()] = (200, {}, None)
    began = time.monotonic()
    answer = place.raw(server, "tdx")
    took = time.monotonic() - began
    holds(answer[0] == 503 and answer[2]["reason"] == "endorsement_deadline", answer[2])
    holds(1.9 < took < 20, f"{took:.1f} s")
    place.serve()
    time.sleep(6)  # longer than the failure is remembered
    holds(place.login(server, "tdx").returncode == 0, "the mirror is back")


def hammering(place):
    """Reports that anybody can write, of ever other chips: one address asks the vendor a few times a minute."""
    server = place.server("  fetches_per_address_max = 3\n")
    place.serve()

    def chip(number):
        def edit(evidence):
            evidence[0x1A0:0x1A4] = struct.pack("<I", number)
            return evidence
        return edit

    reasons = []
    for number in range(8):
        status, headers, body = place.raw(server, "snp", edit=chip(number))
        reasons.append(body["reason"])
        if body["reason"] == "endorsement_budget":
            holds(status == 503 and headers["Retry-After"] == "15", dict(headers))
    holds(reasons == ["endorsement_not_found"] * 3 + ["endorsement_budget"] * 5, reasons)
    holds(len(Mirror.asked) == 3, Mirror.asked)
    holds(place.login(server, "tdx").returncode == 0, "who proves something is not held up by it")


def main():
    bin_dir = pathlib.Path(sys.argv[1])
    with World() as world:
        place = Place(bin_dir, world)
        for part in (fetched, amd_list, nobody_is_asked, mirrors_that_fail, slow, deadline, hammering):
            part(place)
            print(f"{part.__name__}: holds", flush=True)
    print(f"{checks} checks hold")


main()
