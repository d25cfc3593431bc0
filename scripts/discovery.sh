#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
set -euo pipefail
# shellcheck source=scripts/common.sh
. "$(dirname "${BASH_SOURCE[0]}")/common.sh"

print_help() {
    cat <<'HELP'
usage: scripts/discovery.sh [options] [TEST…]

Tests discovery with Avahi and python-zeroconf, on IPv4 and IPv6, between hosts that are network namespaces made here; or
measures it. Needs root, or, without Avahi, a system that lets everybody make namespaces. Takes about a minute.

options:
  --bin DIR   where the program DiscoveryPeer is (default: .build/debug)
  --measure   measure instead: how soon 20 processes on this host find one another, and how soon they miss one that leaves
  --silent    with --measure also one that is killed; takes two minutes more
  -h, --help  show this text
HELP
}

programs=$repository/.build/debug
measure=false
silent=()
tests=()
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
        --measure) measure=true ;;
        --silent) silent=(--silent) ;;
        -*) usage_error "unknown option $1" ;;
        *) tests+=("$1") ;;
    esac
    shift
done
((${#silent[@]} == 0)) || [[ $measure == true ]] || usage_error "--silent is for --measure"

[[ -x $programs/DiscoveryPeer ]] ||
    die 1 "$programs/DiscoveryPeer is missing; run: swift build, or name the directory with --bin"
programs=$(cd "$programs" && pwd)
PATH="$PATH:/usr/sbin:/sbin"
require_packages python3 iproute2 util-linux avahi-daemon avahi-utils dbus python3-zeroconf

# Debian's module is for Debian's interpreter.
python=/usr/bin/python3
"$python" -c 'import zeroconf' 2>/dev/null || python=python3
"$python" -c 'import zeroconf' 2>/dev/null || die 1 "python3 cannot import zeroconf; install python3-zeroconf"

namespaces=(--net --mount)
((EUID == 0)) || namespaces+=(--map-root-user)
unshare "${namespaces[@]}" true 2>/dev/null ||
    die 77 "this user may not make network namespaces; run as root, or allow user namespaces"

if [[ $measure == true ]]; then
    program=(measure.py "${silent[@]}")
else
    program=(-m unittest -v "${tests[@]/#/test_interop.}")
    ((${#tests[@]})) || program=(-m unittest -v test_interop)
fi
cd "$repository/Tests/DiscoveryInterop"
export DISCOVERY_PEER=$programs/DiscoveryPeer PYTHONDONTWRITEBYTECODE=1
# /run to itself, for the names of the namespaces and for Avahi's socket; what is started dies with the namespaces' end.
exec unshare "${namespaces[@]}" --pid --fork --kill-child --mount-proc \
    sh -c 'mount -t tmpfs tmpfs /run && mkdir /run/netns && ip link set lo up && exec "$@"' sh "$python" "${program[@]}"
