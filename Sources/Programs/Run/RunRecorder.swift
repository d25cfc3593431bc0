// SPDX-License-Identifier: MIT

import FoundationEssentials
public import Reporting

/// How good a model is on the test data of all participants.
public struct ModelFigures: Equatable, Sendable {
    /// The share of right answers, 0…1.
    public var accuracy: Double
    /// The mean loss in nats.
    public var loss: Double

    /// Divides the sums over `tested` samples; nil without any.
    public init?(lossSum: Double, correct: Int64, tested: Int64) {
        guard tested > 0 else { return nil }
        accuracy = min(1, max(0, Double(correct) / Double(tested)))
        loss = lossSum / Double(tested)
    }
}

/// Collects what the records of a run say, by one rule for both arms.
///
/// How good the model after a round is becomes known with the sum of the next round: a record is complete one round later.
/// What the closing round costs counts in the last record.
public struct RunRecorder {
    /// A round that was applied.
    public struct AppliedRound: Equatable, Sendable {
        /// Counts applied rounds from 1.
        public var round: Int
        /// The parameters after it.
        public var paramsHash: String
        /// The chain after it.
        public var modelHash: String
        /// Participants in the sum.
        public var cohort: Int
        /// Members at the opening of the round.
        public var members: Int
        /// Participants whose update or weight was clipped.
        public var clipped: Int
        /// The epoch; 0 in the plain arm.
        public var epoch: Int
        /// Whether the parameters stayed as they were.
        public var isConverged: Bool
        /// What clients name when they report that they have applied it.
        public var key: String
        /// The encoding of its vectors, where it is not that of the run.
        public var encoding: String?
        /// The names of the members whose updates are not in the sum.
        public var absent: [String]
        /// How far the decoded mean may be off in any coordinate; nil where nothing is encoded.
        public var errorBound: Double?

        /// Describes a round.
        public init(
            round: Int, paramsHash: String, modelHash: String, cohort: Int, members: Int, clipped: Int, epoch: Int = 0,
            isConverged: Bool, key: String, encoding: String? = nil, absent: [String] = [], errorBound: Double? = nil
        ) {
            self.absent = absent
            self.key = key
            self.encoding = encoding
            self.errorBound = errorBound
            self.round = round
            self.paramsHash = paramsHash
            self.modelHash = modelHash
            self.cohort = cohort
            self.members = members
            self.clipped = clipped
            self.epoch = epoch
            self.isConverged = isConverged
        }
    }

    /// What a server does in the course of a round, in order; plain averaging has the first and the last.
    public enum Phase: String, CaseIterable, Sendable {
        /// Clients train and send their vectors.
        case uploads
        /// They sign the set.
        case votes
        /// Helpers send their aggregate shares.
        case partials
        /// The server makes the sum, checks it, applies it and records it.
        case summing
    }

    /// A round whose figures still come in.
    struct Pending: Codable {
        var record: RoundRecord
        let key: String
        /// When each phase began, and under `ended` when the last one was over; nil if not all were seen.
        var marks: [String: Double]?
        var isMeasured = false
        var lastApplied: Double = 0
        var lastTrained: Double = 0
        var up: [String: UInt64] = [:]
        var down: [String: UInt64] = [:]
    }

    /// What survives a restart.
    struct Memory: Codable {
        var startedAt: String
        var seconds: Double
        var lastEnd: Double?
        var peakMemoryBytes = 0
        var clients = 0
        var pending: Pending?
        var completed: RoundRecord?
    }

    private(set) var memory: Memory
    /// When each phase of the open round began; empty before the first round that this process opened.
    private var marks: [Phase: Double] = [:]
    /// The phase that was entered last.
    private var current: Phase?
    private let begun = ContinuousClock.now
    private let secondsBefore: Double
    private let encoding: String
    private let writer: RunWriter?
    private let progress: Progress
    private let total: Int

    /// Begins to record, or goes on from what `encoded()` gave.
    ///
    /// - Parameters:
    ///   - metrics: the directory of the records; nil for none.
    ///   - encoding: the encoding that the records name.
    ///   - rounds: how many rounds the run has.
    public init(
        stored: [UInt8]?, metrics: String?, encoding: String, progress: Progress, rounds: Int
    ) throws {
        let resumed = try stored.map { try RecordCoding.decode(Memory.self, from: $0, file: "run", line: nil) }
        memory = resumed ?? Memory(startedAt: Date.now.formatted(Date.ISO8601FormatStyle()), seconds: 0)
        secondsBefore = memory.seconds
        self.encoding = encoding
        self.progress = progress
        total = rounds
        writer = try metrics.map { try RunWriter(directory: $0, resume: resumed != nil) }
        try writeCompleted(announcing: false)
    }

    /// The seconds that the run has taken, those before a restart included.
    public var seconds: Double { secondsBefore + (ContinuousClock.now - begun).inSeconds }

    /// The fewest members of a round so far, in which a single update is protected least; nil before the first.
    public var membersMin: Int? {
        ((writer?.records ?? []).map(\.members) + [memory.pending?.record.members].compactMap { $0 }).min()
    }

    /// Writes down what a restart needs; it belongs to the same durable record as the model of the round.
    public mutating func encoded() throws -> [UInt8] {
        memory.seconds = seconds
        return try RecordCoding.line(memory)
    }

    /// The first round begins: its time does not count the waiting for clients.
    public mutating func started() {
        if memory.lastEnd == nil { memory.lastEnd = seconds }
    }

    /// The open round enters a phase, or none that counts; again when the round opens anew, which counts from then on.
    ///
    /// - Parameter time: when, in the run's `seconds`; now when it is nil.
    public mutating func enters(_ phase: Phase?, at time: Double? = nil) {
        defer { current = phase }
        guard let phase, phase != current else { return }
        if phase == .uploads { marks = [:] } else if marks.isEmpty || marks[phase] != nil { return }
        marks[phase] = time ?? seconds
    }

    /// Takes how good the model after the last applied round is.
    public mutating func measured(_ figures: ModelFigures?) {
        guard let figures else { return }
        memory.pending?.record.accuracy = figures.accuracy
        memory.pending?.record.loss = figures.loss
        memory.pending?.isMeasured = true
    }

    /// Completes the record of the round before and begins one for this round.
    ///
    /// - Parameter figures: how good the model *before* this round is, as its sum tells.
    public mutating func applied(_ round: AppliedRound, figures: ModelFigures?) {
        measured(figures)
        completePending()
        let now = seconds
        memory.clients = max(memory.clients, round.members)
        memory.pending = Pending(
            record: RoundRecord(
                round: round.round, accuracy: 0, loss: 0, paramsHash: round.paramsHash, modelHash: round.modelHash,
                cohort: round.cohort, dropouts: round.members - round.cohort,
                absent: round.absent.isEmpty ? nil : round.absent, clipped: round.clipped,
                epoch: round.epoch, members: round.members, encoding: round.encoding ?? encoding,
                errorBound: round.errorBound,
                seconds: now - (memory.lastEnd ?? 0), aggregationSeconds: 0, bytesUp: [:], bytesDown: [:]),
            key: round.key, marks: marksOfRound(endingAt: now))
        memory.lastEnd = now
        // A round that changed nothing has the model of the round before, whose figures came with its own sum.
        if round.isConverged { measured(figures) }
    }

    /// Takes a client's report; `key` names the round that it has applied, if it has.
    public mutating func received(_ report: ClientReport, applied key: String?) {
        memory.peakMemoryBytes = max(memory.peakMemoryBytes, Int(clamping: report.peakMemoryBytes))
        guard var pending = memory.pending else { return }
        for phase in report.phases {
            pending.up[phase.phase, default: 0] &+= phase.up
            pending.down[phase.phase, default: 0] &+= phase.down
        }
        if key == pending.key {
            let now = seconds
            pending.lastApplied = max(pending.lastApplied, now)
            if report.sinceTrainingMicros > 0 {
                pending.lastTrained = max(pending.lastTrained, now - Double(report.sinceTrainingMicros) / 1e6)
            }
        }
        memory.pending = pending
    }

    /// Appends the record that is complete to `rounds.jsonl` and tells people; to be called when `encoded()` is durable.
    public mutating func writeCompleted(announcing: Bool = true) throws {
        guard let record = memory.completed else { return }
        try writer?.append(record)
        memory.completed = nil
        if announcing { progress.round(record, of: total) }
    }

    /// Ends the records of the run; a last round that nobody measured has none.
    public mutating func finish(
        _ description: RunDescription, outcome: RunOutcome, reason: String?, counters: [String: Int] = [:]
    ) throws -> RunSummary? {
        if memory.pending?.isMeasured == true { completePending() }
        try writeCompleted()
        var description = description
        description.clients = memory.clients
        description.startedAt = memory.startedAt
        return try writer?.finish(
            description, outcome: outcome, reason: reason, seconds: seconds,
            peakMemoryBytes: max(memory.peakMemoryBytes, PeakMemory.bytes()), counters: counters)
    }

    /// Closes the marks of the open round; nil if its beginning was not seen.
    private mutating func marksOfRound(endingAt now: Double) -> [String: Double]? {
        defer { marks = [:] }
        guard marks[.uploads] != nil, marks[.summing] != nil else { return nil }
        var result = ["ended": now]
        for (phase, time) in marks { result[phase.rawValue] = time }
        return result
    }

    private mutating func completePending() {
        guard let pending = memory.pending else { return }
        var record = pending.record
        let clients = Double(max(1, record.members))
        record.aggregationSeconds = max(0, pending.lastApplied - pending.lastTrained)
        record.phaseSeconds = pending.phaseSeconds
        record.bytesUp = pending.up.mapValues { Double($0) / clients }
        record.bytesDown = pending.down.mapValues { Double($0) / clients }
        memory.completed = record
        memory.pending = nil
    }
}

extension RunRecorder.Pending {
    /// The time of each phase under the names that bytes have; nil without marks or without a client that trained.
    ///
    /// Local training ends within the first phase, as the clients' reports say; what is left of it is upload.
    var phaseSeconds: [String: Double]? {
        guard let marks, let ended = marks["ended"], lastTrained > 0 else { return nil }
        let names = [RunRecorder.Phase.uploads: "upload", .votes: "votes", .partials: "partials", .summing: "sum"]
        let begun = RunRecorder.Phase.allCases.compactMap { phase in marks[phase.rawValue].map { (phase, $0) } }
        var result = ["result": max(0, lastApplied - ended)]
        for (index, (phase, start)) in begun.enumerated() {
            let end = index + 1 < begun.count ? begun[index + 1].1 : ended
            let trained = phase == .uploads ? min(max(lastTrained, start), end) : start
            if phase == .uploads { result["training"] = trained - start }
            result[names[phase] ?? phase.rawValue] = max(0, end - trained)
        }
        return result
    }
}

extension Duration {
    /// The duration in seconds.
    public var inSeconds: Double { Double(components.seconds) + Double(components.attoseconds) / 1e18 }
}
