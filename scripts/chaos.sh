#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
set -euo pipefail
# shellcheck source=scripts/common.sh
. "$(dirname "${BASH_SOURCE[0]}")/common.sh"

print_help() {
    cat <<'HELP'
usage: scripts/chaos.sh [clients=10] [rounds=50] [options]

Kills a federation that trains: in every round one client in ten (SIGKILL), which is started again one to three rounds later
(a round that stands still counts as one more every 5 s, as it may be waiting for who is down: both holders of a slot, after
the vote), and in every tenth round the server, which is started again at once. Trains the same without disturbance first, and then says
whether every round was applied or passed over with a reason, and how far the two models' accuracies are apart. At the end it
kills a client and the server in the middle of rounds and measures how soon they are back. Installs with apt-get what is
missing, where it may.

options:
  --seed N           of the training and of the disturbance: who dies, when, and for how long (default: 1)
  --dataset NAME, --partition HOW, --model SPEC, --encoding NAME, --slots HOW
                     as in scripts/run.sh (default: as there)
  --restarts N       how often each of the two is killed for the measurement at the end (default: 5)
  --limit MINUTES    how long a part may take at most (default: 60)
  --metrics DIR      where the records and logs go (default: metrics/latest/chaos)
  --bin DIR          use the programs in this directory and build nothing
  --keep             keep the state directories (keys, databases) when done
  -h, --help         show this text

Leaves DIR/calm and DIR/chaos with rounds.jsonl and summary.json, DIR/chaos.json with what is printed at the end, and logs in
DIR/logs. Exit codes: 0 every demand is met, 1 one is not, 64 usage, 130 Ctrl-C.
HELP
}

clients=
rounds=
options=()
dataset=fashion-mnist
metrics=$repository/metrics/latest/chaos
programs=
while (($#)); do
    case $1 in
        -h | --help)
            print_help
            exit 0
            ;;
        --keep) options+=(--keep) ;;
        --seed | --dataset | --partition | --model | --encoding | --slots | --restarts | --limit | --metrics | --bin)
            (($# >= 2)) || usage_error "$1 needs a value"
            take_option "$1" "$2"
            shift
            ;;
        -*) usage_error "unknown option $1" ;;
        *) take_argument "$1" ;;
    esac
    shift
done
clients=${clients:-10}
rounds=${rounds:-50}
require_count "the number of clients" "$clients" 10 100
require_count "the number of rounds" "$rounds" 2 1000

require_federation "$dataset"
mkdir -p "$metrics" 2>/dev/null || die 1 "$metrics cannot be made; choose another --metrics"
exec python3 "$repository/scripts/chaos.py" "$clients" "$rounds" --bin "$programs" --metrics "$metrics" "${options[@]}"
