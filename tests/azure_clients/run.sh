#!/bin/sh
# Drives the unmodified Azure Key Vault clients against azure-sim. Needs npm and a package registry.
#   run.sh PATH_TO_AZURE_SIM
# Everything happens in a fresh temporary directory, which is removed afterwards.
set -eu
sim=$(realpath "$1")
here=$(cd "$(dirname "$0")" && pwd)
work=$(mktemp -d)
server=
cleanup() {
  [ -z "$server" ] || kill "$server" 2>/dev/null || true
  rm -rf "$work"
}
trap cleanup EXIT
cp "$here/package.json" "$here/test.mjs" "$work/"
(cd "$work" && npm install --no-audit --no-fund --no-package-lock --loglevel=error)
mkdir "$work/state"
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
NODE_EXTRA_CA_CERTS="$work/state/ca.pem" ./node_modules/.bin/node test.mjs "$work/state/endpoints.json"
