#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
set -euo pipefail
# shellcheck source=scripts/common.sh
. "$(dirname "${BASH_SOURCE[0]}")/common.sh"

print_help() {
    cat <<'HELP'
usage: scripts/encodings.sh [clients=10] [rounds=15] [options]

Runs scripts/run.sh once in plain federated averaging with float32 and once for each encoding of the secure vectors, and
prints a table of accuracy, bytes and error. Takes a minute or so for each on an idle machine.

options:
  --encodings LIST   which, in this order (default: "exact 32 21 16 12 9 8 7")
  --metrics DIR      where the runs go, a directory for each (default: metrics/latest/encodings)
  --bin DIR          use the programs in this directory and build nothing
  --keep-runs        take runs that are complete already as they are
  --update-docs      put the table into docs/ENCODINGS.md
  -h, --help         show this text
  -- OPTIONS         everything behind it goes to scripts/run.sh, such as --partition dirichlet:0.5

Leaves DIR/report.html, all runs side by side, and DIR/table.md. Exit codes: those of scripts/run.sh.
HELP
}

clients=
rounds=
encodings="exact 32 21 16 12 9 8 7"
metrics=$repository/metrics/latest/encodings
programs=
keep_runs=false
update_docs=false
passed_on=()
while (($#)); do
    case $1 in
        -h | --help)
            print_help
            exit 0
            ;;
        --encodings | --metrics | --bin)
            [[ -n ${2:-} ]] || usage_error "$1 needs a value"
            case $1 in
                --encodings) encodings=$2 ;;
                --metrics) metrics=$2 ;;
                --bin) programs=$2 ;;
            esac
            shift
            ;;
        --keep-runs) keep_runs=true ;;
        --update-docs) update_docs=true ;;
        --)
            shift
            passed_on=("$@")
            break
            ;;
        -*) usage_error "unknown option $1" ;;
        *) take_argument "$1" ;;
    esac
    shift
done
clients=${clients:-10}
rounds=${rounds:-15}
require_count "the number of clients" "$clients" 3 1000
require_count "the number of rounds" "$rounds" 1 100000
for encoding in $encodings; do
    case $encoding in
        exact | 7 | 8 | 9 | 12 | 16 | 21 | 32) ;;
        *) usage_error "there is no encoding \"$encoding\"" ;;
    esac
done
require_compare
document=$repository/docs/ENCODINGS.md
mkdir -p "$metrics" || die 1 "$metrics cannot be made; choose another --metrics"
metrics=$(cd "$metrics" && pwd)

# run NAME ARM ENCODING: one run, in a directory of its own; sets `directory` to that of its records.
run() {
    directory=$metrics/$1/$2
    if [[ $keep_runs == true ]] && grep -Eq '"outcome" ?: ?"(completed|converged)"' "$directory/summary.json" 2>/dev/null; then
        say "== $1: complete"
        return 0
    fi
    local options=(--arm "$2" --encoding "$3" --metrics "$metrics/$1" "${passed_on[@]}")
    [[ -z $programs ]] || options+=(--bin "$programs")
    "$repository/scripts/run.sh" "$clients" "$rounds" "${options[@]}"
}

# last_rounds DIRECTORY: means or maxima over the last five rounds, from rounds.jsonl, in one line: accuracy, bytes
# up, bytes down, bytes of the upload, largest bound, largest measured error; a dash for what is not recorded.
last_rounds() {
    tail -n 5 "$1/rounds.jsonl" | awk '
        function number(key,   rest) {
            if (!match($0, "\"" key "\":[-+0-9.eE]+")) return "-"
            rest = substr($0, RSTART, RLENGTH)
            sub(/^[^:]*:/, "", rest)
            return rest
        }
        function total(key, only,   rest, parts, count, i, sum) {
            if (!match($0, "\"" key "\":{[^}]*}")) return 0
            rest = substr($0, RSTART + length(key) + 4, RLENGTH - length(key) - 5)
            count = split(rest, parts, ",")
            sum = 0
            for (i = 1; i <= count; i++) if (only == "" || parts[i] ~ only) { sub(/^.*:/, "", parts[i]); sum += parts[i] }
            return sum
        }
        { accuracy += number("accuracy"); up += total("bytes_up", ""); down += total("bytes_down", "")
          upload += total("bytes_up", "^\"(upload|update)\"")
          value = number("error_bound"); if (value != "-" && (bound == "" || value + 0 > bound)) bound = value + 0
          value = number("error_measured"); if (value != "-" && (error == "" || value + 0 > error)) error = value + 0 }
        END { printf "%.6f %.0f %.0f %.0f %s %s\n", accuracy / NR, up / NR, down / NR, upload / NR,
            bound == "" ? "-" : bound == 0 ? "0" : sprintf("%.1e", bound), error == "" ? "-" : sprintf("%.1e", error) }'
}

# row NAME DIRECTORY: a line of the table, measured against the plain run.
row() {
    local parameters
    parameters=$(sed -n 's/^ *"parameters" *: *\([0-9]*\).*/\1/p' "$2/summary.json")
    { last_rounds "$base"; last_rounds "$2"; } | awk -v name="$1" -v parameters="$parameters" '
        NR == 1 { accuracy = $1; up = $2; down = $3 }
        NR == 2 { printf "| %s | %.2f %% | %s | %.1f | %.0f kB | %.2f | %.0f kB | %.2f | %s | %s |\n", name, 100 * $1,
            name ~ /float32/ ? "" : sprintf("%+.2f", 100 * ($1 - accuracy)), 8 * $4 / parameters,
            $2 / 1000, $2 / up, $3 / 1000, $3 / down, $5, $6 }'
}

# print_table: the table with what it was measured on.
print_table() {
    local name
    printf -- '- %s\n' "$(sed -n 's/^model name[^:]*: //p' /proc/cpuinfo | head -n 1), $(nproc) cores"
    printf -- '- commit %s; %s clients, %s rounds%s\n' \
        "$(git -C "$repository" describe --always --dirty 2>/dev/null || echo unknown)" "$clients" "$rounds" \
        "${passed_on[*]:+; ${passed_on[*]}}"
    # The last run's sentence: the number of helpers decides what is sent.
    sed -n 's/^ *"protection" *: *"\([^.]*\).*/- \1/p' "$directory/summary.json"
    printf -- '- means of the last five rounds; bound and error are the largest of these rounds\n\n'
    printf '| run | accuracy | points | upload, bits a parameter | sent | × | received | × | bound | error |\n'
    printf '|---|--:|--:|--:|--:|--:|--:|--:|--:|--:|\n'
    row "plain, float32" "$base"
    for name in $encodings; do row "secure, $name" "$metrics/$name/smpc"; done
}

run float32 normal 16
base=$directory
directories=("$base")
for encoding in $encodings; do
    run "$encoding" smpc "$encoding"
    directories+=("$directory")
done
print_table >"$metrics/table.md"
cat "$metrics/table.md"
compare=$(compare_program)
"$compare" "${directories[@]}" --report "$metrics" >"$metrics/comparison.txt"
tail -n 1 "$metrics/comparison.txt"
[[ $update_docs == true ]] || exit 0
awk -v table="$metrics/table.md" '
    /<!-- scripts\/encodings.sh: end -->/ { inside = 0 }
    !inside { print }
    /<!-- scripts\/encodings.sh: begin -->/ {
        inside = 1
        print ""
        while ((getline line < table) > 0) print line
        print ""
    }' "$document" >"$document.new"
mv "$document.new" "$document"
say "the table is in $document"
