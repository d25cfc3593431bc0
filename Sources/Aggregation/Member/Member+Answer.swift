// SPDX-License-Identifier: MIT

import Identity
import Messages
import Primitives

/// Step R3: the member as the helper of its slot (protocol section 5).
extension Member {
    /// Answers once a quorum has voted for the very set that this member is locked to.
    mutating func certified(_ certificate: VoteCertificate) -> [MemberAction] {
        guard case .ready(let plan, let keys) = phase, let round else {
            return [.reject(.outOfPhase(message: "Certificate", phase: phase.name))]
        }
        let expected =
            certificate.ctx == round.context.ctx ? round.survivors.map { Self.vote(round.context, $0.hash) } : nil
        if let found = votes.take(
            othersOf: certificate.votes, expected: expected?.encoded(), plan, round.context, using: verifier)
        {
            return evidence(found)
        }
        guard certificate.ctx == round.context.ctx else { return [.reject(.wrongRound(message: "Certificate"))] }
        guard let survivors = round.survivors else {
            return [.reject(.outOfPhase(message: "Certificate", phase: "before Survivors"))]
        }
        guard let slot = plan.slot(heldBy: rules.id) else { return [.reject(.notEntitled(message: "Certificate"))] }
        switch round.answer {
        case .computing: return []
        case .answered(let header, let trailer): return [.sendPartial(header, trailer: trailer)]
        case .none: break
        }
        let voters = voters(of: Self.vote(round.context, survivors.hash), in: certificate.votes, plan)
        for (member, vote) in voters {
            if let found = votes.take(vote, of: member, round.context) { return evidence(found) }
        }
        let valid = voters.count
        guard valid >= plan.committee.quorum || Rule.quorum.isRemoved else {
            return [.reject(.certificateTooSmall(valid: valid, quorum: plan.committee.quorum))]
        }
        guard
            ledger.lock(epochHash: plan.epochHash, base: round.context.base) == survivors.hash,
            ledger.mayVote(
                epochHash: plan.epochHash, base: round.context.base, survivorsHash: survivors.hash)
        else { return [.reject(.secondSet)] }
        self.round?.answer = .computing
        let masks = survivors.set.indices.map {
            (participant: plan.members[$0], roundKey: keys.heldKeys[$0].roundKey(ctx: round.context.ctx))
        }
        return [
            note(.answered(epochHash: plan.epochHash, base: round.context.base)),
            .answer(AnswerOrder(context: round.context, slot: slot, masks: masks)),
        ]
    }

    /// The vote that counts in a round for a set.
    private static func vote(_ context: RoundContext, _ survivorsHash: Digest) -> Vote {
        Vote(epochHash: context.epochHash, ctx: context.ctx, base: context.base, survivorsHash: survivorsHash)
    }

    /// The distinct members that voted for this set under this base in this round, with their votes.
    ///
    /// C carries votes in member order, so every vote is tried from the member after the last voter on: one
    /// verification a vote. A vote out of order does not count.
    private func voters(
        of expected: Vote, in votes: [Envelope], _ plan: EpochPlan
    ) -> [(member: PartyID, vote: Signed<Vote>)] {
        let payload = expected.encoded()
        var voters: [(member: PartyID, vote: Signed<Vote>)] = []
        var next = 0
        for envelope in votes where envelope.payload == payload {
            for index in next..<plan.members.count {
                let key = plan.proposal.members[index].key
                guard let vote = try? Signed<Vote>(opening: envelope, signedBy: key, using: verifier) else { continue }
                voters.append((plan.members[index], vote))
                next = Rule.distinctVoters.isRemoved ? 0 : index + 1
                break
            }
        }
        return voters
    }

    /// The shell has made the aggregate share.
    public mutating func partialMade(ctx: Digest, leaf: Digest) throws -> [MemberAction] {
        guard case .ready(let plan, _) = phase, let round, round.context.ctx == ctx,
            case .computing = round.answer, let survivors = round.survivors,
            let slot = plan.slot(heldBy: rules.id)
        else { return [] }
        let partial = Partial(
            epochHash: plan.epochHash, ctx: ctx, survivorsHash: survivors.hash, slot: slot, leaf: leaf)
        let trailer = try Signed(signing: partial, with: signer).envelope
        let header = VectorHeader(ctx: ctx, slot: slot, elements: round.context.elements)
        self.round?.answer = .answered(header, trailer)
        return [.sendPartial(header, trailer: trailer)]
    }
}
