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
        guard certificate.ctx == round.context.ctx else { return [.reject(.wrongRound(message: "Certificate"))] }
        guard let survivors = round.survivors else {
            return [.reject(.outOfPhase(message: "Certificate", phase: "before Survivors"))]
        }
        switch round.answer {
        case .computing: return []
        case .answered(let header, let trailer): return [.sendPartial(header, trailer: trailer)]
        case .none: break
        }
        let valid = countVotes(certificate.votes, plan, round.context, survivors.hash)
        guard valid >= plan.committee.quorum else {
            return [.reject(.certificateTooSmall(valid: valid, quorum: plan.committee.quorum))]
        }
        guard
            ledger.lock(epochHash: plan.epochHash, base: round.context.base) == survivors.hash,
            ledger.mayVote(
                epochHash: plan.epochHash, base: round.context.base, survivorsHash: survivors.hash),
            let slot = plan.slots(heldBy: rules.id).first
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

    /// Counts the distinct members that voted for this set under this base in this round.
    ///
    /// C carries votes in member order, so every vote is tried from the member after the last voter on: one
    /// verification a vote. A vote out of order does not count.
    private func countVotes(
        _ votes: [Envelope], _ plan: EpochPlan, _ context: RoundContext, _ survivorsHash: Digest
    ) -> Int {
        let expected = Vote(
            epochHash: plan.epochHash, ctx: context.ctx, base: context.base, survivorsHash: survivorsHash)
        let payload = expected.encoded()
        let input = signatureInput(Vote.name, epoch: plan.epochHash, payload: payload)
        var valid = 0
        var next = 0
        for envelope in votes where envelope.payload == payload {
            let voter = plan.proposal.members[next...].firstIndex {
                $0.key.isValid(signature: envelope.signature, for: input)
            }
            guard let voter else { continue }
            valid += 1
            next = voter + 1
        }
        return valid
    }

    /// The shell has made the aggregate share.
    public mutating func partialMade(ctx: Digest, leaf: Digest) throws -> [MemberAction] {
        guard case .ready(let plan, _) = phase, let round, round.context.ctx == ctx,
            case .computing = round.answer, let survivors = round.survivors,
            let slot = plan.slots(heldBy: rules.id).first
        else { return [] }
        let partial = Partial(
            epochHash: plan.epochHash, ctx: ctx, survivorsHash: survivors.hash, slot: slot, leaf: leaf)
        let trailer = try Signed(signing: partial, with: signer).envelope
        let header = VectorHeader(ctx: ctx, slot: slot, elements: round.context.elements)
        self.round?.answer = .answered(header, trailer)
        return [.sendPartial(header, trailer: trailer)]
    }
}
