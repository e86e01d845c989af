"""boot-faults: every fault of the simulator at every external call of a first and a later boot.
What passes by itself must be recovered from; everything else must end the boot with an error that
names the call, the cause and the remedy, exit code 1, and nothing half-done: the next boot serves."""
import re

from errors import expect_error
from world import SHARES, World, expect

JOBS = 6  # most of the time is the boot's own waiting between attempts

# Once, at one call: the boot goes on. A slow answer comes within the attempt's time.
PASSING = ("status:429", "status:500", "status:502", "status:503", "drop", "latency_ms:1500")
# From one call on, for good: the boot ends.
LASTING = ("status:400", "status:401", "status:403", "status:404", "status:429", "status:503", "drop")

# What a lasting fault is called, by service.
REASONS = {
    "imds": {"drop": "unreachable", "*": "imds"},
    "maa": {"status:400": "maa_refused", "status:401": "maa_denied", "status:403": "maa_denied",
            "status:404": "maa_not_found", "status:429": "maa_throttled",
            "status:503": "maa_unavailable", "drop": "unreachable"},
    "akv": {"status:400": "key_vault_request", "status:401": "key_vault_token",
            "status:403": "key_vault_rbac", "status:404": "key_vault_not_found",
            "status:429": "key_vault_throttled", "status:503": "key_vault_unavailable",
            "drop": "unreachable"},
}
# Where the call means something else by it. 404 on the list of versions, and on a version that the
# list names, says that there is none: the boot goes on, and the fault meets it at the next call.
SPECIAL = {
    ("read_back", "status:404"): "unseal_key_not_kept",
    ("share", "status:400"): "unseal_keys_insufficient",
    ("share", "status:403"): "unseal_keys_insufficient",
    ("share", "status:404"): "unseal_keys_insufficient",
}

CALLS = {  # how each call is named in an error
    "token": "IMDS: token for", "amd": "IMDS: AMD certification", "attest": "MAA ",
    "release": "Key Vault: release key apm-master-key", "pfx": "Key Vault: get secret apm-tls-cert",
    "password": "Key Vault: get secret apm-tls-cert-password",
    "versions": "Key Vault: list versions of apm-unseal-key-0",
    "keep": "Key Vault: set secret apm-unseal-key-", "read_back": "Key Vault: get secret apm-unseal-key-",
    "owner": "Key Vault: get secret apm-unseal-key-0", "share": "Key Vault: get secret apm-unseal-key-",
    "hand_over": "Key Vault: set secret apm-root-token",
}

# Answers that are there and wrong, once: (call, action) -> (reason, or None when the boot serves;
# what the error names).
WRONG_ANSWERS = {
    ("token", "expired_token"): ("key_vault_token", "Key Vault: release key"),
    ("token", "tamper"): ("key_vault_token", "Key Vault: release key"),
    ("amd", "tamper"): ("maa_refused", "MAA "),
    ("amd", "rotated_vcek"): ("maa_refused", "MAA "),
    ("attest", "expired_token"): ("maa_token_expired", "attestation token"),
    ("attest", "wrong_issuer"): ("maa_token_issuer", "attestation token"),
    ("attest", "tamper"): ("maa_envelope", "attestation answer"),
    ("attest", "no_pcr_values"): (None, ""),  # a claim that no step of a boot reads
    ("release", "wrong_nonce"): ("release_nonce", "release answer"),
    ("release", "policy_mismatch"): ("key_release_refused", "Key Vault: release key"),
    ("release", "unverifiable"): ("key_release_refused", "Key Vault: release key"),
    ("release", "tamper"): ("released_key_mismatch", "release answer"),
    ("release", "wrong_signer"): ("release_chain", "release answer"),
    ("release", "wrong_key"): ("released_key_mismatch", "release answer"),
    ("release", "wrong_kid"): ("release_kid", "release answer"),
    ("release", "old_enc"): (None, ""),  # the SHA-1 form is asked for instead
    ("pfx", "tamper"): ("pfx_password", "apm-tls-cert"),
    ("password", "tamper"): ("wrapped_refused", "apm-tls-cert-password"),
    ("read_back", "tamper"): ("unseal_key_not_kept", "apm-unseal-key-"),
    ("owner", "tamper"): ("foreign_unseal_keys", "apm-unseal-key-0"),
    ("share", "tamper"): (None, ""),  # one of five: three others open the store
    ("token", "empty_body"): ("imds", CALLS["token"]), ("amd", "empty_body"): ("imds", CALLS["amd"]),
    ("attest", "empty_body"): ("maa_answer", CALLS["attest"]),
}
for _call in ("release", "pfx", "password", "versions", "keep", "read_back", "owner", "share",
              "hand_over"):
    WRONG_ANSWERS[(_call, "empty_body")] = ("key_vault_answer", CALLS[_call])

# What the simulator does nothing for, and why.
NOT_APPLICABLE = {
    "wrong_nonce, policy_mismatch, unverifiable, wrong_signer, wrong_key, wrong_kid, old_enc":
        "parts of a release answer: no other answer has them",
    "wrong_issuer, no_pcr_values": "parts of an attestation token",
    "expired_token": "only IMDS and MAA issue tokens",
    "rotated_vcek": "only the AMD certification of IMDS carries the certificate",
    "tamper of keep, hand_over, versions":
        "what a PUT stored is read back by its own GET; a list holds ids and times, no secret value",
}

# Slower than one attempt, once: the next attempt is in time.
LATE = {"token": "latency_ms:6000", "attest": "latency_ms:31000", "release": "latency_ms:21000"}
# Slower than every attempt, for good.
TOO_LATE = {"token": "latency_ms:120000", "attest": "latency_ms:120000", "pfx": "latency_ms:120000"}

REMEDY = re.compile(r"\b(check|compare|give|add|assign|allow|enable|restore|make|wait|retry|try again|"
                    r"store|correct|recover|start|wrap|is this)\b", re.IGNORECASE)


def make_world(args):
    return World(args)


def kind_of(request, boot, last_list):
    path = request["path"]
    if request["service"] == "imds":
        return "token" if "oauth2" in path else "amd"
    if request["service"] == "maa":
        return "attest"
    name = path.split("/")[2] if path.count("/") >= 2 else ""
    if path.startswith("/keys/"):
        return "release"
    if name in ("apm-tls-cert", "apm-tls-cert-password"):
        return "pfx" if name == "apm-tls-cert" else "password"
    if name == "apm-root-token":
        return "hand_over"
    expect(name in SHARES, f"a request that this proof does not know: {path}")
    if path.endswith("/versions"):
        return "versions"
    if request["method"] == "PUT":
        return "keep"
    if boot == "later":
        return "share"
    return "owner" if request["n"] > last_list else "read_back"


def begin(world, boot):
    world.fresh() if boot == "first" else world.lived_in()


def calls_of(world, boot):
    begin(world, boot)
    before = len(world.cloud.log())
    world.server.boot()
    world.server.kill()
    log = world.cloud.log()[before:]
    last_list = max((r["n"] for r in log if r["path"].endswith("/versions")), default=0)
    return [(number, kind_of(r, boot, last_list), r["service"]) for number, r in enumerate(log, 1)]


def reason_of(kind, service, action):
    known = REASONS[service]
    return SPECIAL.get((kind, action)) or known.get(action) or known["*"]


def named_call(kind, action):
    # See SPECIAL: what is not there is no error of that call; the key or the next call is named.
    if action == "status:404" and kind in ("versions", "owner"):
        return "Key Vault: set secret"
    return "apm-unseal-key-" if action == "status:404" and (kind, action) in SPECIAL else CALLS[kind]


def enumerate_cases(world):
    cases, counts = [], {}

    def add(group, boot, number, kind, action, **more):
        cases.append({"id": f"{boot} call {number} {kind} {group} {action}", "group": group, "boot": boot,
                      "number": number, "kind": kind, "action": action, **more})

    for boot in ("first", "later"):
        calls = calls_of(world, boot)
        counts[f"{boot} boot"] = {"calls": len(calls)}
        for number, kind, service in calls:
            for action in PASSING:
                add("passing", boot, number, kind, action, rule={"nth": number}, reason=None)
            for action in LASTING:
                add("lasting", boot, number, kind, action, rule={"from": number},
                    reason=reason_of(kind, service, action), names=named_call(kind, action))
            for (of, action), (reason, names) in WRONG_ANSWERS.items():
                if of == kind:
                    add("wrong answer", boot, number, kind, action, rule={"nth": number},
                        reason=reason, names=names)
            if kind in LATE and boot == "first":
                add("late", boot, number, kind, LATE[kind], rule={"nth": number}, reason=None)
            if kind in TOO_LATE and boot == "later":
                add("too late", boot, number, kind, TOO_LATE[kind], rule={"from": number},
                    reason="unreachable|deadline", names=CALLS[kind])
        if boot == "later":  # one altered key is one of five; all of them are too many
            add("wrong answer", boot, 7, "share", "tamper", rule={"match": {"path_contains": SHARES[0][:-1]}},
                reason="unseal_keys_insufficient", names="apm-unseal-key-0")
    counts["not applicable"] = NOT_APPLICABLE
    return cases, counts


def check_error(text, case):
    line = expect_error(text, case["reason"], case["names"], "boot step")
    said = line.split("boot step", 1)[1].replace(case["names"], "")
    expect(REMEDY.search(said), f"the error has no remedy: {line}")


def run_case(world, case):
    begin(world, case["boot"])
    server, cloud = world.server, world.cloud
    seen = len(cloud.log())
    cloud.fault(case["action"], **case["rule"])
    if case["reason"] is None:
        server.boot()
        world.check_settled(server)
        if case["boot"] == "later":
            world.check_secret(server)
        server.kill()
    else:
        check_error(server.boot_fails(), case)
        cloud.no_faults()
        world.check_custody(server)
    met = [r for r in cloud.log()[seen:] if r.get("fault") == case["action"]]
    expect(met, "no request met the fault")
    if case["reason"] is not None:
        world.boots_cleanly()
    return {"met": len(met)}
