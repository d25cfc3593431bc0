// SPDX-License-Identifier: MIT

import Foundation
import Primitives
import SwiftProtobuf
import Testing

@testable import Messages

/// Frames and stream headers that are none of ours, each refused by name.
@Suite struct MalformedFrameTests {
    /// Expects one error for the bytes of a frame.
    private func expect(
        _ error: InvalidMessage, _ body: WireFrame.OneOf_Body, sourceLocation: SourceLocation = #_sourceLocation
    ) throws {
        let bytes: [UInt8] = try WireFrame.with { $0.body = body }.serializedBytes()
        #expect(throws: error, sourceLocation: sourceLocation) { try ControlMessage(encoded: bytes) }
    }

    private let hash = Data(repeating: 1, count: 32)

    @Test func anEmptyFrameAndOneFromAnotherVersion() {
        #expect(throws: InvalidMessage.empty(message: "Frame")) { try ControlMessage(encoded: []) }
        // Field 28, which this version does not know.
        #expect(throws: InvalidMessage.empty(message: "Frame")) { try ControlMessage(encoded: [0xe2, 0x01, 0x00]) }
        #expect(throws: InvalidMessage.empty(message: "StreamHeader")) { try StreamHeader(encoded: []) }
    }

    @Test func aFrameThatIsTooLong() throws {
        let limit = Limits.frameBytesMax
        #expect(throws: InvalidMessage.count(message: "Frame", field: "bytes", atMost: limit, actual: limit + 1)) {
            try ControlMessage(encoded: [UInt8](repeating: 0, count: limit + 1))
        }
        let rest = limit - 6
        let longest = ControlMessage.vote(Envelope(payload: [UInt8](repeating: 1, count: rest - 8), signature: []))
        #expect(longest.encoded().count <= limit)
        _ = try ControlMessage(encoded: longest.encoded())
    }

    @Test func anInquiryAnswerBeyondItsLimits() throws {
        func refused(_ error: InvalidMessage, _ wire: WireInquiryAnswer) throws {
            let bytes: [UInt8] = try wire.serializedBytes()
            #expect(throws: error) { try InquiryAnswer(encoded: bytes) }
        }
        try refused(
            .range(message: "InquiryAnswer", field: "unix_milliseconds", value: .max),
            .with { $0.unixMilliseconds = .max })
        try refused(
            .text(message: "InquiryAnswer", field: "model"), .with { $0.model = String(repeating: "x", count: 257) })
        try refused(.text(message: "InquiryAnswer", field: "model"), .with { $0.model = "a\u{1B}[31m" })
        try refused(
            .count(message: "Directory", field: "entries", atMost: 1000, actual: 1001),
            .with { $0.directory.entries = [WireDirectory.Entry](repeating: .init(), count: 1001) })
        let limit = Limits.frameBytesMax
        #expect(
            throws: InvalidMessage.count(message: "InquiryAnswer", field: "bytes", atMost: limit, actual: limit + 1)
        ) {
            try InquiryAnswer(encoded: [UInt8](repeating: 0, count: limit + 1))
        }
    }

    @Test(arguments: Samples.controlMessages.indices)
    func trailingGarbage(index: Int) {
        let bytes = Samples.controlMessages[index].encoded()
        #expect(throws: InvalidMessage.malformed(message: "Frame")) { try ControlMessage(encoded: bytes + [0xff]) }
        #expect(throws: InvalidMessage.malformed(message: "Frame")) { try ControlMessage(encoded: bytes + [0x00]) }
        #expect(throws: InvalidMessage.malformed(message: "Frame")) {
            try ControlMessage(encoded: Array(bytes.dropLast()))
        }
    }

    @Test func hello() throws {
        let good = WireHello.with {
            $0.version = 1
            $0.instance = Data(repeating: 1, count: 16)
        }
        func expect(_ error: InvalidMessage, _ change: (inout WireHello) -> Void) throws {
            var wire = good
            change(&wire)
            try self.expect(error, .hello(wire))
        }
        try expect(.length(message: "Hello", field: "instance", expected: 16, actual: 17)) {
            $0.instance = Data(repeating: 1, count: 17)
        }
        try expect(.length(message: "Hello", field: "run", expected: 16, actual: 1)) { $0.run = Data([1]) }
        try expect(.length(message: "Hello", field: "model_hash", expected: 32, actual: 0)) {
            $0.run = Data(repeating: 1, count: 16)
        }
        try expect(.count(message: "Hello", field: "addresses", atMost: 16, actual: 17)) {
            $0.addresses = [String](repeating: "a:1", count: 17)
        }
        try expect(.text(message: "Hello", field: "addresses")) { $0.addresses = ["host\r\n:1"] }
        try expect(.text(message: "Hello", field: "addresses")) { $0.addresses = [String(repeating: "a", count: 261)] }
    }

    @Test func directory() throws {
        try expect(
            .count(message: "Directory", field: "entries", atMost: 1000, actual: 1001),
            .directory(.with { $0.entries = [WireDirectory.Entry](repeating: .init(), count: 1001) }))
        try expect(
            .length(message: "Directory", field: "party", expected: 16, actual: 0),
            .directory(.with { $0.entries = [.init()] }))
    }

    @Test func secretsOfAnotherLength() throws {
        try expect(
            .length(message: "SlotSeed", field: "seed", expected: 32, actual: 31),
            .slotSeed(.with { $0.seed = Data(repeating: 1, count: 31) }))
        try expect(
            .length(message: "SlotSeedAck", field: "check_share", expected: 32, actual: 0), .slotSeedAck(.init()))
    }

    @Test func bundlesThatAreTooLong() throws {
        let many = [WireEnvelope](repeating: .init(), count: 1001)
        try expect(
            .count(message: "EpochReadyBundle", field: "envelopes", atMost: 1000, actual: 1001),
            .epochReadyBundle(.with { $0.statements = many }))
        try expect(
            .count(message: "BeaconCommits", field: "envelopes", atMost: 1000, actual: 1001),
            .beaconCommits(.with { $0.statements = many }))
        try expect(
            .count(message: "BeaconReveals", field: "envelopes", atMost: 1000, actual: 1001),
            .beaconReveals(.with { $0.statements = many }))
        try expect(
            .count(message: "Certificate", field: "envelopes", atMost: 1000, actual: 1001),
            .certificate(
                .with {
                    $0.ctx = hash
                    $0.votes = many
                }))
        try expect(
            .count(message: "NotVotedBundle", field: "envelopes", atMost: 1000, actual: 1001),
            .notVotedBundle(
                .with {
                    $0.epochHash = hash
                    $0.base = hash
                    $0.statements = many
                }))
        try expect(
            .count(message: "NotVotedBundle", field: "bitmap", atMost: 126, actual: 127),
            .notVotedBundle(
                .with {
                    $0.epochHash = hash
                    $0.base = hash
                    $0.bitmap = Data(repeating: 0, count: 127)
                }))
    }

    @Test func unknownCodes() throws {
        try expect(
            .range(message: "Silence", field: "cause", value: 7),
            .silence(
                .with {
                    $0.ctx = hash
                    $0.cause = 7
                }))
        try expect(
            .range(message: "NotVotedRefusal", field: "reason", value: 2),
            .notVotedRefusal(
                .with {
                    $0.epochHash = hash
                    $0.base = hash
                    $0.reason = 2
                }))
        try expect(.range(message: "RunEnd", field: "outcome", value: 4), .runEnd(.with { $0.outcome = 4 }))
        try expect(
            .range(message: "EpochRefusal", field: "line", value: 20),
            .epochRefusal(
                .with {
                    $0.proposalHash = hash
                    $0.line = 20
                }))
        var open = Samples.open.wire
        open.kind = 2
        try expect(.range(message: "RoundOpen", field: "kind", value: 2), .roundOpen(open))
    }

    @Test func sentencesOfOthers() throws {
        try expect(.text(message: "RunEnd", field: "sentence"), .runEnd(.with { $0.sentence = "\u{7}" }))
        try expect(
            .text(message: "RunEnd", field: "sentence"),
            .runEnd(.with { $0.sentence = String(repeating: "x", count: 1025) }))
        try expect(
            .text(message: "EpochRefusal", field: "detail"),
            .epochRefusal(
                .with {
                    $0.proposalHash = hash
                    $0.detail = "a\tb"
                }))
    }

    @Test func roundOpen() throws {
        func expect(_ error: InvalidMessage, _ change: (inout WireRoundOpen) -> Void) throws {
            var wire = Samples.open.wire
            change(&wire)
            try self.expect(error, .roundOpen(wire))
        }
        try expect(.range(message: "RoundOpen", field: "round", value: 0)) { $0.round = 0 }
        try expect(.range(message: "RoundOpen", field: "deadline_seconds", value: 0)) { $0.deadlineSeconds = 0 }
        try expect(.range(message: "RoundOpen", field: "deadline_seconds", value: 86_401)) {
            $0.deadlineSeconds = 86_401
        }
        try expect(.length(message: "RoundOpen", field: "encoding_hash", expected: 32, actual: 0)) {
            $0.encodingHash = Data()
        }
    }

    @Test func otherFixedLengths() throws {
        try expect(.length(message: "Silence", field: "ctx", expected: 32, actual: 0), .silence(.init()))
        try expect(.length(message: "Certificate", field: "ctx", expected: 32, actual: 0), .certificate(.init()))
        try expect(.length(message: "SlotDispute", field: "party", expected: 16, actual: 0), .slotDispute(.init()))
        try expect(
            .length(message: "EpochRefusal", field: "proposal_hash", expected: 32, actual: 0), .epochRefusal(.init()))
        try expect(
            .length(message: "Applied", field: "model_hash", expected: 32, actual: 0), .applied(.with { $0.ctx = hash })
        )
    }

    @Test func phasesOfAReport() throws {
        func report(_ phases: [WirePhaseBytes]) -> WireFrame.OneOf_Body {
            .applied(
                .with {
                    $0.ctx = hash
                    $0.modelHash = hash
                    $0.phases = phases
                })
        }
        try expect(
            .count(message: "Applied", field: "phases", atMost: 32, actual: 33),
            report([WirePhaseBytes](repeating: .init(), count: 33)))
        try expect(
            .text(message: "Applied", field: "phases.phase"),
            report([.with { $0.phase = String(repeating: "x", count: 33) }]))
    }

    @Test func headersOfRelays() throws {
        func expect(_ message: String, _ field: String, _ actual: Int, _ header: WireStreamHeader) throws {
            let bytes: [UInt8] = try header.serializedBytes()
            let error = InvalidMessage.length(message: message, field: field, expected: 16, actual: actual)
            #expect(throws: error) { try StreamHeader(encoded: bytes) }
        }
        let name = Data(repeating: 1, count: 16)
        try expect("RelayOpen", "relay", 0, .with { $0.relayOpen.party = name })
        try expect(
            "RelayOpen", "party", 17,
            .with {
                $0.relayOpen.relay = name
                $0.relayOpen.party = name + [1]
            })
        try expect("RelayAnswer", "relay", 15, .with { $0.relayAnswer.relay = name.dropLast() })
    }

    @Test func lengthsOfVectors() throws {
        func expect(_ field: String, _ value: UInt64, _ change: (inout WireVectorHeader) -> Void) throws {
            var wire = VectorHeader(ctx: Samples.digest(1), slot: 1, elements: 1).wire
            change(&wire)
            let bytes: [UInt8] = try WireStreamHeader.with { $0.partial = wire }.serializedBytes()
            #expect(throws: InvalidMessage.range(message: "VectorHeader", field: field, value: value)) {
                try StreamHeader(encoded: bytes)
            }
        }
        try expect("elements", 0) { $0.elements = 0 }
        try expect("elements", 1 << 28 + 1) { $0.elements = 1 << 28 + 1 }
        try expect("elements", .max) { $0.elements = .max }
        try expect("slot", 1001) { $0.slot = 1001 }
        let result: [UInt8] = try WireStreamHeader.with {
            $0.result.round = Samples.open.wire
            $0.result.ctx = hash
        }.serializedBytes()
        #expect(throws: InvalidMessage.range(message: "ResultHeader", field: "elements", value: 0)) {
            try StreamHeader(encoded: result)
        }
        var handover = Samples.handover.wire
        handover.appliedRounds = 1_000_001
        let bytes: [UInt8] = try WireStreamHeader.with { $0.handover = handover }.serializedBytes()
        #expect(
            throws: InvalidMessage.range(message: "HandoverHeader", field: "applied_rounds", value: 1_000_001)
        ) { try StreamHeader(encoded: bytes) }
    }
}
