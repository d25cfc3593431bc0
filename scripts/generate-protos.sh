#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# Generates the Swift code of every Sources/*/Protos/*.proto into Sources/*/Generated. The result is committed, because
# SwiftPM's own plugin would build protoc for minutes. Run it after changing a .proto file.
set -euo pipefail
cd "$(dirname "$0")/.."

if ! command -v protoc >/dev/null; then
    echo "protoc is missing: sudo apt-get install protobuf-compiler" >&2
    exit 1
fi

swift package resolve
checkout=.build/checkouts/swift-protobuf
scratch=.build/protoc-gen-swift
swift build -c release --package-path "$checkout" --scratch-path "$scratch" --product protoc-gen-swift
plugin=$scratch/release/protoc-gen-swift

for protos in Sources/*/Protos; do
    generated=$(dirname "$protos")/Generated
    mkdir -p "$generated"
    rm -f "$generated"/*.pb.swift
    protoc --plugin=protoc-gen-swift="$plugin" --proto_path="$protos" --swift_out="$generated" "$protos"/*.proto
    for file in "$generated"/*.pb.swift; do
        # The generator copies the licence line of the .proto file below its own header: it belongs on top.
        sed -i -e '/^\/\/ SPDX-License-Identifier/d' -e '1i // SPDX-License-Identifier: MIT' "$file"
    done
    echo "$generated: $(ls "$generated" | tr '\n' ' ')"
done
