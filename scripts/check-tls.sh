#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
set -euo pipefail
# shellcheck source=scripts/common.sh
. "$(dirname "${BASH_SOURCE[0]}")/common.sh"

print_help() {
    cat <<'HELP'
usage: scripts/check-tls.sh [--bin DIR]

Has other people's scanners look at a running smpc-server: testssl.sh, and sslyze where pip can fetch it. They must find
TLS 1.3 alone, and nothing to say beyond what an authority of one's own implies: a browser does not trust it, and it
publishes neither revocation list nor CAA record. Looks at the program too: TLS is the system's libssl, and there is no
other TLS library in it. About three minutes, most of them waiting.

options:
  --bin DIR       where smpc-server lies (default: .build/debug, built when it is missing)
  -h, --help      show this text
HELP
}

binaries=
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
        *) usage_error "unexpected argument \"$1\"" ;;
    esac
    shift
done

require_packages binutils testssl.sh python3 python3-venv
cd "$repository"
scratch=$(mktemp -d)
server=
# The server ends before its directory goes.
trap '[[ -z $server ]] || stop_children 10 "$server"; rm -rf "$scratch"' EXIT

if [[ -z $binaries ]]; then
    binaries=$repository/.build/debug
    if [[ ! -x $binaries/smpc-server ]]; then
        require_swift
        require_packages "${build_packages[@]}"
        swift build --product smpc-server
    fi
fi
program=$binaries/smpc-server
[[ -x $program ]] || die 1 "there is no $program"

# Names of BoringSSL's functions, with the prefixes under which packages carry it.
if nm "$program" 2>/dev/null | grep -Ei 'boringssl' >"$scratch/symbols"; then
    head -n 3 "$scratch/symbols" >&2
    die 1 "$program holds BoringSSL"
fi
ldd "$program" >"$scratch/libraries"
for library in libssl libcrypto; do
    grep -Eq "$library\.so\.3 => /(usr/)?lib" "$scratch/libraries" || die 1 "$program does not use the system's $library"
done
say "the program uses the system's libssl and libcrypto, and holds no other TLS library"

"$program" init --state "$scratch/fed" --federation scanned --quiet >/dev/null
"$program" run --state "$scratch/fed" --listen 127.0.0.1:0 --port-file "$scratch/port" --discovery off --rounds 1 \
    --cohort-wait 1h >"$scratch/server.log" 2>&1 &
server=$!
# The server writes the port when it listens.
for _ in {1..600}; do
    [[ ! -s $scratch/port ]] || break
    is_running "$server" || break
    sleep 0.1
done
[[ -s $scratch/port ]] || {
    cat "$scratch/server.log" >&2
    die 1 "the server does not listen"
}
address=127.0.0.1:$(tr -dc 0-9 <"$scratch/port")

# Its exit code counts findings; what they are is in the file.
timeout 900 testssl --quiet --color 0 --warnings off --jsonfile "$scratch/testssl.json" -p -s -f -P -U -S "$address" \
    >"$scratch/testssl.log" 2>&1 </dev/null || true
python3 - "$scratch/testssl.json" <<'PYTHON' || die 1 "testssl.sh found what it should not: see above"
import json, sys

# What an authority of one's own implies, and what says something of the scanner only.
EXPECTED = {
    "cert_trust", "cert_chain_of_trust", "cert_revocation", "DNS_CAArecord",
    "engine_problem", "optimal_proto", "service", "scanTime",
}
VERSIONS = {"SSLv2": "not offered", "SSLv3": "not offered", "TLS1": "not offered", "TLS1_1": "not offered",
            "TLS1_2": "not offered", "TLS1_3": "offered"}
LEAST = {"heartbleed", "CCS", "ROBOT", "secure_renego", "secure_client_renego", "FREAK", "DROWN", "LOGJAM",
         "BEAST", "LUCKY13", "RC4"}

findings = json.load(open(sys.argv[1]))
seen = {finding["id"]: finding for finding in findings}
wrong = [f"{finding['id']}: {finding['severity']}: {finding['finding']}" for finding in findings
         if finding["severity"] not in ("OK", "INFO", "DEBUG") and finding["id"] not in EXPECTED]
wrong += [f"{name}: {seen.get(name, {}).get('finding', 'not looked at')}" for name, wanted in VERSIONS.items()
          if not seen.get(name, {}).get("finding", "").startswith(wanted)]
wrong += [f"{name}: not looked at" for name in sorted(LEAST - seen.keys())]
print(f"testssl.sh: {len(findings)} findings, TLS 1.3 alone" if not wrong else "\n".join(wrong))
sys.exit(bool(wrong))
PYTHON

if python3 -m venv "$scratch/venv" && timeout 300 "$scratch/venv/bin/pip" -q install sslyze >"$scratch/pip.log" 2>&1; then
    # Its exit code says that it does not trust the authority.
    timeout 300 "$scratch/venv/bin/sslyze" --mozilla_config=intermediate "$address" >"$scratch/sslyze.log" 2>&1 </dev/null ||
        true
    grep -q 'COMPLIANCE AGAINST TLS CONFIGURATION' "$scratch/sslyze.log" || {
        tail -n 20 "$scratch/sslyze.log" >&2
        die 1 "sslyze did not come to an end"
    }
    sed -n '/COMPLIANCE AGAINST/,$p' "$scratch/sslyze.log" | grep '^ *\*' | grep -v 'certificate_path_validation' >&2 &&
        die 1 "sslyze found what it should not: see above"
    say "sslyze: compliant but for the authority, which is the federation's own"
else
    say "sslyze cannot be fetched here: going on without it"
fi
is_running "$server" || die 1 "the server did not live through the scan"
