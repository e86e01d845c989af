"""boot-custody: a store and a vault that do not belong together, or are not as they were. Refused or
serialised, no key is overwritten, and the error names both stores."""
import copy

from errors import expect_error
from server import wait_until
from world import SHARES, THRESHOLD, World, envelope_header, expect, unkept_keys

JOBS = 3


class CustodyWorld(World):
    def __init__(self, args):
        super().__init__(args, vms=("server", "second"))
        self.other = self.new_server("other", "second")

    def fresh(self):
        self.other.empty_store()
        super().fresh()

    def keys(self):
        return {name: copy.deepcopy(self.cloud.versions(name)) for name in SHARES}


def make_world(args):
    return CustodyWorld(args)


def store_id(server):
    return server.seal_config()["store_id"]


def later_boot(world, server):
    """It still opens, and the secret is there."""
    server.boot()
    status, seal = server.api("GET", "sys/seal-status")
    expect(status == 200 and seal["sealed"] is False, f"sealed: {seal}")
    if server is world.server:
        world.check_secret(server)
    server.kill()


def refused_beside(world, stranger, owner_id, **environment):
    """A boot over `stranger` stops at the keys of another store, and changes nothing."""
    before = world.keys()
    text = stranger.boot_fails(**environment)
    expect_error(text, "foreign_unseal_keys", owner_id, str(stranger.data / "store.db"),
                 "Nothing was changed", "APM_REPLACE_STORE_ID=" + owner_id)
    expect(world.keys() == before, "the keys in the vault were touched")
    expect(stranger.seal_config() is None, "the refused store was initialised")


# --- cases ---
def other_store(world):
    """A wrong account name: an empty store beside a vault that keeps another store's keys."""
    world.lived_in()
    refused_beside(world, world.other, store_id(world.server))
    later_boot(world, world.server)


def emptied_store(world):
    world.lived_in()
    owner = store_id(world.server)
    kept = {f.name: f.read_bytes() for f in world.server.data.glob("store.db*")}
    for file in world.server.data.glob("store.db*"):
        file.unlink()
    refused_beside(world, world.server, owner)
    for file in world.server.data.glob("store.db*"):
        file.unlink()
    for name, content in kept.items():  # the operator brings the store back
        (world.server.data / name).touch(mode=0o600)
        (world.server.data / name).write_bytes(content)
    later_boot(world, world.server)


def replaced_store(world):
    """Only who names the old store's id may go on; and the old versions stay where they were."""
    world.lived_in()
    owner = store_id(world.server)
    before = world.keys()
    refused_beside(world, world.other, owner, APM_REPLACE_STORE_ID="00" * 16)
    world.other.boot(APM_REPLACE_STORE_ID=owner)
    new_owner = store_id(world.other)
    world.other.kill()
    after = world.keys()
    for name in SHARES:
        expect(after[name][:len(before[name])] == before[name], f"{name}: an older version changed")
        expect(len(after[name]) == len(before[name]) + 1, f"{name}: not one version more")
    later_boot(world, world.other)
    # The store that was given up opens too, by the versions that it names; a third one does not.
    world.server.boot()
    world.server.kill()
    third = world.new_server("third", "second")
    try:
        refused_beside(world, third, new_owner, APM_REPLACE_STORE_ID=owner)
    finally:
        third.empty_store()


def plain_value(world):
    """Somebody stored something else under the name of an unseal key."""
    world.fresh()
    vault = world.cloud.vault()
    value = {"version": "ab" * 16, "value": "cGxhaW4=", "content_type": "", "tags": None,
             "enabled": True, "created_s": 1_700_000_000, "expires_s": 0}
    vault["secrets"].append({"name": SHARES[0], "versions": [value], "deleted_ms": 0})
    world.cloud.write_vault(vault)
    refused_beside(world, world.server, "unknown")


def race_of(world, delays):
    """Two first boots at once, one vault. `delays`: of the first requests for the list of versions."""
    world.fresh()
    for delay in delays:
        world.cloud.fault(f"latency_ms:{delay}", nth=1, match={"path_contains": "/versions"})
    servers = (world.server, world.other)
    for server in servers:
        server.launch()
    serving = [server.serving(60) for server in servers]
    initialised = [server for server in servers if server.seal_config() is not None]
    for server in initialised:
        missing = unkept_keys(server.seal_config(), world.cloud)
        expect(not missing, f"initialised without its keys: {missing}")
    expect(serving.count(True) == 1,
           f"{serving.count(True)} of two serve:\n{servers[0].tail()}\n{servers[1].tail()}")
    winner, loser = servers if serving[0] else servers[::-1]
    expect(initialised == [winner], "the store of the boot that lost was initialised")
    expect_error(loser.text(), "foreign_unseal_keys", store_id(winner), str(loser.data / "store.db"))
    loser.process.wait(10)
    expect(loser.process.returncode == 1, "the boot that lost ended with another code")
    winner.kill()
    later_boot_of(winner)
    refused = loser.boot_fails()
    expect_error(refused, "foreign_unseal_keys", store_id(winner))


def later_boot_of(server):
    server.boot()
    server.kill()


def race(world):
    race_of(world, [])


def race_both_see_nothing(world):
    race_of(world, [700, 700])


def race_one_is_late(world):
    race_of(world, [400])


def one_store_twice(world):
    """Two first boots over one store: one initialises it, the other waits, unseals and stands by."""
    world.fresh()
    twin = world.new_server("s", "second")
    world.server.launch()
    twin.launch()
    for server in (world.server, twin):
        expect(server.serving(60), f"does not serve:\n{server.tail()}")
    codes = sorted(server.health() for server in (world.server, twin))
    expect(codes == [200, 429], f"health of the two: {codes}")
    active, standby = ((world.server, twin) if world.server.health() == 200 else (twin, world.server))
    initialised = [s for s in (world.server, twin) if "the store was initialised" in s.text()]
    expect(len(initialised) == 1, f"{len(initialised)} of the two initialised the store")
    world.check_settled(active)
    world.write_secret(active)
    versions = [len(v) for v in world.keys().values()]
    expect(versions == [1] * 5, f"the keys have {versions} versions")
    active.kill()
    expect(standby.becomes_active(), f"the other did not take over:\n{standby.tail()}")
    world.check_settled(standby)
    world.check_secret(standby)
    standby.kill()


def one_store_waits(world):
    """The second boot stands by, and serves when the first one goes away."""
    world.fresh()
    twin = world.new_server("s", "second")
    world.server.boot()
    world.write_secret(world.server)
    twin.boot()
    expect(twin.health() == 429, "two servers over one store")
    status, leader = twin.api("GET", "sys/leader")
    expect(leader["leader_address"] == f"https://localhost:{world.server.port}", f"leader: {leader}")
    world.check_secret(twin)  # sent to the active one
    world.server.kill()
    expect(twin.becomes_active(), f"the second did not take over:\n{twin.tail()}")
    world.check_secret(twin)
    twin.kill()


def change_newest(world, name, value):
    def change(versions):
        versions[-1]["value"] = value
    world.cloud.edit_secret(name, change)


def swapped(world):
    world.lived_in()
    good = world.cloud.vault_file.read_bytes()
    values = [world.cloud.versions(name)[-1]["value"] for name in SHARES]
    change_newest(world, SHARES[0], values[1])
    change_newest(world, SHARES[1], values[0])
    later_boot(world, world.server)  # three others open the store
    expect("an unseal key cannot be used" in world.server.text(), "nobody is told of the swap")
    change_newest(world, SHARES[2], values[3])
    change_newest(world, SHARES[3], values[2])
    expect_error(world.server.boot_fails(), "unseal_keys_insufficient", SHARES[0], SHARES[3],
                 "is not what the store relies on")
    world.cloud.write_vault(good)
    later_boot(world, world.server)


def replayed(world):
    """Older versions of the same store's keys: of a first boot that was cut off before its commit."""
    world.fresh()
    before = len(world.cloud.log())
    world.server.boot()
    world.server.kill()
    requests = [(r["method"], r["path"]) for r in world.cloud.log()[before:]]
    handover = next(n for n, (method, path) in enumerate(requests)
                    if method == "PUT" and "apm-root-token" in path)
    world.fresh()  # the same boot again, cut off at its last request before the commit
    world.server.boot_killed(before=lambda pid: world.cloud.kill(pid, handover, "received"))
    world.cloud.no_faults()
    older = {name: world.cloud.versions(name)[-1]["value"] for name in SHARES}
    expect(world.server.seal_config() is None, "the boot was not cut off before its commit")
    world.server.boot()
    world.write_secret(world.server)
    world.server.kill()
    own = store_id(world.server)
    for name in SHARES:
        expect(envelope_header(older[name])["store_id"] == own, "another store's id")
    good = world.cloud.vault_file.read_bytes()

    def again(versions):  # a replay as the vault allows it: the old value in a new version
        versions.append(dict(versions[0], version="ef" * 16, created_s=versions[-1]["created_s"] + 1))
    for name in SHARES:
        world.cloud.edit_secret(name, again)
    later_boot(world, world.server)
    world.cloud.write_vault(good)
    for name in SHARES[:THRESHOLD]:  # and as only the vault's host could: in the version's place
        change_newest(world, name, older[name])
    expect_error(world.server.boot_fails(), "unseal_keys_insufficient", "is not what the store relies on")
    world.cloud.write_vault(good)
    later_boot(world, world.server)


def other_stores_keys(world):
    """The keys of another store, opened by the same master key, in the place of this one's."""
    world.lived_in()
    good = world.cloud.vault_file.read_bytes()
    world.other.boot(APM_REPLACE_STORE_ID=store_id(world.server))
    world.other.kill()
    foreign = {name: world.cloud.versions(name)[-1]["value"] for name in SHARES}
    world.cloud.write_vault(good)
    for name in SHARES:
        change_newest(world, name, foreign[name])
    expect_error(world.server.boot_fails(), "unseal_keys_insufficient")
    world.cloud.write_vault(good)
    later_boot(world, world.server)


def lost_keys(world):
    world.lived_in()
    good = world.cloud.vault_file.read_bytes()

    def lose(names):
        vault = world.cloud.vault()
        vault["secrets"] = [s for s in vault["secrets"] if s["name"] not in names]
        world.cloud.write_vault(vault)
    lose(SHARES[:2])
    later_boot(world, world.server)
    lose(SHARES[:3])
    expect_error(world.server.boot_fails(), "unseal_keys_insufficient", SHARES[2], "is not in key vault")
    world.cloud.write_vault(good)
    later_boot(world, world.server)


def swapped_deployer_secrets(world):
    """The two values that a deployer wraps, the one for the other."""
    world.lived_in()
    good = world.cloud.vault_file.read_bytes()
    storage_key = world.cloud.versions("apm-saa-key")[-1]["value"]
    change_newest(world, "apm-tls-cert-password", storage_key)
    expect_error(world.server.boot_fails(), "pfx_password", "apm-tls-cert")
    world.cloud.write_vault(good)
    later_boot(world, world.server)


def port_before_serving(world):
    """Until a boot is done its port tells health and seal status, and nothing else."""
    world.lived_in()
    server, token = world.server, world.root_token()
    world.cloud.fault("latency_ms:4000", nth=1, match={"path_contains": SHARES[0]})
    server.launch()
    expect(wait_until(lambda: "http: listening" in server.text(), 60), f"no listener:\n{server.tail()}")
    status, seal = server.api("GET", "sys/seal-status")
    expect(status == 200 and seal["sealed"] is True, f"seal status: {status} {seal}")
    expect(server.api("GET", "sys/health")[0] == 503, "a sealed server's health")
    for method, path, body in (("GET", "anjuna/dek", None), ("GET", "sys/mounts", None),
                               ("PUT", "anjuna/dek", {"dek": "x"}), ("PUT", "sys/init", {}),
                               ("PUT", "sys/unseal", {"key": "00" * 33}), ("PUT", "sys/seal", {}),
                               ("PUT", "sys/generate-root/attempt", {}),
                               ("POST", "auth/apm/challenge", {})):
        status, answer = server.api(method, path, token, body)
        expect(status >= 400, f"{method} {path} before serving: {status} {answer}")
    expect("Vault server started" not in server.text(), "the boot was done before the questions were")
    expect(server.serving(60), f"the boot did not end with serving:\n{server.tail()}")
    world.check_secret(server)
    status, answer = server.api("PUT", "sys/init", token, {"secret_shares": 1, "secret_threshold": 1})
    expect(status >= 400, f"a booted server offers init: {status} {answer}")
    server.kill()


CASES = (other_store, emptied_store, replaced_store, plain_value, race, race_both_see_nothing,
         race_one_is_late, one_store_twice, one_store_waits, swapped, replayed, other_stores_keys,
         lost_keys, swapped_deployer_secrets, port_before_serving)


def enumerate_cases(world):
    return [{"id": case.__name__, "group": "custody", "case": case} for case in CASES], {}


def run_case(world, case):
    try:
        case["case"](world)
    finally:
        world.server.kill()
        world.other.kill()
