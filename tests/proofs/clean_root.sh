#!/usr/bin/env bash
# Proves that the README's two commands need nothing but a fresh Debian 12: makes a minimal root,
# clones this repository's HEAD into it, and runs ./scripts/test and ./scripts/demo there.
#
#   clean_root.sh [--rounds N] [--results FILE] [--root DIR]
#
# Root only (chroot). The machine's own way to package mirrors (resolver, apt's Acquire settings, the
# certificates that npm is told to trust) is copied into the root and nothing else. Vectors of real evidence, where the machine has them, are laid
# beside the clone as the checkout has them. One line of JSON a command goes to FILE.
set -euo pipefail
here=$(cd "$(dirname "$0")/../.." && pwd)
rounds=1 results=/dev/null root=
while [ $# -gt 0 ]; do
  case "$1" in
    --rounds) rounds=$2; shift 2 ;;
    --results) results=$2; shift 2 ;;
    --root) root=$2; shift 2 ;;
    *) echo "clean_root: unknown argument '$1'" >&2; exit 2 ;;
  esac
done
[ "$(id -u)" = 0 ] || { echo "clean_root: needs root, for chroot" >&2; exit 2; }
command -v mmdebstrap >/dev/null || { echo "clean_root: needs the package mmdebstrap" >&2; exit 2; }
if [ "${APM_CLEAN_ROOT_NAMESPACE:-}" != 1 ]; then # a mount namespace of its own: nothing stays mounted
  APM_CLEAN_ROOT_NAMESPACE=1 exec unshare --mount --propagation private -- "$0" \
    --rounds "$rounds" --results "$results" ${root:+--root "$root"}
fi

keep=$root
[ -n "$root" ] || root=$(mktemp -d "${TMPDIR:-/tmp}/apm-root-XXXXXX")
unmount() { for point in dev/shm dev/pts proc; do umount "$root/$point" 2>/dev/null || true; done; }
cleanup() {
  unmount
  [ -n "$keep" ] || rm -rf --one-file-system "$root"
}
trap cleanup EXIT

fresh_root() {
  rm -rf --one-file-system "$root"
  mmdebstrap --quiet --variant=minbase bookworm "$root"
  cp /etc/resolv.conf "$root/etc/resolv.conf"
  grep -lE '^ *Acquire' /etc/apt/apt.conf.d/* 2>/dev/null |
    xargs -r grep -hE '^ *Acquire::(Check|http|https|Retries)' >"$root/etc/apt/apt.conf.d/99mirror" || true
  mkdir -p "$root/work"
  [ ! -r "${NODE_EXTRA_CA_CERTS:-}" ] || cp "$NODE_EXTRA_CA_CERTS" "$root/root/registry-ca.pem"
  git clone -q --no-local "$here" "$root/src/apm"
  if [ -d "$here/../shared/vectors" ]; then
    mkdir -p "$root/src/shared"
    cp -r "$here/../shared/vectors" "$root/src/shared/"
  fi
  mount -t proc proc "$root/proc"
  mkdir -p "$root/dev/shm" "$root/dev/pts" # the device nodes are mmdebstrap's
  mount -t tmpfs tmpfs "$root/dev/shm"
  mount -t devpts devpts "$root/dev/pts"
}

failed=0
run_inside() { # run_inside ROUND COMMAND
  local round=$1 command=$2 start=$SECONDS code=0 trust=()
  [ ! -e "$root/root/registry-ca.pem" ] || trust=(NODE_EXTRA_CA_CERTS=/root/registry-ca.pem)
  echo "=== round $round: $command"
  chroot "$root" /usr/bin/env -i HOME=/root PATH=/usr/sbin:/usr/bin:/sbin:/bin LANG=C.UTF-8 "${trust[@]}" \
    bash -c "cd /src/apm && $command" </dev/null || code=$?
  printf '{"round": %d, "command": "%s", "exit": %d, "seconds": %d}\n' \
    "$round" "$command" "$code" "$((SECONDS - start))" | tee -a "$results"
  [ "$code" = 0 ] || failed=$((failed + 1))
}

for round in $(seq "$rounds"); do
  unmount
  fresh_root
  run_inside "$round" ./scripts/test
  run_inside "$round" ./scripts/demo
done
echo "clean_root: $rounds round(s), $failed command(s) failed"
[ "$failed" = 0 ]
