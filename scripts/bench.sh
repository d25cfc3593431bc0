#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
set -euo pipefail
# shellcheck source=scripts/common.sh
. "$(dirname "${BASH_SOURCE[0]}")/common.sh"

print_help() {
    cat <<'HELP'
usage: scripts/bench.sh [kernels|channel|rounds|peers] [options]

Measures speed in the package Benchmarks, built for release.

what to measure:
  kernels         the loops over vectors, each against what it cannot be faster than: a plain loop in C, GMP, OpenSSL's
                  bare key stream, memcpy. Kernel and reference take turns, so that the ratio holds on a machine that
                  is not idle. Also counts how often a call asks for memory. This is the default: some minutes
  channel         the connection: a stream against blocking OpenSSL sockets with the same cipher, full mutual handshakes
                  against openssl s_time, and the memory of 1,000 idle connections. Takes --only bulk, handshakes or idle,
                  --check and --quick. About two minutes
  rounds, peers   whole rounds, and many peers: to come

options:
  --json FILE     also write the rows as a JSON array
  --only NAME     only the rows of this name; may be given several times
  --check         end with exit code 1 if a ratio is below its limit
  --update-docs   put table and machine into docs/PERFORMANCE.md
  --quick         short and coarse, to see that it runs
  -h, --help      show this text

exit codes: 0 measured; 1 failed, or a limit is missed with --check; 64 wrong command line; 69 to come
HELP
}

what=
json=
only=()
check=false
update_docs=false
quick=false
while (($#)); do
    case $1 in
        -h | --help)
            print_help
            exit 0
            ;;
        --json | --only)
            [[ -n ${2:-} ]] || usage_error "$1 needs a value"
            if [[ $1 == --json ]]; then json=$2; else only+=("$2"); fi
            shift
            ;;
        --check) check=true ;;
        --update-docs) update_docs=true ;;
        --quick) quick=true ;;
        -*) usage_error "unknown option $1" ;;
        *)
            [[ -z $what ]] || usage_error "unexpected argument \"$1\""
            what=$1
            ;;
    esac
    shift
done
case ${what:=kernels} in
    kernels) ;;
    channel)
        [[ -z $json && $update_docs == false ]] || usage_error "channel takes --only, --check and --quick alone"
        ;;
    rounds | peers) die 69 "$what are to come; what there is: kernels, channel" ;;
    *) usage_error "there is no benchmark \"$what\"" ;;
esac
if [[ $update_docs == true && ($quick == true || ${#only[@]} -gt 0) ]]; then
    usage_error "--update-docs needs all rows in full: without --quick and --only"
fi

require_swift
require_packages "${build_packages[@]}"

# The path is the caller's, not the repository's.
[[ -z $json ]] || json=$(realpath -m "$json")
cd "$repository"

# With the versions of the main package, where they are settled, nothing has to be fetched.
if [[ -e Package.resolved && ! -e Benchmarks/Package.resolved ]]; then
    cp Package.resolved Benchmarks/Package.resolved
fi
if [[ $what == channel ]]; then product=ChannelBenchmarks; else product=Benchmarks; fi
build=(swift build --package-path Benchmarks -c release --product "$product")
"${build[@]}" >&2
program=$("${build[@]}" --show-bin-path)/$product
if [[ $what == channel ]]; then
    options=()
    for name in ${only[@]+"${only[@]}"}; do options+=(--only "$name"); done
    [[ $check == false ]] || options+=(--check)
    [[ $quick == false ]] || options+=(--quick)
    say "$(git describe --always --dirty 2>/dev/null || echo unknown), $(openssl version), $(nproc) cores"
    # A thousand connections in each of two processes.
    ulimit -n "$(ulimit -Hn)"
    exec "$program" ${options[@]+"${options[@]}"}
fi

arguments=(--compiler "$(swift --version 2>/dev/null | sed -n '/Swift version/{s/^.*\(Swift version [^ ]*\).*/\1/p;q}')")
arguments+=(--commit "$(git describe --always --dirty 2>/dev/null || echo unknown)")
[[ -z $json ]] || arguments+=(--json "$json")
for name in ${only[@]+"${only[@]}"}; do arguments+=(--only "$name"); done
[[ $check == false ]] || arguments+=(--check)
[[ $quick == false ]] || arguments+=(--quick)
[[ $update_docs == false ]] || arguments+=(--document "$repository/docs/PERFORMANCE.md")
exec "$program" "${arguments[@]}"
