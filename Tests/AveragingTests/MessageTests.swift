// SPDX-License-Identifier: MIT

import Foundation
import Primitives
import Quantization
import Testing

@testable import Averaging

@Suite struct MessageTests {
    @Test func everyMessageComesBackAsItWas() throws {
        for message in try Samples.messages() { #expect(try AveragingMessage(message.encoded()) == message) }
        for header in Samples.headers { #expect(try AveragingStreamHeader(header.encoded()) == header) }
    }

    @Test func roundOpenHasTheseBytes() {
        let open = AveragingMessage.roundOpen(.init(round: 3, isClosing: true, paramsHash: Samples.hash))
        let expected: [UInt8] =
            [0x1a, 38]  // Frame.round_open, field 3, 38 bytes
            + [0x08, 3]  // round = 3
            + [0x10, 1]  // closing = true
            + [0x1a, 32] + (0..<32)  // params_hash
        #expect(open.encoded() == expected)
    }

    @Test func updateHeaderHasTheseBytes() {
        let expected: [UInt8] =
            [0x0a, 17]  // StreamHeader.update, field 1, 17 bytes
            + [0x08, 2]  // round = 2
            + [0x10, 96]  // weight = 96
            + [0x1a, 9]  // metrics, 9 bytes
            + [0x08, 0x88, 0x27, 0x10, 70, 0x18, 96, 0x20, 1]  // loss = 5000, correct, tested, clipped
            + [0x20, 15]  // elements = 15
        #expect(Samples.headers[0].encoded() == expected)
    }

    @Test func anEmptyFrameAndOneFromAnotherVersionAreRefused() {
        #expect(throws: InvalidAveragingMessage.empty(message: "Frame")) { try AveragingMessage([]) }
        // Field 20, which this version does not know.
        #expect(throws: InvalidAveragingMessage.empty(message: "Frame")) { try AveragingMessage([0xa2, 0x01, 0x00]) }
        #expect(throws: InvalidAveragingMessage.empty(message: "StreamHeader")) { try AveragingStreamHeader([]) }
    }

    @Test func truncatedAndExtendedMessagesAreRefused() throws {
        for message in try Samples.messages() {
            let bytes = message.encoded()
            #expect(throws: InvalidAveragingMessage.malformed(message: "Frame")) {
                try AveragingMessage(bytes + [0xff])
            }
            #expect(throws: InvalidAveragingMessage.malformed(message: "Frame")) {
                try AveragingMessage(Array(bytes.dropLast()))
            }
        }
    }

    private func refusal(_ body: WireFrame.OneOf_Body) throws -> InvalidAveragingMessage? {
        let bytes: [UInt8] = try WireFrame.with { $0.body = body }.serializedBytes()
        do {
            _ = try AveragingMessage(bytes)
            return nil
        } catch {
            return error
        }
    }

    @Test func fieldsOutOfRangeAreNamed() throws {
        #expect(try refusal(.hello(.with { $0.version = 2 })) == .range(message: "Hello", field: "version"))
        #expect(
            try refusal(
                .hello(
                    .with {
                        $0.version = 1
                        $0.paramsHash = Data(repeating: 1, count: 31)
                    })) == .length(message: "Hello", field: "params_hash", expected: 32, actual: 31))
        #expect(try refusal(.roundOpen(.with { $0.round = 0 })) == .range(message: "RoundOpen", field: "round"))
        #expect(try refusal(.runEnd(.with { $0.sentence = "" })) == .range(message: "RunEnd", field: "outcome"))
        #expect(
            try refusal(.withdrawal(.with { $0.sentence = "a\u{1B}[2Jb" }))
                == .range(message: "Withdrawal", field: "sentence"))
        #expect(
            try refusal(
                .applied(
                    .with {
                        $0.paramsHash = Data(repeating: 1, count: 32)
                        $0.report.phases = Array(repeating: .init(), count: 33)
                    })) == .range(message: "Report", field: "phases"))
    }

    @Test func everyFieldOfTheConfigurationIsChecked() throws {
        let good = try Samples.configuration().wire
        func refusal(_ change: (inout WireConfiguration) -> Void) throws -> InvalidAveragingMessage? {
            var wire = good
            change(&wire)
            return try self.refusal(.configuration(wire))
        }
        func range(_ field: String) -> InvalidAveragingMessage { .range(message: "Configuration", field: field) }
        #expect(try refusal { _ in } == nil)
        #expect(try refusal { $0.model = "forest:3" } == range("model"))
        #expect(try refusal { $0.rounds = 0 } == range("rounds"))
        #expect(try refusal { $0.learningRate = .nan } == range("learning_rate"))
        #expect(try refusal { $0.momentum = 1 } == range("momentum"))
        #expect(try refusal { $0.batchSize = 0 } == range("batch_size"))
        #expect(try refusal { $0.localEpochs = 1_001 } == range("local_epochs"))
        #expect(try refusal { $0.clip = -1 } == range("clip"))
        #expect(try refusal { $0.weightMax = 3 } == range("weight_max"))
        #expect(try refusal { $0.sum = "median" } == range("sum"))
        #expect(try refusal { $0.bits = 16 } == range("bits"))
        #expect(try refusal { $0.sum = "quantised" } == range("bits"))
        #expect(
            try refusal {
                $0.sum = "quantised"
                $0.bits = 33
            } == range("bits"))
        #expect(
            try refusal { $0.run = Data() }
                == .length(message: "Configuration", field: "run", expected: 16, actual: 0))
    }

    @Test func everyFieldOfARoundsDigitsIsChecked() throws {
        func refusal(_ change: (inout WireDigits) -> Void) -> InvalidAveragingMessage? {
            var wire = Samples.digits.wire
            change(&wire)
            do throws(InvalidAveragingMessage) {
                _ = try RoundDigits(wire)
                return nil
            } catch {
                return error
            }
        }
        func range(_ field: String) -> InvalidAveragingMessage { .range(message: "Digits", field: field) }
        #expect(refusal { _ in } == nil)
        #expect(refusal { $0.bits = 6 } == range("bits"))
        #expect(refusal { $0.bits = 63 } == range("bits"))
        #expect(refusal { $0.exponents = [33] } == range("exponents"))
        #expect(refusal { $0.exponents = Array(repeating: 0, count: 4097) } == range("exponents"))
        #expect(refusal { $0.first = true } == range("first"))
        #expect(refusal { $0.clients = 0 } == range("clients"))
    }

    @Test func metricsThatCouldOverflowAreRefused() {
        var wire = Samples.metrics.wire
        wire.loss = .max
        #expect(throws: InvalidAveragingMessage.range(message: "Metrics", field: "a sum")) { try UpdateMetrics(wire) }
        wire = Samples.metrics.wire
        wire.correct = wire.tested + 1
        #expect(throws: InvalidAveragingMessage.range(message: "Metrics", field: "a sum")) { try UpdateMetrics(wire) }
        wire = Samples.metrics.wire
        wire.tested = -1
        #expect(throws: InvalidAveragingMessage.range(message: "Metrics", field: "a sum")) { try UpdateMetrics(wire) }
    }

    @Test func whateverArrivesIsParsedOrRefused() throws {
        var generator = SeededGenerator(state: 11)
        let messages = try Samples.messages().map { $0.encoded() } + Samples.headers.map { $0.encoded() }
        var parsed = 0
        for bytes in messages {
            for _ in 0..<400 {
                let changed = generator.mutated(bytes)
                if let message = try? AveragingMessage(changed) {
                    parsed += 1
                    #expect(try AveragingMessage(message.encoded()) == message)
                }
                if let header = try? AveragingStreamHeader(changed) {
                    #expect(try AveragingStreamHeader(header.encoded()) == header)
                }
            }
        }
        #expect(parsed > 0)
    }
}

/// A generator with a seed that a failure can be repeated with (SplitMix64).
private struct SeededGenerator: RandomNumberGenerator {
    var state: UInt64

    mutating func next() -> UInt64 {
        state &+= 0x9e37_79b9_7f4a_7c15
        var word = state
        word = (word ^ (word >> 30)) &* 0xbf58_476d_1ce4_e5b9
        word = (word ^ (word >> 27)) &* 0x94d0_49bb_1331_11eb
        return word ^ (word >> 31)
    }

    /// Changes, cuts or extends bytes in up to four places.
    mutating func mutated(_ bytes: [UInt8]) -> [UInt8] {
        var result = bytes
        for _ in 0..<Int.random(in: 1...4, using: &self) {
            let place = Int.random(in: 0...result.count, using: &self)
            switch Int.random(in: 0..<4, using: &self) {
            case 0 where place < result.count: result[place] ^= 1 << UInt8.random(in: 0..<8, using: &self)
            case 1 where place < result.count: result[place] = UInt8.random(in: 0x7f...0xff, using: &self)
            case 2: result.removeLast(result.count - place)
            default: result.insert(UInt8.random(in: 0...255, using: &self), at: place)
            }
        }
        return result
    }
}
