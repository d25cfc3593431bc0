// SPDX-License-Identifier: MIT

import Reporting
import Testing

@testable import Programs

struct RunRecorderTests {
    private let applied = RunRecorder.AppliedRound(
        round: 1, paramsHash: "p", modelHash: "m", cohort: 3, members: 3, clipped: 0, isConverged: false, key: "k")
    private let figures = ModelFigures(lossSum: 1, correct: 1, tested: 2)

    /// Takes up a run of a hundred seconds in this directory.
    private func recorder(_ directory: String, stored: [UInt8]? = nil) throws -> RunRecorder {
        let begun = try RecordCoding.line(RunRecorder.Memory(startedAt: "t", seconds: 100))
        return try RunRecorder(
            stored: stored ?? begun, metrics: directory, encoding: "exact",
            progress: Progress(style: .quiet, console: Recorder().console()), rounds: 1)
    }

    private func record(_ recorder: inout RunRecorder, _ directory: String) throws -> RoundRecord {
        let description = RunDescription(
            arm: .smpc, encoding: "exact", discovery: .server, clients: 3, parameters: 1, dataset: "d", model: "m",
            partition: "p", seed: 1, startedAt: "t")
        recorder.measured(figures)
        _ = try recorder.finish(description, outcome: .completed, reason: nil)
        return try #require(try RunReader.read(directory: directory).rounds.first)
    }

    private func report(_ micros: UInt64) -> ClientReport {
        ClientReport(sinceTrainingMicros: micros, peakMemoryBytes: 1, phases: [])
    }

    @Test func thePhasesOfARoundFollowEachOther() throws {
        try withDirectory { directory in
            var recorder = try recorder(directory)
            let now = recorder.seconds
            recorder.enters(.uploads, at: now - 10)
            recorder.enters(.uploads, at: now - 9)
            recorder.enters(.votes, at: now - 4)
            recorder.enters(.partials, at: now - 3)
            recorder.enters(nil)
            recorder.enters(.partials, at: now - 2)
            recorder.enters(.summing, at: now - 1)
            recorder.applied(applied, figures: nil)
            recorder.received(report(6_000_000), applied: "k")
            let phases = try #require(try record(&recorder, directory).phaseSeconds)
            #expect(Set(phases.keys) == ["training", "upload", "votes", "partials", "sum", "result"])
            for (name, expected) in [("training", 4.0), ("upload", 2), ("votes", 1), ("partials", 2), ("sum", 1)] {
                #expect(abs((phases[name] ?? 0) - expected) < 0.5, "\(name)")
            }
        }
    }

    @Test func aRoundThatOpensAnewIsTimedFromThen() throws {
        try withDirectory { directory in
            var recorder = try recorder(directory)
            let now = recorder.seconds
            recorder.enters(.uploads, at: now - 100)
            recorder.enters(nil)
            recorder.enters(.uploads, at: now - 10)
            recorder.enters(.summing, at: now - 1)
            recorder.applied(applied, figures: nil)
            recorder.received(report(6_000_000), applied: "k")
            let phases = try #require(try record(&recorder, directory).phaseSeconds)
            #expect(Set(phases.keys) == ["training", "upload", "sum", "result"])
            #expect(abs((phases["training"] ?? 0) - 4) < 0.5)
        }
    }

    @Test func aRoundWhoseBeginningNobodySawHasNoPhases() throws {
        try withDirectory { directory in
            var recorder = try recorder(directory)
            recorder.enters(.partials)
            recorder.enters(.summing)
            recorder.applied(applied, figures: nil)
            recorder.received(report(6_000_000), applied: "k")
            #expect(try record(&recorder, directory).phaseSeconds == nil)
        }
    }

    @Test func phasesOutlastARestartBehindTheSum() throws {
        try withDirectory { directory in
            var before = try recorder(directory)
            before.enters(.uploads, at: before.seconds - 10)
            before.enters(.summing, at: before.seconds - 1)
            before.applied(applied, figures: nil)
            let stored = try before.encoded()
            var after = try recorder(directory, stored: stored)
            after.received(report(6_000_000), applied: "k")
            #expect(try record(&after, directory).phaseSeconds?["sum"] != nil)
        }
    }
}
