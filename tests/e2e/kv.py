#!/usr/bin/env python3
"""The kv commands, as a script written for Vault's command line uses them, on mounts of both versions.
   kv.py DIRECTORY_OF_THE_PROGRAMS"""
import json
import pathlib
import sys
import tempfile

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "harness"))
from config_server import ConfigServer  # noqa: E402
from process import Children, Failed, expect  # noqa: E402

CANARY = "CANARY-kv-value"


class Commands:
    def __init__(self, server):
        self.server = server
        self.token = None
        self.passed = 0

    def done(self, *words, code=0, stdin=None):
        """What the command prints on standard output; it must end with this code."""
        result = self.server.command(*words, token=self.token, stdin=stdin)
        expect(result.returncode == code,
               f"{' '.join(words)}: exit code {result.returncode}, not {code}:\n{result.stdout}{result.stderr}")
        self.passed += 1
        self.errors = result.stderr
        return result.stdout

    def kv(self, *words, **how):
        return self.done("kv", *words, **how)

    def refused(self, text, *words, code=2, stdin=None):
        out = self.done(*words, code=code, stdin=stdin)
        expect(text in self.errors + out, f"{' '.join(words)}: does not say '{text}': {self.errors}{out}")


def equal(got, wanted, what):
    expect(got == wanted, f"{what}: {got!r}, not {wanted!r}")


def bring_up(server, commands):
    init = json.loads(commands.done("operator", "init", "-key-shares=1", "-key-threshold=1", "-format=json"))
    commands.done("operator", "unseal", init["unseal_keys_b64"][0])
    commands.token = init["root_token"]
    commands.done("secrets", "enable", "-path=secret", "-version=2", "kv")
    commands.done("secrets", "enable", "-path=nested/two", "kv-v2")
    commands.done("secrets", "enable", "-path=one", "kv")


def version_two(c):
    out = c.kv("put", "secret/team/db", f"password={CANARY}-1", "user=app")
    expect(out.startswith("=== Secret Path ===\nsecret/data/team/db\n\n======= Metadata =======\nKey"), out)
    expect("version            1" in out and "custom_metadata    <nil>" in out, out)
    equal(c.kv("get", "-field=password", "secret/team/db"), f"{CANARY}-1\n", "a field")
    out = c.kv("get", "secret/team/db")
    expect(f"====== Data ======\nKey         Value\n---         -----\npassword    {CANARY}-1\nuser        app" in out, out)
    whole = json.loads(c.kv("get", "-format=json", "-mount=secret", "team/db"))
    equal(whole["data"]["data"], {"password": f"{CANARY}-1", "user": "app"}, "the data as JSON")
    equal(whole["data"]["metadata"]["version"], 1, "the version as JSON")

    c.kv("put", "-cas=1", "secret/team/db", "-", stdin=json.dumps({"password": f"{CANARY}-2", "port": 5432}))
    c.refused("check-and-set parameter did not match the current version", "kv", "put", "-cas=1",
              "secret/team/db", "password=x")
    equal(c.kv("get", "-version=1", "-field=user", "secret/team/db"), "app\n", "a field of version 1")
    equal(c.kv("get", "-field=port", "secret/team/db"), "5432\n", "a number")
    c.refused("No value found at secret/data/none", "kv", "get", "secret/none")
    c.refused('Field "none" not present in secret', "kv", "get", "-field=none", "secret/team/db", code=1)

    c.kv("patch", "-mount=secret", "team/db", "user=patched")
    c.kv("patch", "-method=rw", "-cas=3", "secret/team/db", "host=h")
    whole = json.loads(c.kv("get", "-format=json", "secret/team/db"))
    equal(whole["data"]["data"], {"password": f"{CANARY}-2", "port": 5432, "user": "patched", "host": "h"},
          "the patched data")
    c.refused("did not match", "kv", "patch", "-cas=1", "secret/team/db", "user=x")
    c.refused("No value found", "kv", "patch", "secret/none", "user=x")

    equal(c.kv("list", "secret"), "Keys\n----\nteam/\n", "the list of the mount")
    equal(json.loads(c.kv("list", "-format=json", "-mount=secret", "team/")), ["db"], "the list of a folder")
    c.refused("No value found at secret/metadata/none", "kv", "list", "secret/none")

    equal(c.kv("delete", "secret/team/db"), "Success! Data deleted (if it existed) at: secret/data/team/db\n", "delete")
    out = c.kv("get", "secret/team/db")
    expect("deletion_time      2" in out and "Data" not in out and CANARY not in out, out)
    c.refused("No data found at secret/data/team/db", "kv", "get", "-field=user", "secret/team/db")
    equal(c.kv("undelete", "-versions=4", "secret/team/db"), "Success! Data written to: secret/undelete/team/db\n",
          "undelete")
    equal(c.kv("get", "-field=host", "secret/team/db"), "h\n", "the undeleted version")
    equal(c.kv("delete", "-versions=1,2", "secret/team/db"),
          "Success! Data deleted (if it existed) at: secret/delete/team/db\n", "delete of versions")
    equal(c.kv("destroy", "-versions=2", "secret/team/db"), "Success! Data written to: secret/destroy/team/db\n",
          "destroy")
    c.refused("deleted or does not exist", "kv", "rollback", "-version=2", "secret/team/db")
    c.refused("deleted or does not exist", "kv", "rollback", "-version=9", "secret/team/db")
    out = c.kv("rollback", "-version=3", "secret/team/db")
    expect("version            5" in out, out)
    c.refused("-versions", "kv", "destroy", "secret/team/db", code=1)
    c.refused("-version=N", "kv", "rollback", "secret/team/db", code=1)


def metadata(c):
    equal(c.kv("metadata", "put", "-max-versions=4", "-cas-required", "-delete-version-after=3h",
               "-custom-metadata=owner=ops", "-custom-metadata=tier=1", "secret/team/db"),
          "Success! Data written to: secret/metadata/team/db\n", "metadata put")
    c.refused("check-and-set parameter required", "kv", "put", "secret/team/db", "a=b")
    c.kv("metadata", "patch", "-cas-required=false", "-custom-metadata=tier=2",
         "-remove-custom-metadata=owner", "secret/team/db")
    out = c.kv("metadata", "get", "-mount=secret", "team/db")
    for line in ("==== Metadata Path ====\nsecret/metadata/team/db\n", "custom_metadata         map[tier:2]",
                 "delete_version_after    3h0m0s", "cas_required            false", "====== Version 5 ======",
                 "destroyed        true"):
        expect(line in out, f"metadata get does not show '{line}':\n{out}")
    equal(c.kv("metadata", "get", "-field=current_version", "secret/team/db"), "5\n", "a field of metadata")
    equal(json.loads(c.kv("metadata", "get", "-format=json", "secret/team/db"))["data"]["max_versions"], 4,
          "metadata as JSON")
    c.refused("custom_metadata validation failed", "kv", "metadata", "put", "-custom-metadata=a=", "secret/x")
    equal(c.kv("metadata", "delete", "secret/team/db"),
          "Success! Data deleted (if it existed) at: secret/metadata/team/db\n", "metadata delete")
    c.refused("No value found at secret/metadata/team/db", "kv", "metadata", "get", "secret/team/db")
    c.kv("put", "-mount=nested/two", "x", "a=b")
    equal(c.kv("get", "-field=a", "nested/two/x"), "b\n", "a mount of two segments")


def version_one(c):
    equal(c.kv("put", "one/x", "k=v"), "Success! Data written to: one/x\n", "put of version 1")
    equal(c.kv("get", "one/x"), "== Data ==\nKey    Value\n---    -----\nk      v\n", "get of version 1")
    equal(c.kv("get", "-field=k", "-mount=one", "x"), "v\n", "a field of version 1")
    equal(c.kv("list", "one"), "Keys\n----\nx\n", "list of version 1")
    for words in (["put", "-cas=1", "one/x", "k=w"], ["patch", "one/x", "k=w"], ["get", "-version=1", "one/x"],
                  ["destroy", "-versions=1", "one/x"], ["rollback", "-version=1", "one/x"],
                  ["metadata", "get", "one/x"], ["delete", "-versions=1", "one/x"]):
        c.refused("version", "kv", *words, code=1)
    c.refused("does not change the version of a mount in place", "kv", "enable-versioning", "one")
    equal(c.kv("get", "-field=k", "one/x"), "v\n", "the value after all refusals")
    c.kv("delete", "one/x")
    c.refused("No value found at one/x", "kv", "get", "one/x")
    c.refused("give a path and fields", "kv", "put", "one/x", code=1)
    c.refused("below the mount", "kv", "get", "one", code=1)
    c.refused("Usage", "kv", code=1)


def permissions(c):
    root = c.token
    c.kv("put", "secret/app/x", "k=v")
    c.done("policy", "write", "reader", "-", stdin='path "secret/data/app/*" { capabilities = ["read"] }')
    c.token = c.done("token", "create", "-policy=reader", "-field=token").strip()
    equal(c.kv("get", "-field=k", "secret/app/x"), "v\n", "a reader's read")
    c.refused("permission denied", "kv", "list", "secret/app")
    c.refused("permission denied", "kv", "put", "secret/app/x", "k=w")
    c.refused("permission denied", "kv", "metadata", "get", "secret/app/x")
    c.refused("preflight capability check returned 403", "kv", "get", "one/x")
    c.token = root


def main():
    children = Children()
    with tempfile.TemporaryDirectory(prefix="apm-kv-") as work:
        try:
            server = ConfigServer(children, sys.argv[1], work)
            server.start()
            commands = Commands(server)
            bring_up(server, commands)
            for part in (version_two, metadata, version_one, permissions):
                part(commands)
        finally:
            children.stop()
        for place in (server.log, server.audit):
            expect(CANARY not in place.read_text(errors="replace"), f"a value stands in {place.name}")
    print(f"{commands.passed} passed, 0 failed")


if __name__ == "__main__":
    try:
        main()
    except Failed as failure:
        sys.exit(f"FAILED: {failure}")
