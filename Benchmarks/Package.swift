// swift-tools-version: 6.2
// SPDX-License-Identifier: MIT

import PackageDescription

// A package of its own, so that nothing here is built with the programs and the tests. `Benchmarks` measures modules without
// dependencies on other packages; `ChannelBenchmarks` the channel, which rests on NIO.
func modules(_ names: String...) -> [Target.Dependency] { names.map { .product(name: $0, package: "summand") } }

let package = Package(
    name: "summand-benchmarks",
    dependencies: [
        // The name, because the folder of a clone may have any.
        .package(name: "summand", path: "..")
    ],
    targets: [
        .target(name: "CReference", linkerSettings: ["crypto", "gmp", "m"].map { .linkedLibrary($0) }),
        .executableTarget(
            name: "Benchmarks",
            dependencies: ["CReference"] + modules("FiniteField", "Primitives", "Shares", "Quantization")),
        .target(name: "CBlockingTLS", linkerSettings: ["ssl", "crypto"].map { .linkedLibrary($0) }),
        .executableTarget(
            name: "ChannelBenchmarks",
            dependencies: ["CBlockingTLS"] + modules("Identity", "Primitives", "TLS", "Transport")),
    ],
    swiftLanguageModes: [.v6],
    cLanguageStandard: .c17
)
