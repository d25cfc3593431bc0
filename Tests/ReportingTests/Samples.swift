// SPDX-License-Identifier: MIT

import FoundationEssentials

@testable import Reporting

/// Makes records and directories for the tests of this module.
enum Samples {
    static func hash(_ digit: Character) -> String { String(repeating: digit, count: 64) }

    static func record(_ round: Int, hash: String = hash("a"), loss: Double = 0.5, up: Double = 1000) -> RoundRecord {
        RoundRecord(
            round: round, accuracy: 0.875, loss: loss, paramsHash: hash, modelHash: Self.hash("b"), cohort: 10,
            dropouts: 1, clipped: 2, epoch: 1, members: 11, encoding: "exact", seconds: 2.5,
            aggregationSeconds: Double(round), bytesUp: ["upload": up, "epoch": 500],
            bytesDown: ["result": 2000])
    }

    static func description(arm: Arm = .normal, encoding: String = "exact", seed: UInt64 = 1) -> RunDescription {
        RunDescription(
            arm: arm, encoding: encoding, discovery: .multicast, clients: 10, parameters: 101_770,
            dataset: "fashion-mnist", model: "mlp:784-128-10", partition: "iid", seed: seed,
            startedAt: "2025-01-02T03:04:05Z")
    }

    static func summary(_ records: [RoundRecord], _ description: RunDescription = description()) -> RunSummary {
        RunSummary(
            description: description, records: records, outcome: .completed, seconds: 40.5, peakMemoryBytes: 50_000_000)
    }

    static func run(_ arm: Arm, hashes: [Character], encoding: String = "exact", seed: UInt64 = 1) -> RunRecords {
        let records = hashes.enumerated().map { record($0 + 1, hash: hash($1)) }
        return RunRecords(
            directory: "metrics/\(arm.rawValue)",
            summary: summary(records, description(arm: arm, encoding: encoding, seed: seed)), rounds: records)
    }

    /// Runs the body with a directory that is removed afterwards.
    static func withDirectory<Result>(_ body: (String) throws -> Result) throws -> Result {
        let path = "\(FileManager.default.temporaryDirectory.path)/reporting-\(UUID().uuidString)"
        try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(atPath: path) }
        return try body(path)
    }

    static func append(_ text: String, to path: String) throws {
        let old = (try DurableFile.read(path)) ?? []
        try Data(old + [UInt8](text.utf8)).write(to: URL(filePath: path))
    }
}
