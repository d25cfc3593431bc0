#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
#
# Runs an Avahi of its own on the loopback interface until standard input ends. Standard output has what
# `avahi-browse` sees of Summand's services, in its parsable form; Avahi announces one of them itself.
# Usage: avahi.sh FEDERATION, or avahi.sh --check to learn whether this system can run it.
# Exit code 77: it cannot; standard error says why.
set -euo pipefail

for tool in avahi-daemon avahi-browse avahi-publish dbus-daemon unshare stdbuf; do
    PATH="$PATH:/usr/sbin:/sbin" command -v "$tool" >/dev/null || { echo "no $tool on this system" >&2; exit 77; }
done
PATH="$PATH:/usr/sbin:/sbin"

# A mount namespace, because avahi-daemon keeps its process id and socket in /run.
if [ "${SUMMAND_AVAHI_INSIDE:-}" != 1 ]; then
    options=(--mount)
    [ "$(id -u)" = 0 ] || options+=(--map-root-user)
    unshare "${options[@]}" true 2>/dev/null || { echo "no mount namespace for this user" >&2; exit 77; }
    [ "$1" != --check ] || exit 0
    SUMMAND_AVAHI_INSIDE=1 exec unshare "${options[@]}" "$0" "$@"
fi

mount -t tmpfs tmpfs /run
children=()
finish() {
    # In reverse: the browser before the daemon, the daemon before its bus. All of them by KILL: who starts this from
    # Swift may have the other signals blocked, and a child inherits that. What they leave in /run goes with it.
    for ((index = ${#children[@]} - 1; index >= 0; index--)); do
        kill -KILL "${children[index]}" 2>/dev/null || true
        wait "${children[index]}" 2>/dev/null || true
    done
}
trap finish EXIT

cat >/run/bus.conf <<'CONF'
<!DOCTYPE busconfig PUBLIC "-//freedesktop//DTD D-Bus Bus Configuration 1.0//EN"
 "http://www.freedesktop.org/standards/dbus/1.0/busconfig.dtd">
<busconfig>
  <type>system</type>
  <listen>unix:path=/run/bus</listen>
  <policy context="default">
    <allow user="*"/><allow own="*"/><allow send_type="method_call"/><allow send_destination="*"/>
    <allow receive_sender="*"/>
  </policy>
</busconfig>
CONF
cat >/run/avahi.conf <<CONF
[server]
host-name=avahi-$$
use-ipv4=yes
use-ipv6=no
allow-interfaces=lo
[publish]
publish-hinfo=no
publish-workstation=no
CONF

wait_for() {
    for _ in $(seq 100); do
        [ -S "$1" ] && return
        sleep 0.05 # Neither daemon tells that its socket is there.
    done
    echo "$1 did not come up" >&2
    exit 1
}

export DBUS_SYSTEM_BUS_ADDRESS=unix:path=/run/bus
dbus-daemon --config-file=/run/bus.conf --nofork --nopidfile >&2 &
children+=($!)
wait_for /run/bus
avahi-daemon --no-drop-root --no-chroot --no-rlimits -f /run/avahi.conf >&2 &
children+=($!)
wait_for /run/avahi-daemon/socket
avahi-publish -s "avahi-$$" _smpc._tcp 7999 "v=1" "fed=$1" "role=coordinator" "id=feedface" >&2 &
children+=($!)
stdbuf -oL avahi-browse --resolve --parsable _smpc._tcp &
children+=($!)
cat >/dev/null
