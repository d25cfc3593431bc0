// SPDX-License-Identifier: MIT

import Foundation
import Testing

/// Reads the symbols of the built programs: what is linked, whatever the manifest says.
struct SymbolTests {
    /// The built programs lie beside the test runner.
    private static let programs = URL(filePath: "/proc/self/exe").resolvingSymlinksInPath()
        .deletingLastPathComponent()

    private static func isBuilt(_ program: String) -> Bool {
        FileManager.default.isExecutableFile(atPath: programs.appending(path: program).path)
    }

    /// Whether a program holds a symbol that a module defines: `$s`, then the length of the module's name, then the name.
    private func links(_ program: String, _ module: String) async throws -> Bool {
        try await symbols(of: program).contains(" $s\(module.utf8.count)\(module)")
    }

    private func symbols(of program: String) async throws -> String {
        let output = FileManager.default.temporaryDirectory.appending(path: "symbols-\(UUID().uuidString)")
        try Data().write(to: output)
        defer { try? FileManager.default.removeItem(at: output) }
        let process = Process()
        process.executableURL = URL(filePath: "/usr/bin/env")
        process.arguments = ["nm", Self.programs.appending(path: program).path]
        process.standardOutput = try FileHandle(forWritingTo: output)
        #expect(try await RunningProcess(process).ended() == 0)
        return try String(contentsOf: output, encoding: .utf8)
    }

    /// The switches by which the simulator goes without a rule: `Rule.removed` of `Aggregation` exists in no other build.
    @Test(.enabled(if: isBuilt("smpc-server"), "smpc-server is not built: swift build --product smpc-server"))
    func noProgramCanGoWithoutARule() async throws {
        for program in ["smpc-server", "smpc-client"] {
            let symbols = try await symbols(of: program)
            #expect(symbols.contains("$s11Aggregation4RuleO"), "\(program)")
            #expect(!symbols.contains("$s11Aggregation4RuleO7removed"), "\(program)")
        }
    }

    @Test(.enabled(if: isBuilt("fedavg"), "fedavg is not built: swift build --product fedavg"))
    func thePlainArmLinksNoSecretSharing() async throws {
        for module in ["Aggregation", "Messages", "Shares"] {
            #expect(try await !links("fedavg", module), "\(module)")
        }
        #expect(try await links("fedavg", "Quantization"))
    }

    @Test(.enabled(if: isBuilt("smpc-server"), "smpc-server is not built: swift build --product smpc-server"))
    func theSecureArmLinksIt() async throws {
        for module in ["Aggregation", "Messages", "Shares"] {
            #expect(try await links("smpc-server", module), "\(module)")
        }
    }
}
