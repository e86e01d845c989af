#!/usr/bin/env python3
"""Drives a client of Vault, as its makers ship it, against `server -config`.
   run.py node-vault|hvac DIRECTORY_OF_THE_PROGRAMS
node-vault needs npm, a Node.js of version 18 or later, and a package registry; what it installs is pinned by
hash in package-lock.json. hvac is Debian's python3-hvac. Where something of that cannot be had, this says so
and exits with 77, which the test suite shows as skipped. Everything happens in a fresh directory."""
import importlib.util
import os
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent / "harness"))
from config_server import ConfigServer  # noqa: E402
from process import Children, Failed, expect  # noqa: E402

SKIPPED = 77
# Only what says that nobody answered, or nobody whom this machine trusts; another hash, or a package that is
# gone, is a failure.
NOT_REACHED = re.compile(
    r"code (ENOTFOUND|EAI_AGAIN|ECONNREFUSED|ECONNRESET|ETIMEDOUT|EHOSTUNREACH|ENETUNREACH|ERR_SOCKET_TIMEOUT"
    r"|ENOTCACHED|E50[0-9]|SELF_SIGNED_CERT_IN_CHAIN|DEPTH_ZERO_SELF_SIGNED_CERT|UNABLE_TO_[A-Z_]+|CERT_[A-Z_]+)")


class Skipped(Exception):
    pass


def install(work):
    npm = os.environ.get("APM_NPM", "npm")
    for program in (npm, "node"):
        if shutil.which(program) is None:
            raise Skipped(f"there is no {program}; scripts/install-packages clients installs it")
    for name in ("package.json", "package-lock.json", "test.mjs"):
        shutil.copy(HERE / name, work)
    done = subprocess.run([npm, "ci", "--ignore-scripts", "--prefer-offline", "--no-audit", "--no-fund",
                           "--loglevel=error", "--fetch-retries=1", "--fetch-retry-mintimeout=1000",
                           "--fetch-timeout=60000"], cwd=work, capture_output=True, text=True, timeout=400)
    if done.returncode != 0:
        print(done.stdout + done.stderr)
        if NOT_REACHED.search(done.stdout + done.stderr):
            raise Skipped("the npm registry cannot be reached, or its certificate is not trusted here (above)")
        raise Failed("npm ci")


def node_vault(server, work):
    done = subprocess.run(["node", "test.mjs", server.address, str(server.ca)], cwd=work, timeout=200,
                          env=server.environment())
    expect(done.returncode == 0, f"node-vault: exit code {done.returncode}\n{server.tail()}")


def main(client, bin_dir):
    children = Children()
    with tempfile.TemporaryDirectory(prefix="apm-client-") as name:
        work = pathlib.Path(name)
        if client == "hvac" and importlib.util.find_spec("hvac") is None:
            raise Skipped("there is no hvac; scripts/install-packages clients installs it")
        if client == "node-vault":
            install(work)
        try:
            server = ConfigServer(children, bin_dir, work)
            server.start()
            if client == "node-vault":
                node_vault(server, work)
            else:
                import hvac_client
                hvac_client.drive(server)
        finally:
            children.stop()


if __name__ == "__main__":
    if len(sys.argv) != 3 or sys.argv[1] not in ("node-vault", "hvac"):
        sys.exit(__doc__)
    try:
        main(sys.argv[1], sys.argv[2])
    except Skipped as why:
        print(f"SKIPPED: {why}")
        sys.exit(SKIPPED)
    except Failed as failure:
        sys.exit(f"FAILED: {failure}")
