// SPDX-License-Identifier: MIT

import Foundation
import Identity
import Primitives

/// Everything that travels as one control message of a connection.
public enum ControlMessage: Sendable {
    case applied(Applied)
    case beaconCommit(Envelope)
    case beaconCommits([Envelope])
    case beaconReveal(Envelope)
    case beaconReveals([Envelope])
    case certificate(VoteCertificate)
    case directory(Directory)
    case epochProposal(Envelope)
    case epochReady(Envelope)
    case epochReadyBundle([Envelope])
    case epochRefusal(EpochRefusal)
    case hello(Hello)
    case notVoted(Envelope)
    case notVotedBundle(NotVotedBundle)
    case notVotedRefusal(NotVotedRefusal)
    case notVotedRequest(NotVotedRequest)
    case roundOpen(RoundOpen)
    case runEnd(RunEnd)
    case silence(Silence)
    case skip(Envelope)
    case slotDispute(SlotDispute)
    case slotReady(Envelope)
    case slotReject(SlotReject)
    case slotSeed(SlotSeed)
    case slotSeedAck(SlotSeedAck)
    case survivors(Envelope)
    case vote(Envelope)

    /// The name of the message in `docs/PROTOCOL.md`; constant per case, so it may be logged.
    public var name: String {
        switch self {
        case .applied: "Applied"
        case .beaconCommit: "BeaconCommit"
        case .beaconCommits: "BeaconCommits"
        case .beaconReveal: "BeaconReveal"
        case .beaconReveals: "BeaconReveals"
        case .certificate: "Certificate"
        case .directory: "Directory"
        case .epochProposal: "EpochProposal"
        case .epochReady: "EpochReady"
        case .epochReadyBundle: "EpochReadyBundle"
        case .epochRefusal: "EpochRefusal"
        case .hello: "Hello"
        case .notVoted: "NotVoted"
        case .notVotedBundle: "NotVotedBundle"
        case .notVotedRefusal: "NotVotedRefusal"
        case .notVotedRequest: "NotVotedRequest"
        case .roundOpen: "RoundOpen"
        case .runEnd: "RunEnd"
        case .silence: "Silence"
        case .skip: "Skip"
        case .slotDispute: "SlotDispute"
        case .slotReady: "SlotReady"
        case .slotReject: "SlotReject"
        case .slotSeed: "SlotSeed"
        case .slotSeedAck: "SlotSeedAck"
        case .survivors: "Survivors"
        case .vote: "Vote"
        }
    }

    /// Parses the bytes of one control message.
    ///
    /// - Throws: `InvalidMessage` for anything that is not one of ours, within the limits.
    public init(encoded bytes: [UInt8]) throws(InvalidMessage) {
        guard bytes.count <= Limits.frameBytesMax else {
            throw .count(message: "Frame", field: "bytes", atMost: Limits.frameBytesMax, actual: bytes.count)
        }
        guard let body = try WireFrame(wire: bytes, "Frame").body else { throw .empty(message: "Frame") }
        self = try Self.parse(body)
    }

    /// Encodes the message.
    public func encoded() -> [UInt8] {
        WireFrame.with { $0.body = body }.wireBytes()
    }
}

extension ControlMessage {
    private static func parse(_ body: WireFrame.OneOf_Body) throws(InvalidMessage) -> ControlMessage {
        switch body {
        case .hello(let wire): .hello(try Hello(wire: wire))
        case .directory(let wire): .directory(try Directory(wire: wire))
        case .epochProposal(let wire): .epochProposal(Envelope(wire: wire))
        case .epochRefusal(let wire): .epochRefusal(try EpochRefusal(wire: wire))
        case .slotSeed(let wire): .slotSeed(try SlotSeed(wire: wire))
        case .slotSeedAck(let wire): .slotSeedAck(try SlotSeedAck(wire: wire))
        case .slotReject(let wire): .slotReject(SlotReject(wire: wire))
        case .epochReady(let wire): .epochReady(Envelope(wire: wire))
        case .epochReadyBundle(let wire): .epochReadyBundle(try envelopes(wire.statements, "EpochReadyBundle"))
        case .slotReady(let wire): .slotReady(Envelope(wire: wire))
        case .slotDispute(let wire): .slotDispute(try SlotDispute(wire: wire))
        case .roundOpen(let wire): .roundOpen(try RoundOpen(wire: wire))
        case .silence(let wire): .silence(try Silence(wire: wire))
        case .survivors(let wire): .survivors(Envelope(wire: wire))
        case .vote(let wire): .vote(Envelope(wire: wire))
        case .certificate(let wire): .certificate(try VoteCertificate(wire: wire))
        case .skip(let wire): .skip(Envelope(wire: wire))
        case .applied(let wire): .applied(try Applied(wire: wire))
        case .runEnd(let wire): .runEnd(try RunEnd(wire: wire))
        case .beaconCommit(let wire): .beaconCommit(Envelope(wire: wire))
        case .beaconCommits(let wire): .beaconCommits(try envelopes(wire.statements, "BeaconCommits"))
        case .beaconReveal(let wire): .beaconReveal(Envelope(wire: wire))
        case .beaconReveals(let wire): .beaconReveals(try envelopes(wire.statements, "BeaconReveals"))
        case .notVotedRequest(let wire): .notVotedRequest(try NotVotedRequest(wire: wire))
        case .notVoted(let wire): .notVoted(Envelope(wire: wire))
        case .notVotedRefusal(let wire): .notVotedRefusal(try NotVotedRefusal(wire: wire))
        case .notVotedBundle(let wire): .notVotedBundle(try NotVotedBundle(wire: wire))
        }
    }

    private var body: WireFrame.OneOf_Body {
        switch self {
        case .applied(let value): .applied(value.wire)
        case .beaconCommit(let envelope): .beaconCommit(envelope.wire)
        case .beaconCommits(let list): .beaconCommits(.with { $0.statements = list.map(\.wire) })
        case .beaconReveal(let envelope): .beaconReveal(envelope.wire)
        case .beaconReveals(let list): .beaconReveals(.with { $0.statements = list.map(\.wire) })
        case .certificate(let value): .certificate(value.wire)
        case .directory(let value): .directory(value.wire)
        case .epochProposal(let envelope): .epochProposal(envelope.wire)
        case .epochReady(let envelope): .epochReady(envelope.wire)
        case .epochReadyBundle(let list): .epochReadyBundle(.with { $0.statements = list.map(\.wire) })
        case .epochRefusal(let value): .epochRefusal(value.wire)
        case .hello(let value): .hello(value.wire)
        case .notVoted(let envelope): .notVoted(envelope.wire)
        case .notVotedBundle(let value): .notVotedBundle(value.wire)
        case .notVotedRefusal(let value): .notVotedRefusal(value.wire)
        case .notVotedRequest(let value): .notVotedRequest(value.wire)
        case .roundOpen(let value): .roundOpen(value.wire)
        case .runEnd(let value): .runEnd(value.wire)
        case .silence(let value): .silence(value.wire)
        case .skip(let envelope): .skip(envelope.wire)
        case .slotDispute(let value): .slotDispute(value.wire)
        case .slotReady(let envelope): .slotReady(envelope.wire)
        case .slotReject(let value): .slotReject(value.wire)
        case .slotSeed(let value): .slotSeed(value.wire)
        case .slotSeedAck(let value): .slotSeedAck(value.wire)
        case .survivors(let envelope): .survivors(envelope.wire)
        case .vote(let envelope): .vote(envelope.wire)
        }
    }
}

func envelopes(_ list: [WireEnvelope], _ message: String) throws(InvalidMessage) -> [Envelope] {
    try Fields(message: message).bounded(list.count, "envelopes", atMost: Limits.membersMax)
    return list.map { Envelope(wire: $0) }
}

extension EpochRefusal {
    init(wire: WireEpochRefusal) throws(InvalidMessage) {
        let fields = Fields(message: "EpochRefusal")
        epoch = wire.epoch
        proposalHash = try fields.digest(wire.proposalHash, "proposal_hash")
        line = try fields.code(wire.line, "line")
        detail = try fields.text(wire.detail, "detail", bytesMax: Limits.sentenceBytesMax)
        parties = try fields.parties(wire.parties, "parties", atMost: Limits.membersMax)
    }

    var wire: WireEpochRefusal {
        .with {
            $0.epoch = epoch
            $0.proposalHash = proposalHash.data
            $0.line = UInt32(line.rawValue)
            $0.detail = detail
            $0.parties = parties.map(\.data)
        }
    }
}

extension SlotSeed {
    init(wire: WireSlotSeed) throws(InvalidMessage) {
        statement = Envelope(wire: wire.statement)
        seed = SecretBytes(try Fields(message: "SlotSeed").bytes(wire.seed, "seed", count: 32))
    }

    var wire: WireSlotSeed {
        .with {
            $0.statement = statement.wire
            $0.seed = Data(seed.exposedBytes())
        }
    }
}

extension SlotSeedAck {
    init(wire: WireSlotSeedAck) throws(InvalidMessage) {
        statement = Envelope(wire: wire.statement)
        checkShare = SecretBytes(try Fields(message: "SlotSeedAck").bytes(wire.checkShare, "check_share", count: 32))
    }

    var wire: WireSlotSeedAck {
        .with {
            $0.statement = statement.wire
            $0.checkShare = Data(checkShare.exposedBytes())
        }
    }
}

extension SlotReject {
    init(wire: WireSlotReject) {
        epoch = wire.epoch
        proposal = wire.hasProposal ? Envelope(wire: wire.proposal) : nil
    }

    var wire: WireSlotReject {
        .with {
            $0.epoch = epoch
            if let proposal { $0.proposal = proposal.wire }
        }
    }
}

extension SlotDispute {
    init(wire: WireSlotDispute) throws(InvalidMessage) {
        party = try Fields(message: "SlotDispute").party(wire.party, "party")
        slotSeed = Envelope(wire: wire.slotSeed)
        epochReady = Envelope(wire: wire.epochReady)
    }

    var wire: WireSlotDispute {
        .with {
            $0.party = party.data
            $0.slotSeed = slotSeed.wire
            $0.epochReady = epochReady.wire
        }
    }
}

extension Silence {
    init(wire: WireSilence) throws(InvalidMessage) {
        let fields = Fields(message: "Silence")
        ctx = try fields.digest(wire.ctx, "ctx")
        cause = try fields.code(wire.cause, "cause")
    }

    var wire: WireSilence {
        .with {
            $0.ctx = ctx.data
            $0.cause = UInt32(cause.rawValue)
        }
    }
}

extension VoteCertificate {
    init(wire: WireCertificate) throws(InvalidMessage) {
        ctx = try Fields(message: "Certificate").digest(wire.ctx, "ctx")
        votes = try envelopes(wire.votes, "Certificate")
    }

    var wire: WireCertificate {
        .with {
            $0.ctx = ctx.data
            $0.votes = votes.map(\.wire)
        }
    }
}

extension RunEnd {
    init(wire: WireRunEnd) throws(InvalidMessage) {
        let fields = Fields(message: "RunEnd")
        outcome = try fields.code(wire.outcome, "outcome")
        sentence = try fields.text(wire.sentence, "sentence", bytesMax: Limits.sentenceBytesMax)
    }

    var wire: WireRunEnd {
        .with {
            $0.outcome = UInt32(outcome.rawValue)
            $0.sentence = sentence
        }
    }
}
