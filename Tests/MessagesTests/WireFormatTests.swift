// SPDX-License-Identifier: MIT

import Identity
import Primitives
import Testing

@testable import Messages

/// The bytes of messages, field by field: the wire format cannot change unnoticed.
@Suite struct WireFormatTests {
    /// 32 equal bytes in hexadecimal.
    private func digest(_ byte: String) -> String { String(repeating: byte, count: 32) }

    private func expect(_ bytes: [UInt8], _ parts: [String], _ comment: Comment) {
        #expect(Hexadecimal.encode(bytes) == parts.joined(), comment)
    }

    @Test func upload() {
        expect(
            Samples.upload.encoded(),
            [
                "0a", "20", digest("10"),  // 1 epoch_hash
                "12", "20", digest("11"),  // 2 ctx
                "1a", "20", digest("12"),  // 3 leaf
            ], "Upload")
    }

    @Test func survivors() {
        expect(
            Samples.survivors.encoded(),
            [
                "0a", "20", digest("20"),  // 1 epoch_hash
                "12", "20", digest("21"),  // 2 ctx
                "1a", "02", "0b02",  // 3 bitmap: members 0, 1, 3 and 9 of ten
            ], "Survivors")
    }

    @Test func vote() {
        expect(
            Samples.vote.encoded(),
            [
                "0a", "20", digest("30"),  // 1 epoch_hash
                "12", "20", digest("31"),  // 2 ctx
                "1a", "20", digest("32"),  // 3 base
                "22", "20", digest("33"),  // 4 survivors_hash
            ], "Vote")
    }

    @Test func skip() {
        expect(
            Samples.skip.encoded(),
            [
                "0a", "20", digest("40"),  // 1 epoch_hash
                "12", "20", digest("41"),  // 2 ctx
                "18", "ac02",  // 3 round: 300
                "20", "08",  // 4 reason: conflicting statements
            ], "Skip")
    }

    @Test func partial() {
        expect(
            Samples.partial.encoded(),
            [
                "0a", "20", digest("50"),  // 1 epoch_hash
                "12", "20", digest("51"),  // 2 ctx
                "1a", "20", digest("52"),  // 3 survivors_hash
                "20", "03",  // 4 slot
                "2a", "20", digest("53"),  // 5 leaf
            ], "Partial")
    }

    @Test func result() {
        expect(
            Samples.result.encoded(),
            [
                "0a", "20", digest("60"),  // 1 epoch_hash
                "12", "20", digest("61"),  // 2 ctx
                "1a", "01", "07",  // 3 bitmap
                "22", "10", String(repeating: "01", count: 16),  // 4 answered, slot 0
                "22", "10", String(repeating: "02", count: 16),  // slot 1
                "22", "10", String(repeating: "03", count: 16),  // slot 2
                "2a", "20", digest("04"), "2a", "20", digest("05"),  // 5 upload_leaves
                "32", "20", digest("06"),  // 6 partial_leaves
                "3a", "20", digest("07"),  // 7 root
                "42", "20", digest("08"),  // 8 sum_hash
            ], "Result")
    }

    @Test func hello() {
        let instance = [UInt8](repeating: 0x01, count: 16)
        let position = Hello.Position(
            run: [UInt8](repeating: 0x02, count: 16), chainIndex: 5, modelHash: Samples.digest(0x03), epoch: 300)
        expect(
            ControlMessage.hello(Hello(instance: instance, addresses: ["a:1", "b:22"], position: position)).encoded(),
            [
                "0a", "58",  // Frame.1 hello, 88 bytes
                "08", "01",  // 1 version
                "12", "10", String(repeating: "01", count: 16),  // 2 instance
                "1a", "03", "613a31",  // 3 addresses: a:1
                "1a", "04", "623a3232",  // b:22
                "22", "10", String(repeating: "02", count: 16),  // 4 run
                "28", "05",  // 5 chain_index
                "32", "20", digest("03"),  // 6 model_hash
                "38", "ac02",  // 7 epoch
            ], "Hello")
        expect(
            ControlMessage.hello(Hello(instance: instance, addresses: [], position: nil)).encoded(),
            [
                "0a", "14",  // Frame.1 hello, 20 bytes
                "08", "01",  // 1 version
                "12", "10", String(repeating: "01", count: 16),  // 2 instance; no position before the first epoch
            ], "Hello of a newcomer")
        expect(
            ControlMessage.hello(
                Hello(instance: instance, addresses: [], position: nil, released: Samples.digest(0x04))
            ).encoded(),
            [
                "0a", "36",  // Frame.1 hello, 54 bytes
                "08", "01",  // 1 version
                "12", "10", String(repeating: "01", count: 16),  // 2 instance
                "42", "20", digest("04"),  // 8 released
            ], "Hello of a site whose engineer has released a base")
    }

    @Test func notVoted() {
        expect(
            Samples.notVoted.encoded(),
            [
                "0a", "20", digest("a6"),  // 1 epoch_hash
                "12", "20", digest("a7"),  // 2 base
            ], "NotVoted")
        expect(
            ControlMessage.notVotedRequest(
                NotVotedRequest(epochHash: Samples.digest(1), base: Samples.digest(2))
            ).encoded(),
            [
                "c201", "44",  // Frame.24 not_voted_request, 68 bytes
                "0a", "20", digest("01"),  // 1 epoch_hash
                "12", "20", digest("02"),  // 2 base
            ], "NotVotedRequest")
        expect(
            ControlMessage.notVotedRefusal(
                NotVotedRefusal(epochHash: Samples.digest(1), base: Samples.digest(2), reason: .noRecord)
            ).encoded(),
            [
                "d201", "46",  // Frame.26 not_voted_refusal, 70 bytes
                "0a", "20", digest("01"),  // 1 epoch_hash
                "12", "20", digest("02"),  // 2 base
                "18", "01",  // 3 reason: no record
            ], "NotVotedRefusal")
        let bundle = NotVotedBundle(
            epochHash: Samples.digest(1), base: Samples.digest(2), bitmap: [5],
            statements: [Envelope(payload: [9], signature: [8])])
        expect(
            ControlMessage.notVotedBundle(bundle).encoded(),
            [
                "da01", "4f",  // Frame.27 not_voted_bundle, 79 bytes
                "0a", "20", digest("01"),  // 1 epoch_hash
                "12", "20", digest("02"),  // 2 base
                "1a", "01", "05",  // 3 bitmap: members 0 and 2
                "22", "06", "0a0109120108",  // 4 statements: one envelope
            ], "NotVotedBundle")
    }

    @Test func epochReady() {
        expect(
            Samples.epochReady.encoded(),
            [
                "0a", "20", digest("90"),  // 1 epoch_hash
                "10", "01",  // 2 own
                "1a", "20", digest("91"),  // 3 ready_hash
                "22", "20", digest("92"), "22", "20", digest("93"),  // 4 seed_hashes, by slot
            ], "EpochReady")
    }

    @Test func slotSeedAndItsAnswer() {
        expect(
            Samples.slotSeedStatement.encoded(),
            [
                "0a", "20", digest("70"),  // 1 epoch_hash
                "10", "02",  // 2 slot
                "1a", "20", digest("71"),  // 3 seed_hash
            ], "SlotSeedStatement")
        expect(
            Samples.slotSeedAckStatement.encoded(),
            [
                "0a", "20", digest("80"),  // 1 epoch_hash
                "12", "20", digest("81"),  // 2 check_share_hash
            ], "SlotSeedAckStatement")
        let seed = SlotSeed(statement: Samples.envelope, seed: SecretBytes([UInt8](repeating: 0x99, count: 32)))
        expect(
            ControlMessage.slotSeed(seed).encoded(),
            [
                "2a", "2d",  // Frame.5 slot_seed, 45 bytes
                "0a", "09",  // 1 statement
                "0a", "03", "010203",  // Envelope.1 payload
                "12", "02", "0405",  // Envelope.2 signature
                "12", "20", digest("99"),  // 2 seed
            ], "SlotSeed")
    }

    @Test func roundOpen() {
        expect(
            Samples.open.encoded(),
            [
                "0a", "20", digest("e0"),  // 1 epoch_hash
                "10", "29",  // 2 round: 41
                "18", "01",  // 3 kind: closing
                "22", "20", digest("e1"),  // 4 model_hash
                "2a", "20", digest("e2"),  // 5 encoding_hash
                "30", "5a",  // 6 deadline_seconds: 90
            ], "RoundOpen")
    }

    @Test func runConfiguration() {
        expect(
            Samples.configuration.encoded(),
            [
                "0a", "10", String(repeating: "a0", count: 16),  // 1 run
                "10", "3f",  // 2 bits: 63
                "19", "000000000000f83f",  // 3 clip: 1.5
                "21", "0000000000003041",  // 4 weight_max: 2^20
                "2a", "0d", "0000000177000000010000000a",  // 5 layout
                "32", "0b", "736f66746d61783a342d32",  // 6 model: softmax:4-2
                "3a", "20", digest("a1"),  // 7 initial_seed
                "49", "2c01000000000000",  // 9 seed: 300
                "50", "14",  // 10 rounds
                "58", "08",  // 11 rounds_per_epoch
                "60", "14",  // 12 gamma_percent
                "68", "03",  // 13 cohort_min
                "72", "08", "6d6f6d656e74756d",  // 14 optimizer: momentum
                "79", "9a9999999999a93f",  // 15 learning_rate: 0.05
                "8101", "cdccccccccccec3f",  // 16 momentum: 0.9
                "8801", "20",  // 17 batch_size
                "9001", "02",  // 18 local_epochs
                "9801", "01",  // 19 uniform_weights
                "a001", "3d",  // 20 first_exponent: −31
                "a801", "4f",  // 21 exponent_min: −40
                "b001", "10",  // 22 exponent_max: 8
            ], "RunConfiguration")
    }

    @Test func headerOfAnUpload() {
        expect(
            StreamHeader.upload(VectorHeader(ctx: Samples.digest(0x05), slot: 0, elements: 300)).encoded(),
            [
                "0a", "25",  // StreamHeader.1 upload, 37 bytes
                "0a", "20", digest("05"),  // 1 ctx
                "18", "ac02",  // 3 elements: 300; slot 0 is not written
            ], "VectorHeader")
    }

    @Test func inquiryAnswer() throws {
        expect(
            InquiryAnswer(
                unixMilliseconds: 300, model: "softmax:4-2",
                directory: Directory(entries: [.init(party: Samples.party(4), addresses: ["host:1"])])
            ).encoded(),
            [
                "08", "ac02",  // 1 unix_milliseconds: 300
                "12", "0b", "736f66746d61783a342d32",  // 2 model: softmax:4-2
                "1a", "1c",  // 3 directory, 28 bytes
                "0a", "1a",  // Directory.1 entry, 26 bytes
                "0a", "10", String(repeating: "04", count: 16),  // 1 party
                "12", "06", "686f73743a31",  // 2 addresses: host:1
            ], "InquiryAnswer")
        #expect(try InquiryAnswer(encoded: Samples.inquiryAnswer.encoded()) == Samples.inquiryAnswer)
        let nothing = try InquiryAnswer(encoded: [])
        #expect(nothing == InquiryAnswer(unixMilliseconds: 0, model: nil, directory: Directory(entries: [])))
    }

    @Test func headersOfARelay() {
        expect(
            StreamHeader.relayOpen(RelayOpen(relay: Samples.relay(0xa8), party: Samples.party(6))).encoded(),
            [
                "2a", "24",  // StreamHeader.5 relay_open, 36 bytes
                "0a", "10", String(repeating: "a8", count: 16),  // 1 relay
                "12", "10", String(repeating: "06", count: 16),  // 2 party
            ], "RelayOpen")
        expect(
            StreamHeader.relayAnswer(RelayAnswer(relay: Samples.relay(0xa9))).encoded(),
            [
                "32", "12",  // StreamHeader.6 relay_answer, 18 bytes
                "0a", "10", String(repeating: "a9", count: 16),  // 1 relay
            ], "RelayAnswer")
    }

    @Test func theCodesAreThoseOfTheProtocol() {
        #expect(RelayRefusal.allCases.map(\.rawValue) == [2] + Array(16...22))
        #expect(
            AbortReason.allCases
                == [
                    .belowCohortMinimum, .deadline, .lostSlot, .noQuorum, .badSignature, .checkFailed, .outsidePolicy,
                    .possibleSecondOpening, .conflictingStatements,
                ])
        #expect(AbortReason.allCases.map(\.rawValue) == Array(0...8))
        #expect([RoundKind.training, .closing].map(\.rawValue) == [0, 1])
        #expect([SlotMode.all, .pinned, .sampled].map(\.rawValue) == [0, 1, 2])
        #expect([VectorRole.participant, .helper].map(\.rawValue) == [0, 1])
    }
}
