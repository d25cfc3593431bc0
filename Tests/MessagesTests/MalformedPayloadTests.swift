// SPDX-License-Identifier: MIT

import Foundation
import Identity
import Primitives
import SwiftProtobuf
import Testing

@testable import Messages

/// Payloads that parse as Protocol Buffers and are none of ours, each refused by name.
@Suite struct MalformedPayloadTests {
    private let short = Data(repeating: 1, count: 31)
    private let long = Data(repeating: 1, count: 33)

    /// Expects one error for the sample's bytes after a change.
    private func expect<Payload: SignedPayload, Wire: Message>(
        _ error: InvalidMessage, from sample: Payload, _ wire: Wire.Type, _ change: (inout Wire) throws -> Void
    ) throws {
        var changed = try Wire(serializedBytes: sample.encoded())
        try change(&changed)
        let bytes: [UInt8] = try changed.serializedBytes()
        #expect(throws: error) { try Payload(payload: bytes) }
    }

    private func length(_ message: String, _ field: String, _ actual: Int) -> InvalidMessage {
        .length(message: message, field: field, expected: 32, actual: actual)
    }

    @Test func hashesOfAnotherLength() throws {
        try expect(length("Upload", "epoch_hash", 31), from: Samples.upload, WireUpload.self) { $0.epochHash = short }
        try expect(length("Upload", "ctx", 0), from: Samples.upload, WireUpload.self) { $0.ctx = Data() }
        try expect(length("Upload", "leaf", 33), from: Samples.upload, WireUpload.self) { $0.leaf = long }
        try expect(length("Survivors", "ctx", 33), from: Samples.survivors, WireSurvivors.self) { $0.ctx = long }
        try expect(length("Vote", "base", 31), from: Samples.vote, WireVote.self) { $0.base = short }
        try expect(length("Vote", "survivors_hash", 0), from: Samples.vote, WireVote.self) {
            $0.survivorsHash = Data()
        }
        try expect(length("Skip", "epoch_hash", 33), from: Samples.skip, WireSkip.self) { $0.epochHash = long }
        try expect(length("Partial", "leaf", 31), from: Samples.partial, WirePartial.self) { $0.leaf = short }
        try expect(length("Result", "root", 33), from: Samples.result, WireResult.self) { $0.root = long }
        try expect(length("Result", "sum_hash", 0), from: Samples.result, WireResult.self) { $0.sumHash = Data() }
        try expect(length("Result", "upload_leaves", 31), from: Samples.result, WireResult.self) {
            $0.uploadLeaves[1] = short
        }
        try expect(length("SlotSeed", "seed_hash", 31), from: Samples.slotSeedStatement, WireSlotSeedStatement.self) {
            $0.seedHash = short
        }
        try expect(
            length("SlotSeedAck", "check_share_hash", 33), from: Samples.slotSeedAckStatement,
            WireSlotSeedAckStatement.self
        ) { $0.checkShareHash = long }
        try expect(length("EpochReady", "ready_hash", 0), from: Samples.epochReady, WireEpochReady.self) {
            $0.readyHash = Data()
        }
        try expect(length("EpochReady", "seed_hashes", 33), from: Samples.epochReady, WireEpochReady.self) {
            $0.seedHashes[0] = long
        }
        try expect(length("NotVoted", "epoch_hash", 31), from: Samples.notVoted, WireNotVoted.self) {
            $0.epochHash = short
        }
        try expect(length("NotVoted", "base", 33), from: Samples.notVoted, WireNotVoted.self) { $0.base = long }
        try expect(length("BeaconCommit", "commit", 31), from: Samples.beaconCommit, WireBeaconCommit.self) {
            $0.commit = short
        }
        try expect(length("BeaconReveal", "nonce", 33), from: Samples.beaconReveal, WireBeaconReveal.self) {
            $0.nonce = long
        }
        try expect(length("BeaconReveal", "proposal_hash", 0), from: Samples.beaconReveal, WireBeaconReveal.self) {
            $0.proposalHash = Data()
        }
        try expect(length("SlotReady", "epoch_hash", 31), from: Samples.slotReady, WireSlotReady.self) {
            $0.epochHash = short
        }
    }

    @Test func identitiesOfAnotherLength() throws {
        try expect(
            .length(message: "Result", field: "answered", expected: 16, actual: 15), from: Samples.result,
            WireResult.self
        ) { $0.answered[2] = Data(repeating: 0, count: 15) }
        try expect(
            .length(message: "EpochProposal", field: "pinned.standby", expected: 16, actual: 17),
            from: Samples.proposal(), WireEpochProposal.self
        ) { $0.pinned[0].standby = Data(repeating: 0, count: 17) }
    }

    @Test func numbersOutsideTheirRange() throws {
        try expect(.range(message: "Skip", field: "round", value: 0), from: Samples.skip, WireSkip.self) {
            $0.round = 0
        }
        try expect(.range(message: "Skip", field: "round", value: .max), from: Samples.skip, WireSkip.self) {
            $0.round = .max
        }
        try expect(.range(message: "Partial", field: "slot", value: 1001), from: Samples.partial, WirePartial.self) {
            $0.slot = 1001
        }
        try expect(
            .range(message: "SlotSeed", field: "slot", value: UInt64(UInt32.max)), from: Samples.slotSeedStatement,
            WireSlotSeedStatement.self
        ) { $0.slot = .max }
        try expect(
            .range(message: "EpochReady", field: "own", value: 2), from: Samples.epochReady, WireEpochReady.self
        ) { $0.own = 2 }
    }

    @Test func unknownCodes() throws {
        try expect(.range(message: "Skip", field: "reason", value: 9), from: Samples.skip, WireSkip.self) {
            $0.reason = 9
        }
        // 256 would be 0 if it were cut to a byte.
        try expect(.range(message: "Skip", field: "reason", value: 256), from: Samples.skip, WireSkip.self) {
            $0.reason = 256
        }
        try expect(
            .range(message: "EpochProposal", field: "mode", value: 3), from: Samples.proposal(),
            WireEpochProposal.self
        ) { $0.mode = 3 }
    }

    @Test func listsThatAreTooLong() throws {
        let hash = Data(repeating: 1, count: 32)
        try expect(
            .count(message: "EpochReady", field: "seed_hashes", atMost: 1000, actual: 1001), from: Samples.epochReady,
            WireEpochReady.self
        ) { $0.seedHashes = [Data](repeating: hash, count: 1001) }
        try expect(
            .count(message: "Result", field: "partial_leaves", atMost: 1000, actual: 1001), from: Samples.result,
            WireResult.self
        ) { $0.partialLeaves = [Data](repeating: hash, count: 1001) }
        try expect(
            .count(message: "Result", field: "answered", atMost: 1000, actual: 1001), from: Samples.result,
            WireResult.self
        ) { $0.answered = [Data](repeating: Data(repeating: 1, count: 16), count: 1001) }
        try expect(
            .count(message: "Result", field: "bitmap", atMost: 126, actual: 127), from: Samples.result,
            WireResult.self
        ) { $0.bitmap = Data(repeating: 0, count: 127) }
        try expect(
            .count(message: "Survivors", field: "bitmap", atMost: 126, actual: 127), from: Samples.survivors,
            WireSurvivors.self
        ) { $0.bitmap = Data(repeating: 0, count: 127) }
        try expect(
            .count(message: "EpochProposal", field: "members", atMost: 1000, actual: 1001), from: Samples.proposal(),
            WireEpochProposal.self
        ) { $0.members = [WireEpochProposal.Member](repeating: $0.members[0], count: 1001) }
        try expect(
            .count(message: "EpochProposal", field: "pinned", atMost: 500, actual: 501), from: Samples.proposal(),
            WireEpochProposal.self
        ) { $0.pinned = [WireEpochProposal.Pair](repeating: $0.pinned[0], count: 501) }
    }

    @Test(arguments: PayloadKind.all)
    func bytesThatAreNoProtocolBuffers(kind: PayloadKind) throws {
        let bytes = try kind.encoded()
        #expect(throws: InvalidMessage.malformed(message: kind.name)) { try kind.again(bytes + [0xff]) }
        #expect(throws: InvalidMessage.malformed(message: kind.name)) { try kind.again(Array(bytes.dropLast())) }
        // A field of length 2^31 − 1 that is not there.
        #expect(throws: InvalidMessage.malformed(message: kind.name)) {
            try kind.again(bytes + [0x0a, 0xff, 0xff, 0xff, 0xff, 0x07])
        }
    }

    @Test(arguments: PayloadKind.all)
    func emptyPayloads(kind: PayloadKind) {
        #expect(throws: InvalidMessage.self) { try kind.again([]) }
    }
}

/// Proposals and configurations, each malformed in one place.
@Suite struct MalformedProposalTests {
    private func proposal(_ change: (inout WireEpochProposal) throws -> Void) throws -> EpochProposal {
        var wire = try WireEpochProposal(serializedBytes: Samples.proposal().encoded())
        try change(&wire)
        return try EpochProposal(payload: wire.serializedBytes())
    }

    private func configuration(_ change: (inout WireRunConfiguration) -> Void) throws -> RunConfiguration {
        var wire = Samples.configuration.wire
        change(&wire)
        return try RunConfiguration(wire: wire)
    }

    @Test func membersOutOfOrder() {
        #expect(throws: InvalidMessage.range(message: "EpochProposal", field: "members", value: 2)) {
            try proposal { $0.members.swapAt(1, 2) }
        }
    }

    @Test func aMemberTwice() {
        #expect(throws: InvalidMessage.range(message: "EpochProposal", field: "members", value: 1)) {
            try proposal { $0.members.insert($0.members[0], at: 1) }
        }
    }

    @Test func keysThatAreNone() {
        let error = InvalidMessage.malformed(message: "EpochProposal.members.spki")
        #expect(throws: error) { try proposal { $0.members[3].spki = Data() } }
        #expect(throws: error) { try proposal { $0.members[3].spki.append(0) } }
        // A point that is not on the curve.
        #expect(throws: error) { try proposal { $0.members[3].spki[90] ^= 1 } }
    }

    @Test func controlCharactersInText() {
        #expect(throws: InvalidMessage.text(message: "EpochProposal", field: "members.name")) {
            try proposal { $0.members[0].name = "site\u{1b}[2J" }
        }
        #expect(throws: InvalidMessage.text(message: "EpochProposal", field: "federation")) {
            try proposal { $0.federation = "a\nb" }
        }
        #expect(throws: InvalidMessage.text(message: "RunConfiguration", field: "model")) {
            // A mark that has what follows read from right to left.
            try configuration { $0.model = "softmax\u{202e}01-487:" }
        }
        #expect(throws: InvalidMessage.text(message: "RunConfiguration", field: "model")) {
            try configuration { $0.model = "\u{85}" }
        }
        #expect(throws: InvalidMessage.text(message: "RunConfiguration", field: "optimizer")) {
            try configuration { $0.optimizer = "sgd\u{0}" }
        }
    }

    @Test func textThatIsTooLong() throws {
        #expect(throws: InvalidMessage.text(message: "EpochProposal", field: "members.name")) {
            try proposal { $0.members[0].name = String(repeating: "x", count: 65) }
        }
        _ = try proposal { $0.members[0].name = String(repeating: "x", count: 64) }
        #expect(throws: InvalidMessage.text(message: "EpochProposal", field: "federation")) {
            try proposal { $0.federation = String(repeating: "x", count: 64) }
        }
        #expect(throws: InvalidMessage.text(message: "RunConfiguration", field: "model")) {
            try configuration { $0.model = String(repeating: "ß", count: 129) }
        }
        #expect(throws: InvalidMessage.text(message: "RunConfiguration", field: "optimizer")) {
            try configuration { $0.optimizer = String(repeating: "x", count: 33) }
        }
    }

    @Test(arguments: [("epoch", UInt64(0)), ("epoch", .max), ("round", 0), ("round", 1 << 32 + 1), ("slots", 1001)])
    func numbersOfAProposalOutsideTheirRange(field: String, value: UInt64) {
        #expect(throws: InvalidMessage.range(message: "EpochProposal", field: field, value: value)) {
            try proposal {
                switch field {
                case "epoch": $0.epoch = value
                case "round": $0.round = value
                default: $0.slots = UInt32(value)
                }
            }
        }
    }

    @Test(arguments: [3.0, 0.5, -4, 0, 0x1p41, .infinity, .nan, 1_048_577])
    func weightMaxIsAPowerOfTwoUpTo2To40(value: Double) {
        #expect(throws: InvalidMessage.range(message: "RunConfiguration", field: "weight_max", value: value.bitPattern))
        { try configuration { $0.weightMax = value } }
    }

    @Test(arguments: [-1.0, 1e31, .nan, .infinity])
    func clipIsANumberOfOurs(value: Double) {
        #expect(throws: InvalidMessage.range(message: "RunConfiguration", field: "clip", value: value.bitPattern)) {
            try configuration { $0.clip = value }
        }
    }

    @Test func numbersOfAConfigurationOutsideTheirRange() {
        func expect(_ field: String, _ value: UInt64, _ change: (inout WireRunConfiguration) -> Void) {
            #expect(throws: InvalidMessage.range(message: "RunConfiguration", field: field, value: value)) {
                try configuration(change)
            }
        }
        expect("bits", 6) { $0.bits = 6 }
        expect("bits", 64) { $0.bits = 64 }
        expect("bits", 319) { $0.bits = 256 + 63 }
        expect("rounds", 0) { $0.rounds = 0 }
        expect("rounds", 1_000_001) { $0.rounds = 1_000_001 }
        expect("rounds_per_epoch", 0) { $0.roundsPerEpoch = 0 }
        expect("gamma_percent", 51) { $0.gammaPercent = 51 }
        expect("cohort_min", 0) { $0.cohortMin = 0 }
        expect("cohort_min", 1001) { $0.cohortMin = 1001 }
        expect("batch_size", 0) { $0.batchSize = 0 }
        expect("batch_size", 65_537) { $0.batchSize = 65_537 }
        expect("local_epochs", 1001) { $0.localEpochs = 1001 }
        expect("learning_rate", (0.0).bitPattern) { $0.learningRate = 0 }
        expect("learning_rate", (10.5).bitPattern) { $0.learningRate = 10.5 }
        expect("momentum", (1.0).bitPattern) { $0.momentum = 1 }
    }

    @Test func lengthsOfAConfiguration() {
        #expect(throws: InvalidMessage.length(message: "RunConfiguration", field: "run", expected: 16, actual: 15)) {
            try configuration { $0.run = Data(repeating: 0, count: 15) }
        }
        #expect(
            throws: InvalidMessage.length(message: "RunConfiguration", field: "initial_seed", expected: 32, actual: 31)
        ) { try configuration { $0.initialSeed = Data(repeating: 0, count: 31) } }
        #expect(
            throws: InvalidMessage.count(
                message: "RunConfiguration", field: "layout", atMost: 65_536, actual: 65_537)
        ) { try configuration { $0.layout = Data(repeating: 0, count: 65_537) } }
    }

    @Test func oneOriginOfTheFirstParametersAndNotTwo() {
        let error = InvalidMessage.empty(message: "RunConfiguration.initial")
        #expect(throws: error) { try configuration { $0.initialSeed = Data() } }
        #expect(throws: error) { try configuration { $0.initialParamsHash = Data(repeating: 0, count: 32) } }
    }
}
