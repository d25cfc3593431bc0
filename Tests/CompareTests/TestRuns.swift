// SPDX-License-Identifier: MIT

import Foundation
import Reporting

/// Writes the records of two runs that ended in the same models.
struct TestRuns {
    let directory: String
    var plain: String { directory + "/normal" }
    var secure: String { directory + "/smpc" }

    /// Runs the body with records of this many rounds, removed afterwards.
    static func with(rounds: Int = 15, _ body: (TestRuns) async throws -> Void) async throws {
        let place = FileManager.default.temporaryDirectory.resolvingSymlinksInPath()
        let runs = TestRuns(directory: place.appending(path: "compare-\(UUID().uuidString)").path)
        defer { try? FileManager.default.removeItem(atPath: runs.directory) }
        try runs.write(.normal, to: runs.plain, rounds: rounds)
        try runs.write(.smpc, to: runs.secure, rounds: rounds)
        try await body(runs)
    }

    /// Writes the records of one run of this many clients.
    func write(_ arm: Arm, to directory: String, rounds: Int, clients: Int = 10, bits: Int? = nil) throws {
        let writer = try RunWriter(directory: directory, resume: false)
        let isPlain = arm == .normal
        for round in 1...rounds {
            let progress = Double(round) / Double(rounds)
            let encoding = bits.map { isPlain ? "float32" : "\(round == 1 ? 32 : $0)" } ?? "exact"
            var record = RoundRecord(
                round: round, accuracy: 0.7 + 0.17 * progress, loss: 1.1 - 0.7 * progress,
                paramsHash: String(repeating: "\(round % 10)", count: 64),
                modelHash: String(repeating: isPlain ? "a" : "b", count: 64),
                cohort: round == 4 ? clients - 1 : clients,
                dropouts: round == 4 ? 1 : 0, epoch: isPlain ? 0 : 1, members: clients, encoding: encoding,
                seconds: 0.8 + (round == 1 ? 2 : 0), aggregationSeconds: isPlain ? 0.045 : 0.377,
                bytesUp: isPlain
                    ? ["setup": round == 1 ? 1050 : 0, "update": 407_755, "result": 193]
                    : ["set-up": round == 1 ? 8409 : 0, "upload": 815_712, "partials": 815_750, "votes": 242],
                bytesDown: isPlain
                    ? ["update": 49, "result": 407_839]
                    : ["upload": 275, "partials": 279, "votes": 1175, "result": 816_246])
            if bits != nil, !isPlain {
                record.errorBound = 0.02 / Double(round)
                record.errorMeasured = 0.0003 / Double(round)
                record.clampedDigits = 0
            }
            record.phaseSeconds =
                isPlain
                ? ["training": 0.7, "upload": 0.01, "sum": 0.015, "result": 0.02]
                : ["training": 0.4, "upload": 0.1, "votes": 0.05, "partials": 0.12, "sum": 0.06, "result": 0.047]
            try writer.append(record)
        }
        try writer.finish(
            RunDescription(
                arm: arm, encoding: bits.map { isPlain ? "float32" : "\($0)" } ?? "exact", discovery: .multicast,
                clients: clients, parameters: 101_770,
                dataset: "fashion-mnist", model: "mlp:784-128-10", partition: "dirichlet:0.5", seed: 1,
                startedAt: "2025-01-02T03:04:05Z"),
            outcome: .completed, seconds: 28.8, peakMemoryBytes: 91_620_000)
    }
}
