#!/usr/bin/env bash
# A server operated as Vault's is: a script written for Vault's command line, with the program's
# name changed. Init output is taken apart as the original image's script does it.
set -euo pipefail
bin=$1
dir=$(mktemp -d "${TMPDIR:-/tmp}/apm-e2e-XXXXXX")
port=$(python3 "$(dirname "$0")/../harness/ports.py")
apm=$bin/anjuna-policy-manager-server
server= second=

cleanup() {
  for one in "$server" "$second"; do [ -z "$one" ] || kill "$one" 2>/dev/null || true; done
  rm -rf "$dir"
}
trap cleanup EXIT
fail() { echo "FAILED: $*" >&2; tail -n 30 "$dir/server.log" >&2 || true; exit 1; }
passed=0
check() { # check NAME COMMAND...: the command must succeed
  local name=$1; shift
  "$@" >"$dir/out" 2>&1 || { cat "$dir/out" >&2; fail "$name"; }
  passed=$((passed + 1))
}
refused() { # refused NAME TEXT COMMAND...: the command must fail and say TEXT
  local name=$1 text=$2; shift 2
  if "$@" >"$dir/out" 2>&1; then fail "$name: was not refused"; fi
  grep -qF -- "$text" "$dir/out" || { cat "$dir/out" >&2; fail "$name: does not say '$text'"; }
  passed=$((passed + 1))
}
http() { curl -sS --cacert "$dir/cert.pem" -H "X-Vault-Token: ${VAULT_TOKEN:-}" "$@"; }

openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 2 -subj /CN=localhost \
  -addext subjectAltName=DNS:localhost,IP:127.0.0.1 -keyout "$dir/key.pem" -out "$dir/cert.pem" 2>/dev/null
cat >"$dir/apm.hcl" <<CONFIG
disable_mlock = true
api_addr = "https://localhost:$port"
store_kind = "test"
listener "tcp" {
  address = "127.0.0.1:$port"
  tls_cert_file = "$dir/cert.pem"
  tls_key_file = "$dir/key.pem"
}
storage "sqlite" { path = "$dir/store.db" }
audit "file" "main" { file_path = "$dir/audit.log" }
CONFIG
export VAULT_ADDR=https://localhost:$port VAULT_CACERT=$dir/cert.pem

start() {
  "$apm" server -config="$dir/apm.hcl" >>"$dir/server.log" 2>&1 &
  server=$!
  for _ in $(seq 400); do
    # As the original polls: without a fail flag, whatever the status.
    health=$(curl -s --cacert "$dir/cert.pem" "$VAULT_ADDR/v1/sys/health") && return
    kill -0 "$server" 2>/dev/null || fail "the server ended"
    sleep 0.05
  done
  fail "the server does not answer"
}

start
[ "$(jq .initialized <<<"$health")" = false ] || fail "health before init: $health"
init=$("$apm" operator init 2>&1)
mapfile -t keys < <(grep 'Unseal Key' <<<"$init" | awk '{print $4}')
[ "${#keys[@]}" = 5 ] || fail "init printed ${#keys[@]} keys"
VAULT_TOKEN=$(grep Root <<<"$init" | head -n 1 | cut -d: -f2 | awk '{print $1}')
export VAULT_TOKEN
set +e; "$apm" status >/dev/null; code=$?; set -e
[ "$code" = 2 ] || fail "status of a sealed server exits with $code"
refused "sealed" "Vault is sealed" "$apm" read anjuna/x
for key in "${keys[@]}"; do check "unseal (also the shares beyond the threshold)" "$apm" operator unseal "$key"; done
check "status" "$apm" status
refused "init twice" "Vault is already initialized" "$apm" operator init

check "secrets enable" "$apm" secrets enable --path anjuna kv
grep -qx 'Success! Enabled the kv secrets engine at: anjuna/' "$dir/out" || fail "text of secrets enable"
refused "secrets enable twice" "path is already in use at anjuna/" "$apm" secrets enable --path anjuna kv
check "auth enable" "$apm" auth enable apm
grep -qx 'Success! Enabled apm auth method at: apm/' "$dir/out" || fail "text of auth enable"
refused "unknown engine" "floppy" "$apm" secrets enable floppy
check "write config, one field" "$apm" write auth/apm/config epid-api-key=0123456789abcdef
check "write config, the other" "$apm" write auth/apm/config dcap-api-key=fedcba9876543210
"$apm" read -format=json auth/apm/config >"$dir/out"
grep -q 0123456789abcdef "$dir/out" && fail "an API key can be read back"

check "write" "$apm" write anjuna/dek dek=CANARY-VALUE note=@"$dir/cert.pem"
check "read a field" "$apm" read -field=dek anjuna/dek
grep -qx CANARY-VALUE "$dir/out" || fail "the field read is another"
check "list" "$apm" list anjuna
refused "read what is not there" "No value found at anjuna/none" "$apm" read anjuna/none
printf 'path "anjuna/dek" { capabilities = ["read"] }\n' >"$dir/policy.hcl"
check "policy write from stdin" "$apm" policy write " Reader " - <"$dir/policy.hcl"
grep -qx 'Success! Uploaded policy: reader' "$dir/out" || fail "policy names are normalised"
refused "a policy that cannot be enforced" "line 1, column" "$apm" policy write bad - <<<'path "x" { colour = 1 }'
refused "the root policy" "root" "$apm" policy write root "$dir/policy.hcl"
check "token create" "$apm" token create -policy=reader -ttl=1h -field=token
reader=$(cat "$dir/out")
root=$VAULT_TOKEN
export VAULT_TOKEN=$reader
check "the reader reads" "$apm" read -field=dek anjuna/dek
refused "the reader does not write" "permission denied" "$apm" write anjuna/dek dek=x
refused "the reader does not mount" "permission denied" "$apm" secrets enable kv
check "the reader looks at itself" "$apm" token lookup
capabilities=$(http -X POST "$VAULT_ADDR/v1/sys/capabilities-self" -d '{"paths":["anjuna/dek"]}')
[ "$(jq -c '.capabilities' <<<"$capabilities")" = '["read"]' ] || fail "capabilities-self: $capabilities"
export VAULT_TOKEN=$root
check "token revoke" "$apm" token revoke - <<<"$reader"
VAULT_TOKEN=$reader refused "a revoked token" "permission denied" "$apm" read anjuna/dek

check "handover status" "$apm" operator handover status -format=json
[ "$(jq -r .state "$dir/out")" = none ] || fail "handover of a network-operated store: $(cat "$dir/out")"
refused "nothing to confirm" "no root token was handed over" "$apm" operator handover confirm
check "a token with no policy of its own" "$apm" token create -policy=default -ttl=1h -field=token
VAULT_TOKEN=$(cat "$dir/out") refused "status of the server without the right" "permission denied" "$apm" read sys/apm/status
check "status with a token" "$apm" status
grep -q 'Audit Devices.*main' "$dir/out" || fail "status shows the audit device"
grep -q 'WARNING: TEST STORE' "$dir/out" || fail "status says that this is a test store"

# Hostile input: a clear error each, and the server goes on.
status() { http -o "$dir/out" -w '%{http_code}' "$@"; }
[ "$(status --path-as-is "$VAULT_ADDR/v1/anjuna/../sys/mounts")" = 400 ] || fail "path with .."
[ "$(status --path-as-is "$VAULT_ADDR/v1/anjuna/%2e%2e/sys/mounts")" = 400 ] || fail "path with %2e%2e"
[ "$(status -X PUT "$VAULT_ADDR/v1/anjuna/x" -d '{"a":')" = 400 ] || fail "malformed JSON"
[ "$(status -X PUT "$VAULT_ADDR/v1/anjuna/x" -d '{"a":1,"a":2}')" = 400 ] || fail "doubled member"
head -c 34000000 /dev/zero >"$dir/big"
[ "$(status -X PUT "$VAULT_ADDR/v1/anjuna/x" --data-binary @"$dir/big" -H 'Expect:')" = 413 ] || fail "oversized body"
[ "$(status -X DELETE "$VAULT_ADDR/v1/sys/health")" = 405 ] || fail "method of health: $(cat "$dir/out")"
passed=$((passed + 6))

# A renewed certificate is served after SIGHUP; one that does not belong to the key is not.
serial() { openssl s_client -connect "localhost:$port" </dev/null 2>/dev/null | openssl x509 -noout -serial; }
serves() { for _ in $(seq 100); do [ "$(serial)" = "$1" ] && return; sleep 0.05; done; return 1; }
before=$(serial)
cp "$dir/cert.pem" "$dir/old.pem"
openssl req -x509 -new -key "$dir/key.pem" -days 3 -subj /CN=localhost \
  -addext subjectAltName=DNS:localhost,IP:127.0.0.1 -out "$dir/cert.pem" 2>/dev/null
renewed=$(openssl x509 -noout -serial -in "$dir/cert.pem")
kill -HUP "$server"
serves "$renewed" || fail "the renewed certificate is not served: $before, $renewed"
openssl req -x509 -newkey rsa:2048 -nodes -days 3 -subj /CN=other -keyout /dev/null -out "$dir/cert.pem" 2>/dev/null
kill -HUP "$server"
for _ in $(seq 100); do grep -q 'could not be read again' "$dir/server.log" && break; sleep 0.05; done
grep -q 'could not be read again' "$dir/server.log" || fail "a certificate of another key is not complained of"
serves "$renewed" || fail "a certificate of another key replaced the one in use"
cp "$dir/old.pem" "$dir/cert.pem"
passed=$((passed + 2))

kill -KILL "$server"; wait "$server" 2>/dev/null || true
start
[ "$(jq .sealed <<<"$health")" = true ] || fail "sealed after a crash: $health"
refused "a corrupt share" "hex or base64" "$apm" operator unseal 'zz!'
for key in "${keys[@]:0:3}"; do check "unseal again" "$apm" operator unseal - <<<"$key"; done
check "the secret survived" "$apm" read -field=dek anjuna/dek
grep -qx CANARY-VALUE "$dir/out" || fail "the secret did not survive"

# A second server on the same store stands by, and takes over when the first one is sealed.
refused "a second server on one audit file" "audit_file_in_use" timeout 60 "$apm" server -config="$dir/apm.hcl"
first_addr=$VAULT_ADDR
second_port=$(python3 "$(dirname "$0")/../harness/ports.py")
sed "s/:$port\"/:$second_port\"/; s/audit.log/audit2.log/" "$dir/apm.hcl" >"$dir/second.hcl"
"$apm" server -config="$dir/second.hcl" >"$dir/second.log" 2>&1 &
second=$!
export VAULT_ADDR=https://localhost:$second_port
for _ in $(seq 400); do curl -s --cacert "$dir/cert.pem" "$VAULT_ADDR/v1/sys/health" >/dev/null && break; sleep 0.05; done
[ "$(status "$VAULT_ADDR/v1/sys/health")" = 503 ] || fail "health of a sealed second server"
for key in "${keys[@]:0:3}"; do check "unseal the second" "$apm" operator unseal - <<<"$key"; done
[ "$(status "$VAULT_ADDR/v1/sys/health")" = 429 ] || fail "health of a standby: $(cat "$dir/out")"
[ "$(jq -c '[.initialized, .sealed, .standby]' "$dir/out")" = "[true,false,true]" ] || fail "body of a standby's health"
[ "$(status "$VAULT_ADDR/v1/sys/health?standbyok=true")" = 200 ] || fail "standbyok"
[ "$(status "$VAULT_ADDR/v1/sys/health?standbycode=299")" = 299 ] || fail "standbycode"
[ "$(http "$VAULT_ADDR/v1/sys/leader" | jq -c '[.ha_enabled, .is_self, .leader_address]')" = "[true,false,\"$first_addr\"]" ] ||
  fail "leader of a standby"
[ "$(http -o /dev/null -w '%{http_code} %{redirect_url}' "$VAULT_ADDR/v1/anjuna/dek?x=%2F")" = \
  "307 $first_addr/v1/anjuna/dek?x=%2F" ] || fail "a standby does not redirect"
check "a standby's status" "$apm" status
grep -q "HA Mode *standby" "$dir/out" && grep -qF "$first_addr" "$dir/out" || fail "a standby's status: $(cat "$dir/out")"
check "read through a standby" "$apm" read -field=dek anjuna/dek
refused "sealing a standby" "stands by" "$apm" operator seal
refused "step-down of a standby" "stands by" "$apm" operator step-down
VAULT_ADDR=$first_addr check "the active one's status" "$apm" status
grep -q "HA Mode *active" "$dir/out" || fail "the active one's status: $(cat "$dir/out")"
VAULT_ADDR=$first_addr check "step-down" "$apm" operator step-down
becomes_active() { for _ in $(seq 400); do [ "$(status "$1/v1/sys/health")" = 200 ] && return; sleep 0.05; done; fail "$1 does not take over"; }
becomes_active "$VAULT_ADDR"
check "read after step-down" "$apm" read -field=dek anjuna/dek
grep -qx CANARY-VALUE "$dir/out" || fail "the secret is not there after a takeover"
kill -TERM "$second"; wait "$second" || fail "the second server does not end cleanly"; second=
VAULT_ADDR=$first_addr
becomes_active "$VAULT_ADDR"
passed=$((passed + 9))
check "seal" "$apm" operator seal
set +e; "$apm" status >/dev/null; code=$?; set -e
[ "$code" = 2 ] || fail "status after seal exits with $code"
kill -TERM "$server"; wait "$server" || fail "the server does not end cleanly"; server=
for canary in CANARY-VALUE "$root" "$reader" "${keys[0]}"; do
  grep -aqF -- "$canary" "$dir/server.log" "$dir/audit.log" "$dir"/store.db* && fail "a secret is in a log or the store"
done
passed=$((passed + 1))
[ "$(grep -c . "$dir/audit.log")" -gt 40 ] || fail "too few audit records"
sed -i 's/^store_kind = "test"/store_kind = "production"/' "$dir/apm.hcl"
start
for key in "${keys[@]:0:2}"; do check "unseal as production" "$apm" operator unseal - <<<"$key"; done
refused "a test store under a production configuration" 'this is a test store' "$apm" operator unseal - <<<"${keys[2]}"
[ "$(http "$VAULT_ADDR/v1/sys/seal-status" | jq .sealed)" = true ] || fail "it is sealed again"
kill -TERM "$server"; wait "$server" || fail "the server does not end cleanly"; server=
sed -i 's/^store_kind = "production"/store_kind = "test"/' "$dir/apm.hcl"
printf 'storage "sqlite" {\n  path = \n}\n' >"$dir/bad.hcl"
refused "bad HCL" "line 3, column 1" "$apm" server -config="$dir/bad.hcl"
refused "unreachable storage" "/nonexistent/store.db" "$apm" server -config=<(printf 'storage "sqlite" { path = "/nonexistent/store.db" }\nlistener "tcp" { address = "127.0.0.1:0" }\n')
refused "no environment" "APM_KEYVAULT_NAME is not set" env -i "$apm" boot -config="$dir/apm.hcl"
echo "$passed passed, 0 failed"
