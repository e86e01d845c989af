"""boot-inputs: what a deployer can get wrong. A clear error each, exit code 1, nothing half-done: with
the input put right, the next boot serves."""
import os
import re
import socket
import subprocess

from errors import expect_error
from ports import free_port
from world import SHARES, World, expect

JOBS = 3
REQUIRED = ("APM_HOSTNAME", "APM_SA_NAME", "APM_KEYVAULT_NAME", "APM_MK_ID", "MAA_ENDPOINT")


class InputsWorld(World):
    def template_with(self, *replacements):
        text = self.server.template.read_text()
        for old, new in replacements:
            expect(text.count(old) == 1, f"the template has no \"{old}\"")
            text = text.replace(old, new)
        path = self.dir / "changed.hcl.tpl"
        path.write_text(text)
        return str(path)

    def change_secret(self, name, value):
        self.cloud.edit_secret(name, lambda versions: versions[-1].update(value=value))

    def wrapped(self, text):
        return self.skr("-w", "-s", "-", stdin=text).stdout.strip()


def make_world(args):
    return InputsWorld(args)


def refused(world, reason, *says, seconds=300, **environment):
    expect_error(world.server.boot_fails(seconds, **environment), reason, *says)


# --- cases: each leaves the input right again; the runner then boots ---
def nothing_set(world):
    refused(world, "environment", *[name + " is not set" for name in REQUIRED],
            **{name: None for name in REQUIRED})


def one_not_set(world):
    for name in REQUIRED:
        text = world.server.boot_fails(**{name: None})
        expect_error(text, "environment", name + " is not set")
        expect(text.count("is not set: it must hold") == 1, f"another is said to be unset: {text}")


def malformed_values(world):
    refused(world, "environment", "APM_PORT must be", "MAA_ENDPOINT must be an https", "APM_ROOT_TOKEN_TTL",
            "APM_REPLACE_STORE_ID", APM_PORT="70000", MAA_ENDPOINT="http://maa.test",
            APM_ROOT_TOKEN_TTL="soon", APM_REPLACE_STORE_ID="none")


def a_value_that_ends_a_string(world):
    text = world.server.boot_fails(APM_HOSTNAME='a" b')
    expect("APM_HOSTNAME has a character" in text, text)


def pfx_not_base64(world):
    world.change_secret("apm-tls-cert", "%% not base64 %%")
    refused(world, "pfx_malformed", "apm-tls-cert", "base64")


def pfx_malformed(world):
    world.change_secret("apm-tls-cert", "bm90IGEgUEZYIGF0IGFsbA==")
    refused(world, "pfx_malformed", "apm-tls-cert", "PKCS#12")


def pfx_wrong_password(world):
    world.change_secret("apm-tls-cert-password", world.wrapped("another password"))
    refused(world, "pfx_password", "apm-tls-cert", "does not open with this password")


def pfx_password_not_wrapped(world):
    world.change_secret("apm-tls-cert-password", "hunter2-in-the-clear")
    text = world.server.boot_fails()
    expect_error(text, "wrapped_malformed|wrapped_refused", "apm-tls-cert-password")
    expect("hunter2" not in text, "the error repeats the value")


def pfx_missing(world):
    vault = world.cloud.vault()
    vault["secrets"] = [s for s in vault["secrets"] if s["name"] != "apm-tls-cert"]
    world.cloud.write_vault(vault)
    refused(world, "key_vault_not_found", "Key Vault: get secret apm-tls-cert")


def corrupt_share(world):
    world.lived_in()

    def corrupt(versions):
        value = versions[-1]["value"]
        versions[-1]["value"] = value[:-20] + ("A" if value[-20] != "A" else "B") + value[-19:]
    world.cloud.edit_secret(SHARES[0], corrupt)
    world.server.boot()
    world.server.kill()
    expect(SHARES[0] in world.server.text() and "is not what the store relies on" in world.server.text(),
           "nobody is told of the corrupt share")
    for name in SHARES[1:3]:
        world.cloud.edit_secret(name, corrupt)
    refused(world, "unseal_keys_insufficient", *SHARES[:3])


def storage_unreachable(world):
    template = world.template_with(("${APM_DATA_DIR}/store.db", "/nonexistent/store.db"))
    refused(world, "storage_unreachable", "/nonexistent/store.db", "No such file", "Check the storage",
            APM_TEMPLATE=template)


def storage_key_in_the_file_or_the_environment(world):
    stanza = ('storage "azure" {\n  accountName = "${APM_SA_NAME}"\n  container = "vault"\n'
              '  blob_endpoint = "http://127.0.0.1:1/apmsa"\n')
    text, count = re.subn(r'storage "sqlite" \{.*?\n\}', lambda _: stanza + "}",
                          world.server.template.read_text(), flags=re.DOTALL)
    expect(count == 1, "the template has no storage \"sqlite\" stanza")
    path = world.dir / "azure.hcl.tpl"
    path.write_text(text)
    refused(world, "config", "apm-saa-key", APM_TEMPLATE=str(path), AZURE_ACCOUNT_KEY="a2V5")
    path.write_text(text.replace(stanza, stanza + '  accountKey = "a2V5"\n'))
    refused(world, "config", "apm-saa-key", APM_TEMPLATE=str(path))


def storage_readable_by_others(world):
    store = world.server.data / "store.db"
    store.write_bytes(b"")
    os.chmod(store, 0o644)
    refused(world, "store_mode", str(store))
    store.unlink()


def storage_is_something_else(world):
    store = world.server.data / "store.db"
    store.touch(mode=0o600)
    store.write_text("this is a letter, not a store\n" * 100)
    refused(world, "store_damaged", str(store), "not a database", "restored from a backup")
    store.unlink()


def hcl_malformed(world):
    template = world.template_with(("store_kind    = \"test\"", "store_kind    = = \"test\""))
    number = next(n for n, line in enumerate(open(template), 1) if "= =" in line)
    refused(world, "config_syntax", f"line {number}, column 17", APM_TEMPLATE=template)


def production_with_test_anchors(world):
    template = world.template_with(("store_kind    = \"test\"", "store_kind    = \"production\""))
    refused(world, "config", "a production store refuses the test stanza", APM_TEMPLATE=template)


def port_in_use(world):
    with socket.socket() as holder:
        holder.bind(("127.0.0.1", 0))
        holder.listen()
        port = holder.getsockname()[1]
        refused(world, "listen_failed", str(port), APM_PORT=str(port))


def wrong_vault(world):
    refused(world, "key_vault_not_found", "Key Vault: get secret apm-tls-cert", APM_KEYVAULT_NAME="another")


def wrong_key_name(world):
    refused(world, "key_vault_not_found", "Key Vault: release key another-key",
            APM_MK_ID="https://apmkv.vault.azure.net/keys/another-key")


def wrong_key_url(world):
    refused(world, "key_url", "is not of the form", APM_MK_ID="https://example.test/keys/apm-master-key")


def wrong_provider(world):
    refused(world, "tls_untrusted", "MAA other.attest.azure.net", "is not trusted", MAA_ENDPOINT="https://other.attest.azure.net")


def unknown_identity(world):
    refused(world, "imds", "Identity not found", "Assign the managed identity",
            IMDS_CLIENT_ID="00000000-0000-0000-0000-000000000000")


def untrusted_cloud(world):
    other = world.dir / "other-ca.pem"
    subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256",
                    "-nodes", "-days", "2", "-subj", "/CN=other", "-keyout", "/dev/null", "-out", other],
                   check=True, capture_output=True)
    template = world.template_with(("${APM_TEST_DIR}/ca.pem", str(other)))
    refused(world, "tls_untrusted", "is not trusted", APM_TEMPLATE=template)


def no_tpm(world):
    template = world.template_with(("${APM_TEST_DIR}/vm-server.tpm", "${APM_TEST_DIR}/vm-none.tpm"))
    refused(world, "tpm", "TPM", APM_TEMPLATE=template)


def no_event_log(world):
    template = world.template_with(("${APM_TEST_DIR}/vm-server.eventlog", "${APM_TEST_DIR}/none.eventlog"))
    refused(world, "maa_refused", "event log", APM_TEMPLATE=template)
    expect("no event log at" in world.server.text() and "none.eventlog" in world.server.text(),
           "the file that is not there is not named")


def imds_unreachable(world):
    refused(world, "unreachable", "IMDS: token for", APM_TEST_IMDS=f"http://127.0.0.1:{free_port()}")


def azure_unreachable(world):
    refused(world, "unreachable", "MAA ", APM_TEST_HTTPS=f"127.0.0.1:{free_port()}")


CASES = (nothing_set, one_not_set, malformed_values, a_value_that_ends_a_string, pfx_not_base64,
         pfx_malformed, pfx_wrong_password, pfx_password_not_wrapped, pfx_missing, corrupt_share,
         storage_unreachable, storage_key_in_the_file_or_the_environment, storage_readable_by_others,
         storage_is_something_else, hcl_malformed,
         production_with_test_anchors, port_in_use, wrong_vault, wrong_key_name, wrong_key_url,
         wrong_provider, unknown_identity, untrusted_cloud, no_tpm, no_event_log, imds_unreachable,
         azure_unreachable)


def enumerate_cases(world):
    return [{"id": case.__name__, "group": "inputs", "case": case} for case in CASES], {}


def run_case(world, case):
    world.fresh()
    case["case"](world)
    expect(world.server.process.poll() is not None, "a process is left over")
    if case["case"] is corrupt_share:
        world.lived_in()
    else:
        expect(world.server.seal_config() is None, "a store was initialised by a refused boot")
        world.cloud.reset()
    world.boots_cleanly()
