// swift-tools-version: 6.2
// SPDX-License-Identifier: MIT

import PackageDescription

// A package of its own, so that nothing here is built with the programs and the tests. Only modules without dependencies
// on other packages are measured.
let measured: [Target.Dependency] = ["FiniteField", "Primitives", "Shares", "Quantization"].map {
    .product(name: $0, package: "summand")
}

let package = Package(
    name: "summand-benchmarks",
    dependencies: [
        // The name, because the folder of a clone may have any.
        .package(name: "summand", path: "..")
    ],
    targets: [
        .target(name: "CReference", linkerSettings: ["crypto", "gmp", "m"].map { .linkedLibrary($0) }),
        .executableTarget(name: "Benchmarks", dependencies: ["CReference"] + measured),
    ],
    swiftLanguageModes: [.v6],
    cLanguageStandard: .c17
)
