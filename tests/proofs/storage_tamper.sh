#!/usr/bin/env bash
# storage-tamper: --rounds N (default 10000) changes of a store in memory, a tenth of that on SQLite, a
# twentieth in SQLite's file itself; --results FILE. See src/barrier/tamper_test.cc.
set -euo pipefail
rounds=10000 results=/dev/null
while [ $# -gt 0 ]; do
  case $1 in
    --rounds) rounds=$2 ;;
    --results) results=$2 ;;
    *) echo "storage-tamper: unknown option $1" >&2; exit 2 ;;
  esac
  shift 2
done
[ "$rounds" != all ] || rounds=10000
cmake --preset dev >/dev/null
cmake --build build/dev --target barrier_test >/dev/null
verdict=failed code=1
seed=$(date +%s%N)
if APM_TAMPER_ROUNDS=$rounds APM_TAMPER_SEED=$seed build/dev/bin/barrier_test --gtest_filter='*Tamper*:*FlippedBitInTheFile*'; then
  verdict=passed code=0
fi
echo "{\"area\":\"storage-tamper\",\"rounds\":$rounds,\"seed\":$seed,\"verdict\":\"$verdict\"}" >"$results"
exit $code
