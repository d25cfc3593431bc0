// SPDX-License-Identifier: MIT

import Identity
import Messages
import Primitives

/// Remembers one vote a member under one base of one epoch, to notice a second one for another set (protocol section 5,
/// step R2'): two such votes of one member are evidence.
struct SeenVotes: Sendable {
    /// Votes of a certificate for other sets that are looked at; each may cost one verification a member.
    static let othersMax = 16

    private var epochHash = Digest.zero
    private var base = Digest.zero
    private var first: [PartyID: Signed<Vote>] = [:]

    /// Looks through a certificate for votes under this round's base that are for another set than the one expected.
    ///
    /// - Parameter expected: the payload that counts in this round; such votes are verified and taken elsewhere.
    mutating func take(
        othersOf votes: [Envelope], expected: [UInt8]?, _ plan: EpochPlan, _ context: RoundContext,
        using verifier: some Verifier
    ) -> PeerMisbehavior? {
        let others = votes.lazy.filter { envelope in
            guard envelope.payload != expected, let vote = try? Vote(payload: envelope.payload) else { return false }
            return vote.isUnder(context)
        }
        for envelope in others.prefix(Self.othersMax) {
            for member in plan.proposal.members {
                guard let vote = try? Signed<Vote>(opening: envelope, signedBy: member.key, using: verifier) else {
                    continue
                }
                if let found = take(vote, of: member.id, context) { return found }
                break
            }
        }
        return nil
    }

    /// Takes a vote whose signature holds; returns the evidence if the member has voted for another set before.
    mutating func take(_ vote: Signed<Vote>, of member: PartyID, _ context: RoundContext) -> PeerMisbehavior? {
        if epochHash != context.epochHash || base != context.base {
            (epochHash, base, first) = (context.epochHash, context.base, [:])
        }
        guard let held = first[member] else {
            first[member] = vote
            return nil
        }
        guard held.value.contradicts(vote.value) else { return nil }
        return .conflictingStatements(of: member.hex, first: held.envelope, second: vote.envelope)
    }
}

extension Vote {
    /// Whether the vote is one of a round's epoch and base, which allow one set.
    func isUnder(_ context: RoundContext) -> Bool { epochHash == context.epochHash && base == context.base }

    /// Whether two votes of one member cannot both be honest: another set under the same base of the same epoch.
    func contradicts(_ other: Vote) -> Bool {
        epochHash == other.epochHash && base == other.base && survivorsHash != other.survivorsHash
    }
}
