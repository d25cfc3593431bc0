// SPDX-License-Identifier: MIT

import Foundation
import Identity
import Primitives
import Quantization
import Reporting

/// What both arms bound alike, so that nothing the other side sends grows without limit.
enum AveragingLimits {
    /// The version of these messages.
    static let version: UInt32 = 1
    static let roundsMax = 1_000_000
    static let elementsMax = 1 << 27
    static let modelBytesMax = 256
    static let nameBytesMax = 32
    static let sentenceBytesMax = 1024
    static let phasesMax = 32
    static let blocksMax = 4096
    static let clientsMax = 1 << 16
}

/// Holds a control message of plain averaging.
package enum AveragingMessage: Equatable {
    case hello(Hello)
    case configuration(AveragingConfiguration)
    case roundOpen(RoundOpen)
    case evaluation(Evaluation)
    case applied(Applied)
    /// Why a client cannot go on, for people.
    case withdrawal(String)
    case runEnd(RunEnd)

    /// Opens every connection.
    package struct Hello: Equatable {
        /// The parameters that the client holds; nil before its first run.
        package var paramsHash: Digest?
        /// Whether the server's address was found and not given.
        package var foundByMulticast: Bool

        /// Makes a message.
        package init(paramsHash: Digest?, foundByMulticast: Bool) {
            self.paramsHash = paramsHash
            self.foundByMulticast = foundByMulticast
        }
    }

    /// Asks for an update, or in the closing round for an evaluation.
    package struct RoundOpen: Equatable {
        /// Counts from 1.
        package var round: Int
        package var isClosing: Bool
        /// What the client must hold.
        package var paramsHash: Digest
        /// How to encode; nil in a closing round, and in runs that are not quantised.
        package var digits: RoundDigits?

        /// Makes a message.
        package init(round: Int, isClosing: Bool, paramsHash: Digest, digits: RoundDigits? = nil) {
            self.round = round
            self.isClosing = isClosing
            self.paramsHash = paramsHash
            self.digits = digits
        }
    }

    /// Answers the closing round.
    package struct Evaluation: Equatable {
        package var round: Int
        package var metrics: UpdateMetrics
        package var report: ClientReport

        /// Makes a message.
        package init(round: Int, metrics: UpdateMetrics, report: ClientReport) {
            self.round = round
            self.metrics = metrics
            self.report = report
        }
    }

    /// Answers parameters, once they are durable.
    package struct Applied: Equatable {
        /// The applied rounds that led to them.
        package var rounds: Int
        package var paramsHash: Digest
        package var report: ClientReport

        /// Makes a message.
        package init(rounds: Int, paramsHash: Digest, report: ClientReport) {
            self.rounds = rounds
            self.paramsHash = paramsHash
            self.report = report
        }
    }

    /// Ends a run.
    package struct RunEnd: Equatable {
        /// Never `verificationFailed`, which only a client can find.
        package var outcome: RunOutcome
        /// Why, for people.
        package var sentence: String

        /// Makes a message.
        package init(outcome: RunOutcome, sentence: String) {
            self.outcome = outcome
            self.sentence = sentence
        }
    }

    /// The name of the message in the schema.
    package var name: String {
        switch self {
        case .hello: "Hello"
        case .configuration: "Configuration"
        case .roundOpen: "RoundOpen"
        case .evaluation: "Evaluation"
        case .applied: "Applied"
        case .withdrawal: "Withdrawal"
        case .runEnd: "RunEnd"
        }
    }
}

extension AveragingMessage {
    /// Parses a message and checks every field.
    package init(_ bytes: [UInt8]) throws(InvalidAveragingMessage) {
        switch try WireFrame(wire: bytes, "Frame").body {
        case .hello(let wire): self = .hello(try Hello(wire))
        case .configuration(let wire): self = .configuration(try AveragingConfiguration(wire))
        case .roundOpen(let wire): self = .roundOpen(try RoundOpen(wire))
        case .evaluation(let wire): self = .evaluation(try Evaluation(wire))
        case .applied(let wire): self = .applied(try Applied(wire))
        case .withdrawal(let wire):
            self = .withdrawal(
                try Fields(message: "Withdrawal").text(
                    wire.sentence, "sentence", bytesMax: AveragingLimits.sentenceBytesMax))
        case .runEnd(let wire): self = .runEnd(try RunEnd(wire))
        case nil: throw .empty(message: "Frame")
        }
    }

    /// Encodes the message.
    package func encoded() -> [UInt8] {
        let frame = WireFrame.with {
            switch self {
            case .hello(let hello): $0.hello = hello.wire
            case .configuration(let configuration): $0.configuration = configuration.wire
            case .roundOpen(let open): $0.roundOpen = open.wire
            case .evaluation(let evaluation): $0.evaluation = evaluation.wire
            case .applied(let applied): $0.applied = applied.wire
            case .withdrawal(let sentence): $0.withdrawal = .with { $0.sentence = Self.shortened(sentence) }
            case .runEnd(let end): $0.runEnd = end.wire
            }
        }
        return frame.wireBytes()
    }

    /// Cuts a sentence to what the other side takes.
    private static func shortened(_ sentence: String) -> String {
        var text = sentence.filter { $0.unicodeScalars.allSatisfy(MemberName.prints) }
        while text.utf8.count > AveragingLimits.sentenceBytesMax { text.removeLast() }
        return text
    }
}

extension AveragingMessage.Hello {
    init(_ wire: WireHello) throws(InvalidAveragingMessage) {
        guard wire.version == AveragingLimits.version else { throw .range(message: "Hello", field: "version") }
        paramsHash = try Fields(message: "Hello").optionalDigest(wire.paramsHash, "params_hash")
        foundByMulticast = wire.foundByMulticast
    }

    var wire: WireHello {
        .with {
            $0.version = AveragingLimits.version
            $0.paramsHash = paramsHash?.data ?? Data()
            $0.foundByMulticast = foundByMulticast
        }
    }
}

extension AveragingMessage.RoundOpen {
    init(_ wire: WireRoundOpen) throws(InvalidAveragingMessage) {
        let fields = Fields(message: "RoundOpen")
        round = try fields.integer(wire.round, "round", 1...AveragingLimits.roundsMax + 1)
        isClosing = wire.closing
        paramsHash = try fields.digest(wire.paramsHash, "params_hash")
        digits = wire.hasDigits ? try RoundDigits(wire.digits) : nil
    }

    var wire: WireRoundOpen {
        .with {
            $0.round = UInt32(round)
            $0.closing = isClosing
            $0.paramsHash = paramsHash.data
            if let digits { $0.digits = digits.wire }
        }
    }
}

extension AveragingMessage.Evaluation {
    init(_ wire: WireEvaluation) throws(InvalidAveragingMessage) {
        let fields = Fields(message: "Evaluation")
        round = try fields.integer(wire.round, "round", 1...AveragingLimits.roundsMax + 1)
        metrics = try UpdateMetrics(wire.metrics)
        report = try ClientReport(wire.report)
    }

    var wire: WireEvaluation {
        .with {
            $0.round = UInt32(round)
            $0.metrics = metrics.wire
            $0.report = report.wire
        }
    }
}

extension AveragingMessage.Applied {
    init(_ wire: WireApplied) throws(InvalidAveragingMessage) {
        let fields = Fields(message: "Applied")
        rounds = try fields.integer(wire.rounds, "rounds", 0...AveragingLimits.roundsMax)
        paramsHash = try fields.digest(wire.paramsHash, "params_hash")
        report = try ClientReport(wire.report)
    }

    var wire: WireApplied {
        .with {
            $0.rounds = UInt32(rounds)
            $0.paramsHash = paramsHash.data
            $0.report = report.wire
        }
    }
}

extension AveragingMessage.RunEnd {
    init(_ wire: WireRunEnd) throws(InvalidAveragingMessage) {
        let fields = Fields(message: "RunEnd")
        switch wire.outcome {
        case .completed: outcome = .completed
        case .converged: outcome = .converged
        case .aborted: outcome = .aborted
        case .failed: outcome = .failed
        case .unknown, .UNRECOGNIZED: throw .range(message: "RunEnd", field: "outcome")
        }
        sentence = try fields.text(wire.sentence, "sentence", bytesMax: AveragingLimits.sentenceBytesMax)
    }

    var wire: WireRunEnd {
        .with {
            switch outcome {
            case .completed: $0.outcome = .completed
            case .converged: $0.outcome = .converged
            case .aborted: $0.outcome = .aborted
            case .failed, .verificationFailed: $0.outcome = .failed
            }
            $0.sentence = sentence
        }
    }
}

extension ClientReport {
    init(_ wire: WireReport) throws(InvalidAveragingMessage) {
        let fields = Fields(message: "Report")
        guard wire.phases.count <= AveragingLimits.phasesMax else { throw .range(message: "Report", field: "phases") }
        var phases: [PhaseBytes] = []
        for phase in wire.phases {
            phases.append(
                PhaseBytes(
                    phase: try fields.text(phase.phase, "phase", bytesMax: AveragingLimits.nameBytesMax),
                    up: phase.up, down: phase.down))
        }
        self.init(
            sinceTrainingMicros: wire.sinceTrainingMicros, peakMemoryBytes: wire.peakMemoryBytes, phases: phases)
    }

    var wire: WireReport {
        .with {
            $0.sinceTrainingMicros = sinceTrainingMicros
            $0.peakMemoryBytes = peakMemoryBytes
            $0.phases = phases.map { phase in
                .with {
                    $0.phase = phase.phase
                    $0.up = phase.up
                    $0.down = phase.down
                }
            }
        }
    }
}

extension UpdateMetrics {
    /// Reads metrics; none is negative, nor so large that the sum over clients could overflow.
    init(_ wire: WireMetrics) throws(InvalidAveragingMessage) {
        let values = [wire.loss, wire.correct, wire.tested, wire.clipped]
        guard values.allSatisfy({ (0...1 << 48).contains($0) }), wire.correct <= wire.tested, wire.clipped <= 1 else {
            throw .range(message: "Metrics", field: "a sum")
        }
        self.init(loss: wire.loss, correct: wire.correct, tested: wire.tested, clipped: wire.clipped)
    }

    var wire: WireMetrics {
        .with {
            $0.loss = loss
            $0.correct = correct
            $0.tested = tested
            $0.clipped = clipped
        }
    }
}
