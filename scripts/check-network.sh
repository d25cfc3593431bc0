#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
set -euo pipefail
# shellcheck source=scripts/common.sh
. "$(dirname "${BASH_SOURCE[0]}")/common.sh"

print_help() {
    cat <<'HELP'
usage: scripts/check-network.sh [--bin DIR]

Runs federations across network namespaces of its own, with real firewall rules (nft): the coordinator, two sites in the
open, one on IPv6 only, and one that is hard to reach: first behind a proxy that demands a password, where nothing else
leads out, then behind a firewall that lets nobody in. Between these two ten sites: seven in the open, one on IPv6 only, one
behind the proxy, and one behind a firewall that leads to the coordinator alone, so that all others meet it there; each
site's ways to the others are printed. Each time the model must be the one of plain averaging of the same data, bit for bit.
And a coordinator whose IPv6 address swallows everything is reached by IPv4 (RFC 8305).

Needs root, or a kernel that lets users have namespaces. About two minutes.

options:
  --bin DIR       where the programs lie (default: .build/release)
  -h, --help      show this text
HELP
}

binaries=
inside=false
while (($#)); do
    case $1 in
        -h | --help)
            print_help
            exit 0
            ;;
        --bin)
            [[ -n ${2:-} ]] || usage_error "$1 needs a value"
            binaries=$(realpath -m "$2")
            shift
            ;;
        # The script starts itself again where the network is its own.
        --inside) inside=true ;;
        *) usage_error "unexpected argument \"$1\"" ;;
    esac
    shift
done
: "${binaries:=$repository/.build/release}"
for program in smpc-server smpc-client fedavg; do
    [[ -x $binaries/$program ]] || die 1 "$binaries/$program is missing; run: swift build -c release, or give --bin DIR"
done
if [[ $inside == false ]]; then
    require_packages iproute2 util-linux nftables python3
    user=()
    ((EUID == 0)) || user=(--map-root-user)
    exec unshare "${user[@]}" --net --mount -- "${BASH_SOURCE[0]}" --inside --bin "$binaries"
fi

scratch=$(mktemp -d)
children=()
# finish: ends every program, then the rest goes with the namespace.
# shellcheck disable=SC2317 # called by the trap
finish() {
    ((${#children[@]} == 0)) || stop_children 10 "${children[@]}"
    rm -rf "$scratch"
}
trap finish EXIT
# Where names of namespaces lie; the machine's own ones are hidden from here on.
mount -t tmpfs none /run
mkdir -p /run/netns

# on HOST COMMAND…: runs something on a host.
on() {
    local host=$1
    shift
    nsenter --net="/run/netns/$host" "$@"
}

# attach HOST BRIDGE ADDRESS…: gives a host a network card on a bridge, named for the bridge.
attach() {
    local host=$1 bridge=$2 address
    shift 2
    ip link add "$bridge-$host" type veth peer name "$bridge" netns "$host"
    ip link set "$bridge-$host" master "$bridge" up
    on "$host" ip link set "$bridge" up
    for address in "$@"; do
        case $address in
            *:*) on "$host" ip address add "$address" dev "$bridge" nodad ;;
            *) on "$host" ip address add "$address" dev "$bridge" ;;
        esac
    done
}

for host in server open-1 open-2 six hard closed gate; do
    ip netns add "$host"
    on "$host" ip link set lo up
done
for bridge in out in; do
    ip link add "$bridge" type bridge
    ip link set "$bridge" up
done
attach server out 10.91.0.1/24 fd91::1/64
attach gate out 10.91.0.2/24 fd91::2/64
attach open-1 out 10.91.0.11/24 fd91::11/64
attach open-2 out 10.91.0.12/24 fd91::12/64
attach six out fd91::16/64
# Nobody is let in, and out only to the coordinator.
attach closed out 10.91.0.21/24 fd91::21/64
on closed nft -f - <<'NFT'
table inet outbound {
    chain output {
        type filter hook output priority 0; policy accept;
        oifname "out" tcp dport != 7443 tcp flags & (syn | ack) == syn drop
    }
}
NFT
# Behind the gate, which forwards nothing: its proxy is the only way out.
attach gate in 10.92.0.1/24
attach hard in 10.92.0.20/24
on hard ip route add default via 10.92.0.1
on gate nft -f - <<'NFT'
table inet gate {
    chain forward { type filter hook forward priority 0; policy drop; }
    chain input {
        type filter hook input priority 0; policy accept;
        iifname "in" tcp dport 3128 accept
        iifname "in" meta l4proto { tcp, udp } drop
    }
}
NFT
# lets_nobody_in HOST: drops and counts whatever wants to connect to a host.
lets_nobody_in() {
    on "$1" nft -f - <<'NFT'
table inet closed {
    chain input {
        type filter hook input priority 0; policy accept;
        iifname "out" tcp flags & (syn | ack) == syn counter drop
    }
}
NFT
}
# dropped HOST: how many attempts that were.
dropped() {
    on "$1" nft list chain inet closed input | sed -n 's/.*counter packets \([0-9]*\) .*/\1/p'
}
lets_nobody_in closed
(umask 077 && printf 'site:open sesame\n' >"$scratch/credentials")

# start LOG HOST COMMAND…: runs a program of a host in the background.
start() {
    local log=$1 host=$2
    shift 2
    # Not through `on`: a function would run in a shell of its own, and that would be the child.
    OPENBLAS_NUM_THREADS=1 nsenter --net="/run/netns/$host" "$@" </dev/null >"$log" 2>&1 &
    children+=($!)
    started=$!
}

start "$scratch/proxy.log" gate python3 "$repository/scripts/connect_proxy.py" --listen 10.92.0.1:3128 \
    --credentials-file "$scratch/credentials"

# wait_for_file FILE PID: until a program has written a file; programs that end without are an error.
wait_for_file() {
    local _
    for _ in {1..600}; do
        [[ ! -s $1 ]] || return 0
        is_running "$2" || break
        # A program's start, which offers nothing to wait on.
        sleep 0.1
    done
    return 1
}

training=(--model softmax:8-3 --seed 7)
sites=(open-1 open-2 six hard)

# host SITE: where it runs: site-N of an open host beside the first one, every other on the host of its name.
host() {
    case $1 in
        open-[3-5]) echo open-1 ;;
        open-[67]) echo open-2 ;;
        *) echo "$1" ;;
    esac
}

# run_arm ARM DIRECTORY: one run of all sites; leaves rounds.jsonl in DIRECTORY/ARM. Options of each site's client are in
# `options`.
run_arm() {
    local arm=$1 directory=$2 server pid pids=() k site code=0
    local -a command
    if [[ $arm == plain ]]; then command=("$binaries/fedavg" server); else command=("$binaries/smpc-server" run --slots all); fi
    start "$directory/$arm-server.log" server "${command[@]}" --state "$directory/fed" --listen "[::]:7443" \
        --port-file "$directory/$arm-port" --discovery off --rounds 2 --cohort "${#sites[@]}" --encoding exact "${training[@]}" \
        --metrics "$directory/$arm"
    server=$started
    wait_for_file "$directory/$arm-port" "$server" || {
        cat "$directory/$arm-server.log" >&2
        die 1 "the server of arm $arm does not listen"
    }
    for k in "${!sites[@]}"; do
        site=${sites[k]}
        if [[ ! -e $directory/$site/certificate.pem ]]; then
            # shellcheck disable=SC2086 # words
            on "$(host "$site")" "$binaries/smpc-client" join --state "$directory/$site" --token-file "$directory/tokens/$site.token" \
                --discovery off ${options[$site]} </dev/null >"$directory/$site-join.log" 2>&1 || {
                cat "$directory/$site-join.log" >&2
                die 1 "$site cannot join"
            }
        fi
    done
    for k in "${!sites[@]}"; do
        site=${sites[k]}
        if [[ $arm == plain ]]; then command=("$binaries/fedavg" client); else command=("$binaries/smpc-client" run --listen "[::]:0"); fi
        # shellcheck disable=SC2086 # words
        start "$directory/$arm-$site.log" "$(host "$site")" "${command[@]}" --state "$directory/$site" --discovery off \
            --dataset synthetic:400,8,3 --part "$k/${#sites[@]}" --verbose ${options[$site]}
        pids+=("$started")
    done
    wait "$server" || code=$?
    ((code == 0)) || {
        tail -n 5 "$directory/$arm-server.log" "$directory/$arm"-*.log >&2
        die "$code" "arm $arm ended with $code"
    }
    for pid in "${pids[@]}"; do wait "$pid" || die 1 "a client of arm $arm failed; see its log"; done
}

# hashes FILE: the hash of the parameters after each round.
hashes() {
    sed -n 's/.*"params_hash":"\([0-9a-f]*\)".*/\1/p' "$1"
}

# federation NAME OPTIONS: both arms, the hard site with these options.
federation() {
    local directory=$scratch/$1 site
    declare -gA options
    for site in "${sites[@]}"; do options[$site]="--server [fd91::1]:7443"; done
    options[hard]=$2
    "$binaries/smpc-server" init --state "$directory/fed" --federation "$1" >/dev/null
    "$binaries/smpc-server" invite "${sites[@]}" --state "$directory/fed" --out "$directory/tokens" >/dev/null
    run_arm plain "$directory"
    run_arm secure "$directory"
    [[ $(hashes "$directory/plain/rounds.jsonl" | wc -l) -ge 2 ]] || die 1 "the plain run has no two rounds"
    [[ $(hashes "$directory/plain/rounds.jsonl") == "$(hashes "$directory/secure/rounds.jsonl")" ]] ||
        die 3 "federation $1: the models differ"
}

# The name of the coordinator has an address of either family, and the one of IPv6, which is tried first, swallows everything.
printf '127.0.0.1 localhost\n10.91.0.1 coordinator.test\nfd91::1 coordinator.test\n' >"$scratch/hosts"
mount --bind "$scratch/hosts" /etc/hosts
on server nft -f - <<'NFT'
table inet server {
    chain input {
        type filter hook input priority 0; policy accept;
        ip6 saddr fd91::11 tcp dport 7443 counter drop
    }
}
NFT
"$binaries/smpc-server" init --state "$scratch/dual/fed" --federation dual >/dev/null
"$binaries/smpc-server" invite open-1 --state "$scratch/dual/fed" --out "$scratch/dual/tokens" >/dev/null
start "$scratch/dual/server.log" server "$binaries/smpc-server" run --state "$scratch/dual/fed" --listen "[::]:7443" \
    --port-file "$scratch/dual/port" --discovery off --cohort-wait 1h
server=$started
wait_for_file "$scratch/dual/port" "$server" || die 1 "the server does not listen"
on open-1 "$binaries/smpc-client" join --state "$scratch/dual/open-1" --token-file "$scratch/dual/tokens/open-1.token" \
    --server coordinator.test:7443 --discovery off --wait 60s >"$scratch/dual/join.log" 2>&1 || {
    cat "$scratch/dual/join.log" >&2
    die 1 "a name with an address that swallows everything was not reached by its other one"
}
on server nft list chain inet server input | grep -Eq 'counter packets [1-9]' || die 1 "IPv6 was not tried first"
stop_children 10 "$server"
on server nft delete table inet server
say "where IPv6 swallows everything, the coordinator is reached by IPv4"

via_proxy="--proxy 10.92.0.1:3128 --proxy-credentials $scratch/credentials --server [fd91::1]:7443"
federation proxied "$via_proxy"
grep -q 'through the proxy at 10.92.0.1:3128' "$scratch/proxied/secure-hard.log" || die 1 "the path is not shown"
on hard timeout 5 bash -c ': </dev/tcp/10.91.0.1/7443' 2>/dev/null && die 1 "the gate lets traffic through"
! grep -rq 'sesame' "$scratch/proxied" || die 1 "the password is in a log or in a state directory"
say "a site that has only a proxy takes part, and the model is the plain one"

# ways SITE: the ways by which a site of the ten reached the others.
ways() {
    sed -n 's/.*connections to other sites: //p' "$scratch/ten/secure-$1.log" | tail -n 1
}
sites=(open-1 open-2 open-3 open-4 open-5 open-6 open-7 six hard closed)
federation ten "$via_proxy"
for site in "${sites[@]}"; do
    say "  $site: $(ways "$site")"
    case $site in
        closed) expected="9 relayed by the coordinator" ;;
        hard) expected="8 through the proxy, 1 relayed by the coordinator" ;;
        *) expected="8 direct, 1 relayed by the coordinator" ;;
    esac
    [[ $(ways "$site") == "$expected" ]] || die 1 "$site: expected $expected"
done
say "a site that reaches the coordinator alone takes part among ten ($(dropped closed) attempts to reach it dropped), and the \
model is the plain one"

# Out in the open, but nobody is let in: only what it dials itself comes about.
sites=(open-1 open-2 six hard)
on hard ip link del in
attach hard out 10.91.0.20/24 fd91::20/64
lets_nobody_in hard
federation firewalled "--server [fd91::1]:7443"
say "a site that lets nobody in takes part ($(dropped hard) attempts dropped), and the model is the plain one"
