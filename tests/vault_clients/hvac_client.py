"""The unmodified hvac against a server that was just started. Not here, because the server does not have
them yet: wrapping, approle, userpass, token roles, leases, rotate, generate-root, transit."""
import hvac
from process import expect


def equal(got, wanted, what):
    expect(got == wanted, f"{what}: {got!r}, not {wanted!r}")


def refused(kind, what, call, *args, **members):
    try:
        call(*args, **members)
    except kind as refusal:
        return refusal
    expect(False, f"{what} was not refused")


def life(client):
    equal(client.sys.is_initialized(), False, "initialized")
    equal(client.sys.read_health_status().status_code, 501, "health before init")
    made = client.sys.initialize(secret_shares=3, secret_threshold=2)
    client.token = made["root_token"]
    equal(client.sys.is_sealed(), True, "sealed after init")
    refused(hvac.exceptions.VaultDown, "a read while sealed", client.secrets.kv.v1.read_secret, "x")
    equal(client.sys.submit_unseal_keys(made["keys_base64"][:2])["sealed"], False, "unsealed")
    equal(client.sys.read_health_status().status_code, 200, "health")
    client.sys.seal()
    equal(client.sys.is_sealed(), True, "sealed")
    client.sys.submit_unseal_keys(made["keys"][1:])
    equal(client.sys.is_sealed(), False, "unsealed again")
    equal(client.is_authenticated(), True, "the root token")
    equal(client.sys.read_leader_status()["is_self"], True, "leader")


def mounts(client):
    client.sys.enable_secrets_engine("kv", path="one", description="version 1")
    client.sys.enable_secrets_engine("kv", path="two", options={"version": 2})
    client.sys.enable_secrets_engine("kv-v2", path="three")
    listed = client.sys.list_mounted_secrets_engines()["data"]
    equal(listed["two/"]["options"], {"version": "2"}, "options of version 2")
    equal(listed["one/"]["options"], None, "options of version 1")
    client.sys.tune_mount_configuration("one", default_lease_ttl="1h", description="tuned")
    equal(client.sys.read_mount_configuration("one")["data"]["default_lease_ttl"], 3600, "the tuned ttl")
    refused(hvac.exceptions.InvalidRequest, "another version in place", client.sys.tune_mount_configuration,
            "one", options={"version": "2"})
    client.sys.disable_secrets_engine("three")
    expect("three/" not in client.sys.list_mounted_secrets_engines()["data"], "the disabled mount is listed")


def version_one(client):
    kv = client.secrets.kv.v1
    kv.create_or_update_secret("x", {"k": "v", "n": 7}, mount_point="one")
    equal(kv.read_secret("x", mount_point="one")["data"], {"k": "v", "n": 7}, "version 1")
    equal(kv.list_secrets("", mount_point="one")["data"]["keys"], ["x"], "the list of version 1")
    kv.delete_secret("x", mount_point="one")
    refused(hvac.exceptions.InvalidPath, "a deleted secret", kv.read_secret, "x", mount_point="one")


def version_two(client):
    kv = client.secrets.kv.v2
    where = {"mount_point": "two"}
    equal(kv.create_or_update_secret("a/b", {"k": "one"}, cas=0, **where)["data"]["version"], 1, "the first version")
    kv.create_or_update_secret("a/b", {"k": "two"}, cas=1, **where)
    refusal = refused(hvac.exceptions.InvalidRequest, "a wrong check-and-set", kv.create_or_update_secret, "a/b",
                      {"k": "x"}, cas=1, **where)
    expect("check-and-set parameter did not match the current version" in str(refusal), str(refusal))
    kv.patch("a/b", {"more": 3}, **where)
    read = kv.read_secret_version("a/b", **where)["data"]
    equal((read["data"], read["metadata"]["version"]), ({"k": "two", "more": 3}, 3), "the patched version")
    equal(kv.read_secret_version("a/b", version=1, **where)["data"]["data"], {"k": "one"}, "the old version")
    refused(hvac.exceptions.InvalidPath, "a patch of nothing", kv.patch, "none", {"k": "v"}, **where)

    kv.delete_latest_version_of_secret("a/b", **where)
    refused(hvac.exceptions.InvalidPath, "a deleted version", kv.read_secret_version, "a/b", **where)
    kv.undelete_secret_versions("a/b", [3], **where)
    equal(kv.read_secret("a/b", **where)["data"]["data"]["more"], 3, "the undeleted version")
    kv.delete_secret_versions("a/b", [1], **where)
    kv.destroy_secret_versions("a/b", [2], **where)
    for version in (1, 2):
        refused(hvac.exceptions.InvalidPath, f"version {version}", kv.read_secret_version, "a/b", version, **where)

    kv.update_metadata("a/b", max_versions=4, cas_required=True, **where)
    known = kv.read_secret_metadata("a/b", **where)["data"]
    equal((known["max_versions"], known["cas_required"], known["current_version"]), (4, True, 3), "the metadata")
    equal(known["versions"]["2"]["destroyed"], True, "the destroyed version")
    refused(hvac.exceptions.InvalidRequest, "a write without check-and-set", kv.create_or_update_secret, "a/b",
            {"k": "x"}, **where)
    equal(kv.list_secrets("", **where)["data"]["keys"], ["a/"], "the list")
    equal(kv.list_secrets("a", **where)["data"]["keys"], ["b"], "the list of a folder")
    kv.delete_metadata_and_all_versions("a/b", **where)
    refused(hvac.exceptions.InvalidPath, "the list after all is gone", kv.list_secrets, "", **where)
    kv.configure(max_versions=6, cas_required=False, **where)
    equal(kv.read_configuration(**where)["data"]["max_versions"], 6, "the config")


def policies_and_tokens(client, open_client):
    client.secrets.kv.v2.create_or_update_secret("app", {"k": "v"}, mount_point="two")
    client.sys.create_or_update_policy("reader", 'path "two/data/app" { capabilities = ["read"] }')
    expect("reader" in client.sys.list_policies()["data"]["policies"], "the policy is not listed")
    expect("two/data/app" in client.sys.read_policy("reader")["data"]["rules"], "the policy reads otherwise")
    made = client.auth.token.create(policies=["reader"], ttl="1h")["auth"]
    reader = open_client(made["client_token"])
    equal(reader.auth.token.lookup_self()["data"]["policies"], ["default", "reader"], "the policies of the token")
    equal(reader.secrets.kv.v2.read_secret("app", mount_point="two")["data"]["data"], {"k": "v"}, "the read")
    refused(hvac.exceptions.Forbidden, "a write", reader.secrets.kv.v2.create_or_update_secret, "app", {"k": "w"},
            mount_point="two")
    refused(hvac.exceptions.Forbidden, "a list", reader.secrets.kv.v2.list_secrets, "", mount_point="two")
    equal(reader.sys.get_capabilities(["two/data/app"])["data"]["two/data/app"], ["read"], "the capabilities")
    reader.auth.token.renew_self()
    equal(client.auth.token.lookup_accessor(made["accessor"])["data"]["accessor"], made["accessor"], "the accessor")
    client.auth.token.revoke(made["client_token"])
    refused(hvac.exceptions.Forbidden, "a revoked token", reader.auth.token.lookup_self)
    client.sys.delete_policy("reader")
    refused(hvac.exceptions.InvalidPath, "the deleted policy", client.sys.read_policy, "reader")
    client.sys.enable_auth_method("apm")
    expect("apm/" in client.sys.list_auth_methods()["data"], "the login method is not listed")
    client.sys.disable_auth_method("apm")
    expect("main/" in client.sys.list_enabled_audit_devices()["data"], "the audit device is not listed")
    client.write("cubbyhole/mine", k="v")
    equal(client.read("cubbyhole/mine")["data"], {"k": "v"}, "the cubbyhole")
    client.logout(revoke_token=True)


def drive(server):
    def open_client(token=None):
        return hvac.Client(url=server.address, token=token, verify=str(server.ca))

    client = open_client()
    for part in (life, mounts, version_one, version_two):
        part(client)
        print(f"passed: {part.__name__}")
    policies_and_tokens(client, open_client)
    print("passed: policies_and_tokens")
