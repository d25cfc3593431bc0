// swift-tools-version: 6.2
// SPDX-License-Identifier: MIT

import PackageDescription

let argumentParser: Target.Dependency = .product(name: "ArgumentParser", package: "swift-argument-parser")
let configuration: Target.Dependency = .product(name: "Configuration", package: "swift-configuration")
let grdb: Target.Dependency = .product(name: "GRDB", package: "GRDB.swift")
let logging: Target.Dependency = .product(name: "Logging", package: "swift-log")
let nioLocks: Target.Dependency = .product(name: "NIOConcurrencyHelpers", package: "swift-nio")
let nio: [Target.Dependency] = [
    .product(name: "NIOCore", package: "swift-nio"),
    .product(name: "NIOPosix", package: "swift-nio"),
]
let protobuf: Target.Dependency = .product(name: "SwiftProtobuf", package: "swift-protobuf")
let toml: Target.Dependency = .product(name: "TOMLKit", package: "TOMLKit")

/// Modules that hold pointers: every unsafe operation in them is marked as such.
let pointers: [SwiftSetting] = [.strictMemorySafety()]

/// Compiled with switches that take a rule of the protocol away: only for `scripts/simulate.sh --rules`, which shows that the
/// simulator notices (docs/TESTING.md).
let ruleSwitches: [SwiftSetting] =
    Context.environment["SUMMAND_RULE_SWITCHES"] == "1" ? [.define("SUMMAND_RULE_SWITCHES")] : []

/// The modules that read what comes from the network, and what they are compiled with for the package in `Fuzz`, by
/// scripts/fuzz.sh alone: counters that show libFuzzer what an input reaches. It goes through all of them after every input, which
/// takes longer than to decode one; so no other module has any, and no package of others.
let decoding = [
    "Averaging", "Discovery", "Identity", "Learning", "Messages", "Primitives", "Quantization", "Transport",
]
let counters: [SwiftSetting] =
    Context.environment["SUMMAND_FUZZ_COUNTERS"] == "1" ? [.unsafeFlags(["-sanitize=fuzzer"])] : []

/// A library module with its test target. The arrows are those of ARCHITECTURE.md, checked by `PackageTests`.
func module(
    _ name: String, _ dependencies: [Target.Dependency], excluding: [String] = [], settings: [SwiftSetting] = [],
    testing: [Target.Dependency] = [], excludingFromTests: [String] = []
) -> [Target] {
    [
        .target(
            name: name, dependencies: dependencies, exclude: excluding,
            swiftSettings: settings + (decoding.contains(name) ? counters : [])),
        .testTarget(
            name: "\(name)Tests", dependencies: [.target(name: name)] + dependencies + testing,
            path: "Tests/\(name)Tests", exclude: excludingFromTests),
    ]
}

let cTargets: [Target] = [
    .systemLibrary(name: "CGMP", providers: [.apt(["libgmp-dev"])]),
    .systemLibrary(name: "COpenSSL", pkgConfig: "openssl", providers: [.apt(["libssl-dev"])]),
    .systemLibrary(name: "COpenBLAS", pkgConfig: "openblas", providers: [.apt(["libopenblas-dev"])]),
    .systemLibrary(name: "CMalloc"),
    .systemLibrary(name: "CZlib", pkgConfig: "zlib", providers: [.apt(["zlib1g-dev"])]),
    .target(name: "CFieldKernels"),
    .target(name: "CFreedMemory", path: "Tests/CFreedMemory"),
    .target(name: "CVectorKernels"),
]

let libraries: [[Target]] = [
    module("FiniteField", ["CGMP", "CFieldKernels"], settings: pointers),
    module("Primitives", ["CMalloc", "COpenSSL"], settings: pointers),
    module("Identity", ["Primitives", protobuf], excluding: ["Protos"]),
    module("Shares", ["FiniteField", "Primitives"], testing: ["CFreedMemory"]),
    module(
        "Quantization", ["FiniteField", "Primitives", "CVectorKernels"],
        excludingFromTests: ["Support/exact_rationals.py"]),
    module(
        "Messages", ["Identity", "Shares", "Quantization", "FiniteField", "Primitives", protobuf], excluding: ["Protos"]
    ),
    module(
        "Aggregation", ["Messages", "Shares", "Quantization", "FiniteField", "Identity", "Primitives"],
        settings: ruleSwitches),
    module(
        "Simulation",
        ["Aggregation", "Messages", "Shares", "Quantization", "FiniteField", "Identity", "Primitives"]),
    module("TLS", ["COpenSSL", "Primitives"], settings: pointers),
    module("Transport", ["TLS", "Identity", "Primitives", logging, nioLocks] + nio),
    module("Discovery", [logging] + nio, excludingFromTests: ["Support/avahi.sh"]),
    module("Storage", ["Identity", grdb], testing: ["Primitives"]),
    module("Learning", ["Primitives", "COpenBLAS", "CVectorKernels", "CZlib"]),
    module("Reporting", []),
    module(
        "Averaging", ["Learning", "Quantization", "FiniteField", "Identity", "Primitives", "Reporting", protobuf],
        excluding: ["Protos"]),
    module(
        "Programs",
        [
            "Transport", "TLS", "Discovery", "Identity", "Storage", "Primitives", "Learning", "Reporting",
            argumentParser,
            configuration, toml, logging,
        ]),
]

let programs: [Target] = [
    .executableTarget(
        name: "SMPCServer",
        dependencies: [
            "Aggregation", "Shares", "Messages", "Transport", "Discovery", "Identity", "Storage", "Quantization",
            "FiniteField", "Primitives", "Learning", "Reporting", "Programs", argumentParser, logging,
        ]),
    .executableTarget(
        name: "SMPCClient",
        dependencies: [
            "Aggregation", "Shares", "Messages", "Transport", "Discovery", "Identity", "Storage", "Quantization",
            "FiniteField", "Primitives", "Learning", "Reporting", "Programs", argumentParser, logging,
        ]),
    .executableTarget(
        name: "Baseline",
        dependencies: [
            "Averaging", "Transport", "Discovery", "Identity", "Storage", "Quantization", "FiniteField", "Primitives",
            "Learning", "Reporting", "Programs", argumentParser, logging,
        ]),
    .executableTarget(name: "Compare", dependencies: ["Reporting", argumentParser]),
    // For scripts/discovery.sh; no product.
    .executableTarget(
        name: "DiscoveryPeer", dependencies: ["Discovery", .product(name: "NIOCore", package: "swift-nio")]),
    .executableTarget(name: "SimulationTool", dependencies: ["Simulation", "Aggregation", argumentParser]),
]

let wholeTests: [Target] = [
    .testTarget(name: "PackageTests", path: "Tests/PackageTests"),
    .testTarget(
        name: "BaselineTests",
        dependencies: [
            "Baseline", "Averaging", "Identity", "Storage", "Quantization", "FiniteField", "Primitives", "Learning",
            "Reporting", "Programs", logging,
        ],
        path: "Tests/BaselineTests"),
    .testTarget(name: "CompareTests", dependencies: ["Compare", "Reporting"], path: "Tests/CompareTests"),
    .testTarget(
        name: "FederationTests",
        dependencies: [
            "SMPCServer", "SMPCClient", "Aggregation", "Shares", "Messages", "Transport", "Identity", "Storage",
            "Quantization", "FiniteField", "Primitives", "Learning", "TLS", "Programs", "Reporting", "Discovery",
            logging,
        ] + nio,
        path: "Tests/FederationTests"),
]

/// The modules that `Benchmarks` and `Fuzz`, packages of their own, measure and fuzz. They are no stable interface.
let measured: [Product] = [
    "Averaging", "Discovery", "FiniteField", "Identity", "Learning", "Messages", "Primitives", "Quantization", "Shares",
    "TLS", "Transport",
].map { .library(name: $0, targets: [$0]) }

let package = Package(
    name: "summand",
    products: [
        .executable(name: "smpc-server", targets: ["SMPCServer"]),
        .executable(name: "smpc-client", targets: ["SMPCClient"]),
        .executable(name: "fedavg", targets: ["Baseline"]),
        .executable(name: "smpc-compare", targets: ["Compare"]),
        .executable(name: "smpc-simulate", targets: ["SimulationTool"]),
    ] + measured,
    dependencies: [
        .package(url: "https://github.com/apple/swift-nio", from: "2.101.2"),
        .package(url: "https://github.com/apple/swift-protobuf", from: "1.39.0"),
        .package(url: "https://github.com/apple/swift-argument-parser", from: "1.8.2"),
        .package(url: "https://github.com/apple/swift-log", from: "1.16.2"),
        .package(url: "https://github.com/apple/swift-configuration", from: "1.4.0"),
        .package(url: "https://github.com/groue/GRDB.swift", from: "7.10.0"),
        .package(url: "https://github.com/LebJe/TOMLKit", from: "0.6.0"),
    ],
    targets: cTargets + libraries.flatMap { $0 } + programs + wholeTests,
    swiftLanguageModes: [.v6],
    cLanguageStandard: .c17
)
