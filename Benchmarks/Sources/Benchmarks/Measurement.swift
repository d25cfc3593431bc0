// SPDX-License-Identifier: MIT

import CReference

/// What a contest took.
struct Measurement {
    /// Median time of one call of the kernel, in nanoseconds.
    let own: Double
    /// Median time of one call of the reference, in nanoseconds.
    let reference: Double
    /// How often one call of the kernel asked for memory.
    let allocationsPerCall: Double

    /// Reference time by own time: above 1 the kernel is the faster one.
    var ratio: Double { reference / own }

    /// Lets kernel and reference take turns, `effort.repetitions` times, the first of each pair alternately the one and the other.
    ///
    /// In a cache a loop takes up to a third longer when its vectors begin at an unlucky address, and the reference's vectors are
    /// others than the kernel's. Vectors that lie there are therefore allocated anew for every repetition, somewhere else each time.
    init(of benchmark: Benchmark, effort: Effort) throws {
        var contest = try benchmark.prepare()
        let ownCalls = try Self.calls(of: contest.own, lasting: effort.nanoseconds)
        let referenceCalls = try Self.calls(of: contest.reference, lasting: effort.nanoseconds)
        var ownTimes: [Double] = []
        var referenceTimes: [Double] = []
        var allocations: UInt64 = 0
        for repetition in 0..<effort.repetitions {
            let padding = [UInt8](repeating: 0, count: 16 * Int.random(in: 1...4096))
            if benchmark.memory == .l2 { contest = try benchmark.prepare() }
            try contest.own()
            try contest.reference()
            defer { withExtendedLifetime(padding) {} }
            for turn in 0..<2 {
                if (repetition + turn).isMultiple(of: 2) {
                    allocation_count_start()
                    let time = try Self.time(of: ownCalls, contest.own)
                    allocations += allocation_count_stop()
                    ownTimes.append(time)
                } else {
                    referenceTimes.append(try Self.time(of: referenceCalls, contest.reference))
                }
            }
        }
        own = Self.median(of: ownTimes)
        reference = Self.median(of: referenceTimes)
        allocationsPerCall = Double(allocations) / Double(ownCalls * effort.repetitions)
    }

    /// How long and how often to measure.
    struct Effort {
        /// Repetitions of kernel and reference each.
        let repetitions: Int
        /// The least duration of one repetition.
        let nanoseconds: UInt64

        static let full = Effort(repetitions: 11, nanoseconds: 30_000_000)
        static let quick = Effort(repetitions: 5, nanoseconds: 2_000_000)
    }

    static func median(of values: [Double]) -> Double {
        let sorted = values.sorted()
        let middle = sorted.count / 2
        return sorted.count.isMultiple(of: 2) ? (sorted[middle - 1] + sorted[middle]) / 2 : sorted[middle]
    }

    /// Finds how many calls last long enough; the trials warm up caches and pages.
    private static func calls(of body: () throws -> Void, lasting nanoseconds: UInt64) throws -> Int {
        try body()
        var calls = 1
        while true {
            let total = try time(of: calls, body) * Double(calls)
            if total >= Double(nanoseconds) { return calls }
            let wanted = 1.2 * Double(calls) * Double(nanoseconds) / max(total, 1)
            calls = max(calls + 1, min(Int(wanted), 16 * calls))
        }
    }

    /// Nanoseconds of one call, averaged over several.
    private static func time(of calls: Int, _ body: () throws -> Void) throws -> Double {
        let start = monotonic_nanoseconds()
        for _ in 0..<calls { try body() }
        return Double(monotonic_nanoseconds() - start) / Double(calls)
    }
}
