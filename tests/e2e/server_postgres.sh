#!/usr/bin/env bash
# A server over PostgreSQL with a password: operated, crashed, taken over, paused, and the password nowhere.
set -euo pipefail
bin=$1
here=$(cd "$(dirname "$0")" && pwd)
dir=$(mktemp -d "${TMPDIR:-/tmp}/apm-e2e-XXXXXX")
chmod 755 "$dir" # the database's user passes through
mkdir "$dir/pg"
apm=$bin/anjuna-policy-manager-server
password=CANARY-pg-password
servers=() database=

cleanup() {
  for one in "${servers[@]}" "$database"; do [ -z "$one" ] || kill -KILL "$one" 2>/dev/null || true; done
  wait 2>/dev/null || true
  rm -rf "$dir"
}
trap cleanup EXIT
fail() { echo "FAILED: $*" >&2; tail -n 20 "$dir"/*.log >&2 || true; exit 1; }
sql() { psql -qtA -h "$dir/pg" -U apm -d "$1" -c "$2"; }

"$here/../harness/postgres.sh" "$dir/pg" >"$dir/pg.log" 2>&1 &
database=$!
until sql postgres 'SELECT 1' >/dev/null 2>&1; do
  kill -0 "$database" 2>/dev/null || { code=0; wait "$database" || code=$?; [ "$code" = 77 ] && exit 77; fail "PostgreSQL ended"; }
  sleep 0.05
done
sql postgres 'CREATE DATABASE secrets' && sql postgres "ALTER ROLE apm PASSWORD '$password'"
printf 'local secrets all scram-sha-256\nlocal all all trust\n' >"$dir/pg/data/pg_hba.conf"
[ "$(sql postgres 'SELECT pg_reload_conf()')" = t ]
while sql secrets 'SELECT 1' </dev/null >/dev/null 2>&1; do sleep 0.05; done

openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 2 -subj /CN=localhost \
  -addext subjectAltName=DNS:localhost,IP:127.0.0.1 -keyout "$dir/key.pem" -out "$dir/cert.pem" 2>/dev/null
export VAULT_CACERT=$dir/cert.pem
start() { # start NAME: sets server and VAULT_ADDR; does not wait
  port=$(python3 "$here/../harness/ports.py")
  cat >"$dir/$1.hcl" <<CONFIG
api_addr = "https://localhost:$port"
disable_mlock = true
store_kind = "test"
listener "tcp" {
  address = "127.0.0.1:$port"
  tls_cert_file = "$dir/cert.pem"
  tls_key_file = "$dir/key.pem"
}
storage "postgresql" {
  max_parallel = "4"
  lease_duration = "12s"
}
CONFIG
  APM_PG_CONNECTION_URL="postgresql://apm:$password@/secrets?host=$dir/pg" \
    "$apm" server -config="$dir/$1.hcl" >>"$dir/$1.log" 2>&1 &
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
key=$(grep 'Unseal Key' "$dir/init" | awk '{print $4}')
VAULT_TOKEN=$(grep Root "$dir/init" | cut -d: -f2 | awk '{print $1}')
export VAULT_TOKEN
"$apm" operator unseal "$key" >/dev/null
"$apm" secrets enable --path anjuna kv >/dev/null
"$apm" write anjuna/dek dek=kept >/dev/null
"$apm" status >"$dir/status"
grep -q "postgresql $dir/pg/secrets table apm_store" "$dir/status" || fail "status does not name the store: $(cat "$dir/status")"
tr '\0' '\n' <"/proc/$server/environ" >"$dir/environ"
grep -q PATH= "$dir/environ" || fail "the environment was not looked at"
for seen in "$dir/environ" "$dir/status" "$dir/one.log"; do
  grep -q "$password" "$seen" && fail "the password is in $seen"
done

# The database's crash is waited out.
kill -QUIT "$database"; wait "$database" || true
"$here/../harness/postgres.sh" "$dir/pg" >>"$dir/pg.log" 2>&1 &
database=$!
"$apm" write anjuna/dek dek=after-crash >/dev/null || fail "the server did not wait for its database"

# The first server is paused; the second takes over when the lease is over; the first wakes up too late.
first=$server first_addr=$VAULT_ADDR
kill -STOP "$first"
start two
answers
"$apm" operator unseal "$key" >/dev/null
serves
[ "$("$apm" read -field=dek anjuna/dek)" = after-crash ] || fail "the second server reads another value"
"$apm" write anjuna/dek dek=second >/dev/null
kill -CONT "$first"
# At once, or after it has seen what happened: it writes nothing itself, and sends whoever asks to the second.
for wanted in 503 307; do
  for _ in $(seq 200); do
    code=$(curl -s -o "$dir/out" -w '%{http_code}' --cacert "$dir/cert.pem" -H "X-Vault-Token: $VAULT_TOKEN" -X PUT \
      -d '{"dek":"first"}' "$first_addr/v1/anjuna/dek")
    [ "$code" = "$wanted" ] && break
    case $code in 503 | 307) sleep 0.05 ;; *) fail "a former holder answered $code" ;; esac
  done
  [ "$code" = 307 ] && break
done
[ "$code" = 307 ] || fail "a former holder does not stand by: $code"
[ "$("$apm" read -field=dek anjuna/dek)" = second ] || fail "a former holder wrote"
kill -KILL "$first"; wait "$first" 2>/dev/null || true

# A third finds the lease free, and nobody is told the password.
kill -TERM "$server"; wait "$server" || fail "stopping"
start three
answers # at once: the second gave its lease up
grep -q "$password" "$dir"/*.log && fail "the password is in a log"
echo "server over PostgreSQL: passed"
