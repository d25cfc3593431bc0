#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
set -euo pipefail
# shellcheck source=scripts/common.sh
. "$(dirname "${BASH_SOURCE[0]}")/common.sh"

print_help() {
    cat <<'HELP'
usage: scripts/test.sh [--full]

Everything that continuous integration runs: formatting, scripts, generated code, a debug build without warnings, all
tests, the second implementation of the protocol (scripts/interop.sh), discovery with other people's software between
network namespaces (scripts/discovery.sh), 2000 seeds of the simulator (scripts/simulate.sh), and at the end the main
job itself, small, once exact (scripts/run.sh 4 2 --encoding exact: both arms must end every round in the same model) and
once as it is; the processes must have found one another by multicast; and once through a proxy that harms connections
in every way, which must end in the models of an undisturbed run (scripts/chaos-network.sh). Every decoder gets ten
seconds of made-up bytes (scripts/fuzz.sh), unless the machine is so busy that all this has taken an hour by then.

options:
  --full      also a death at every step of a round for 4, 5, 6 and 10 sites; the tests of the report in Chromium (without
              --full where it is installed), tests of the network and of threads with the thread sanitizer, a quick run
              of the benchmarks, the simulator without each rule of the protocol in turn, which it has to notice
              (scripts/simulate.sh --rules), made-up bytes with the address sanitizer (scripts/fuzz.sh), scanners of TLS
              (scripts/check-tls.sh), a federation across network namespaces with firewalls and a proxy
              (scripts/check-network.sh), fifty rounds in each of which one client in ten is killed (scripts/chaos.sh),
              ten rounds with 42 faults on the way (scripts/chaos-network.sh), and the main job in full, whose accuracy
              must reach 86 % (iid) and 85 % (dirichlet:0.5), mean of the last five rounds, and lie within 0.2 points of
              the plain arm: an hour
  -h, --help  show this text
HELP
}

full=false
while (($#)); do
    case $1 in
        -h | --help)
            print_help
            exit 0
            ;;
        --full) full=true ;;
        -*) usage_error "unknown option $1" ;;
        *) usage_error "unexpected argument \"$1\"" ;;
    esac
    shift
done

cd "$repository"
scratch=$(mktemp -d)
# What one part of the tests may take: five times what it does on two idle cores.
test_minutes=$([[ $full == true ]] && echo 60 || echo 20)
trap 'rm -rf "$scratch"' EXIT

# step TITLE: begins a step.
step() {
    say ""
    say "== $* (after $SECONDS s)"
}

# check_scripts: every script parses, and shellcheck has nothing to say.
check_scripts() {
    local script scripts=(scripts/*.sh .ci/run)
    for script in "${scripts[@]}"; do bash -n "$script"; done
    shellcheck -x "${scripts[@]}"
}

# check_generated: the generated code is that of the .proto files, where protoc is installed.
check_generated() {
    if ! command -v protoc >/dev/null; then
        say "protoc is not installed: not checked"
    elif [[ -x scripts/generate-protos.sh ]]; then
        scripts/generate-protos.sh --check
    else
        die 1 "scripts/generate-protos.sh is missing"
    fi
}

# build_for_tests: builds everything and fails on a warning in a file of this package.
build_for_tests() {
    local identity
    identity=$(basename "$repository")
    swift build --build-tests 2>&1 | tee "$scratch/build.log"
    if grep -E "^(warning: '${identity,,}'|$repository/(Sources|Tests|Package\.swift)[^ ]*: warning:)" "$scratch/build.log" |
        sort -u >"$scratch/warnings"; then
        complain "the build has warnings:"
        cat "$scratch/warnings" >&2
        exit 1
    fi
}

# run_tests OPTION…: the tests that the options choose; names those that never ended if it takes more than `test_minutes`, and
# says again at the end what failed, as hundreds of lines may have come since.
run_tests() {
    local status=0
    timeout --kill-after=30 "${test_minutes}m" swift test "$@" 2>&1 | tee "$scratch/tests.log" || status=$?
    ((status == 0)) || {
        complain "what failed:"
        awk '/^(◇|✔|✘|↳) / { isFailure = /^✘ .* recorded an issue/ || (isFailure && /^↳/); lines = 0 }
             isFailure && ++lines <= 40
             /^SUMMARY: ThreadSanitizer/' "$scratch/tests.log" >&2
    }
    ((status != 124 && status != 137)) || {
        complain "the tests did not end in $test_minutes minutes; these had begun:"
        awk '$3 == "run" || $3 == "case" { next } / Test .* started\.$/ { open[$3]++ }
             / Test .* (passed|failed) after / { open[$3]-- }
             END { for (name in open) if (open[name] > 0) print "  " name }' "$scratch/tests.log" >&2
    }
    return "$status"
}

# discovery OPTION…: scripts/discovery.sh, left out where network namespaces may not be made (exit code 77).
discovery() {
    scripts/discovery.sh --bin .build/debug "$@" || (($? == 77)) || die 1 "discovery does not do what it should"
}

# main_job CLIENTS ROUNDS PARTITION ENCODING: the main job, whose processes must find one another by multicast. With the
# exact encoding the models must be identical.
main_job() {
    local metrics=$scratch/metrics-$1-$2-$3-$4 verdict=not_exact arm
    [[ $4 != exact ]] || verdict=identical
    scripts/run.sh "$1" "$2" --partition "$3" --encoding "$4" --discovery multicast --metrics "$metrics"
    grep -q "\"verdict\":\"$verdict\"" "$metrics/comparison.json" || die 3 "the comparison is not \"$verdict\""
    [[ -s $metrics/report.html && -s $metrics/report/labels.png ]] || die 1 "the report is missing"
    for arm in normal smpc; do
        grep -Eq '"discovery" ?: ?"multicast"' "$metrics/$arm/summary.json" ||
            die 1 "arm $arm was not found by multicast"
    done
    last_metrics=$metrics
}

# mean_accuracy ARM: the mean accuracy over the last five rounds of an arm of the last main job, in percent.
mean_accuracy() {
    tail -n 5 "$last_metrics/$1/rounds.jsonl" | sed 's/.*"accuracy"://; s/[,}].*//' |
        awk '{ sum += $1 } END { printf "%.4f\n", 100 * sum / NR }'
}

# require_accuracy PERCENT: demands this mean accuracy of both arms of the last main job, which differ by 0.2 at the most.
require_accuracy() {
    local normal smpc
    normal=$(mean_accuracy normal)
    smpc=$(mean_accuracy smpc)
    say "accuracy $normal % plain, $smpc % secure; wanted $1 %, and 0.2 points from each other"
    awk -v normal="$normal" -v smpc="$smpc" -v least="$1" \
        'BEGIN { exit normal < least || smpc < least || smpc < normal - 0.2 }' ||
        die 1 "the accuracy is below what was wanted"
}

step "what is needed"
require_swift
require_packages "${build_packages[@]}" iproute2 util-linux python3 dataset-fashion-mnist
# For the tests against Avahi and python-zeroconf in namespaces of their own; and for the check of the scripts.
require_packages avahi-daemon avahi-utils dbus python3-zeroconf shellcheck
# For certificates of other makes; for flushes that fail, and for kills inside one.
require_packages openssl strace
# For the pictures of the report; in full also a browser that shows it.
require_packages librsvg2-bin
[[ $full == false ]] || require_packages protobuf-compiler chromium fonts-dejavu-core
step "formatting"
swift format lint --strict --recursive Package.swift Sources Tests Benchmarks/Package.swift Benchmarks/Sources \
    Fuzz/Package.swift Fuzz/Sources
step "scripts"
check_scripts
step "generated code"
check_generated
step "build"
build_for_tests
# Three parts, one after the other: numbers and machines keep both processors busy for a minute, dozens of processes do for
# longer, and what talks over a network has deadlines.
network='^(DiscoveryTests|ProgramsTests|TLSTests|TransportTests)\.'
processes='^(BaselineTests|CompareTests|FederationTests|PackageTests)\.'
step "tests"
run_tests --skip-build --skip "$processes" --skip "$network"
step "tests of the network"
run_tests --skip-build --filter "$network"
step "tests that start processes"
# A few tests at a time, each of which is up to a dozen processes. (The runner's option for it is called experimental; where
# it is unknown, all run at once.)
SWT_EXPERIMENTAL_MAXIMUM_PARALLELIZATION_WIDTH=6 \
    PROCESS_TESTS=$([[ $full == false ]] || echo full) \
    run_tests --skip-build --filter "$processes"
step "the second implementation"
scripts/interop.sh --bin .build/debug
step "the simulator"
scripts/simulate.sh --seeds 2000
step "discovery with other people's software"
discovery
discovery --measure
if [[ $full == true ]]; then
    step "tests with the thread sanitizer"
    threads=(--sanitize=thread --scratch-path .build-thread)
    swift build --build-tests "${threads[@]}"
    # A few at a time: everything takes several times as long, and there are deadlines.
    SWT_EXPERIMENTAL_MAXIMUM_PARALLELIZATION_WIDTH=6 TSAN_OPTIONS=suppressions=Tests/thread-sanitizer.supp \
        run_tests --skip-build "${threads[@]}" --filter 'TransportTests|DiscoveryTests|Field64BlockTests|MaskExpansionTests'
    step "discovery of a process that is killed"
    discovery --measure --silent
    step "benchmarks, quickly"
    scripts/bench.sh kernels --quick
    scripts/bench.sh channel --quick
    step "the simulator without each rule"
    scripts/simulate.sh --rules
    step "made-up bytes, with the address sanitizer"
    scripts/fuzz.sh --address
    step "scanners of TLS"
    scripts/check-tls.sh
    step "a federation across namespaces"
    scripts/check-network.sh --bin .build/debug
fi
step "the main job, small"
main_job 4 2 iid exact
main_job 4 2 iid 16
step "the main job, through a bad network"
scripts/chaos-network.sh 2 --metrics "$scratch/chaos-network"
if [[ $full == true ]]; then
    step "the main job, disturbed"
    scripts/chaos.sh 10 50 --metrics "$scratch/chaos"
    scripts/chaos-network.sh 10 --each 6 --seed 2 --metrics "$scratch/chaos-network"
    step "the main job"
    main_job 10 15 iid 16
    require_accuracy 86
    main_job 10 15 dirichlet:0.5 16
    require_accuracy 85
fi
step "made-up bytes for every decoder"
# Less than three minutes on two idle cores, with the build of a package of its own; where builds take three times as long,
# all this still has to end within an hour and a half.
if [[ $full == true ]] || ((SECONDS < 60 * 60)); then
    scripts/fuzz.sh
else
    say "left out, because the rest took so long; run: scripts/fuzz.sh"
fi
say ""
say "all passed in $SECONDS s"
