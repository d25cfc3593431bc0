#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
set -euo pipefail
# shellcheck source=scripts/common.sh
. "$(dirname "${BASH_SOURCE[0]}")/common.sh"

print_help() {
    cat <<'HELP'
usage: scripts/run.sh [clients=10] [rounds=15] [options]

The main job: trains the same model twice on the same data, by plain federated averaging and by the secure federation,
with a server and N clients as separate processes over TLS on loopback that find one another by multicast, and
compares the two. Needs nothing but a fresh clone; installs with apt-get what is missing, where it may.

what is trained:
  --dataset NAME       fashion-mnist, mnist, csv:PATH, synthetic or synthetic:SAMPLES,FEATURES,CLASSES
                       (default: fashion-mnist)
  --data DIR           the directory of the images, where it is not the system's own copy; mnist needs it
  --label COLUMN       the column of a CSV file that holds the label
  --partition HOW      iid, dirichlet:ALPHA or shards:K (default: iid)
  --model SPEC         such as mlp:784-128-10 or softmax:784-10 (default: mlp:784-128-10, of synthetic data
                       mlp:FEATURES-128-CLASSES; of a CSV file there is none)
  --seed N             seed of the run: data, first parameters, training (default: 1)
  --optimizer NAME, --learning-rate X, --momentum X, --batch-size N, --local-epochs N, --weights NAME
                       how the clients train and weigh (default: the programs', see smpc-server run --help)

how:
  --encoding NAME      encoding of the secure vectors: exact, or bits of a number: 7, 8, 9, 12, 16, 21, 32 (default: 16)
  --plain NAME         sum of the plain arm: exact, float32, or quantised to the bits of --encoding
                       (default: exact with --encoding exact, else float32)
  --arithmetic NAME    what adds the secure vectors: field64 or gmp; the models are the same (default: field64)
  --no-measure         do not measure the error of each round of a packed encoding, which trains every round once more
  --slots HOW          who holds a share of every update: sampled, a few, drawn for each epoch; or all, which withstands
                       more corrupt sites and sends more bytes (default: the programs')
  --gamma PERCENT      share of corrupt sites to be safe against (default: the programs')
  --cohort-wait TIME   how long the server waits for the clients, such as 120s (default: 120s)
  --arm NAME           both, normal or smpc (default: both)
  --discovery HOW      auto, multicast or server (default: auto): multicast; where it does not work, in a
                       network namespace of its own; where that is not allowed, with the server's address
  --metrics DIR        where the records go (default: metrics/latest)
  --resume             continue what was interrupted, with the options it was started with
  --keep               keep the state directories (keys, databases) when done
  --bin DIR            use the programs in this directory and build nothing
  -h, --help           show this text

Leaves DIR/report.html with its pictures and tables in DIR/report; DIR/normal and DIR/smpc with rounds.jsonl, summary.json
and model.safetensors; DIR/comparison.txt and .json; DIR/labels.csv, how many samples of each label every client has; and
logs in DIR/logs. Exit codes: 0 done and, where both arms are exact, the models are identical; 1 failed; 2 aborted; 3 the models
differ or the error of a round exceeds its bound; 64 usage; 69 server not reachable; 130 Ctrl-C.
HELP
}

clients=
rounds=
dataset=fashion-mnist
data=
label=
partition=iid
model=
seed=1
encoding=16
plain=
measure=true
arithmetic=
slots=
gamma=
cohort_wait=120s
arm=both
discovery=auto
metrics=$repository/metrics/latest
resume=false
keep=false
programs=
started_in=$PWD
chosen=()

# Options that both servers take unchanged, where they are given.
training=(optimizer learning_rate momentum batch_size local_epochs weights)
for option in "${training[@]}"; do printf -v "$option" ''; done

# What --resume takes up again; the other options concern one invocation only.
remembered=(clients rounds dataset data label partition model seed encoding plain measure arithmetic slots gamma cohort_wait
    arm "${training[@]}" started_in)

# Reads the command line into the variables above.
parse_arguments() {
    while (($#)); do
        case $1 in
            -h | --help)
                print_help
                exit 0
                ;;
            --resume) resume=true ;;
            --keep) keep=true ;;
            --no-measure)
                measure=false
                chosen+=("$1")
                ;;
            --dataset | --data | --label | --partition | --model | --seed | --encoding | --plain | \
                --arithmetic | --slots | --gamma | --cohort-wait | --optimizer | --learning-rate | --momentum | --batch-size | \
                --local-epochs | --weights | --arm | --discovery | --metrics | --bin)
                (($# >= 2)) || usage_error "$1 needs a value"
                set_option "$1" "$2"
                shift
                ;;
            -*) usage_error "unknown option $1" ;;
            *)
                take_argument "$1"
                chosen+=("\"$1\"")
                ;;
        esac
        shift
    done
}

# set_option NAME VALUE: stores the value of an option.
set_option() {
    case $1 in
        --metrics) metrics=$2 ;;
        --bin) programs=$2 ;;
        --discovery) discovery=$2 ;;
        *)
            local variable=${1#--}
            printf -v "${variable//-/_}" '%s' "$2"
            chosen+=("$1")
            ;;
    esac
}

# check_arguments: refuses what cannot work before anything is built.
check_arguments() {
    clients=${clients:-10}
    rounds=${rounds:-15}
    require_count "the number of clients" "$clients" 3 1000
    require_count "the number of rounds" "$rounds" 1 100000
    clients=$((10#$clients))
    rounds=$((10#$rounds))
    [[ $seed =~ ^[0-9]{1,19}$ ]] || usage_error "--seed must be a whole number, not \"$seed\""
    case $arm in both | normal | smpc) ;; *) usage_error "--arm must be both, normal or smpc, not \"$arm\"" ;; esac
    case $arithmetic in
        '' | field64 | gmp) ;;
        *) usage_error "--arithmetic must be field64 or gmp, not \"$arithmetic\"" ;;
    esac
    case $discovery in
        auto | multicast | server) ;;
        *) usage_error "--discovery must be auto, multicast or server, not \"$discovery\"" ;;
    esac
    if [[ -n $programs ]]; then
        [[ -d $programs ]] || usage_error "--bin: there is no directory $programs"
        programs=$(cd "$programs" && pwd)
    fi
    [[ $resume == true ]] || check_data
}

# check_data: refuses data and partitions that no client would take, and chooses the model that fits the data.
check_data() {
    case $partition in
        iid | dirichlet:?* | shards:?*) ;;
        *) usage_error "--partition must be iid, dirichlet:ALPHA or shards:K, not \"$partition\"" ;;
    esac
    case $dataset in
        fashion-mnist) : "${model:=mlp:784-128-10}" ;;
        mnist)
            [[ -n $data ]] || usage_error "--dataset mnist needs --data DIR, the directory of its four IDX files"
            : "${model:=mlp:784-128-10}"
            ;;
        synthetic) : "${model:=mlp:32-128-10}" ;;
        synthetic:*)
            [[ $dataset =~ ^synthetic:[0-9]+,([0-9]+),([0-9]+)$ ]] ||
                usage_error "--dataset must be synthetic or synthetic:SAMPLES,FEATURES,CLASSES, not \"$dataset\""
            : "${model:=mlp:${BASH_REMATCH[1]}-128-${BASH_REMATCH[2]}}"
            ;;
        csv:*)
            [[ -r ${dataset#csv:} && ! -d ${dataset#csv:} ]] ||
                usage_error "--dataset: ${dataset#csv:} is no file that can be read"
            [[ -n $label ]] || usage_error "--dataset csv:PATH needs --label COLUMN"
            [[ -n $model ]] || usage_error "--dataset csv:PATH needs --model, such as softmax:FEATURES-CLASSES"
            ;;
        *)
            usage_error "--dataset must be fashion-mnist, mnist, csv:PATH, synthetic or" \
                "synthetic:SAMPLES,FEATURES,CLASSES, not \"$dataset\""
            ;;
    esac
    [[ -z $data || -d $data ]] || usage_error "--data: there is no directory $data"
}

# prepare_metrics: makes the directory of the records and decides whether this is a new run or an old one.
prepare_metrics() {
    mkdir -p "$metrics/logs" 2>/dev/null || die 1 "$metrics/logs cannot be made; choose another --metrics"
    metrics=$(cd "$metrics" && pwd)
    state=$metrics/state
    exec 9>"$metrics/logs/run.lock"
    flock -n 9 || die 1 "$metrics is in use by another scripts/run.sh; end that one, or choose another --metrics"
    if [[ $resume == true ]]; then
        [[ -e $state/run ]] || die 1 "nothing to resume in $metrics; start without --resume"
        ((${#chosen[@]} == 0)) ||
            usage_error "--resume takes the options of the interrupted run and cannot be combined with ${chosen[*]}"
        # shellcheck source=/dev/null # written by remember
        . "$state/run"
        # Paths of the interrupted run may be relative to where it was started.
        cd "$started_in" || die 1 "$started_in, where the interrupted run was started, is gone; start without --resume"
    elif [[ ${IN_NAMESPACE:-} == yes ]]; then
        # shellcheck source=/dev/null # written by remember, before the change into the namespace
        . "$state/run"
    else
        [[ ! -e $state || -e $state/run ]] || die 1 "$state is not a directory of this script's; move it away"
        rm -rf "$state"
        rm -f "$metrics"/{normal,smpc}/{summary.json,rounds.jsonl,model.safetensors} "$metrics"/comparison.{txt,json}
        rm -f "$metrics"/{labels.csv,report.html,report/*.{svg,png,csv}} "$metrics"/smpc/models/round-*.safetensors
        (umask 077 && mkdir "$state")
        remember
    fi
}

# remember: writes down what --resume needs.
remember() {
    local name
    federation=run-$(od -An -N4 -tx1 /dev/urandom | tr -d ' \n')
    for name in "${remembered[@]}" federation; do printf '%s=%q\n' "$name" "${!name}"; done >"$state/run"
}

# build: makes the programs, unless --bin names them.
build() {
    if [[ -z $programs ]]; then
        local began=$SECONDS
        say "building the programs (some minutes the first time)"
        build_release smpc-server smpc-client fedavg smpc-compare 9>&- || die 1 "the build failed; see above"
        programs=$("${release_build[@]}" --show-bin-path 9>&-)
        say "built in $((SECONDS - began)) s"
    fi
    local program
    for program in smpc-server smpc-client fedavg smpc-compare; do
        [[ -x $programs/$program ]] || die 1 "$programs/$program is missing"
    done
}

# choose_discovery: settles between multicast and the server's address, changing into a network namespace if need be.
choose_discovery() {
    [[ $discovery != server ]] || return 0
    if "$programs/smpc-client" probe-multicast --interface lo </dev/null >"$metrics/logs/probe.log" 2>&1 9>&-; then
        discovery=multicast
        return 0
    fi
    if [[ ${IN_NAMESPACE:-} != yes ]] && unshare -rn true 2>/dev/null; then
        say "multicast does not work on lo here: going on in a network namespace"
        # shellcheck disable=SC2016 # expanded by the inner shell
        IN_NAMESPACE=yes exec unshare -rn bash -c 'ip link set lo up && exec "$@"' _ \
            "$repository/scripts/run.sh" "$@" --bin "$programs" 9>&-
    fi
    [[ $discovery != multicast ]] ||
        die 1 "multicast does not work on lo, nor in a network namespace: $(tail -n 1 "$metrics/logs/probe.log")"
    say "multicast does not work on lo, nor in a network namespace: going on with the server's address (--server)"
    discovery=server
}

children=()
# finish: ends every child, however the script ends.
# shellcheck disable=SC2317 # called by the trap
finish() {
    ((${#children[@]} == 0)) || stop_children 15 "${children[@]}"
    children=()
}
# interrupted: answers Ctrl-C.
# shellcheck disable=SC2317 # called by the trap
interrupted() {
    trap '' INT TERM HUP
    say "stopping the server and the clients"
    finish
    say "interrupted; to continue: scripts/run.sh --resume$(other_metrics)"
    exit 130
}

# other_metrics: prints the option that --resume needs, if it is not the default.
other_metrics() {
    [[ $metrics == "$repository/metrics/latest" ]] || printf ' --metrics %q' "$metrics"
}

# is_complete ARM: says whether this arm has run to its end.
is_complete() {
    grep -Eq '"outcome" ?: ?"(completed|converged)"' "$metrics/$1/summary.json" 2>/dev/null
}

# run_arm ARM TITLE: server and clients of one arm, from the certificate authority to the summary.
run_arm() {
    local name=$1 title=$2 directory=$state/$1 logs=$metrics/logs/$1
    say ""
    if is_complete "$name"; then
        say "== $title: complete"
        return 0
    fi
    say "== $title: $clients clients, $rounds rounds, $dataset, $partition"
    mkdir -p "$directory" "$logs"
    if [[ ! -e $directory/initialized ]]; then
        rm -rf "$directory/fed"
        "$programs/smpc-server" init --state "$directory/fed" --federation "$federation-$name" \
            </dev/null >"$logs/init.log" 2>&1 9>&- || die $? "smpc-server init: $(tail -n 1 "$logs/init.log")"
        touch "$directory/initialized"
    fi
    start_server "$name" "$directory" "$logs"
    await_port "$logs"
    start_clients "$name" "$directory"
    await_arm "$name"
    cp "$directory"/sites/*.log "$logs/"
    cp "$directory/fed/model.safetensors" "$metrics/$name/model.safetensors.new"
    mv "$metrics/$name/model.safetensors.new" "$metrics/$name/model.safetensors"
}

# start_server ARM DIRECTORY LOGS: runs the server in the background and shows what it prints.
start_server() {
    local name=$1 directory=$2 logs=$3 command
    case $name in
        normal) command=("$programs/fedavg" server) ;;
        smpc) command=("$programs/smpc-server" run) ;;
    esac
    port_file=$directory/port
    rm -f "$port_file"
    command+=(--state "$directory/fed" --rounds "$rounds" --cohort "$clients" --cohort-wait "$cohort_wait"
        --listen 127.0.0.1:0 --interface lo --port-file "$port_file" --model "$model" --seed "$seed"
        --encoding "$encoding" --dataset "$dataset" --partition "$partition" --metrics "$metrics/$name")
    local option
    for option in "${training[@]}"; do
        [[ -z ${!option} ]] || command+=("--${option//_/-}" "${!option}")
    done
    [[ $name != normal || -z $plain ]] || command+=(--plain "$plain")
    [[ $name != smpc || -z $arithmetic ]] || command+=(--arithmetic "$arithmetic")
    [[ $name != smpc || -z $slots ]] || command+=(--slots "$slots")
    [[ $name != smpc || -z $gamma ]] || command+=(--gamma "$gamma")
    [[ $name != smpc ]] || ! is_measured || command+=(--keep-models)
    [[ $discovery == multicast ]] || command+=(--discovery off)
    [[ ! -e $directory/started ]] || command+=(--resume)
    touch "$directory/started"
    : >"$logs/server.log"
    : >"$logs/server.err"
    "${command[@]}" </dev/null >"$logs/server.log" 2>"$logs/server.err" 9>&- &
    server=$!
    children+=("$server")
    tail -n +1 -s 0.2 -f --pid="$server" "$logs/server.log" 2>/dev/null 9>&- &
    shown=$!
    tail -n +1 -s 0.2 -f --pid="$server" "$logs/server.err" >&2 2>/dev/null 9>&- &
    shown_errors=$!
}

# await_port LOGS: waits until the server listens.
await_port() {
    local deadline=$((SECONDS + 60)) code=0
    while [[ ! -s $port_file ]]; do
        if ! is_running "$server"; then
            wait "$server" || code=$?
            wait "$shown" "$shown_errors" 2>/dev/null || true
            die $((code == 0 ? 1 : code)) "the server could not start, for the reason above"
        fi
        ((SECONDS < deadline)) || die 1 "the server did not listen within 60 s; see $1/server.err"
        # The port appears in a file, so it is looked for.
        sleep 0.1
    done
}

# start_clients ARM DIRECTORY: starts the clients in the background.
start_clients() {
    local options=(--arm "$1" --state "$2/fed" --dir "$2/sites" --interface lo --bin "$programs")
    [[ $discovery == multicast ]] || options+=(--server "127.0.0.1:$(<"$port_file")")
    local client_options=(--dataset "$dataset" --partition "$partition")
    [[ -z $data ]] || client_options+=(--data "$data")
    [[ -z $label ]] || client_options+=(--label "$label")
    [[ $1 != smpc || -z $arithmetic ]] || client_options+=(--arithmetic "$arithmetic")
    "$repository/scripts/start_clients.sh" "$clients" "${options[@]}" -- "${client_options[@]}" </dev/null 9>&- &
    crew=$!
    children+=("$crew")
}

# await_arm ARM: waits for the server and the clients; ends the script if the arm did not end well.
await_arm() {
    local ended='' server_code=0 crew_code=0 first_code=0
    wait_for_any "$server" "$crew" || first_code=$?
    if [[ $ended == "$server" ]]; then
        server_code=$first_code
        # The clients have said goodbye already or notice within seconds that the server is gone.
        linger "$crew" 30 || crew_code=$?
    else
        crew_code=$first_code
        # A server that still waits after this for clients to return waits in vain.
        linger "$server" $((crew_code == 0 ? 30 : 5)) || server_code=$?
    fi
    wait "$shown" "$shown_errors" 2>/dev/null || true
    children=()
    local hint
    hint="logs in $metrics/logs and $state/$1/sites; to continue: scripts/run.sh --resume$(other_metrics)"
    ((crew_code != 64)) || die 64 "the clients of arm $1 do not take their options, for the reason above; start anew"
    ((server_code == 0 || server_code >= 128)) ||
        die "$server_code" "the server of arm $1 ended with exit code $server_code; $hint"
    ((crew_code == 0)) || die "$crew_code" "a client of arm $1 ended with exit code $crew_code; $hint"
    ((server_code == 0)) || die 1 "the server of arm $1 was ended with exit code $server_code; $hint"
    is_complete "$1" || die 1 "arm $1 ended without a complete summary; $hint"
}

# linger PID SECONDS: waits for a child that is about to end, ends it after that long, and gives its exit code.
linger() {
    local deadline=$((SECONDS + $2))
    while is_running "$1" && ((SECONDS < deadline)); do sleep 0.1; done
    kill -TERM "$1" 2>/dev/null || true
    wait "$1"
}

# is_measured: says whether the rounds of the secure arm are to be measured: exact ones have no error.
is_measured() {
    [[ $measure == true && $encoding != exact ]]
}

# measure: trains every part of the data again from the model before each round of the secure arm, which this script alone can,
# and writes into the records how far the round was from the exact mean; ends the script if that is more than the bound.
measure() {
    local options=(--parts "$clients" --dataset "$dataset" --partition "$partition") code=0 began=$SECONDS
    [[ -z $data ]] || options+=(--data "$data")
    [[ -z $label ]] || options+=(--label "$label")
    say ""
    say "== measuring the error of every round: all clients' trainings once more (--no-measure leaves it out)"
    "$programs/fedavg" measure "$metrics/smpc" "${options[@]}" </dev/null 2>"$metrics/logs/measure.err" 9>&- || code=$?
    ((code == 0)) || die "$code" "the errors of the rounds: $(tail -n 1 "$metrics/logs/measure.err")"
    say "measured in $((SECONDS - began)) s"
}

# count_labels: counts the labels of every client's part of the data, which this script alone has as a whole.
count_labels() {
    local options=(--clients "$clients" --dataset "$dataset" --partition "$partition" --seed "$seed")
    [[ -z $data ]] || options+=(--data "$data")
    [[ -z $label ]] || options+=(--label "$label")
    if "$programs/fedavg" labels "${options[@]}" </dev/null >"$metrics/labels.csv.new" 2>"$metrics/logs/labels.err"; then
        mv "$metrics/labels.csv.new" "$metrics/labels.csv"
    else
        rm -f "$metrics/labels.csv.new"
        say "the report has no labels: $(tail -n 1 "$metrics/logs/labels.err")"
    fi
}

# compare: prints the table, keeps it, writes the report, and ends the script if the models differ.
compare() {
    say ""
    say "== comparison"
    local code=0
    "$programs/smpc-compare" --no-report "$metrics/normal" "$metrics/smpc" >"$metrics/comparison.txt" || code=$?
    cat "$metrics/comparison.txt"
    count_labels
    "$programs/smpc-compare" --json --report "$metrics" "$metrics/normal" "$metrics/smpc" \
        >"$metrics/comparison.json" 2>"$metrics/logs/report.err" || true
    say ""
    if [[ -e $metrics/report.html ]]; then
        say "report: $metrics/report.html"
    else
        say "there is no report; see $metrics/logs/report.err"
    fi
    ((code == 0)) || die "$code" "the comparison failed; records in $metrics"
}

parse_arguments "$@"
check_arguments
[[ -n $programs ]] || require_swift
packages=(iproute2 util-linux)
[[ -n $programs ]] || packages=("${build_packages[@]}" "${packages[@]}")
[[ $dataset != fashion-mnist || -n $data ]] || packages+=(dataset-fashion-mnist)
require_packages "${packages[@]}"
[[ $arm != both || ${IN_NAMESPACE:-} == yes ]] || offer_packages "PNG pictures in the report" librsvg2-bin
prepare_metrics
build
choose_discovery "$@"
trap finish EXIT
trap interrupted INT TERM HUP
# A reader that closed its end is an error of `printf`, after which `finish` still runs.
trap '' PIPE
began=$SECONDS
[[ $arm == smpc ]] || run_arm normal "plain federated averaging"
[[ $arm == normal ]] || run_arm smpc "secure federation"
[[ $arm == normal ]] || ! is_measured || measure
[[ $arm != both ]] || compare
say "done in $((SECONDS - began)) s; records in $metrics"
[[ $keep == true ]] || rm -rf "$state"
