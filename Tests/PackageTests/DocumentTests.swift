// SPDX-License-Identifier: MIT

import Foundation
import Testing

/// What the documents say of the code is so.
@Suite struct DocumentTests {
    private static let root = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
        .deletingLastPathComponent()

    private func text(_ path: String) throws -> String {
        try String(contentsOf: Self.root.appending(path: path), encoding: .utf8)
    }

    @Test(arguments: [
        "Sources/Aggregation/Coordinator/Coordinator.swift", "Sources/Aggregation/Member/Member.swift",
    ])
    func theDiagramOfAMachineStandsInTheProtocolToo(path: String) throws {
        let prefix = "///     "
        let diagram = try text(path).split(separator: "\n").filter { $0.hasPrefix(prefix) }
            .map { String($0.dropFirst(prefix.count)) }
        #expect(diagram.count >= 5, "\(path) has no diagram")
        let block = try text("docs/PROTOCOL.md").components(separatedBy: "<!-- the diagram of \(path) -->\n```text\n")
        try #require(block.count == 2, "docs/PROTOCOL.md does not name \(path)")
        let documented = block[1].components(separatedBy: "\n```")[0].split(separator: "\n").map(String.init)
        #expect(documented == diagram)
    }

    @Test(arguments: ["docs/PROTOCOL.md", "docs/THREAT_MODEL.md"])
    func everyTestThatADocumentNamesExists(path: String) throws {
        let named = try text(path).matches(of: /`([a-z]+[A-Z][A-Za-z0-9]+)`/).map { String($0.1) }
        let tests = try sources(in: "Tests")
        let code = try sources(in: "Sources")
        for name in Set(named) where !code.contains(name) {
            #expect(tests.contains("func \(name)("), "\(path) names \(name), which is neither a test nor in the code")
        }
    }

    @Test func everyPromiseIsHeldByTestsThatExist() throws {
        let document = try text("docs/THREAT_MODEL.md").components(separatedBy: "## What holds each promise\n")
        try #require(document.count == 2, "docs/THREAT_MODEL.md has no such section")
        let rows = document[1].components(separatedBy: "\n## ")[0].split(separator: "\n")
            .filter { $0.hasPrefix("| ") }.dropFirst()
        #expect(rows.count >= 15)
        let tests = try sources(in: "Tests")
        for row in rows {
            let names = row.matches(of: /`([A-Za-z0-9]+)`/).map { String($0.1) }
            #expect(!names.isEmpty, "no test holds: \(row)")
            for name in names { #expect(tests.contains("func \(name)("), "\(name) is no test") }
        }
    }

    @Test func everyDecisionIsListed() throws {
        let folder = Self.root.appending(path: "docs/decisions")
        let files = try FileManager.default.contentsOfDirectory(atPath: folder.path).filter { $0 != "README.md" }
            .sorted()
        let listed = try text("docs/decisions/README.md").matches(of: /\]\((\d{4}-[a-z0-9-]+\.md)\)/).map {
            String($0.1)
        }
        #expect(listed == files)
        for file in files {
            let record = try text("docs/decisions/\(file)")
            #expect(record.hasPrefix("# \(Int(file.prefix(4)) ?? 0). "), "\(file)")
            for part in ["Context", "Decision", "Consequences"] {
                #expect(record.contains("\n**\(part).** "), "\(file)")
            }
        }
    }

    /// All Swift files and schemas below a folder, as one text.
    private func sources(in folder: String) throws -> String {
        let files = FileManager.default.enumerator(
            at: Self.root.appending(path: folder), includingPropertiesForKeys: nil)
        var result = ""
        for case let file as URL in files ?? .init() where ["swift", "proto", "h"].contains(file.pathExtension) {
            result += try String(contentsOf: file, encoding: .utf8)
        }
        return result
    }
}
