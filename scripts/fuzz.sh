#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
set -euo pipefail
# shellcheck source=scripts/common.sh
. "$(dirname "${BASH_SOURCE[0]}")/common.sh"

print_help() {
    cat <<'HELP'
usage: scripts/fuzz.sh [options] [TARGET…]

Feeds made-up bytes to every decoder that meets the network, with libFuzzer, from the package Fuzz. Without a target, all of
them: averaging, certificates, discovery, dns, enrolment, frames, messages, proxy, tokens, updates, vectors.

Each run begins with the inputs of Fuzz/Corpus and those that once failed, Fuzz/FailCases. An input that crashes, hangs or
takes more than 512 MiB is put into Fuzz/FailCases and ends the script with exit code 1.

Swift checks every index and every sum by itself, in these builds too. What it cannot check is how libcrypto and unsafe code
use memory: that takes --address.

options:
  --seconds N     how long each target runs (default: 10); up to 30 without optimised code, which takes long to build
  --runs N        how many inputs each target is given, instead
  --long          the same as --runs 10000000
  --jobs N        how many targets run at a time (default: one for each processor)
  --address       with the address sanitizer, in everything; a build of its own that takes several times as long, and some
                  times fewer inputs
  --keep          put what the run found worth keeping into Fuzz/Corpus, as few and as small inputs as cover the same
  -h, --help      show this text
HELP
}

seconds=10
runs=
jobs=$(nproc)
address=false
keep=false
targets=()
while (($#)); do
    case $1 in
        -h | --help)
            print_help
            exit 0
            ;;
        --seconds | --runs | --jobs)
            [[ -n ${2:-} ]] || usage_error "$1 needs a value"
            case $1 in
                --seconds)
                    require_count "$1" "$2" 1 86400
                    seconds=$2
                    ;;
                --runs)
                    require_count "$1" "$2" 1 999999999
                    runs=$2
                    ;;
                --jobs)
                    require_count "$1" "$2" 1 64
                    jobs=$2
                    ;;
            esac
            shift
            ;;
        --long) runs=10000000 ;;
        --address) address=true ;;
        --keep) keep=true ;;
        -*) usage_error "unknown option $1" ;;
        *) targets+=("$1") ;;
    esac
    shift
done

# program_of TARGET: the program that holds a target, and the longest input worth making up.
program_of() {
    case $1 in
        averaging) echo FuzzAveraging 256 ;;
        certificates | enrolment) echo FuzzIdentity 800 ;;
        discovery) echo FuzzDiscovery 768 ;;
        dns) echo FuzzDiscovery 512 ;;
        frames | proxy) echo FuzzTransport 256 ;;
        messages) echo FuzzMessages 768 ;;
        tokens) echo FuzzIdentity 256 ;;
        updates) echo FuzzAveraging 1152 ;;
        vectors) echo FuzzMessages 256 ;;
        *) return 1 ;;
    esac
}

((${#targets[@]})) || targets=(averaging certificates discovery dns enrolment frames messages proxy tokens updates vectors)
for target in "${targets[@]}"; do
    program_of "$target" >/dev/null || usage_error "there is no target \"$target\""
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
build=(swift build --package-path Fuzz -c release -Xswiftc -enable-testing)
if [[ $address == true ]]; then
    # One -sanitize with both: given apart, the coverage that guides libFuzzer is silently lost.
    # shellcheck disable=SC2054 # the comma belongs to the option
    build+=(--scratch-path Fuzz/.build-address -Xswiftc -sanitize=fuzzer,address)
    export SUMMAND_FUZZ_SANITIZERS=fuzzer,address
else
    # Only what decodes is compiled with counters (Package.swift): libFuzzer goes through all of them after every input.
    export SUMMAND_FUZZ_COUNTERS=1
    # Optimised code takes twice as long to build, which a short run does not make up for.
    if [[ -z $runs ]] && ((seconds <= 30)); then build+=(--scratch-path Fuzz/.build-quick -Xswiftc -Onone); fi
fi
"${build[@]}" >"$scratch/build.log" 2>&1 || {
    cat "$scratch/build.log" >&2
    die 1 "the package Fuzz does not build"
}
programs=$("${build[@]}" --show-bin-path)
# A crash that Swift prints leaves no file; the sanitizer takes what a library keeps for good for a leak.
export SWIFT_BACKTRACE=enable=no ASAN_OPTIONS=detect_leaks=0

# fuzz TARGET: runs one target and judges the outcome.
fuzz() {
    local target=$1 program length found=$scratch/$1 log=$scratch/$1.log inputs=() budget
    read -r program length < <(program_of "$target")
    mkdir -p "$found"
    for folder in "Fuzz/Corpus/$target" "Fuzz/FailCases/$target"; do
        if [[ -d $folder ]]; then inputs+=("$folder"); fi
    done
    if [[ -n $runs ]]; then budget=(-runs="$runs"); else budget=(-max_total_time="$seconds"); fi
    local began=$SECONDS
    # An input takes microseconds; the minute is for a machine that is busy with something else.
    if ! FUZZ_TARGET=$target "$programs/$program" "$found" "${inputs[@]}" "${budget[@]}" -max_len="$length" -timeout=60 \
        -rss_limit_mb=512 -artifact_prefix="$scratch/failed-$target-" -print_final_stats=1 -verbosity=1 >"$log" 2>&1; then
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
    grep -q 'inline 8-bit counters' "$log" || die 1 "$target was built without coverage: the run would be blind"
    if [[ $keep == true ]]; then
        mkdir -p "$scratch/merged-$target"
        FUZZ_TARGET=$target "$programs/$program" -merge=1 -max_len="$length" "$scratch/merged-$target" "${inputs[@]}" "$found" \
            >"$log.merge" 2>&1
        rm -rf "Fuzz/Corpus/$target"
        mkdir -p Fuzz/Corpus
        cp -r "$scratch/merged-$target" "Fuzz/Corpus/$target"
    fi
    say "$target: $(sed -n 's/^stat::number_of_executed_units: *//p' "$log") inputs in $((SECONDS - began)) s," \
        "$(sed -n 's/.* cov: \([0-9]*\) .*/\1/p' "$log" | tail -n 1) edges covered, no failure"
}

# reap: waits until one target has been fuzzed.
reap() {
    local ended='' pid rest=()
    wait_for_any "${running[@]}" || failed=true
    for pid in "${running[@]}"; do [[ $pid == "$ended" ]] || rest+=("$pid"); done
    running=("${rest[@]}")
}

running=()
failed=false
for target in "${targets[@]}"; do
    ((${#running[@]} < jobs)) || reap
    fuzz "$target" &
    running+=($!)
done
while ((${#running[@]} > 0)); do reap; done
[[ $failed == false ]] || die 1 "a decoder failed"
