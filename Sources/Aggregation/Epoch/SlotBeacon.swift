// SPDX-License-Identifier: MIT

import Identity
import Messages
import Primitives

/// The draw of slots from nonces that all members committed to before anybody showed one (protocol section 4, step E2).
enum SlotBeacon {
    /// Computes `H("beacon-commit", proposalHash, id, nonce)`.
    static func commit(proposalHash: Digest, party: PartyID, nonce: Digest) -> Digest {
        LabeledBytes("beacon-commit").fixed(proposalHash).fixed(party.bytes).fixed(nonce).hash
    }

    /// Computes `H("beacon", proposalHash, (id, commit, nonce) in PartyID order)`.
    ///
    /// Commits and nonces stand in the order of the members, one each.
    static func beacon(
        members: [PartyID], proposalHash: Digest, commits: [Digest], nonces: [Digest]
    ) -> Digest {
        var bytes: [UInt8] = []
        for (index, member) in members.enumerated() {
            bytes += member.bytes + commits[index].bytes + nonces[index].bytes
        }
        return LabeledBytes("beacon").fixed(proposalHash).fixed(bytes).hash
    }

    /// Shuffles the members, in PartyID order, by Fisher and Yates: k from n − 1 down to 1, j uniform in 0…k, swap.
    static func permutation(of members: [PartyID], beacon: Digest) -> [PartyID] {
        var stream = XofHmacSha256Aes128(seed: SecretBytes(beacon), dst: "summand/v1 draw")
        var order = members
        for k in stride(from: order.count - 1, to: 0, by: -1) {
            order.swapAt(k, Int(stream.nextUniform(through: UInt64(k))))
        }
        return order
    }

    /// Slot s is (place s, place slots + s) of the permutation.
    static func slots(of draft: EpochDraft, beacon: Digest) -> [Slot] {
        let order = permutation(of: draft.members, beacon: beacon)
        let count = draft.committee.slotCount
        return (0..<count).map { Slot(primary: order[$0], standby: order[count + $0]) }
    }
}

/// The statements of one kind, commits or reveals, of all members of a draw, each verified.
struct BeaconBundle<Payload: SignedPayload>: Sendable {
    /// In member order.
    let statements: [Signed<Payload>]

    /// Opens a bundle that the coordinator carries: one statement a member, in member order, each signed by its member.
    init(_ envelopes: [Envelope], _ draft: EpochDraft, using verifier: some Verifier) throws(PeerMisbehavior) {
        guard envelopes.count == draft.members.count else {
            throw .certificateTooSmall(valid: envelopes.count, quorum: draft.members.count)
        }
        var statements: [Signed<Payload>] = []
        for (envelope, member) in zip(envelopes, draft.proposal.members) {
            do {
                statements.append(try Signed<Payload>(opening: envelope, signedBy: member.key, using: verifier))
            } catch {
                throw .invalid(error)
            }
        }
        self.statements = statements
    }
}
