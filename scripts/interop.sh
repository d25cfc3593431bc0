#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
set -euo pipefail
# shellcheck source=scripts/common.sh
. "$(dirname "${BASH_SOURCE[0]}")/common.sh"

print_help() {
    cat <<'HELP'
usage: scripts/interop.sh [options]

Tests the second implementation of the protocol, in Tests/Python, which was written from docs/PROTOCOL.md: against the
vectors in Tests/Vectors, some of which it makes again, as a member of real rounds of the server and its clients, and as
a coordinator that attacks real clients. Takes about two minutes.

options:
  --bin DIR   where smpc-server and smpc-client are (default: .build/debug)
  --vectors   only the vectors; needs no programs
  -h, --help  show this text
HELP
}

programs=$repository/.build/debug
vectors_only=false
while (($#)); do
    case $1 in
        -h | --help)
            print_help
            exit 0
            ;;
        --bin)
            (($# >= 2)) || usage_error "$1 needs a value"
            programs=$2
            shift
            ;;
        --vectors) vectors_only=true ;;
        -*) usage_error "unknown option $1" ;;
        *) usage_error "unexpected argument \"$1\"" ;;
    esac
    shift
done

# usable PYTHON: says whether an interpreter is new enough and has what the implementation imports.
usable() {
    "$1" -c 'import sys, cryptography, OpenSSL; sys.exit(sys.version_info < (3, 11))' 2>/dev/null
}

# find_python: sets `python` to an interpreter that will do, after installing Debian's where there is none.
find_python() {
    for python in python3 /usr/bin/python3; do
        ! usable "$python" || return 0
    done
    require_packages python3 python3-cryptography python3-openssl
    python=/usr/bin/python3
    usable "$python" || die 1 "$python is older than 3.11, or cannot import cryptography and OpenSSL"
}

if [[ $vectors_only == false ]]; then
    for program in smpc-server smpc-client; do
        [[ -x $programs/$program ]] ||
            die 1 "$programs/$program is missing; run: swift build, or name the directory with --bin"
    done
    programs=$(cd "$programs" && pwd)
fi
find_python
cd "$repository/Tests/Python"
export PROGRAMS=$programs PYTHONDONTWRITEBYTECODE=1
"$python" -m unittest test_vectors
"$python" "$repository/scripts/make_round_vectors.py" --check
[[ $vectors_only == false ]] || exit 0
# Both wait more than they compute, so they run side by side.
log=$(mktemp)
"$python" -m unittest test_attacks >"$log" 2>&1 &
attacks=$!
trap 'kill "$attacks" 2>/dev/null || true; rm -f "$log"' EXIT
failed=false
"$python" -m unittest test_rounds || failed=true
wait "$attacks" || failed=true
cat "$log" >&2
[[ $failed == false ]] || die 1 "the two implementations do not agree"
