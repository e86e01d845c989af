"""skr: AzureAttestSKR against the simulator: release, wrap, unwrap, batches, nonce, both OAEP hashes and
both ways in which a vault wraps the released key; outputs and exit codes."""
import json
import subprocess

import skr
from world import SHARES, World, expect

JOBS = 2
VALUE = "a value of a deployer"
USAGE, ATTESTATION, IDENTITY, RELEASE, CRYPTOGRAPHY, NETWORK = 1, 2, 3, 4, 5, 6


def make_world(args):
    return World(args)


def fails(world, code, reason, *words, stdin=None):
    done = world.skr(*words, stdin=stdin, ok=False)
    expect(done.returncode == code, f"exit code {done.returncode} and not {code}: {done.stderr}")
    expect(reason in done.stderr, f"the error does not say {reason}: {done.stderr}")
    expect(done.stdout == "", f"something on standard output: {done.stdout[:200]}")
    return done


def releases(world):
    return world.cloud.counts().get("release", 0)


def release_only(world):
    before = releases(world)
    done = world.skr("-r")
    expect(done.stdout == "", f"a release prints something: {done.stdout[:200]}")
    expect(releases(world) == before + 1, "not one release")


def wrap_and_unwrap(world):
    wrapped = world.skr("-w", "-s", "-", stdin=VALUE).stdout
    expect(VALUE not in wrapped and wrapped.endswith("\n"), f"wrapped: {wrapped}")
    expect(world.skr("-u", "-s", "-", stdin=wrapped).stdout == VALUE + "\n", "another value came back")
    expect(world.skr("-u", "-s", wrapped.strip()).stdout == VALUE + "\n", "-s VALUE differs from -s -")


def deployed_value(world):
    """What a deployer wrapped with the public key alone."""
    text = world.cloud.versions("apm-tls-cert-password")[-1]["value"]
    got = world.skr("-u", "-s", "-", stdin=text).stdout.rstrip("\n")
    expect(got.encode() == world.cloud.canaries()["PFX password"], "another password came out")


def hash_choices(world):
    for hashes in (("-H", "sha1"), ("-H", "sha256"), ("-H", "sha256", "-G", "sha1"), ("-H", "sha384")):
        wrapped = world.skr("-w", *hashes, "-s", "-", stdin=VALUE).stdout
        expect(world.skr("-u", *hashes, "-s", "-", stdin=wrapped).stdout == VALUE + "\n", f"{hashes}")
    wrapped = world.skr("-w", "-H", "sha1", "-s", "-", stdin=VALUE).stdout
    fails(world, CRYPTOGRAPHY, "wrapped_refused", "-u", "-H", "sha256", "-s", "-", stdin=wrapped)


def descriptor(world):
    command = skr.command(world.cloud, "-w", "--fd", "7")
    done = subprocess.run(["/bin/sh", "-c", 'exec 7<<VALUE\n' + VALUE + '\nVALUE\nexec "$@"', "sh",
                           *command], capture_output=True, text=True, timeout=60)
    expect(done.returncode == 0, done.stderr)
    expect(world.skr("-u", "-s", "-", stdin=done.stdout).stdout == VALUE + "\n\n", "another value came back")


def batch(world):
    first, second = (world.skr("-w", "-s", "-", stdin=v).stdout.strip() for v in ("one", "two"))
    items = {"keys": [{"id": "a", "wrapped": first}, {"id": "b", "wrapped": second},
                      {"id": "c", "wrapped": "AAAA"}, {"id": "d"}]}
    before = releases(world)
    answer = json.loads(world.skr("-B", "-", stdin=json.dumps(items)).stdout)["results"]
    expect(releases(world) == before + 1, "a batch is not one release")
    expect([r.get("unwrapped") for r in answer[:2]] == ["one", "two"], f"{answer}")
    expect(all("error" in r and "unwrapped" not in r for r in answer[2:]), f"{answer}")
    path = world.dir / "batch.json"
    path.write_text(json.dumps(items))
    expect(json.loads(world.skr("-B", path).stdout)["results"] == answer, "a file differs from stdin")
    fails(world, USAGE, "-B takes", "-B", "-", stdin="{}")


def nonce(world):
    world.skr("-r", "-n", "a-nonce-of-the-caller")
    world.cloud.fault("wrong_nonce", match={"path_contains": "/release"})
    fails(world, RELEASE, "release_nonce", "-r", "-n", "a-nonce-of-the-caller")
    fails(world, RELEASE, "release_nonce", "-r")


def vault_without_sha256(world):
    """A vault that knows the SHA-1 form alone."""
    world.cloud.fault("old_enc", match={"path_contains": "/release"})
    done = world.skr("-w", "-s", "-", stdin=VALUE)
    expect("SHA-1 form" in done.stderr, f"nobody is told: {done.stderr}")
    world.cloud.no_faults()
    expect(world.skr("-u", "-s", "-", stdin=done.stdout).stdout == VALUE + "\n", "another key was released")


def envelopes(world):
    """A server's envelope opens under the name that it is bound to, and no other."""
    world.server.boot()
    world.server.kill()
    text = world.cloud.secret(SHARES[2])
    share = skr.open_share(world.cloud, SHARES[2])
    expect(len(share) == 33 and share[-1] != 0, f"no share of 33 bytes came out, but {len(share)}")
    fails(world, CRYPTOGRAPHY, "envelope_name", "-u", "--name", SHARES[1], "-s", "-", stdin=text)
    fails(world, CRYPTOGRAPHY, "envelope_expected", "-u", "-s", "-", stdin=text)


def exit_codes(world):
    fails(world, USAGE, "usage", "-x")
    fails(world, USAGE, "one of -w, -u, -r or -B", )
    fails(world, USAGE, "need a value", "-u")
    for action, service, code, reason in (
            ("status:400", "maa", ATTESTATION, "maa_refused"),
            ("tamper", "maa", ATTESTATION, "maa_envelope"),
            ("expired_token", "maa", ATTESTATION, "maa_token_expired"),
            ("status:400", "imds", IDENTITY, "imds"),
            ("status:403", "akv", RELEASE, "key_vault_rbac"),
            ("policy_mismatch", "akv", RELEASE, "key_release_refused"),
            ("wrong_signer", "akv", RELEASE, "release_chain"),
            ("wrong_key", "akv", CRYPTOGRAPHY, "released_key_mismatch"),
            ("tamper", "akv", CRYPTOGRAPHY, "released_key_mismatch")):
        world.cloud.fault(action, match={"service": service})
        fails(world, code, reason, "-r")
        world.cloud.no_faults()
    fails(world, CRYPTOGRAPHY, "wrapped_refused", "-u", "-s", "-", stdin="AAAA" * 86)


def network(world):
    world.cloud.fault("drop", match={"service": "maa"})
    fails(world, NETWORK, "unreachable", "-r")


def service_principal(world):
    env = {"AKV_SKR_TENANT_ID": "5f0e2c4a-7d1b-4a53-9c86-3b1f6a2d9e10",
           "AKV_SKR_CLIENT_ID": "a1d9b2a4-0c4f-4f0e-8a64-51c2d7e0b7aa",
           "AKV_SKR_CLIENT_SECRET": "sim-client-secret"}
    tokens = world.cloud.counts().get("imds_token", 0)
    world.skr("-r", "-c", "sp", env=env)
    expect(world.cloud.counts().get("imds_token", 0) == tokens, "IMDS was asked all the same")
    done = world.skr("-r", "-c", "sp", env=dict(env, AKV_SKR_CLIENT_SECRET="wrong"), ok=False)
    expect(done.returncode == IDENTITY and "AADSTS7000215" in done.stderr, f"{done.returncode} {done.stderr}")
    expect("wrong" not in done.stderr.replace("wrong tenant", ""), "the secret is repeated")


CASES = (release_only, wrap_and_unwrap, deployed_value, hash_choices, descriptor, batch, nonce,
         vault_without_sha256, envelopes, exit_codes, network, service_principal)


def enumerate_cases(world):
    return [{"id": case.__name__, "group": "AzureAttestSKR", "case": case} for case in CASES], {}


def run_case(world, case):
    world.fresh()
    case["case"](world)
