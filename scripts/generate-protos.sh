#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
set -euo pipefail
# shellcheck source=scripts/common.sh
. "$(dirname "${BASH_SOURCE[0]}")/common.sh"

print_help() {
    cat <<'HELP'
usage: scripts/generate-protos.sh [--check]

Generates the Swift code of every Sources/*/Protos/*.proto into Sources/*/Generated. The result is committed, because
SwiftPM's own plugin would build protoc for minutes. Run it after changing a .proto file. Needs protoc.

options:
  --check     change nothing; fail if the committed code is not what would be generated
  -h, --help  show this text
HELP
}

check=false
while (($#)); do
    case $1 in
        -h | --help)
            print_help
            exit 0
            ;;
        --check) check=true ;;
        -*) usage_error "unknown option $1" ;;
        *) usage_error "unexpected argument \"$1\"" ;;
    esac
    shift
done

cd "$repository"
command -v protoc >/dev/null || die 1 "protoc is missing; run: apt-get install protobuf-compiler"
require_swift
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT

# build_generator: makes the plugin of the version of swift-protobuf that the package uses.
build_generator() {
    swift package resolve
    local checkout=.build/checkouts/swift-protobuf
    # It runs for a second: to optimise it would take a minute longer.
    local build=(
        swift build -c release -Xswiftc -Onone --package-path "$checkout" --scratch-path .build/protoc-gen-swift
    )
    "${build[@]}" --product protoc-gen-swift
    plugin=$("${build[@]}" --show-bin-path)/protoc-gen-swift
}

# generate PROTOS DIRECTORY: writes the code of a directory of .proto files into another.
generate() {
    mkdir -p "$2"
    protoc --plugin=protoc-gen-swift="$plugin" --proto_path="$1" --swift_out="$2" "$1"/*.proto
    local file
    for file in "$2"/*.pb.swift; do
        # The generator copies the license line of the .proto file below its own header: it belongs on top.
        sed -i -e '/^\/\/ SPDX-License-Identifier/d' -e '1i // SPDX-License-Identifier: MIT' "$file"
    done
}

build_generator
for protos in Sources/*/Protos; do
    committed=$(dirname "$protos")/Generated
    fresh=$scratch/$committed
    generate "$protos" "$fresh"
    if [[ $check == true ]]; then
        diff -ru "$committed" "$fresh" ||
            die 1 "$committed is not what $protos generates; run scripts/generate-protos.sh and commit"
        say "$committed is up to date"
    else
        rm -f "$committed"/*.pb.swift
        mkdir -p "$committed"
        mv "$fresh"/*.pb.swift "$committed"
        say "$committed is generated"
    fi
done
