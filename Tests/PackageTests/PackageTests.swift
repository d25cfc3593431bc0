// SPDX-License-Identifier: MIT

import Foundation
import Testing

struct PackageTests {
    @Test(.timeLimit(.minutes(2))) func theManifestHasExactlyTheArrowsOfTheArchitecture() async throws {
        let documented = try ArrowTable.read()
        let targets = try await Manifest.dump().targets.filter { $0.type != "test" && !isC($0.name) }
        #expect(Set(targets.map(\.name)) == Set(documented.keys))
        for target in targets {
            #expect(target.arrows == documented[target.name], "\(target.name)")
        }
    }

    @Test func noModuleReachesItself() throws {
        let table = try ArrowTable.read()
        for name in table.keys {
            #expect(!reachable(from: name, in: table).contains(name), "\(name)")
        }
    }

    @Test func thePlainArmReachesNoSecretSharing() throws {
        let reached = reachable(from: "Baseline", in: try ArrowTable.read())
        #expect(reached.contains("Quantization"))
        #expect(reached.isDisjoint(with: ["Aggregation", "Messages", "Shares"]))
    }

    @Test func theProtocolReachesNothingOfTheWorld() throws {
        let reached = reachable(from: "Aggregation", in: try ArrowTable.read())
        #expect(reached.isDisjoint(with: ["Discovery", "Learning", "Programs", "Storage", "TLS", "Transport"]))
    }

    @Test func sourcesImportOnlyWhatTheirModuleDeclares() throws {
        let table = try ArrowTable.read()
        let modules = Set(table.keys).union(try sourceFolders().filter(isC))
        for (name, arrows) in table {
            for (file, imported) in try imports(of: name) where modules.contains(imported) && imported != name {
                #expect(arrows.modules.contains(imported), "\(file) imports \(imported)")
            }
        }
    }

    @Test func everySourceFolderHasItsTests() throws {
        let programs = ["Baseline", "Compare", "DiscoveryPeer", "SMPCClient", "SMPCServer", "SimulationTool"]
        for name in try ArrowTable.read().keys where !programs.contains(name) {
            let path = PackageRoot.url.appending(path: "Tests/\(name)Tests").path
            #expect(FileManager.default.fileExists(atPath: path), "\(name)")
        }
    }

    @Test func everySourceFileNamesItsLicense() throws {
        for folder in ["Benchmarks/Sources", "Sources", "Tests"] {
            for file in try swiftFiles(under: folder) where !file.lastPathComponent.hasSuffix(".pb.swift") {
                let text = try String(contentsOf: file, encoding: .utf8)
                #expect(text.hasPrefix("// SPDX-License-Identifier: MIT\n"), "\(file.path)")
            }
        }
    }

    @Test func theTableIsParsedWhole() throws {
        let table = try ArrowTable.parse("text\n```arrows\nA -> B, CX + P\nB -> + Q\nD ->\n```\nE -> F\n")
        #expect(
            table == [
                "A": Arrows(modules: ["B", "CX"], products: ["P"]), "B": Arrows(modules: [], products: ["Q"]),
                "D": Arrows(modules: [], products: []),
            ])
    }

    /// C targets are named C and then a capital letter.
    private func isC(_ name: String) -> Bool {
        name.hasPrefix("C") && name.dropFirst().first?.isUppercase == true
    }

    private func reachable(from start: String, in table: [String: Arrows]) -> Set<String> {
        var reached: Set<String> = []
        var open = [start]
        while let name = open.popLast() {
            for next in table[name]?.modules ?? [] where reached.insert(next).inserted { open.append(next) }
        }
        return reached
    }

    private func sourceFolders() throws -> [String] {
        try FileManager.default.contentsOfDirectory(atPath: PackageRoot.url.appending(path: "Sources").path)
    }

    private func swiftFiles(under path: String) throws -> [URL] {
        let root = PackageRoot.url.appending(path: path)
        return try FileManager.default.subpathsOfDirectory(atPath: root.path)
            .filter { $0.hasSuffix(".swift") }
            .map { root.appending(path: $0) }
    }

    /// Lists the modules that the files of a module import, with or without an access level or attribute.
    private func imports(of name: String) throws -> [(file: String, module: String)] {
        let pattern = /^(?:@\S+ )*(?:(?:public|package|internal|fileprivate|private) )?import (?:\w+ )?(\w+)/
        return try swiftFiles(under: "Sources/\(name)").flatMap { file in
            try String(contentsOf: file, encoding: .utf8).split(separator: "\n").compactMap { line in
                line.firstMatch(of: pattern).map { (file.lastPathComponent, String($0.1)) }
            }
        }
    }
}
