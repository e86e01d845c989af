#!/usr/bin/env bash
# A PostgreSQL server of Debian's packages for a test: postgres.sh DIR [SERVER OPTION...]. Makes a cluster in DIR when there
# is none, and becomes the server: a Unix socket in DIR only, trusted, durable (fsync on). DIR must exist.
# It is ended by a signal, and with the program that started it. Exit code 77: PostgreSQL is not installed.
set -euo pipefail
dir=$(realpath "$1")
shift
bin=$(find /usr/lib/postgresql -maxdepth 2 -name bin 2>/dev/null | sort -V | tail -n 1 || true)
[ -x "$bin/postgres" ] || { echo "PostgreSQL is not installed (scripts/install-packages run)" >&2; exit 77; }

# The server refuses to run as root.
as=()
if [ "$(id -u)" = 0 ]; then
  id postgres >/dev/null 2>&1 || { echo "there is no user postgres" >&2; exit 77; }
  as=(setpriv --reuid=postgres --regid=postgres --clear-groups)
  chown postgres "$dir"
fi
if [ ! -f "$dir/data/PG_VERSION" ]; then
  "${as[@]}" env -i PATH="$bin:$PATH" LC_ALL=C "$bin/initdb" -D "$dir/data" -U apm -A trust -E UTF8 --no-sync >"$dir/initdb.log"
fi
cd "$dir"
exec setpriv "${as[@]:1}" --pdeathsig INT -- env -i PATH="$bin:$PATH" LC_ALL=C "$bin/postgres" -D "$dir/data" \
  -c listen_addresses= -c unix_socket_directories="$dir" -c fsync=on -c max_connections=100 -c shared_buffers=32MB \
  -c logging_collector=off -c log_min_messages=warning "$@"
