# shellcheck shell=bash
# SPDX-License-Identifier: MIT
#
# What the scripts share: messages, arguments, the check for what must be installed, building, ending child processes.
# Sourced, never run; expects `set -euo pipefail`.

# The directory of the repository.
# shellcheck disable=SC2034 # used by the scripts that source this file
repository=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)

# The name under which the user started the script.
script_name=$(basename "$0")

# say TEXT…: one line of progress on standard output.
say() {
    printf '%s\n' "$*"
}

# complain TEXT…: one line on standard error, after the name of the script.
complain() {
    printf '%s: %s\n' "$script_name" "$*" >&2
}

# die CODE TEXT…: complains and ends the script.
die() {
    local code=$1
    shift
    complain "$@"
    exit "$code"
}

# usage_error TEXT…: ends the script with exit code 64, pointing to the help.
usage_error() {
    die 64 "$*; see $script_name --help"
}

# require_count NAME VALUE MINIMUM MAXIMUM: demands a whole number in this range.
require_count() {
    local name=$1 value=$2 minimum=$3 maximum=$4
    if [[ ! $value =~ ^[0-9]{1,9}$ ]] || ((10#$value < minimum || 10#$value > maximum)); then
        usage_error "$name must be a whole number from $minimum to $maximum, not \"$value\""
    fi
}

# has_package PACKAGE: says whether what a Debian package provides is there, wherever it came from.
has_package() {
    case $1 in
        pkg-config) command -v pkg-config >/dev/null ;;
        libssl-dev) pkg-config --exists 'openssl >= 3.0' 2>/dev/null ;;
        libgmp-dev) pkg-config --exists gmp 2>/dev/null || [ -e /usr/include/gmp.h ] ;;
        libopenblas-dev) pkg-config --exists openblas 2>/dev/null ;;
        zlib1g-dev) pkg-config --exists zlib 2>/dev/null ;;
        libsqlite3-dev) pkg-config --exists sqlite3 2>/dev/null ;;
        dataset-fashion-mnist) [ -e /usr/share/datasets/fashion-mnist/train-images-idx3-ubyte.gz ] ;;
        iproute2) command -v ip >/dev/null ;;
        python3) command -v python3 >/dev/null ;;
        librsvg2-bin) command -v rsvg-convert >/dev/null ;;
        util-linux) command -v unshare >/dev/null && command -v flock >/dev/null ;;
        *) dpkg-query -W -f '${Status}' "$1" 2>/dev/null | grep -q 'ok installed' ;;
    esac
}

# missing_packages PACKAGE…: prints those that are not there, one a line.
missing_packages() {
    local package
    for package in "$@"; do
        has_package "$package" || printf '%s\n' "$package"
    done
}

# require_swift: ends the script unless Swift 6.2 or newer is on the PATH.
require_swift() {
    local remedy="install Swift 6.2 or newer from https://www.swift.org/install/linux and put it on the PATH"
    command -v swift >/dev/null || die 1 "swift is missing; $remedy"
    local version
    version=$(swift --version 2>/dev/null | sed -n 's/.*Swift version \([0-9]*\)\.\([0-9]*\).*/\1 \2/p' | head -n 1)
    local major=${version% *} minor=${version#* }
    [[ $major =~ ^[0-9]+$ && $minor =~ ^[0-9]+$ ]] || die 1 "swift --version cannot be read; $remedy"
    ((major > 6 || (major == 6 && minor >= 2))) || die 1 "Swift $major.$minor is too old; $remedy"
}

# require_packages PACKAGE…: installs what is missing with apt-get where that is allowed, otherwise prints the line to run.
require_packages() {
    local missing privileged=()
    # The others are looked for with pkg-config, so it is asked for first.
    mapfile -t missing < <(missing_packages "$@")
    ((${#missing[@]} == 0)) && return 0
    local line="apt-get update && apt-get install -y ${missing[*]}"
    command -v apt-get >/dev/null ||
        die 1 "missing: ${missing[*]} (names of Debian packages); install what provides them here"
    if ((EUID != 0)); then
        sudo -n true 2>/dev/null || die 1 "missing: ${missing[*]}; run: sudo sh -c '$line'"
        privileged=(sudo -n)
    fi
    say "installing ${missing[*]}"
    local log
    log=$(mktemp)
    if ! { "${privileged[@]}" apt-get update && "${privileged[@]}" env DEBIAN_FRONTEND=noninteractive \
        apt-get install -y --no-install-recommends "${missing[@]}"; } </dev/null >"$log" 2>&1; then
        tail -n 5 "$log" >&2
        rm -f "$log"
        die 1 "apt-get could not install ${missing[*]}; mend that and run: $line"
    fi
    rm -f "$log"
    # With pkg-config installed the libraries can be looked for; one more time is enough.
    mapfile -t missing < <(missing_packages "$@")
    ((${#missing[@]} == 0)) || die 1 "still missing after apt-get: ${missing[*]}"
}

# offer_packages LOSS PACKAGE…: like require_packages for what can be done without; says what is lost then.
offer_packages() {
    local loss=$1
    shift
    (require_packages "$@") || say "going on without $loss"
}

# What building needs, and what running the main job needs besides.
# shellcheck disable=SC2034 # used by the scripts that source this file
build_packages=(pkg-config libssl-dev libgmp-dev libopenblas-dev zlib1g-dev libsqlite3-dev)

# take_argument VALUE: an argument without a name: the number of clients (`clients`), then that of rounds (`rounds`).
take_argument() {
    if [[ -z $clients ]]; then
        clients=$1
    elif [[ -z $rounds ]]; then
        rounds=$1
    else
        usage_error "unexpected argument \"$1\""
    fi
}

# take_option NAME VALUE: an option of a script that trains a federation: sets `metrics`, `programs` and `dataset`, and keeps
# in `options` what goes on to the program behind it.
take_option() {
    case $1 in
        --metrics) metrics=$2 ;;
        --bin) programs=$2 ;;
        *)
            # shellcheck disable=SC2034 # used by the scripts that source this file
            [[ $1 != --dataset ]] || dataset=$2
            options+=("$1" "$2")
            ;;
    esac
}

# release_build: what `swift build` is called with for programs that run on their own.
release_build=(swift build --package-path "$repository" -c release --static-swift-stdlib)

# build_release PROGRAM…: builds programs that run on their own, each by its name. To build all at once after one was built by
# its name, SwiftPM compiles the programs of the dependencies too, protoc among them, which takes minutes.
build_release() {
    local program
    for program; do "${release_build[@]}" --product "$program" </dev/null || return; done
}

# require_federation DATASET: what a federation of `programs` needs; builds server and client where that is empty.
require_federation() {
    local packages=(python3) program
    if [[ -z $programs ]]; then
        require_swift
        packages+=("${build_packages[@]}")
    fi
    [[ $1 != fashion-mnist ]] || packages+=(dataset-fashion-mnist)
    require_packages "${packages[@]}"
    if [[ -z $programs ]]; then
        say "building the programs (some minutes the first time)"
        build_release smpc-server smpc-client
        programs=$("${release_build[@]}" --show-bin-path)
    fi
    for program in smpc-server smpc-client; do
        [[ -x $programs/$program ]] || die 1 "$programs/$program is missing"
    done
}

# require_compare: demands smpc-compare in `programs`, where that is given.
require_compare() {
    [[ -n $programs ]] || return 0
    [[ -x $programs/smpc-compare ]] || usage_error "--bin: there is no $programs/smpc-compare"
    programs=$(cd "$programs" && pwd)
}

# compare_program: prints where smpc-compare is, after scripts/run.sh has built it.
compare_program() {
    printf '%s/smpc-compare\n' "${programs:-$("${release_build[@]}" --show-bin-path)}"
}

# is_running PID: says whether a child is still there.
is_running() {
    kill -0 "$1" 2>/dev/null
}

# wait_for_any PID…: waits until one of these children ends; sets `ended` to which, and returns its exit code.
wait_for_any() {
    local code
    # bash 5.2 seldom knows of none (127) where the last one ends while it looks; asked again, it knows.
    for _ in 1 2 3; do
        code=0
        # A variable of the script: -p unsets it first, which would uncover one of the same name behind a function's.
        wait -n -p waited "$@" || code=$?
        if [[ -n ${waited:-} ]]; then
            ended=$waited
            return "$code"
        fi
    done
    die 1 "bash knows of no child any more"
}

# stop_children SECONDS PID…: asks children to end, waits, and kills what is left after that many seconds.
stop_children() {
    local patience=$1 pid
    shift
    for pid in "$@"; do kill -TERM "$pid" 2>/dev/null || true; done
    local deadline=$((SECONDS + patience))
    for pid in "$@"; do
        # `wait` cannot be bounded, so the children are looked at five times a second.
        while is_running "$pid" && ((SECONDS < deadline)); do sleep 0.2; done
        kill -KILL "$pid" 2>/dev/null || true
        wait "$pid" 2>/dev/null || true
    done
}
