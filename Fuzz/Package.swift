// swift-tools-version: 6.2
// SPDX-License-Identifier: MIT

import PackageDescription

// A package of its own: beside tests, a target without `main` breaks `swift test`. Built by scripts/fuzz.sh, which adds the
// flags that let libFuzzer see what a run covers.
func target(_ name: String, _ modules: String...) -> Target {
    .executableTarget(
        name: name, dependencies: ["FuzzSupport"] + modules.map { .product(name: $0, package: "summand") },
        swiftSettings: [.unsafeFlags(["-parse-as-library"])])
}

let package = Package(
    name: "summand-fuzz",
    dependencies: [
        // The name, because the folder of a clone may have any.
        .package(name: "summand", path: "..")
    ],
    targets: [
        .target(name: "FuzzSupport"),
        target("FuzzCertificates", "Identity", "Primitives"),
        target("FuzzDNS", "Discovery"),
        target("FuzzDiscovery", "Discovery"),
        target("FuzzEnrolment", "Identity", "Primitives"),
        target("FuzzFrames", "Transport"),
        target("FuzzMessages", "Messages"),
        target("FuzzProxy", "Transport"),
        target("FuzzTokens", "Identity", "Primitives"),
    ],
    swiftLanguageModes: [.v6]
)
