#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
set -euo pipefail
# shellcheck source=scripts/common.sh
. "$(dirname "${BASH_SOURCE[0]}")/common.sh"

print_help() {
    cat <<'HELP'
usage: scripts/start_clients.sh N [options] [-- client options]

Invites and joins N sites and runs a client for each against a running server, site k with part k-1 of N of the
data. Shows how many are up, waits for them, and ends with the worst of their exit codes. Ctrl-C ends them all.
Sites that have joined before are started again as they are.

options:
  --arm smpc|normal   which client to run: smpc-client, or fedavg client (default: smpc)
  --state DIR         the state directory of the server, for the invitations (default: fed)
  --dir DIR           where the sites' state directories and logs go (default: sites)
  --interface WHICH   the network interfaces for multicast: lo, all, or names (default: all)
  --server HOST:PORT  the server's address, where multicast does not reach
  --metrics DIR       where each secure client writes its own records, in a directory of its site's name (default:
                      none; plain clients learn the model only, and their server writes the records)
  --bin DIR           where the programs are (default: .build/release)
  -h, --help          show this text

Everything after -- goes to each client, such as: -- --dataset synthetic --partition shards:2
Logs: DIR/site-1.log, DIR/site-2.log, ...
HELP
}

clients=
arm=smpc
state=fed
sites=sites
interface=all
server=
metrics=
programs=$repository/.build/release
client_options=()

# Reads the command line into the variables above.
parse_arguments() {
    while (($#)); do
        case $1 in
            -h | --help)
                print_help
                exit 0
                ;;
            --arm | --state | --dir | --interface | --server | --metrics | --bin)
                (($# >= 2)) || usage_error "$1 needs a value"
                case $1 in
                    --arm) arm=$2 ;;
                    --state) state=$2 ;;
                    --dir) sites=$2 ;;
                    --interface) interface=$2 ;;
                    --server) server=$2 ;;
                    --metrics) metrics=$2 ;;
                    --bin) programs=$2 ;;
                esac
                shift 2
                ;;
            --)
                shift
                client_options=("$@")
                return
                ;;
            -*) usage_error "unknown option $1" ;;
            *)
                [[ -z $clients ]] || usage_error "unexpected argument \"$1\""
                clients=$1
                shift
                ;;
        esac
    done
}

parse_arguments "$@"
[[ -n $clients ]] || usage_error "how many clients?"
require_count "the number of clients" "$clients" 1 1000
clients=$((10#$clients))
case $arm in
    smpc) run_client=("$programs/smpc-client" run) ;;
    normal) run_client=("$programs/fedavg" client) ;;
    *) usage_error "--arm must be smpc or normal, not \"$arm\"" ;;
esac
[[ $arm == smpc || -z $metrics ]] ||
    usage_error "--metrics is for --arm smpc: plain clients write no records, fedavg server --metrics does"
for program in smpc-server smpc-client fedavg; do
    [[ -x $programs/$program ]] ||
        die 1 "$programs/$program is missing; run: swift build -c release, or name the directory with --bin"
done
[[ -d $state ]] || die 64 "$state is not there; name the server's state directory with --state"
mkdir -p "$sites" 2>/dev/null || die 1 "$sites cannot be made; choose another --dir"
network=(--interface "$interface")
[[ -z $server ]] || network+=(--server "$server" --discovery off)

pids=()
declare -A site_of=()
worst=0
# finish: ends every child, however the script ends.
# shellcheck disable=SC2317 # called by the trap
finish() {
    ((${#pids[@]} == 0)) || stop_children 10 "${pids[@]}"
    pids=()
}
# interrupted: answers Ctrl-C.
# shellcheck disable=SC2317 # called by the trap
interrupted() {
    trap '' INT TERM HUP
    say "stopping ${#pids[@]} clients"
    finish
    exit 130
}
trap finish EXIT
trap interrupted INT TERM HUP
# A reader that closed its end is an error of `printf`, after which `finish` still runs.
trap '' PIPE

# last_line FILE: the last thing that a client said.
last_line() {
    tail -n 1 "$1" 2>/dev/null || true
}

# invite: makes a token for every site that has neither one nor joined.
invite() {
    local names=() k
    for ((k = 1; k <= clients; k++)); do
        [[ -e $sites/site-$k.joined || -e $sites/site-$k.token ]] || names+=("site-$k")
    done
    ((${#names[@]} == 0)) && return 0
    say "inviting ${#names[@]} sites"
    # Tokens let their bearer in, so nobody else may read them.
    (umask 077 && "$programs/smpc-server" invite "${names[@]}" --state "$state" --out "$sites" >/dev/null) ||
        die $? "the invitation failed"
}

# launch SITE COMMAND…: runs a program of a site in the background, its output in the site's log.
launch() {
    local site=$1
    shift
    # One thread each: the clients share the machine, and more threads would be slower.
    OPENBLAS_NUM_THREADS=1 "$@" </dev/null >"$sites/$site.log" 2>&1 &
    pids+=($!)
    site_of[$!]=$site
}

# reap: waits until one child ends; sets `site` and `code` to whose it was and how it ended.
reap() {
    local ended='' pid remaining=()
    code=0
    wait_for_any "${pids[@]}" || code=$?
    for pid in "${pids[@]}"; do [[ $pid == "$ended" ]] || remaining+=("$pid"); done
    pids=("${remaining[@]}")
    site=${site_of[$ended]}
}

# reap_join: notes that a site has joined, or says why it could not.
reap_join() {
    reap
    if ((code == 0)); then
        touch "$sites/$site.joined"
        rm -f "$sites/$site.token"
    else
        complain "$site could not join: $(last_line "$sites/$site.log")"
        worst=$((code > worst ? code : worst))
    fi
}

# join_all: exchanges the tokens of the sites that have not joined for certificates, eight at a time.
join_all() {
    local waiting=() k site code
    for ((k = 1; k <= clients; k++)); do [[ -e $sites/site-$k.joined ]] || waiting+=("site-$k"); done
    ((${#waiting[@]} == 0)) && return 0
    say "joining ${#waiting[@]} sites"
    for site in "${waiting[@]}"; do
        launch "$site" "$programs/smpc-client" join --state "$sites/$site" --token-file "$sites/$site.token" \
            "${network[@]}"
        ((${#pids[@]} < 8)) || reap_join
    done
    while ((${#pids[@]} > 0)); do reap_join; done
    ((worst == 0)) || exit "$worst"
}

# start K: runs the client of site K.
start() {
    local site=site-$1 options=()
    [[ -z $metrics ]] || options=(--metrics "$metrics/$site")
    launch "$site" "${run_client[@]}" --state "$sites/$site" --part "$(($1 - 1))/$clients" "${network[@]}" \
        "${options[@]}" "${client_options[@]}"
}

invite
join_all
for ((k = 1; k <= clients; k++)); do start "$k"; done
say "$clients of $clients clients are up; logs in $sites/"
while ((${#pids[@]} > 0)); do
    reap
    ((code == 0)) && continue
    complain "$site ended with exit code $code: $(last_line "$sites/$site.log")"
    worst=$((code > worst ? code : worst))
    say "${#pids[@]} of $clients clients are up"
done
say "all clients have ended"
exit "$worst"
