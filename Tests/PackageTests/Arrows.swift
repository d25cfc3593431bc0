// SPDX-License-Identifier: MIT

import Foundation

/// Holds what one module depends on.
struct Arrows: Equatable {
    /// Modules of this package.
    var modules: Set<String>
    /// Products of other packages.
    var products: Set<String>
}

/// Finds the files of the package that this test belongs to.
enum PackageRoot {
    static let url = URL(filePath: #filePath).resolvingSymlinksInPath().deletingLastPathComponent()
        .deletingLastPathComponent()
        .deletingLastPathComponent()

    static func text(_ path: String) throws -> String {
        try String(contentsOf: url.appending(path: path), encoding: .utf8)
    }
}

/// Reads the table of arrows in ARCHITECTURE.md.
enum ArrowTable {
    struct Malformed: Error {
        let line: String
    }

    static func read() throws -> [String: Arrows] {
        try parse(PackageRoot.text("ARCHITECTURE.md"))
    }

    /// Parses the lines `Module -> A, B + X, Y` of the block that begins with ```arrows.
    static func parse(_ text: String) throws -> [String: Arrows] {
        let lines = text.split(separator: "\n").map(String.init)
        let block = lines.drop { $0 != "```arrows" }.dropFirst().prefix { $0 != "```" }
        var table: [String: Arrows] = [:]
        for line in block {
            let sides = line.components(separatedBy: "->")
            guard sides.count == 2 else { throw Malformed(line: line) }
            let parts = sides[1].components(separatedBy: "+")
            let name = sides[0].trimmingCharacters(in: .whitespaces)
            guard parts.count <= 2, table[name] == nil else { throw Malformed(line: line) }
            table[name] = Arrows(modules: names(parts[0]), products: names(parts.count == 2 ? parts[1] : ""))
        }
        return table
    }

    private static func names(_ list: String) -> Set<String> {
        Set(list.components(separatedBy: ",").map { $0.trimmingCharacters(in: .whitespaces) }.filter { !$0.isEmpty })
    }
}

/// Reads the package's manifest as SwiftPM understands it.
struct Manifest: Decodable {
    let targets: [Target]

    struct Target: Decodable {
        let name: String
        let type: String
        let dependencies: [Dependency]

        var arrows: Arrows {
            Arrows(
                modules: Set(dependencies.compactMap(\.module)), products: Set(dependencies.compactMap(\.productName)))
        }
    }

    /// `{"byName": [name, …]}`, `{"target": [name, …]}` or `{"product": [name, package, …]}`.
    struct Dependency: Decodable {
        let byName: [String?]?
        let target: [String?]?
        let product: [String?]?

        var module: String? { (byName ?? target)?.first ?? nil }
        var productName: String? { product?.first ?? nil }
    }

    struct Failed: Error {
        let output: String
    }

    /// Runs `swift package dump-package` on a copy of the manifest, since the package itself is locked by `swift test`.
    static func dump() async throws -> Manifest {
        let directory = FileManager.default.temporaryDirectory.appending(path: "manifest-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: directory, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(at: directory) }
        try FileManager.default.copyItem(
            at: PackageRoot.url.appending(path: "Package.swift"), to: directory.appending(path: "Package.swift"))
        let process = Process()
        process.executableURL = URL(filePath: "/usr/bin/env")
        process.arguments = [
            "swift", "package", "dump-package", "--package-path", directory.path, "--scratch-path",
            directory.appending(path: "scratch").path,
        ]
        let (output, errors) = (directory.appending(path: "output"), directory.appending(path: "errors"))
        for file in [output, errors] { try Data().write(to: file) }
        process.standardOutput = try FileHandle(forWritingTo: output)
        process.standardError = try FileHandle(forWritingTo: errors)
        guard try await RunningProcess(process).ended() == 0 else {
            throw Failed(output: try String(contentsOf: errors, encoding: .utf8))
        }
        return try JSONDecoder().decode(Manifest.self, from: Data(contentsOf: output))
    }
}
