#!/usr/bin/env python3
"""Logins of SNP guests, TDs, SGX enclaves and Nitro enclaves that are played, with the programs that ship:
challenge, evidence, secret; and what must be refused. Usage: hardware_families.py BIN_DIRECTORY"""
import http.server
import json
import os
import pathlib
import re
import ssl
import sys
import threading

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "harness"))
from played import FAMILIES, Hardware, Server, World, reason_of  # noqa: E402
from process import expect, run  # noqa: E402

checks = 0
ANCHORS = {"snp": "simulator", "tdx": "test-intel", "sgx": "test-intel", "aws-nitro": "test-aws"}


def holds(condition, text):
    global checks
    expect(condition, text)
    checks += 1


def collateral(hardware, family, kind="collateral"):
    return ["--collateral", hardware.dir / f"{family}.{kind}.json"] if family in ("tdx", "sgx") else []


def login(server, hardware, family, wish="-", kind="collateral"):
    return server.workload(hardware.environment(family, wish), "whoami", *collateral(hardware, family, kind))


def ids_of(done):
    expect(done.returncode == 0, f"login: {done.stderr}{done.stdout}")
    ids = {}
    for name in ("enclave_id", "signer_id"):
        found = re.search(rf"{name}\s+([0-9a-f]{{64}})", done.stdout)
        ids[name] = found.group(1) if found else ""
    expect(ids["enclave_id"], done.stdout)
    return ids


def secrets(world, server, hardware):
    """Challenge to secret, for each family; the authorization of one opens nothing for another."""
    found = {}
    for family in FAMILIES:
        ids = found[family] = ids_of(login(server, hardware, family))
        value = f"{family}-" + os.urandom(9).hex()
        name = f"dek-{family}"
        server.admin("secret", "create", name, stdin=value)
        fetch = ["fetch", "--file-dir", world.memory, *collateral(hardware, family), name]
        refused = server.workload(hardware.environment(family), *fetch)
        holds(reason_of(refused) == "not_authorised", refused.stderr)
        signer = ["--signer", ids["signer_id"]] if ids["signer_id"] else []
        server.admin("authorize", "enclave", "--enclave", ids["enclave_id"], *signer, name)
        server.workload(hardware.environment(family), *fetch, ok=True)
        holds((world.memory / name).read_text() == value, f"{family}: another value")
        # Another measurement is another enclave.
        other = server.workload(hardware.environment(family, "other"), *fetch)
        holds(reason_of(other) == "not_authorised", other.stderr)
    holds(len({i["enclave_id"] for i in found.values()}) == len(FAMILIES), "two families have one enclave id")
    stolen = server.workload(hardware.environment("snp"), "fetch", "--file-dir", world.memory, "dek-aws-nitro")
    holds(reason_of(stolen) == "not_authorised", stolen.stderr)


def refusals(server, hardware, elsewhere):
    for family, wish, reason in (
            ("snp", "debug", "snp_debug_allowed"), ("tdx", "debug", "tdx_debug"), ("sgx", "debug", "sgx_debug"),
            ("aws-nitro", "debug", "nitro_debug"), ("aws-nitro", "old", "nitro_too_old"),
            ("snp", "bare", "snp_chain_missing")):
        done = login(server, hardware, family, wish)
        holds(reason_of(done) == reason, f"{family} {wish}: {done.stderr}")
    for family in ("tdx", "sgx"):
        done = login(server, hardware, family, kind="stale")
        holds(reason_of(done) == "dcap_tcb_info_expired", f"{family} stale: {done.stderr}")
        done = server.workload(hardware.environment(family), "whoami")
        holds(reason_of(done) == "dcap_collateral_missing", f"{family} bare: {done.stderr}")
    # A root that nobody named: of the same vendor's other machine, and of a whole other world.
    for family, reason in (("snp", "snp_root_not_pinned"), ("tdx", "dcap_root_not_pinned"),
                           ("sgx", "dcap_root_not_pinned"), ("aws-nitro", "nitro_root_not_pinned")):
        for from_where, wish in ((hardware, "stranger"), (elsewhere, "-")):
            done = login(server, from_where, family, wish)
            holds(reason_of(done) == reason, f"{family} {wish}: {done.stderr}")


def collect(server, hardware, family, folder, wish="-"):
    """An evidence file of the machine, as explain reads it."""
    file = folder / f"{family}-{wish}.evidence"
    server.workload(hardware.environment(family, wish), "collect", file, ok=True)
    inputs = [f"collateral={hardware.dir / (family + '.collateral.json')}"] if family in ("tdx", "sgx") else []
    return [file, *inputs]


def explained(world, server, hardware):
    """A floor on the measurement refuses the other software, and explain names the rule and its value."""
    floors = {"snp": ("allowed_measurements", "3e" * 48, "snp_measurement_not_allowed", "77" * 48),
              "tdx": ("tdx_allowed_mrtds", "a0" * 48, "tdx_mrtd", "77" * 48),
              "sgx": ("sgx_allowed_mrenclaves", "e1" * 32, "sgx_mrenclave", "77" * 32),
              "aws-nitro": ("nitro_allowed_pcrs", "0:" + "10" * 48, "nitro_pcr_not_pinned", "77" * 48)}
    for family, (member, good, rule, found) in floors.items():
        server.operator("write", "auth/apm/config", f"{member}={good}")
        holds(login(server, hardware, family).returncode == 0, f"{family}: the right measurement is refused")
        refused = login(server, hardware, family, "other")
        holds(reason_of(refused) == rule, f"{family} other: {refused.stderr}")
        holds(found not in refused.stderr and good not in refused.stderr, "the caller is told the floor")
        for wish, verdict in (("-", "accept"), ("other", "reject")):
            said = server.admin("explain", *collect(server, hardware, family, world.dir, wish), "-format=json", ok=False)
            data = json.loads(said.stdout)
            of_rule = [r for r in data["rules"] if r["rule"] == rule]
            holds(data["verdict"] == verdict and of_rule, f"{family} {wish}: {said.stdout}{said.stderr}")
            holds(data["trust_anchor"] == ANCHORS[family] and data["vendor_anchor"] is False,
                  f"{family}: {data['trust_anchor']}")
            if wish == "other":
                holds(data["reason"] == rule and data["refused_by"] == "policy"
                      and any(not r["holds"] and found in r["found"] for r in of_rule), said.stdout)
        server.operator("write", "auth/apm/config", f"{member}=")


class Standby(http.server.BaseHTTPRequestHandler):
    """Sends every caller on, as a node that stands by does."""
    protocol_version = "HTTP/1.1"
    place = None  # called with the path that was asked for
    asked = []

    def do_POST(self):
        self.rfile.read(int(self.headers.get("Content-Length", 0)))
        self.asked.append(self.path)
        self.send_response(307)
        self.send_header("Location", type(self).place(self.path))
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *_):
        pass


def sent_on(server, hardware):
    """A workload that asks a node that stands by logs in at the active one, and nowhere that TLS does not guard."""
    listener = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Standby)
    listener.daemon_threads = True
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(server.certificate, server.dir / "key.pem")
    listener.socket = context.wrap_socket(listener.socket, server_side=True)
    threading.Thread(target=listener.serve_forever, daemon=True).start()
    environment = dict(hardware.environment("snp"), ANJUNA_ADDR=f"https://localhost:{listener.server_port}",
                       ANJUNA_CACERT=str(server.certificate))

    def whoami():
        return run([server.bin / "anjuna-policy-manager", "whoami"], env=environment, ok=False)

    Standby.place = lambda path: server.address + path
    ids_of(whoami())
    holds(Standby.asked == ["/v1/auth/apm/challenge"], f"asked of the node that stands by: {Standby.asked}")
    for place, why in ((lambda path: server.address.replace("https:", "http:") + path, "a token must not go"),
                       (lambda path: "/elsewhere" + path, "a token must not go"),
                       (lambda path: server.address + "/v1/other", "which is no server's"),
                       (lambda path: f"https://localhost:{listener.server_port}{path}", "HTTP 307")):
        Standby.place = place
        done = whoami()
        holds(done.returncode != 0 and why in done.stderr, done.stderr)
    listener.shutdown()


def anchors_are_shown(server):
    status = server.read("sys/apm/status")
    holds(status["trust_anchors"] == ["simulator", "test-intel", "test-aws"], status)
    holds(status["test_settings"] == ["amd_root_file", "intel_root_file", "aws_root_file"], status)
    holds(any("simulator, test-intel, test-aws" in w for w in status["warnings"]), status)
    log = server.text()
    for name in ("simulator", "test-intel", "test-aws"):
        holds(re.search(rf"NOT A VENDOR'S.*name=\"?{name}", log), f"the log does not name {name}")


def no_other_way(bin_dir, world, server, hardware):
    """The API takes no anchor, a production store no stanza, and without the stanza nothing is trusted."""
    for member in ("intel_root_file", "aws_root_file", "trust_anchors", "roots"):
        done = server.operator("write", "auth/apm/config", f"{member}={hardware.dir / 'intel-root.pem'}", ok=False)
        holds(done.returncode != 0 and "not known" in done.stderr + done.stdout, done.stderr)
    production = Server(bin_dir, world.dir / "production", world.children,
                        f"test {{\n{hardware.root_lines()}}}\n", kind="production")
    done = run([production.bin / "anjuna-policy-manager-server", "server", f"-config={production.config}"], ok=False)
    holds(done.returncode != 0 and "a production store refuses the test stanza" in done.stderr, done.stderr)
    plain = Server(bin_dir, world.dir / "plain", world.children, kind="production").start()
    holds(plain.read("sys/apm/status")["trust_anchors"] == [], "anchors of nobody")
    for family, reason in (("snp", "snp_root_not_pinned"), ("tdx", "dcap_root_not_pinned"),
                           ("sgx", "dcap_root_not_pinned"), ("aws-nitro", "nitro_root_not_pinned")):
        done = login(plain, hardware, family)
        holds(reason_of(done) == reason, f"{family} without its root: {done.stderr}")


def main():
    bin_dir = pathlib.Path(sys.argv[1])
    with World() as world:
        hardware = Hardware(bin_dir, world.dir / "hardware", world.children)
        elsewhere = Hardware(bin_dir, world.dir / "elsewhere", world.children)
        server = Server(bin_dir, world.dir / "server", world.children, f"test {{\n{hardware.root_lines()}}}\n").start()
        anchors_are_shown(server)
        secrets(world, server, hardware)
        refusals(server, hardware, elsewhere)
        explained(world, server, hardware)
        sent_on(server, hardware)
        no_other_way(bin_dir, world, server, hardware)
    print(f"{checks} checks hold")


main()
