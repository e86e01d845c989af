#!/usr/bin/env bash
# Runs every fuzzer under AddressSanitizer and UndefinedBehaviorSanitizer.
#
#   fuzz.sh [--rounds N] [--results FILE] [--only NAME]
#
# A round is 1,000 inputs of each fuzzer. What a run found stays in build/fuzz/corpus, so that a next
# run goes on from there; a failing input is kept in build/fuzz/crashes. A line of JSON a fuzzer goes
# to FILE.
set -euo pipefail
cd "$(dirname "$0")/../.."
rounds=5 results=/dev/null only=
while [ $# -gt 0 ]; do
  case "$1" in
    --rounds) rounds=$2; shift 2 ;;
    --results) results=$2; shift 2 ;;
    --only) only=$2; shift 2 ;;
    *) echo "fuzz: unknown argument '$1'" >&2; exit 2 ;;
  esac
done

mapfile -t fuzzers < <(find fuzz -name '*_fuzz.cc' -printf '%f\n' | sed 's/\.cc$//' | sort)
[ -z "$only" ] || fuzzers=("$only")
cmake --preset fuzz >/dev/null
cmake --build build/fuzz --target "${fuzzers[@]}"
python3 fuzz/seeds.py build/fuzz/seeds
mkdir -p build/fuzz/crashes

failed=0
for fuzzer in "${fuzzers[@]}"; do
  corpus=build/fuzz/corpus/$fuzzer log=build/fuzz/$fuzzer.log
  mkdir -p "$corpus"
  [ -d "build/fuzz/seeds/$fuzzer" ] || { echo "fuzz: $fuzzer has no seeds in fuzz/seeds.py" >&2; exit 1; }
  start=$SECONDS outcome=passed
  "build/fuzz/bin/$fuzzer" -runs="$((rounds * 1000))" -max_len=8192 -timeout=20 -rss_limit_mb=2048 \
    -print_final_stats=1 -artifact_prefix="build/fuzz/crashes/$fuzzer-" "$corpus" "build/fuzz/seeds/$fuzzer" \
    >"$log" 2>&1 || outcome=failed
  runs=$(awk '/stat::number_of_executed_units/ {print $2}' "$log")
  printf '{"area": "fuzz", "case": "%s", "verdict": "%s", "inputs": %d, "seconds": %d}\n' \
    "$fuzzer" "$outcome" "${runs:-0}" "$((SECONDS - start))" | tee -a "$results"
  [ "$outcome" = passed ] || { tail -n 40 "$log" >&2; failed=$((failed + 1)); }
done
echo "fuzz: ${#fuzzers[@]} fuzzers, $failed failed"
[ "$failed" = 0 ]
