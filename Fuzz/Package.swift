// swift-tools-version: 6.2
// SPDX-License-Identifier: MIT

import PackageDescription

/// What scripts/fuzz.sh compiles with: `fuzzer`, or `fuzzer,address`.
let sanitizers = "-sanitize=\(Context.environment["SUMMAND_FUZZ_SANITIZERS"] ?? "fuzzer")"

/// A program with some of the targets. libFuzzer goes through the counters of all modules of a program after every input, so
/// that targets share one only where they share modules.
func program(_ name: String, _ modules: String...) -> Target {
    .executableTarget(
        name: name, dependencies: ["FuzzSupport"] + modules.map { .product(name: $0, package: "summand") },
        swiftSettings: [.unsafeFlags([sanitizers])],
        // The GNU linker "gold" fails at these programs with an internal error.
        linkerSettings: [.unsafeFlags([sanitizers, "-use-ld=lld"])])
}

// A package of its own: the main one is built without libFuzzer.
let package = Package(
    name: "summand-fuzz",
    dependencies: [
        // The name, because the folder of a clone may have any.
        .package(name: "summand", path: "..")
    ],
    targets: [
        .target(name: "FuzzSupport"),
        program("FuzzAveraging", "Averaging", "FiniteField", "Identity", "Learning", "Primitives", "Quantization"),
        program("FuzzDiscovery", "Discovery"),
        program("FuzzIdentity", "Identity", "Primitives"),
        program("FuzzMessages", "Messages", "FiniteField", "Primitives"),
        program("FuzzTransport", "Transport"),
    ],
    swiftLanguageModes: [.v6]
)
