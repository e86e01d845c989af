#!/usr/bin/env bash
# An operator asks a server what evidence files would get: explain and authorize --dry-run, claims
# policies of authorizations, and who may ask. With captured evidence where APM_VECTORS has it.
set -euo pipefail
bin=$1
dir=$(mktemp -d "${TMPDIR:-/tmp}/apm-e2e-XXXXXX")
port=$(python3 "$(dirname "$0")/../harness/ports.py")
apm=$bin/anjuna-policy-manager-server
admin=$bin/anjuna-policy-manager
server=

cleanup() {
  [ -z "$server" ] || kill "$server" 2>/dev/null || true
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
says() { # says NAME JQ-EXPRESSION: of the last output
  jq -e "$2" "$dir/out" >/dev/null || { cat "$dir/out" >&2; fail "$1"; }
  passed=$((passed + 1))
}

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
storage "inmem" {}
CONFIG
export VAULT_ADDR=https://localhost:$port VAULT_CACERT=$dir/cert.pem
"$apm" server -config="$dir/apm.hcl" >"$dir/server.log" 2>&1 &
server=$!
for _ in $(seq 400); do
  curl -s --cacert "$dir/cert.pem" "$VAULT_ADDR/v1/sys/health" >/dev/null && break
  kill -0 "$server" 2>/dev/null || fail "the server ended"
  sleep 0.05
done
init=$("$apm" operator init -key-shares=1 -key-threshold=1 2>&1)
"$apm" operator unseal "$(grep 'Unseal Key' <<<"$init" | awk '{print $4}')" >/dev/null
VAULT_TOKEN=$(grep Root <<<"$init" | head -n 1 | cut -d: -f2 | awk '{print $1}')
export VAULT_TOKEN
check "auth enable" "$apm" auth enable apm

# Floors and policies are validated when they are written.
check "floors of several families" "$apm" write auth/apm/config tdx_tcb_statuses=UpToDate sgx_min_isv_svn=2 nitro_max_age_s=60
"$apm" read -format=json auth/apm/config >"$dir/out"
says "floors are shown" '.data | .sgx_min_isv_svn == 2 and .nitro_max_age_s == 60 and .tdx_tcb_statuses == ["UpToDate"]'
check "back to none" "$apm" write auth/apm/config sgx_min_isv_svn=0
refused "an unknown floor" "tdx_colour is not known" "$apm" write auth/apm/config tdx_colour=red
refused "debugging" "is not known" "$apm" write auth/apm/config tdx_allow_debug=true
printf '{"allOf": [{"claim": "family", "in": ["snp", "azure-snp-vtpm"]}, {"claim": "sevsnp.vmpl", "equals": 0}]}' >"$dir/vmpl.json"
printf '{"allOf": [{"claim": "family", "equals": "snp"}, {"claim": "sevsnp.vmlp", "equals": 0}]}' >"$dir/typo.json"
refused "a claim that is none" 'allOf[1]: there is no claim "sevsnp.vmlp"' "$apm" write auth/apm/config claims_policy=@"$dir/typo.json"
enclave=$(printf 'e%.0s' $(seq 64))
signer=$(printf '5%.0s' $(seq 64))
refused "the same of an authorization" 'allOf[1]: there is no claim' \
  "$admin" authorize enclave --enclave "$enclave" --signer "$signer" --claims "$dir/typo.json" dek
check "an authorization with a claims policy" \
  "$admin" authorize enclave --enclave "$enclave" --signer "$signer" --claims "$dir/vmpl.json" dek
check "authorizations" "$admin" authorizations
grep -q 'sevsnp.vmpl' "$dir/out" || fail "the list does not show the claims policy"
refused "taking the policy away" "revoke the authorization first" \
  "$admin" authorize enclave --enclave "$enclave" --signer "$signer" dek
check "revoke" "$admin" revoke --enclave "$enclave" --signer "$signer" dek
check "now without" "$admin" authorize enclave --enclave "$enclave" --signer "$signer" dek
check "an enclave without a signer" "$admin" authorize enclave --enclave "$enclave" dek

# Evidence that proves nothing is refused, and why is said.
head -c 1184 /dev/zero >"$dir/zero"; printf '\x02' | dd of="$dir/zero" conv=notrunc status=none
refused "a report of zeros" "REFUSED: snp_" "$admin" explain "$dir/zero"
refused "the same, dry" "REFUSED: snp_" "$admin" authorize --dry-run "$dir/zero"
refused "no evidence" "no evidence that is known" "$admin" explain "$dir/apm.hcl"
refused "a floor of the caller's" "is no evidence" "$admin" explain "$dir/zero" allow_debug=true
refused "authorize what" "authorize --dry-run EVIDENCE" "$admin" authorize "$dir/zero"

# Who may ask: sudo on the path.
printf 'path "auth/apm/*" { capabilities = ["create", "read", "update", "list"] }\n' >"$dir/policy.hcl"
check "a policy without sudo" "$apm" policy write almost "$dir/policy.hcl"
check "its token" "$apm" token create -policy=almost -ttl=1h -field=token
root=$VAULT_TOKEN; VAULT_TOKEN=$(cat "$dir/out")
refused "explain without sudo" "permission denied" "$admin" explain "$dir/zero"
refused "refusals without sudo" "permission denied" "$apm" list auth/apm/refusals
VAULT_TOKEN=$root

vectors=${APM_VECTORS:-$(cd "$(dirname "$0")/../.." && pwd)/../shared/vectors}
if [ ! -f "$vectors/snp/milan-v2-virtee.report.bin" ]; then
  echo "$passed checks passed; captured evidence is not at APM_VECTORS: not tried"
  exit 0
fi
of() { echo "$vectors/snp/milan-v2-virtee.$1"; }
snp=("$(of report.bin)" "vek=$(of vcek.der)" -at 2026-11-01T00:00:00Z -format=json)
"$admin" explain "${snp[@]}" >"$dir/out" || true
enclave=$(jq -r .enclave_id "$dir/out")
says "a captured report is judged" '.rules | length > 10'
says "the challenge" '.binding == "not checked: a file cannot answer a challenge"'
says "accepted" '.verdict == "accept" and .trust_anchor == "amd"'
check "authorize it" "$admin" authorize enclave --enclave "$enclave" --claims "$dir/vmpl.json" key
"$admin" authorize --dry-run "${snp[@]}" >"$dir/out"
says "dry run" '.secrets == ["anjuna/key"] and .authorizations[0].applies'
printf '{"claim": "sevsnp.reported_tcb.snp", "greaterOrEquals": 200}' >"$dir/new.json"
check "a stricter policy" "$admin" authorize enclave --enclave "$enclave" --claims "$dir/new.json" key
"$admin" authorize --dry-run "${snp[@]}" >"$dir/out"
says "does not apply" '.verdict == "accept" and .secrets == [] and .authorizations[0].claims[0].passed == false'
check "a floor" "$apm" write auth/apm/config min_tcb_snp=200
refused "below the floor" snp_tcb_too_old "$admin" authorize --dry-run "${snp[@]}"
says "by policy" '.refused_by == "policy" and .secrets == []'
quotes=("$vectors"/sgx/*.quote.bin)
quote=${quotes[0]}
refused "an SGX capture without collateral" dcap_collateral_missing "$admin" authorize --dry-run "$quote" -format=json
echo "$passed checks passed"
