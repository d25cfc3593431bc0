#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
set -euo pipefail
# shellcheck source=scripts/common.sh
. "$(dirname "${BASH_SOURCE[0]}")/common.sh"

print_help() {
    cat <<'HELP'
usage: scripts/standby.sh [clients=4] [rounds=12] [options]

Measures what the standbys of helper slots cost, in bytes and in time, against the same slots without: with standbys that do
nothing until a primary is gone, and with --cross-check, where both holders of every slot answer in every round. Trains in
turns with the one and with the other, so that a machine that is busy slows both.

options:
  --runs N       runs of each kind (default: 3)
  --dataset NAME, --partition HOW, --model SPEC, --encoding NAME, --seed N
                 as in scripts/run.sh (default: as there)
  --metrics DIR  where the records and logs go (default: metrics/latest/standby)
  --bin DIR      use the programs in this directory and build nothing
  -h, --help     show this text

A run without standbys does not exist: what it would cost follows from one with silent standbys, whose holders have got each
seed twice, in the set-up of the epoch, and done nothing else. Half of all that the set-up costs is taken for that, which is
more than it is. Exit codes: 0 within the limits, 25 % more bytes and 35 % more time, 1 beyond them, 64 usage, 130 Ctrl-C.
HELP
}

clients=
rounds=
options=()
dataset=fashion-mnist
metrics=$repository/metrics/latest/standby
programs=
while (($#)); do
    case $1 in
        -h | --help)
            print_help
            exit 0
            ;;
        --runs | --dataset | --partition | --model | --encoding | --seed | --metrics | --bin)
            (($# >= 2)) || usage_error "$1 needs a value"
            take_option "$1" "$2"
            shift
            ;;
        -*) usage_error "unknown option $1" ;;
        *) take_argument "$1" ;;
    esac
    shift
done
clients=${clients:-4}
rounds=${rounds:-12}
require_count "the number of clients" "$clients" 4 100
require_count "the number of rounds" "$rounds" 3 1000

require_federation "$dataset"
mkdir -p "$metrics" 2>/dev/null || die 1 "$metrics cannot be made; choose another --metrics"
exec python3 "$repository/scripts/standby.py" "$clients" "$rounds" --bin "$programs" --metrics "$metrics" \
    "${options[@]}"
