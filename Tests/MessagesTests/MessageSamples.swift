// SPDX-License-Identifier: MIT

import Foundation
import Identity
import Messages
import Primitives
import Quantization

/// One message of every kind, with values that are easy to find again in hexadecimal.
enum Samples {
    /// 32 equal bytes.
    static func digest(_ byte: UInt8) -> Digest {
        guard let digest = Digest(bytes: [UInt8](repeating: byte, count: 32)) else {
            preconditionFailure("32 bytes are a digest")
        }
        return digest
    }

    /// 16 equal bytes.
    static func party(_ byte: UInt8) -> PartyID {
        guard let party = PartyID(bytes: [UInt8](repeating: byte, count: 16)) else {
            preconditionFailure("16 bytes are an identity")
        }
        return party
    }

    /// The key with a small private scalar.
    static func key(_ scalar: UInt8) throws -> SigningKey {
        try SigningKey(scalar: SecretBytes([UInt8](repeating: 0, count: 31) + [scalar]))
    }

    static let envelope = Envelope(payload: [1, 2, 3], signature: [4, 5])

    static let training = RunConfiguration.Training(
        optimizer: "momentum", learningRate: 0.05, momentum: 0.9, batchSize: 32, localEpochs: 2)

    static let configuration = RunConfiguration(
        run: [UInt8](repeating: 0xa0, count: 16), bits: 63, clip: 1.5, weightMax: 0x1p20, uniformWeights: true,
        layout: [0, 0, 0, 1, 0x77, 0, 0, 0, 1, 0, 0, 0, 10], model: "softmax:4-2", initial: .seed(digest(0xa1)),
        seed: 300, rounds: 20, roundsPerEpoch: 8, gammaPercent: 20, cohortMin: 3, training: training)

    static func proposal() throws -> EpochProposal {
        EpochProposal(
            federation: "clinics", epoch: 7, round: 40, modelHash: digest(0xb0), paramsHash: digest(0xb1),
            appliedRounds: 6, members: try (1...4).map { .init(key: try key($0).publicKey, name: "site-\($0)") },
            mode: .pinned,
            slotCount: 1, pinned: [.init(primary: party(0xb2), standby: party(0xb3))], configuration: configuration)
    }

    static let open = RoundOpen(
        epochHash: digest(0xe0), round: 41, kind: .closing, modelHash: digest(0xe1), encodingHash: digest(0xe2),
        deadlineSeconds: 90)

    /// Every control message that carries no secret and so can be compared.
    static let controlMessages: [ControlMessage] = [
        .applied(
            Applied(
                ctx: digest(1), modelHash: digest(2), sinceTrainingMicros: 3, bytesUp: .max, bytesDown: 5,
                peakMemoryBytes: 6, phases: [.init(phase: "upload", up: 7, down: 8)])),
        .beaconCommit(envelope), .beaconCommits([envelope, envelope]), .beaconReveal(envelope),
        .beaconReveals([envelope]),
        .notVotedRequest(NotVotedRequest(epochHash: digest(1), base: digest(2))),
        .notVoted(envelope),
        .notVotedRefusal(NotVotedRefusal(epochHash: digest(1), base: digest(2), reason: .noRecord)),
        .notVotedBundle(
            NotVotedBundle(epochHash: digest(1), base: digest(2), bitmap: [5], statements: [envelope, envelope])),
        .certificate(VoteCertificate(ctx: digest(3), votes: [envelope, envelope])),
        .directory(Directory(entries: [.init(party: party(4), addresses: ["[::1]:7001", "host:1"])])),
        .epochProposal(envelope), .epochReady(envelope), .epochReadyBundle([envelope]),
        .epochRefusal(
            EpochRefusal(
                epoch: 5, proposalHash: digest(5), line: .gamma, detail: "γ is 33 %", parties: [party(6), party(7)])),
        .hello(
            Hello(
                instance: [UInt8](repeating: 8, count: 16), addresses: ["a:1"],
                position: .init(
                    run: [UInt8](repeating: 9, count: 16), chainIndex: 10, modelHash: digest(11), epoch: 12))),
        .hello(Hello(instance: [UInt8](repeating: 8, count: 16), addresses: [], position: nil)), .roundOpen(open),
        .hello(Hello(instance: [UInt8](repeating: 8, count: 16), addresses: [], position: nil, released: digest(18))),
        .runEnd(RunEnd(outcome: .verificationFailed, sentence: "the check failed")),
        .silence(Silence(ctx: digest(13), cause: .cannotRepeat)), .skip(envelope),
        .slotDispute(SlotDispute(party: party(14), slotSeed: envelope, epochReady: envelope)), .slotReady(envelope),
        .slotReject(SlotReject(epoch: 15, proposal: envelope)), .slotReject(SlotReject(epoch: 0, proposal: nil)),
        .slotSeed(SlotSeed(statement: envelope, seed: SecretBytes([UInt8](repeating: 16, count: 32)))),
        .slotSeedAck(SlotSeedAck(statement: envelope, checkShare: SecretBytes([UInt8](repeating: 17, count: 32)))),
        .survivors(envelope), .vote(envelope),
    ]

    static let handover = HandoverHeader(
        configuration: configuration, chainIndex: 9, appliedRounds: 8, previousModelHash: digest(0xf0),
        middle: digest(0xf1), paramsHash: digest(0xf2),
        scale: RoundScale(EncodingScale(bits: 16, exponents: [-3, 2]), isFirst: true), elements: 10)

    static let inquiryAnswer = InquiryAnswer(
        unixMilliseconds: 1_790_000_000_123, model: "mlp:784-128-10",
        directory: Directory(entries: [
            Directory.Entry(party: party(1), addresses: ["192.0.2.1:7443"]),
            Directory.Entry(party: party(2), addresses: ["192.0.2.2:7443", "[2001:db8::2]:7443"]),
        ]))

    static let streamHeaders: [StreamHeader] = [
        .handover(handover), .partial(VectorHeader(ctx: digest(1), slot: 2, elements: 3)),
        .result(ResultHeader(open: open, ctx: digest(4), elements: Limits.elementsMax)),
        .upload(VectorHeader(ctx: digest(5), slot: 0, elements: 19)),
        .relayOpen(RelayOpen(relay: relay(0xa8), party: party(6))), .relayAnswer(RelayAnswer(relay: relay(0xa9))),
    ]

    /// A relay's name of 16 equal bytes, which are as many as there are to be.
    static func relay(_ byte: UInt8) -> RelayID { RelayID(bytes: [UInt8](repeating: byte, count: 16)) ?? .random() }

    static let upload = Upload(epochHash: digest(0x10), ctx: digest(0x11), leaf: digest(0x12))
    static let survivors = Survivors(epochHash: digest(0x20), ctx: digest(0x21), bitmap: [0x0b, 0x02])
    static let vote = Vote(
        epochHash: digest(0x30), ctx: digest(0x31), base: digest(0x32), survivorsHash: digest(0x33))
    static let skip = Skip(epochHash: digest(0x40), ctx: digest(0x41), round: 300, reason: .conflictingStatements)
    static let partial = Partial(
        epochHash: digest(0x50), ctx: digest(0x51), survivorsHash: digest(0x52), slot: 3, leaf: digest(0x53))
    static let result = RoundResult(
        epochHash: digest(0x60), ctx: digest(0x61), bitmap: [7], answered: [party(1), party(2), party(3)],
        uploadLeaves: [digest(4), digest(5)], partialLeaves: [digest(6)], root: digest(7), sumHash: digest(8))
    static let slotSeedStatement = SlotSeedStatement(epochHash: digest(0x70), slot: 2, seedHash: digest(0x71))
    static let slotSeedAckStatement = SlotSeedAckStatement(epochHash: digest(0x80), checkShareHash: digest(0x81))
    static let epochReady = EpochReady(
        epochHash: digest(0x90), own: true, readyHash: digest(0x91), seedHashes: [digest(0x92), digest(0x93)])
    static let slotReady = SlotReady(epochHash: digest(0xa0))
    static let notVoted = NotVoted(epochHash: digest(0xa6), base: digest(0xa7))
    static let beaconCommit = BeaconCommit(proposalHash: digest(0xa2), commit: digest(0xa3))
    static let beaconReveal = BeaconReveal(proposalHash: digest(0xa4), nonce: digest(0xa5))
}

/// The payloads of everything that is signed, with their parsers.
struct PayloadKind: Sendable, CustomStringConvertible {
    let name: String
    let encoded: @Sendable () throws -> [UInt8]
    /// Parses and encodes again.
    let again: @Sendable ([UInt8]) throws -> [UInt8]
    /// Whether the bytes parse to the sample.
    let isSample: @Sendable ([UInt8]) throws -> Bool

    init<Payload: SignedPayload>(_ sample: @escaping @Sendable () throws -> Payload) {
        name = Payload.name
        encoded = { try sample().encoded() }
        again = { try Payload(payload: $0).encoded() }
        isSample = { try Payload(payload: $0) == sample() }
    }

    var description: String { name }

    static let all: [PayloadKind] = [
        PayloadKind { Samples.notVoted },
        PayloadKind { Samples.upload }, PayloadKind { Samples.survivors }, PayloadKind { Samples.vote },
        PayloadKind { Samples.skip }, PayloadKind { Samples.partial }, PayloadKind { Samples.result },
        PayloadKind { Samples.slotSeedStatement }, PayloadKind { Samples.slotSeedAckStatement },
        PayloadKind { Samples.epochReady }, PayloadKind { Samples.slotReady },
        PayloadKind { try Samples.proposal() }, PayloadKind { Samples.beaconCommit },
        PayloadKind { Samples.beaconReveal },
    ]
}
