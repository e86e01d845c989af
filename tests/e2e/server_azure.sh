#!/usr/bin/env bash
# A server over Azure Blob (Azurite): operated, its service away, taken over, paused, and the account key nowhere.
set -euo pipefail
bin=$1
here=$(cd "$(dirname "$0")" && pwd)
dir=$(mktemp -d "${TMPDIR:-/tmp}/apm-e2e-XXXXXX")
apm=$bin/anjuna-policy-manager-server
servers=() azurite=

cleanup() {
  for one in "${servers[@]}" "$azurite"; do [ -z "$one" ] || kill -KILL "$one" 2>/dev/null || true; done
  wait 2>/dev/null || true
  rm -rf "$dir"
}
trap cleanup EXIT
fail() { echo "FAILED: $*" >&2; tail -n 20 "$dir"/*.log >&2 || true; exit 1; }
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
key=Eby8vdM02xNOcqFlqUwJPLlmEtlCDXJ1OUzFT50uSRZ6IFsuFq2UVErCz4I6tq/K1SZFPTOtr/KBHBeksoGMGw==

openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 2 -subj /CN=localhost \
  -addext subjectAltName=DNS:localhost,IP:127.0.0.1 -keyout "$dir/key.pem" -out "$dir/cert.pem" 2>/dev/null
export VAULT_CACERT=$dir/cert.pem
start() { # start NAME: sets server and VAULT_ADDR; does not wait
  port=$(free_port)
  cat >"$dir/$1.hcl" <<CONFIG
disable_mlock = true
api_addr = "https://localhost:$port"
store_kind = "test"
listener "tcp" {
  address = "127.0.0.1:$port"
  tls_cert_file = "$dir/cert.pem"
  tls_key_file = "$dir/key.pem"
}
storage "azure" {
  container = "vault"
  blob_endpoint = "http://127.0.0.1:$blob_port/$account"
}
CONFIG
  AZURE_ACCOUNT_NAME=$account AZURE_ACCOUNT_KEY=$key "$apm" server -config="$dir/$1.hcl" >>"$dir/$1.log" 2>&1 &
  server=$!
  servers+=("$server")
  export VAULT_ADDR=https://localhost:$port
}
answers() {
  for _ in $(seq 1200); do
    curl -s --cacert "$dir/cert.pem" "$VAULT_ADDR/v1/sys/health" >"$dir/health" && return
    kill -0 "$server" 2>/dev/null || fail "the server ended"
    sleep 0.05
  done
  fail "the server does not answer"
}

serves() { # until this node is the active one
  for _ in $(seq 1200); do
    [ "$(curl -s -o /dev/null -w '%{http_code}' --cacert "$dir/cert.pem" "$VAULT_ADDR/v1/sys/health")" = 200 ] && return
    sleep 0.05
  done
  fail "the server does not become active"
}

start one
answers
"$apm" operator init -key-shares=1 -key-threshold=1 >"$dir/init"
unseal_key=$(grep 'Unseal Key' "$dir/init" | awk '{print $4}')
VAULT_TOKEN=$(grep Root "$dir/init" | cut -d: -f2 | awk '{print $1}')
export VAULT_TOKEN
"$apm" operator unseal "$unseal_key" >/dev/null
"$apm" secrets enable --path anjuna kv >/dev/null
"$apm" write anjuna/dek dek=kept >/dev/null
"$apm" status >"$dir/status"
grep -q "azure $account/vault" "$dir/status" || fail "status does not name the store: $(cat "$dir/status")"
tr '\0' '\n' <"/proc/$server/environ" >"$dir/environ"
grep -q PATH= "$dir/environ" || fail "the environment was not looked at"
for seen in "$dir/environ" "$dir/status" "$dir/one.log"; do
  grep -qF "$key" "$seen" && fail "the account key is in $seen"
done

# The service is away for a moment: the write waits.
kill -STOP "$azurite"
"$apm" write anjuna/dek dek=after-pause >/dev/null &
writer=$!
sleep 1
kill -CONT "$azurite"
wait "$writer" || fail "the server did not wait for its storage"

# The first server is paused; the second takes over when the lease is over; the first wakes up too late.
first=$server first_addr=$VAULT_ADDR
kill -STOP "$first"
start two
answers
"$apm" operator unseal "$unseal_key" >/dev/null
serves
[ "$("$apm" read -field=dek anjuna/dek)" = after-pause ] || fail "the second server reads another value"
"$apm" write anjuna/dek dek=second >/dev/null
kill -CONT "$first"
# It writes nothing itself: it refuses, or sends whoever asks to the second, once it knows of it.
code=$(curl -s -o "$dir/out" -w '%{http_code}' --cacert "$dir/cert.pem" -H "X-Vault-Token: $VAULT_TOKEN" -X PUT \
  -d '{"dek":"first"}' "$first_addr/v1/anjuna/dek")
case $code in 503 | 307) ;; *) fail "a former holder answered $code" ;; esac
[ "$("$apm" read -field=dek anjuna/dek)" = second ] || fail "a former holder wrote"
kill -KILL "$first"; wait "$first" 2>/dev/null || true

# A third finds the lease given up, and everything there.
kill -TERM "$server"; wait "$server" || fail "stopping"
start three
answers
"$apm" operator unseal "$unseal_key" >/dev/null
serves
[ "$("$apm" read -field=dek anjuna/dek)" = second ] || fail "the third server reads another value"
grep -qF "$key" "$dir"/*.log && fail "the account key is in a log"
echo "server over Azure Blob: passed"
