#!/usr/bin/env bash
# Backups and migrations with a store on Azure Blob (Azurite): SQLite to it and back, from one container to another, a
# snapshot of it under load, restored into it while it serves and into an empty container. The content is several times
# what one append takes, so every copy is made of several batches.
set -euo pipefail
bin=$1
here=$(cd "$(dirname "$0")" && pwd)
dir=$(mktemp -d "${TMPDIR:-/tmp}/apm-e2e-XXXXXX")
apm=$bin/anjuna-policy-manager-server
server='' azurite='' load=''

cleanup() {
  for one in "$load" "$server" "$azurite"; do [ -z "$one" ] || kill -KILL "$one" 2>/dev/null || true; done
  wait 2>/dev/null || true
  rm -rf "$dir"
}
trap cleanup EXIT
fail() { echo "FAILED: $*" >&2; tail -n 20 "$dir"/*.log >&2 || true; exit 1; }
refused() { # refused TEXT COMMAND...: must fail and say TEXT
  local text=$1; shift
  if "$@" >"$dir/out" 2>&1; then fail "was not refused: $*"; fi
  grep -qF -- "$text" "$dir/out" || { cat "$dir/out" >&2; fail "does not say '$text': $*"; }
}
done_well() { "$@" >"$dir/out" 2>&1 || { cat "$dir/out" >&2; fail "$*"; }; }
free_port() { python3 "$here/../harness/ports.py"; }

code=0
"$here/../harness/azurite.sh" install 2>"$dir/install" || code=$?
[ "$code" != 77 ] || { echo "SKIPPED: $(tail -n 1 "$dir/install")"; exit 77; }
[ "$code" = 0 ] || { cat "$dir/install" >&2; exit 1; }
blob_port=$(free_port)
"$here/../harness/azurite.sh" "$blob_port" >"$dir/azurite.log" 2>&1 &
azurite=$!
for _ in $(seq 600); do
  curl -s -o "$dir/probe" "http://127.0.0.1:$blob_port/" && break
  kill -0 "$azurite" 2>/dev/null || fail "Azurite ended"
  sleep 0.05
done

# Azurite's published development account; it protects nothing.
account=devstoreaccount1
export AZURE_ACCOUNT_NAME=$account
export AZURE_ACCOUNT_KEY=Eby8vdM02xNOcqFlqUwJPLlmEtlCDXJ1OUzFT50uSRZ6IFsuFq2UVErCz4I6tq/K1SZFPTOtr/KBHBeksoGMGw==

openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 2 -subj /CN=localhost \
  -addext subjectAltName=DNS:localhost,IP:127.0.0.1 -keyout "$dir/key.pem" -out "$dir/cert.pem" 2>/dev/null
export VAULT_CACERT=$dir/cert.pem
port=$(free_port)
export VAULT_ADDR=https://localhost:$port

sqlite() { echo "storage \"sqlite\" { path = \"$dir/$1.db\" }"; }
azure() { printf 'storage "azure" {\n  container = "%s"\n  blob_endpoint = "http://127.0.0.1:%s/%s"\n}\n' "$1" "$blob_port" "$account"; }
config() { # config NAME STORAGE: the configuration of a server over that storage
  cat >"$dir/$1.hcl" <<CONFIG
disable_mlock = true
store_kind = "test"
listener "tcp" {
  address = "127.0.0.1:$port"
  tls_cert_file = "$dir/cert.pem"
  tls_key_file = "$dir/key.pem"
}
$2
CONFIG
}
migration() { # migration NAME SOURCE DESTINATION
  printf 'store_kind = "test"\n%s\n%s\n' "${2/storage /storage_source }" "${3/storage /storage_destination }" >"$dir/$1.hcl"
}
config first "$(sqlite first)"
config blob "$(azure vault)"
config other "$(azure other)"
config empty "$(azure empty)"
config back "$(sqlite back)"

start() { # start NAME
  "$apm" server -config="$dir/$1.hcl" >>"$dir/server.log" 2>&1 &
  server=$!
  for _ in $(seq 1200); do
    curl -s --cacert "$dir/cert.pem" "$VAULT_ADDR/v1/sys/health" >"$dir/health" && return
    kill -0 "$server" 2>/dev/null || fail "the server ended"
    sleep 0.05
  done
  fail "the server does not answer"
}
stop() { kill -TERM "$server"; wait "$server" || fail "stopping"; server=''; }
unseal() { "$apm" operator unseal - <"$dir/unseal" >/dev/null; }
secret() { # secret PATH FIELD: with the stock API, nothing of ours
  curl -sS --cacert "$dir/cert.pem" -H "X-Vault-Token: $VAULT_TOKEN" "$VAULT_ADDR/v1/$1" | jq -r ".data.$2"
}
holds() { # holds WHAT: the server has everything
  [ "$(secret anjuna/dek dek)" = kept ] || fail "$1: the secret is $(secret anjuna/dek dek)"
  for n in 1 2 3 4 5 6 7 8; do
    [ "$(secret "anjuna/large/$n" large | sha256sum)" = "$(cat "$dir/large.sum")" ] || fail "$1: large value $n"
  done
}
expect() { start "$1"; unseal; holds "$1"; }

start first
"$apm" operator init -key-shares=1 -key-threshold=1 >"$dir/init"
grep 'Unseal Key' "$dir/init" | awk '{print $4}' >"$dir/unseal"
VAULT_TOKEN=$(grep Root "$dir/init" | cut -d: -f2 | awk '{print $1}')
export VAULT_TOKEN
unseal
"$apm" secrets enable --path anjuna kv >/dev/null
"$apm" write anjuna/dek dek=kept >/dev/null
python3 -c 'print("x" * 900000, end="")' >"$dir/large"
for n in 1 2 3 4 5 6 7 8; do "$apm" write "anjuna/large/$n" large=@"$dir/large" >/dev/null; done
secret anjuna/large/1 large | sha256sum >"$dir/large.sum"
stop

# SQLite to Azure Blob.
migration there "$(sqlite first)" "$(azure vault)"
sed '/store_kind/d' "$dir/there.hcl" >"$dir/production.hcl"
refused 'plain http' "$apm" operator migrate -config="$dir/production.hcl"
done_well "$apm" operator migrate -config="$dir/there.hcl"
refused 'there is something in' "$apm" operator migrate -config="$dir/there.hcl"
expect blob

# Saved while somebody writes, and restored into the running server.
( n=0; while :; do n=$((n + 1)); "$apm" write anjuna/load n="$n" >/dev/null 2>&1 || exit 0; done ) &
load=$!
until [ "$(secret anjuna/load n)" != null ]; do sleep 0.05; done
done_well "$apm" operator snapshot save "$dir/one.snap"
kill "$load"; wait "$load" 2>/dev/null || true; load=''
"$apm" write anjuna/dek dek=changed >/dev/null
"$apm" delete anjuna/large/3 >/dev/null
"$apm" write anjuna/new new=1 >/dev/null
done_well "$apm" operator snapshot restore "$dir/one.snap"
unseal
holds "restored while it serves"
[ "$(secret anjuna/new new)" = null ] || fail "what came after the snapshot is still there"
"$apm" write anjuna/dek dek=kept >/dev/null || fail "a restored store cannot be written to"
refused 'in use by' "$apm" operator snapshot restore -config="$dir/blob.hcl" -force "$dir/one.snap"
stop

# Into an empty container; from container to container; back to SQLite.
done_well "$apm" operator snapshot restore -config="$dir/other.hcl" "$dir/one.snap"
refused 'there is something in' "$apm" operator snapshot restore -config="$dir/other.hcl" "$dir/one.snap"
expect other
"$apm" write anjuna/dek dek=kept >/dev/null || fail "the restored store cannot be written to"
stop
migration same "$(azure vault)" "$(azure vault)"
refused 'one container' "$apm" operator migrate -config="$dir/same.hcl"
migration across "$(azure vault)" "$(azure empty)"
done_well "$apm" operator migrate -config="$dir/across.hcl"
expect empty
stop
migration again "$(azure empty)" "$(sqlite back)"
done_well "$apm" operator migrate -config="$dir/again.hcl"
expect back
stop
grep -qF "$AZURE_ACCOUNT_KEY" "$dir"/*.log "$dir/out" && fail "the account key was written somewhere"
echo "snapshots and migration with Azure Blob: passed"
