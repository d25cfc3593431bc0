#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
set -euo pipefail
# shellcheck source=scripts/common.sh
. "$(dirname "${BASH_SOURCE[0]}")/common.sh"

print_help() {
    cat <<'HELP'
usage: scripts/simulate.sh [options]

Builds smpc-simulate (release) and simulates federations with faults and liars: the real machines of coordinator and
members, virtual time, one seed for everything. Says what must not have happened, with the line that replays it. The last
line is a summary. Exit code 0: no violation; 1: at least one. docs/TESTING.md says what this covers.

options:
  --seeds N       how many seeds (default: 1000; with --rules the most for each rule, default 20000)
  --seed S        the first seed (default: 1)
  --replay S      this seed alone
  --trace         with --replay: tell what every machine does
  --without RULE  go without a rule of the protocol, in a build that can: a violation is expected; may be repeated
  --rules         go without each rule in turn, and print the seed that notices: the one that is known to, else all up to
                  --seeds are tried; fails where none does
  --jobs N        how many seeds at a time (default: the number of processors)
  -h, --help      show this text
HELP
}

switches=false
arguments=(--jobs "$(nproc)")
while (($#)); do
    case $1 in
        -h | --help)
            print_help
            exit 0
            ;;
        --seeds | --seed | --replay | --jobs)
            (($# >= 2)) || usage_error "$1 needs a value"
            [[ $2 =~ ^[0-9]{1,19}$ ]] || usage_error "$1 must be a whole number, not \"$2\""
            arguments+=("$1" "$2")
            shift
            ;;
        --without)
            (($# >= 2)) || usage_error "$1 needs a value"
            arguments+=("$1" "$2")
            switches=true
            shift
            ;;
        --rules)
            arguments+=("$1")
            switches=true
            ;;
        --trace) arguments+=("$1") ;;
        -*) usage_error "unknown option $1" ;;
        *) usage_error "unexpected argument \"$1\"" ;;
    esac
    shift
done

require_swift
require_packages "${build_packages[@]}"
cd "$repository"
# Apart: a build that can go without rules must never be taken for one that cannot.
scratch=.build
if [[ $switches == true ]]; then
    scratch=.build-rules
    export SUMMAND_RULE_SWITCHES=1
fi
log=$(mktemp)
trap 'rm -f "$log"' EXIT
# As all programs are built that run on their own: what they share is compiled once.
"${release_build[@]}" --product smpc-simulate --scratch-path "$scratch" >"$log" 2>&1 || {
    cat "$log" >&2
    die 1 "smpc-simulate does not build"
}
"$scratch/release/smpc-simulate" "${arguments[@]}"
