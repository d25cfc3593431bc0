#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
set -euo pipefail
# shellcheck source=scripts/common.sh
. "$(dirname "${BASH_SOURCE[0]}")/common.sh"

print_help() {
    cat <<'HELP'
usage: scripts/fuzz.sh [options] [TARGET…]

Feeds made-up bytes to every decoder that meets the network, with libFuzzer and the address sanitizer, from the package
Fuzz. Without a target, all of them one after another: certificates, discovery, dns, enrolment, frames,
messages, proxy, tokens.

Each run begins with the inputs of Fuzz/Corpus and those that once failed, Fuzz/FailCases. An input that crashes, hangs or
takes more than 512 MiB is put into Fuzz/FailCases and ends the script with exit code 1.

options:
  --seconds N     how long each target runs (default: 10)
  --runs N        how many inputs each target is given, instead
  --long          the same as --runs 10000000: some minutes to an hour for each target, hours for discovery
  --keep          put what the run found worth keeping into Fuzz/Corpus, as few and as small inputs as cover the same
  -h, --help      show this text
HELP
}

seconds=10
runs=
keep=false
targets=()
while (($#)); do
    case $1 in
        -h | --help)
            print_help
            exit 0
            ;;
        --seconds | --runs)
            [[ -n ${2:-} ]] || usage_error "$1 needs a value"
            if [[ $1 == --seconds ]]; then
                require_count "$1" "$2" 1 86400
                seconds=$2
            else
                require_count "$1" "$2" 1 999999999
                runs=$2
            fi
            shift
            ;;
        --long) runs=10000000 ;;
        --keep) keep=true ;;
        -*) usage_error "unknown option $1" ;;
        *) targets+=("$1") ;;
    esac
    shift
done

# product_of TARGET: the product that fuzzes it, and the longest input worth making up.
product_of() {
    case $1 in
        certificates) echo FuzzCertificates 800 ;;
        discovery) echo FuzzDiscovery 768 ;;
        dns) echo FuzzDNS 512 ;;
        enrolment) echo FuzzEnrolment 800 ;;
        frames) echo FuzzFrames 256 ;;
        messages) echo FuzzMessages 768 ;;
        proxy) echo FuzzProxy 256 ;;
        tokens) echo FuzzTokens 256 ;;
        *) return 1 ;;
    esac
}

((${#targets[@]})) || targets=(certificates discovery dns enrolment frames messages proxy tokens)
for target in "${targets[@]}"; do
    product_of "$target" >/dev/null || usage_error "there is no target \"$target\""
done

require_swift
require_packages "${build_packages[@]}"
cd "$repository"
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT

# With the versions of the main package, where they are settled, nothing has to be fetched.
if [[ -e Package.resolved && ! -e Fuzz/Package.resolved ]]; then
    cp Package.resolved Fuzz/Package.resolved
fi
# One -sanitize with both: given apart, the coverage that guides libFuzzer is silently lost.
# shellcheck disable=SC2054 # the comma belongs to the option
build=(swift build --package-path Fuzz -c release --sanitize=fuzzer -Xswiftc -sanitize=fuzzer,address
    -Xswiftc -enable-testing)
"${build[@]}" >"$scratch/build.log" 2>&1 || {
    cat "$scratch/build.log" >&2
    die 1 "the package Fuzz does not build"
}
binaries=$("${build[@]}" --show-bin-path)
# A crash that Swift prints leaves no file; the sanitizer takes what a library keeps for good for a leak.
export SWIFT_BACKTRACE=enable=no ASAN_OPTIONS=detect_leaks=0

# fuzz TARGET: runs one target and judges the outcome.
fuzz() {
    local target=$1 product length found=$scratch/$1 log=$scratch/$1.log inputs=() budget
    read -r product length < <(product_of "$target")
    mkdir -p "$found"
    for folder in "Fuzz/Corpus/$target" "Fuzz/FailCases/$target"; do
        if [[ -d $folder ]]; then inputs+=("$folder"); fi
    done
    if [[ -n $runs ]]; then budget=(-runs="$runs"); else budget=(-max_total_time="$seconds"); fi
    local began=$SECONDS
    if ! "$binaries/$product" "$found" "${inputs[@]}" "${budget[@]}" -max_len="$length" -timeout=10 -rss_limit_mb=512 \
        -artifact_prefix="$scratch/failed-$target-" -print_final_stats=1 -verbosity=1 >"$log" 2>&1; then
        local case_file
        for case_file in "$scratch/failed-$target-"*; do
            [[ -e $case_file ]] || continue
            mkdir -p "Fuzz/FailCases/$target"
            cp "$case_file" "Fuzz/FailCases/$target/"
            complain "kept Fuzz/FailCases/$target/$(basename "$case_file")"
        done
        tail -n 30 "$log" >&2
        die 1 "$target failed"
    fi
    grep -q 'inline 8-bit counters' "$log" || die 1 "$product was built without coverage: the run would be blind"
    if [[ $keep == true ]]; then
        mkdir -p "$scratch/merged-$target"
        "$binaries/$product" -merge=1 -max_len="$length" "$scratch/merged-$target" "${inputs[@]}" "$found" >"$log.merge" 2>&1
        rm -rf "Fuzz/Corpus/$target"
        mkdir -p Fuzz/Corpus
        cp -r "$scratch/merged-$target" "Fuzz/Corpus/$target"
    fi
    say "$target: $(sed -n 's/^stat::number_of_executed_units: *//p' "$log") inputs in $((SECONDS - began)) s," \
        "$(sed -n 's/.* cov: \([0-9]*\) .*/\1/p' "$log" | tail -n 1) edges covered, no failure"
}

for target in "${targets[@]}"; do fuzz "$target"; done
