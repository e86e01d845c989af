#!/usr/bin/env bash
# mutants: switches off every check of src/policy, src/skr and src/attestation, one at a time, and names
# the test that fails without it. Options are those of tests/mutants/run.py; --results FILE gets a line a
# check, and beside it stands the same as a table in Markdown.
set -euo pipefail
cd "$(dirname "$0")/../.."
table=build/dev/proofs/mutants.md
mkdir -p build/dev/proofs
cmake --preset dev >/dev/null
cmake --build build/dev --target policy_test skr_test attestation_test >/dev/null
exec python3 tests/mutants/run.py --jobs "$(nproc)" --table "$table" "$@"
