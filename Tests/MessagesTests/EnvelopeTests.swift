// SPDX-License-Identifier: MIT

import Identity
import Primitives
import Testing

@testable import Messages

/// A payload that has the same bytes as a Vote and another name.
private struct Imitation: SignedPayload {
    static let name = "Ballot"
    let vote: Vote

    init(_ vote: Vote) { self.vote = vote }
    init(payload: [UInt8]) throws(InvalidMessage) { vote = try Vote(payload: payload) }
    var signingEpoch: Digest { vote.signingEpoch }
    func encoded() -> [UInt8] { vote.encoded() }
}

/// A Vote that is signed under another epoch than it names.
private struct Misplaced: SignedPayload {
    static let name = Vote.name
    let vote: Vote

    init(_ vote: Vote) { self.vote = vote }
    init(payload: [UInt8]) throws(InvalidMessage) { vote = try Vote(payload: payload) }
    var signingEpoch: Digest { Samples.digest(0xff) }
    func encoded() -> [UInt8] { vote.encoded() }
}

/// Signatures bind the name of the message, its epoch and its bytes (protocol section 2, "A signed object").
@Suite struct EnvelopeTests {
    private let refused = InvalidMessage.signature(message: "Vote")

    @Test func opensUnderTheKeyThatSigned() throws {
        let key = try Samples.key(1)
        let signed = try Signed(signing: Samples.vote, with: key)
        let opened = try Signed<Vote>(opening: signed.envelope, signedBy: key.publicKey)
        #expect(opened == signed)
        #expect(opened.value == Samples.vote)
        #expect(opened.envelope.payload == Samples.vote.encoded())
    }

    @Test func anotherKey() throws {
        let envelope = try Signed(signing: Samples.vote, with: Samples.key(1)).envelope
        #expect(throws: refused) { try Signed<Vote>(opening: envelope, signedBy: Samples.key(2).publicKey) }
    }

    @Test func theSamePayloadSignedAsAnotherMessage() throws {
        let key = try Samples.key(1)
        let envelope = try Signed(signing: Imitation(Samples.vote), with: key).envelope
        #expect(envelope.payload == Samples.vote.encoded())
        #expect(throws: refused) { try Signed<Vote>(opening: envelope, signedBy: key.publicKey) }
    }

    @Test func payloadsOfOneFormCannotStandForEachOther() throws {
        // Upload and SlotSeedAck begin alike; both parse, and only the name tells them apart.
        let key = try Samples.key(1)
        let survivors = Survivors(epochHash: Samples.digest(1), ctx: Samples.digest(2), bitmap: Samples.digest(3).bytes)
        let envelope = try Signed(signing: survivors, with: key).envelope
        _ = try Upload(payload: envelope.payload)
        #expect(throws: InvalidMessage.signature(message: "Upload")) {
            try Signed<Upload>(opening: envelope, signedBy: key.publicKey)
        }
    }

    @Test func anotherEpoch() throws {
        let key = try Samples.key(1)
        let envelope = try Signed(signing: Misplaced(Samples.vote), with: key).envelope
        #expect(throws: refused) { try Signed<Vote>(opening: envelope, signedBy: key.publicKey) }
    }

    @Test func changedBytes() throws {
        let key = try Samples.key(1)
        let envelope = try Signed(signing: Samples.vote, with: key).envelope
        // The last byte belongs to the set's hash.
        var payload = envelope.payload
        payload[payload.count - 1] ^= 1
        #expect(throws: refused) {
            try Signed<Vote>(
                opening: Envelope(payload: payload, signature: envelope.signature), signedBy: key.publicKey)
        }
        for signature in [[], [0x30], Array(envelope.signature.dropLast()), envelope.signature + [0]] {
            #expect(throws: refused) {
                try Signed<Vote>(
                    opening: Envelope(payload: envelope.payload, signature: signature), signedBy: key.publicKey)
            }
        }
    }

    @Test func aPayloadAboveTheLimitIsNotParsed() throws {
        let key = try Samples.key(1).publicKey
        let envelope = Envelope(payload: [UInt8](repeating: 0xff, count: Envelope.payloadBytesMax + 1), signature: [])
        #expect(
            throws: InvalidMessage.count(
                message: "Vote", field: "payload", atMost: Envelope.payloadBytesMax,
                actual: Envelope.payloadBytesMax + 1)
        ) { try Signed<Vote>(opening: envelope, signedBy: key) }
    }

    @Test func proposalsAreSignedUnderNoEpoch() throws {
        let proposal = try Samples.proposal()
        #expect(proposal.signingEpoch == .zero)
        let key = try Samples.key(9)
        let signed = try Signed(signing: proposal, with: key)
        #expect(try Signed<EpochProposal>(opening: signed.envelope, signedBy: key.publicKey).value == proposal)
    }

    @Test func drawsAreSignedUnderNoEpoch() {
        #expect(Samples.beaconCommit.signingEpoch == .zero)
        #expect(Samples.beaconReveal.signingEpoch == .zero)
    }

    @Test func theNamesAreThoseOfTheProtocol() {
        #expect(
            Set(PayloadKind.all.map(\.name))
                == [
                    "Upload", "Survivors", "Vote", "Skip", "Partial", "Result", "SlotSeed", "SlotSeedAck",
                    "EpochReady", "SlotReady", "EpochProposal", "BeaconCommit", "BeaconReveal", "NotVoted",
                ])
    }

    @Test func secretsDoNotShowInDescriptions() throws {
        let seed = SlotSeed(statement: Samples.envelope, seed: SecretBytes([UInt8](repeating: 0xab, count: 32)))
        let text = String(describing: ControlMessage.slotSeed(seed)) + String(reflecting: seed)
        #expect(!text.contains("171") && !text.lowercased().contains("abab"))
    }
}
