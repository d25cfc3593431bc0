#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
set -euo pipefail
# shellcheck source=scripts/common.sh
. "$(dirname "${BASH_SOURCE[0]}")/common.sh"

print_help() {
    cat <<'HELP'
usage: scripts/reference.sh [clients=10] [rounds=15] [options]

Makes metrics/reference anew, the run that the repository keeps: runs scripts/run.sh and takes its records, its report, the
pictures and the tables. Models and logs stay where the run went. For times that say something the machine
should be idle.

options:
  --bin DIR    use the programs in this directory and build nothing
  --into DIR   put it there (default: metrics/reference)
  --work DIR   where the run goes first (default: metrics/latest/reference)
  --keep-run   take the run that is there as it is, if it is complete
  -h, --help   show this text
  -- OPTIONS   everything behind it goes to scripts/run.sh, such as --partition dirichlet:0.5

Exit codes: those of scripts/run.sh.
HELP
}

clients=
rounds=
programs=
into=$repository/metrics/reference
work=$repository/metrics/latest/reference
keep_run=false
passed_on=()
while (($#)); do
    case $1 in
        -h | --help)
            print_help
            exit 0
            ;;
        --bin | --into | --work)
            [[ -n ${2:-} ]] || usage_error "$1 needs a value"
            case $1 in
                --bin) programs=$2 ;;
                --into) into=$2 ;;
                --work) work=$2 ;;
            esac
            shift
            ;;
        --keep-run) keep_run=true ;;
        --)
            shift
            passed_on=("$@")
            break
            ;;
        -*) usage_error "unknown option $1" ;;
        *) take_argument "$1" ;;
    esac
    shift
done
clients=${clients:-10}
rounds=${rounds:-15}
require_count "the number of clients" "$clients" 3 1000
require_count "the number of rounds" "$rounds" 1 100000
require_compare
command -v rsvg-convert >/dev/null || require_packages librsvg2-bin

if [[ $keep_run == false || ! -e $work/comparison.json ]]; then
    options=(--metrics "$work" "${passed_on[@]}")
    [[ -z $programs ]] || options+=(--bin "$programs")
    "$repository/scripts/run.sh" "$clients" "$rounds" "${options[@]}"
fi
compare=$(compare_program)

mkdir -p "$into"
rm -rf "$into"/{normal,smpc,report,report.html,labels.csv,comparison.txt,comparison.json}
mkdir "$into"/{normal,smpc}
for arm in normal smpc; do cp "$work/$arm"/{rounds.jsonl,summary.json} "$into/$arm/"; done
[[ ! -e $work/labels.csv ]] || cp "$work/labels.csv" "$into/"
# From inside, so that report and table name the runs by paths that are the same everywhere.
cd "$into"
"$compare" --no-report normal smpc >comparison.txt
"$compare" --json --report . normal smpc >comparison.json
if grep -rlF -e "$repository" -e "$HOME/" . >/dev/null; then
    die 1 "a file in $into names a directory of this machine: $(grep -rlF -e "$repository" -e "$HOME/" . | head -n 1)"
fi
say "$into: $(du -sh . | cut -f 1) in $(find . -type f | wc -l) files; look at report.html"
