#!/usr/bin/env bash
# Backups: saved from a server under load, restored into the same store, into a new one of another
# backend and offline; stores migrated between SQLite and PostgreSQL and back. Whatever was moved is
# opened by a server with the unseal key of before, and read with the stock API.
set -euo pipefail
bin=$1
here=$(cd "$(dirname "$0")" && pwd)
dir=$(mktemp -d "${TMPDIR:-/tmp}/apm-e2e-XXXXXX")
chmod 755 "$dir" # the database's user passes through
mkdir "$dir/pg"
apm=$bin/anjuna-policy-manager-server
server='' database='' load=''

cleanup() {
  for one in "$load" "$server" "$database"; do [ -z "$one" ] || kill -KILL "$one" 2>/dev/null || true; done
  wait 2>/dev/null || true
  rm -rf "$dir"
}
trap cleanup EXIT
fail() { echo "FAILED: $*" >&2; tail -n 20 "$dir"/{server,pg}.log >&2 || true; exit 1; }
refused() { # refused TEXT COMMAND...: must fail and say TEXT
  local text=$1; shift
  if "$@" >"$dir/out" 2>&1; then fail "was not refused: $*"; fi
  grep -qF -- "$text" "$dir/out" || { cat "$dir/out" >&2; fail "does not say '$text': $*"; }
}
sql() { psql -qtA -h "$dir/pg" -U apm -d "$1" -c "$2"; }

"$here/../harness/postgres.sh" "$dir/pg" >"$dir/pg.log" 2>&1 &
database=$!
until sql postgres 'SELECT 1' >/dev/null 2>&1; do
  kill -0 "$database" 2>/dev/null || { code=0; wait "$database" || code=$?; [ "$code" = 77 ] && exit 77; fail "PostgreSQL ended"; }
  sleep 0.05
done
sql postgres 'CREATE DATABASE secrets'
url="postgresql://apm@/secrets?host=$dir/pg"

openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 2 -subj /CN=localhost \
  -addext subjectAltName=DNS:localhost,IP:127.0.0.1 -keyout "$dir/key.pem" -out "$dir/cert.pem" 2>/dev/null
export VAULT_CACERT=$dir/cert.pem
port=$(python3 "$here/../harness/ports.py")
export VAULT_ADDR=https://localhost:$port

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
audit "file" "main" { file_path = "$dir/audit.log" }
CONFIG
}
sqlite() { echo "storage \"sqlite\" { path = \"$dir/$1.db\" }"; }
postgres() { echo "storage \"postgresql\" { connection_url = \"$url\" table = \"$1\" }"; }
migration() { # migration NAME SOURCE DESTINATION
  printf '%s\n%s\n' "${2/storage /storage_source }" "${3/storage /storage_destination }" >"$dir/$1.hcl"
}
config first "$(sqlite first)"
config pg "$(postgres restored)"
config back "$(sqlite back)"
config moved "$(postgres moved)"

start() { # start NAME
  "$apm" server -config="$dir/$1.hcl" >>"$dir/server.log" 2>&1 &
  server=$!
  for _ in $(seq 600); do
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
expect() { # expect STORE: it is served, and holds what it must
  start "$1"; unseal
  [ "$(secret anjuna/dek dek)" = kept ] || fail "$1: the secret is $(secret anjuna/dek dek)"
  [ "$(secret anjuna/large large | sha256sum)" = "$(cat "$dir/large.sum")" ] || fail "$1: the large value"
}

start first
"$apm" operator init -key-shares=1 -key-threshold=1 >"$dir/init"
grep 'Unseal Key' "$dir/init" | awk '{print $4}' >"$dir/unseal"
VAULT_TOKEN=$(grep Root "$dir/init" | cut -d: -f2 | awk '{print $1}')
export VAULT_TOKEN
unseal
"$apm" secrets enable --path anjuna kv >/dev/null
"$apm" write anjuna/dek dek=kept >/dev/null
python3 -c 'print("x" * 900000, end="")' >"$dir/large"
"$apm" write anjuna/large large=@"$dir/large" >/dev/null
secret anjuna/large large | sha256sum >"$dir/large.sum"
for n in 1 2 3; do "$apm" write "anjuna/more/$n" large=@"$dir/large" >/dev/null; done

# Saved while somebody writes.
( n=0; while :; do n=$((n + 1)); "$apm" write anjuna/load n="$n" >/dev/null 2>&1 || exit 0; done ) &
load=$!
until [ "$(secret anjuna/load n)" != null ]; do sleep 0.05; done
"$apm" operator snapshot save -format=json "$dir/one.snap" >"$dir/saved"
"$apm" operator snapshot save "$dir/two.snap" >/dev/null
kill "$load"; wait "$load" 2>/dev/null || true; load=''
[ "$(stat -c %a "$dir/one.snap")" = 600 ] || fail "the snapshot's mode"
[ "$(find "$dir" -name '*.snap.*' | wc -l)" = 0 ] || fail "a temporary file was left"
[ "$(head -c -32 "$dir/one.snap" | sha256sum | cut -d' ' -f1)" = "$(tail -c 32 "$dir/one.snap" | od -An -v -tx1 | tr -d " \n")" ] ||
  fail "the digest is not that of the file"
grep -aq kept "$dir/one.snap" && fail "a secret is readable in the snapshot"
grep -aqF "$VAULT_TOKEN" "$dir/one.snap" && fail "a token is readable in the snapshot"
loaded=$(secret anjuna/load n)

# A token without sudo gets none, and leaves no file.
unprivileged=$("$apm" token create -policy=default -format=json | jq -r .auth.client_token)
refused 'permission denied' env VAULT_TOKEN="$unprivileged" "$apm" operator snapshot save "$dir/none.snap"
[ "$(find "$dir" -name 'none.snap*' | wc -l)" = 0 ] || fail "a refused save left a file"
refused 'needs the name of one file' "$apm" operator snapshot save
refused 'No such file' "$apm" operator snapshot save "$dir/absent/x.snap"

# What is damaged is refused before anything is sent, and changes nothing.
python3 - "$dir/one.snap" "$dir/damaged.snap" "$dir/short.snap" <<'PY'
import sys
data = bytearray(open(sys.argv[1], 'rb').read())
open(sys.argv[3], 'wb').write(data[:-100])
data[len(data) // 2] ^= 1
open(sys.argv[2], 'wb').write(data)
PY
refused 'the file is damaged' "$apm" operator snapshot restore "$dir/damaged.snap"
refused 'ends too early' "$apm" operator snapshot restore "$dir/short.snap"
refused 'does not begin as one' "$apm" operator snapshot restore "$dir/init"
[ "$(secret anjuna/load n)" = "$loaded" ] || fail "a refused restore changed something"

# Restored into the running server: rolled back, sealed, and said so.
"$apm" write anjuna/dek dek=changed >/dev/null
"$apm" write anjuna/new new=1 >/dev/null
"$apm" operator snapshot restore "$dir/one.snap" >"$dir/out" 2>&1 || { cat "$dir/out" >&2; fail "restore"; }
grep -q 'rolled back' "$dir/out" || fail "the restore does not say what it did"
[ "$(jq .sealed < <(curl -s --cacert "$dir/cert.pem" "$VAULT_ADDR/v1/sys/seal-status"))" = true ] || fail "not sealed"
grep -q 'THE STORE WAS ROLLED BACK' "$dir/server.log" || fail "the rollback is not in the log"
jq -e 'select(.type == "response" and (.request.path | test("snapshot/restore/.*/commit"))) | .response.data.records' \
  "$dir/audit.log" >/dev/null || fail "the rollback is not in the audit log"
unseal
[ "$(secret anjuna/dek dek)" = kept ] || fail "not rolled back"
[ "$(secret anjuna/new new)" = null ] || fail "what came after the snapshot is still there"
"$apm" write anjuna/dek dek=kept >/dev/null || fail "a restored store cannot be written to"

# Offline, while the server runs: no.
refused 'in use by' "$apm" operator snapshot restore -config="$dir/first.hcl" -force "$dir/one.snap"
migration running "$(sqlite first)" "$(sqlite nowhere)"
refused 'in use by' "$apm" operator migrate -config="$dir/running.hcl"
stop

# Into a new store of another backend, offline.
refused 'store_kind' "$apm" operator snapshot restore -config=<(sed 's/"test"/"production"/' "$dir/pg.hcl") "$dir/one.snap"
refused 'ends too early' "$apm" operator snapshot restore -config="$dir/pg.hcl" "$dir/short.snap"
"$apm" operator snapshot restore -config="$dir/pg.hcl" "$dir/one.snap" >"$dir/out" 2>&1 || { cat "$dir/out" >&2; fail "offline"; }
expect pg
"$apm" write anjuna/dek dek=kept >/dev/null || fail "the restored store cannot be written to"
stop
refused 'there is something in' "$apm" operator snapshot restore -config="$dir/pg.hcl" "$dir/two.snap"
"$apm" operator snapshot restore -config="$dir/pg.hcl" -force "$dir/two.snap" >/dev/null 2>&1 || fail "forced"

# SQLite to PostgreSQL and back.
migration there "$(sqlite first)" "$(postgres moved)"
migration again "$(postgres moved)" "$(sqlite back)"
migration taken "$(sqlite first)" "$(postgres restored)"
refused 'there is something in' "$apm" operator migrate -config="$dir/taken.hcl"
refused 'exactly one storage_source' "$apm" operator migrate -config="$dir/first.hcl"
{ cat "$dir/there.hcl"; echo 'cluster_addr = "https://x"'; } >"$dir/more.hcl"
refused 'does not belong' "$apm" operator migrate -config="$dir/more.hcl"
"$apm" operator migrate -config="$dir/there.hcl" >"$dir/out" 2>&1 || { cat "$dir/out" >&2; fail "migrate"; }
expect moved
stop
"$apm" operator migrate -config="$dir/again.hcl" >/dev/null 2>&1 || fail "migrate back"
expect back
stop

# A store that was left half way is none, and the same command finishes it.
sql secrets "DELETE FROM moved WHERE key LIKE 'logical/%'" >/dev/null
sql secrets "INSERT INTO moved VALUES ('core/incomplete', convert_to('{\"operation\":\"migration\",\"store_id\":\"$(jq -r .store_id "$dir/saved")\"}', 'UTF8'))" >/dev/null
start moved
refused 'was begun and not finished' "$apm" operator unseal "$(cat "$dir/unseal")"
stop
"$apm" operator migrate -config="$dir/there.hcl" >/dev/null 2>&1 || fail "an interrupted migration is not finished"
expect moved
stop
echo "snapshots and migration: passed"
