// SPDX-License-Identifier: MIT

import Programs
import Reporting
import Transport

/// Reports what went over the sockets since the report before.
struct ByteReport {
    /// Names what the bytes are for.
    enum Phase: String {
        case closing
        case result
        case setup
        case update
    }

    let meter = ByteMeter(phase: Phase.setup.rawValue)
    private var reported: [String: ByteMeter.Count] = [:]

    /// Counts what follows under another name.
    func enter(_ phase: Phase) { meter.enter(phase: phase.rawValue) }

    /// Makes a report; what it counts is not counted again.
    mutating func next(sinceTraining: Duration) -> ClientReport {
        let counts = meter.snapshot()
        let phases = counts.keys.sorted().compactMap { phase -> ClientReport.PhaseBytes? in
            let (now, before) = (counts[phase] ?? .init(), reported[phase] ?? .init())
            guard now != before else { return nil }
            return ClientReport.PhaseBytes(phase: phase, up: now.up - before.up, down: now.down - before.down)
        }
        reported = counts
        return ClientReport(
            sinceTrainingMicros: UInt64(max(0, sinceTraining.inSeconds) * 1e6),
            peakMemoryBytes: UInt64(PeakMemory.bytes()), phases: phases)
    }
}
