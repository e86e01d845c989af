#!/bin/sh
# Entrypoint of the APM server's image: checks that the environment is there, renders the
# configuration from its template (names and paths only, no secret), and becomes the server, which
# does the rest: attests, has its key released, opens its store, serves.
set -eu

here=$(dirname "$0")
template=${APM_TEMPLATE:-$here/apm.hcl.tpl}
run_dir=${APM_RUN_DIR:-/run/anjuna-policy-manager}
server=${APM_SERVER:-anjuna-policy-manager-server}
: "${APM_PORT:=8200}"
export APM_PORT

[ -r "$template" ] || { echo "run.sh: template $template cannot be read" >&2; exit 1; }
mkdir -p "$run_dir"

# Only the names that a template uses are replaced, and only by characters that cannot end a string.
config=$run_dir/apm.hcl
script=""
# shellcheck disable=SC2016 # the names are looked for as they are written
for name in $(grep -o '\${[A-Z_]*}' "$template" | sort -u | tr -d '${}'); do
  eval "value=\${$name:-}"
  [ -n "$value" ] || missing="${missing:-} $name"
  case $value in *[!A-Za-z0-9._:/@-]*)
    echo "run.sh: $name has a character that a configuration value may not have" >&2; exit 1 ;;
  esac
  script="$script;s|\${$name}|$value|g"
done
[ -z "${missing:-}" ] || echo "run.sh: not set:${missing}" >&2

umask 077
sed "${script#;}" "$template" >"$config.$$"
mv "$config.$$" "$config"
exec "$server" boot -config "$config"
