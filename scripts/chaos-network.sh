#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
set -euo pipefail
# shellcheck source=scripts/common.sh
. "$(dirname "${BASH_SOURCE[0]}")/common.sh"

print_help() {
    cat <<'HELP'
usage: scripts/chaos-network.sh [rounds=3] [options]

Trains the main job twice: once as it is, and once with every connection of every client, to the server and to each other,
through a proxy that cuts connections, closes halves of them, turns bits over, falls silent, throttles, delays, and lets
later connections overtake earlier ones. All rounds must end in the same models, bit for bit, and every kind of fault must
have happened. Three clients, as of three nobody can be left out, and --encoding exact, whose sums do not depend on who comes
first. Installs with apt-get what is missing, where it may.

options:
  --seed N           of the faults (default: 3)
  --each N           how many faults of every kind (default: 1)
  --dataset NAME, --model SPEC
                     as in scripts/run.sh (default: as there)
  --limit MINUTES    how long either run may take at most (default: 30)
  --metrics DIR      where the records and logs go (default: metrics/latest/chaos-network)
  --bin DIR          use the programs in this directory and build nothing
  --keep             keep the state directories (keys, databases) when done
  -h, --help         show this text

Leaves DIR/calm and DIR/chaos with rounds.jsonl and summary.json, DIR/chaos-network.json with what is printed at the end, and
logs in DIR/logs; the proxy's tells which connection met which fault at which byte. Exit codes: 0 every demand is met, 1 one
is not, 64 usage, 130 Ctrl-C.
HELP
}

rounds=
options=()
dataset=fashion-mnist
metrics=$repository/metrics/latest/chaos-network
programs=
while (($#)); do
    case $1 in
        -h | --help)
            print_help
            exit 0
            ;;
        --keep) options+=(--keep) ;;
        --seed | --each | --dataset | --model | --limit | --metrics | --bin)
            (($# >= 2)) || usage_error "$1 needs a value"
            take_option "$1" "$2"
            shift
            ;;
        -*) usage_error "unknown option $1" ;;
        *)
            [[ -z $rounds ]] || usage_error "unexpected argument \"$1\""
            rounds=$1
            ;;
    esac
    shift
done
rounds=${rounds:-3}
require_count "the number of rounds" "$rounds" 1 1000

require_federation "$dataset"
mkdir -p "$metrics" 2>/dev/null || die 1 "$metrics cannot be made; choose another --metrics"
exec python3 "$repository/scripts/chaos_network.py" "$rounds" --bin "$programs" --metrics "$metrics" \
    "${options[@]}"
