#!/usr/bin/env python3
"""A server that boots by attestation and keeps its unseal keys in Key Vault: saved, rolled back, restarted; then
its store is lost and restored offline. Each boot opens the store with the keys that Key Vault has kept.
Last, the keys that the snapshot relies on are gone: the boot says so and stops."""
import json
import pathlib
import sys
import tempfile

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "harness"))
from cloud import Cloud, UNLIMITED  # noqa: E402
from process import Failed, expect, run  # noqa: E402
from server import Server  # noqa: E402


def cli(server, *words, token=None, ok=True):
    env = dict(server.client_environment(), ANJUNA_TOKEN=token or "")
    return run([server.cloud.bin / "anjuna-policy-manager-server", *words], env=env, ok=ok)


def secret(server, token):
    status, body = server.api("GET", "anjuna/dek", token)
    return body["data"]["dek"] if status == 200 else status


def main(bin_dir, image):
    work = pathlib.Path(tempfile.mkdtemp(prefix="apm-snapshot-boot-"))
    cloud = Cloud(bin_dir, work / "cloud", release_limit=UNLIMITED)
    try:
        cloud.serve()
        cloud.vm("server", "apm-server")
        server = Server(cloud, image, work / "data")
        server.boot()
        token = cloud.secret("apm-root-token")
        expect(server.api("POST", "anjuna/dek", token, {"dek": "kept"})[0] == 204, "a secret is written")
        snapshot = work / "one.snap"
        saved = json.loads(cli(server, "operator", "snapshot", "save", "-format=json", snapshot, token=token).stdout)
        expect(saved["store_id"] == server.seal_config()["store_id"], "the snapshot is this store's")
        for name, value in cloud.canaries().items():
            expect(value not in snapshot.read_bytes(), f"{name} is readable in the snapshot")

        server.api("POST", "anjuna/dek", token, {"dek": "changed"})
        cli(server, "operator", "snapshot", "restore", snapshot, token=token)
        expect("THE STORE WAS ROLLED BACK" in server.text(), "the log says it")
        expect(server.api("GET", "anjuna/dek", token)[0] == 503, "the server is sealed")
        refused = cli(server, "operator", "unseal", "00" * 32, ok=False)
        expect(refused.returncode != 0 and "restart it" in refused.stderr, f"only a restart unseals: {refused.stderr}")
        server.kill()
        server.boot()
        expect(secret(server, token) == "kept", "rolled back, opened with the keys in Key Vault")

        server.empty_store()
        config = next((work / "data").glob("run-*/*.hcl"))
        done = cli(server, "operator", "snapshot", "restore", f"-config={config}", snapshot)
        expect("was not checked" in done.stderr, "what was not checked is said")
        server.boot()
        expect(secret(server, token) == "kept", "a lost store is restored, opened with the keys in Key Vault")

        relied = {entry["name"] for entry in server.seal_config()["custody"]["secrets"]}
        expect(relied, "the store names the keys that it relies on")
        server.empty_store()
        vault = cloud.vault()
        vault["secrets"] = [one for one in vault["secrets"] if one["name"] not in relied]
        cloud.write_vault(vault)
        cli(server, "operator", "snapshot", "restore", f"-config={config}", snapshot)
        said = server.boot_fails()
        expect(any(name in said for name in relied), f"the boot names what is missing: {said[-800:]}")
    except Failed as failure:
        raise SystemExit(f"FAILED: {failure}") from None
    finally:
        cloud.children.stop()
        run(["rm", "-rf", work])
    print("snapshots of a server that boots by attestation: passed")


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2])
