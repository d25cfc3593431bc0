// SPDX-License-Identifier: MIT

import Identity
import Messages
import Primitives

/// Leaving an epoch with standbys under an open base (protocol section 5, rule (c)): so many of its members sign that they
/// have not voted there and never will that no sum can be opened in it, and the others' updates may be sent elsewhere.
extension Coordinator {
    /// The base of the next round.
    var presentBase: Digest { RoundContext.base(kind: nextKind, paramsHash: chain.paramsHash) }

    /// Members that upload nothing under the present base in another epoch: they may have answered under it, or have uploaded
    /// where a sum may still be opened. Who was released by its engineer is not among them.
    var barred: Set<PartyID> { barred(byOpenEpochs: openEpochs.filter { !$0.isClosed }) }

    private func barred(byOpenEpochs open: [OpenEpoch]) -> Set<PartyID> {
        let released = connected.filter { $0.value.released == presentBase }.keys
        return open.reduce(answeredUnderBase) { $0.union($1.plan.members) }.subtracting(released)
    }

    /// From here on members of an epoch with standbys may upload in it under the present base.
    mutating func noteOpened(_ plan: EpochPlan) {
        guard plan.committee.hasStandbys, !openEpochs.contains(where: { $0.plan.epochHash == plan.epochHash }) else {
            return
        }
        openEpochs.append(OpenEpoch(plan: plan))
    }

    /// Whether the epochs of the present base can be closed by those that are here, and another one follow. Once members
    /// were asked there is no way back: they vote no more in the old one.
    func mayLeave(_ suspended: WaitingForReturn.Suspended, _ now: ContinuousClock.Instant) -> Bool {
        // Whoever was shown a set votes: until their time is over nobody knows who has not.
        if case .voting(let round) = suspended, now < round.deadline { return false }
        // The set of an overflow was certified: nothing can undo that.
        guard overflowedSet == nil, canGoOn(with: welcome, barred: barred(byOpenEpochs: [])) else { return false }
        return openEpochs.allSatisfy { epoch in
            let voters = suspended.voters(in: epoch.plan)
            let able = epoch.unasked.filter { connected[$0] != nil && registry[$0] != nil && !voters.contains($0) }
            return epoch.isClosed || epoch.statements.count + able.count >= epoch.plan.committee.notVotedMin
        }
    }

    /// Gives the running epoch up for another one with the same updates: no training is lost.
    mutating func leave(
        _ plan: EpochPlan, _ suspended: WaitingForReturn.Suspended, for standstill: Standstill? = nil,
        _ now: ContinuousClock.Instant
    ) {
        abandonStreams()
        let missing = standstill?.missing ?? []
        if let index = openEpochs.firstIndex(where: { $0.plan.epochHash == plan.epochHash }) {
            openEpochs[index].votes.merge(suspended.votes) { $1 }
        }
        note(.epochAbandoned(epochHash: plan.epochHash))
        abandon(plan.epochHash)
        planIsStale = true
        output.append(.report(.epochAbandoned(epoch: plan.proposal.epoch, missing: missing.sorted())))
        let since = stalledSince ?? now
        stalledSince = since
        phase = .closing(
            EpochClosing(missing: missing, standstill: standstill, deadline: since + settings.rejoinWait))
        askNotVoted(connected.keys.sorted())
    }

    mutating func abandon(_ epochHash: Digest) {
        guard let index = openEpochs.firstIndex(where: { $0.plan.epochHash == epochHash }) else { return }
        openEpochs[index].isAbandoned = true
    }

    /// Asks parties for the word that is missing, those among them that are not in the next epoch too.
    mutating func askNotVoted(_ parties: [PartyID]) {
        for epoch in openEpochs where epoch.isAbandoned && !epoch.isClosed {
            let request = NotVotedRequest(epochHash: epoch.plan.epochHash, base: presentBase)
            for party in epoch.unasked where parties.contains(party) && connected[party] != nil {
                output.append(.send(party, .notVotedRequest(request)))
            }
        }
    }

    /// Before a proposal: shows a party that nothing is opened in the epochs of the present base that it was in.
    mutating func showNotVoted(to party: PartyID) {
        for epoch in openEpochs where epoch.isClosed && epoch.plan.index(of: party) != nil {
            output.append(.send(party, .notVotedBundle(epoch.bundle(base: presentBase))))
        }
    }

    /// A member says that it has not voted. If it has, its two statements are evidence; the word does not count.
    mutating func notVoted(_ envelope: Envelope, _ party: PartyID) {
        guard let named = try? NotVoted(payload: envelope.payload),
            let epoch = openEpochs.first(where: { $0.plan.epochHash == named.epochHash && $0.isAbandoned }),
            named.base == presentBase
        else { return discard(NotVoted.name, from: party) }
        guard let key = epoch.plan.key(of: party) else { return reject(party, .notEntitled(message: NotVoted.name)) }
        do {
            _ = try Signed<NotVoted>(opening: envelope, signedBy: key, using: verifier)
        } catch {
            return reject(party, .invalid(error))
        }
        if let vote = epoch.votes[party] {
            return reject(party, .conflictingStatements(of: party.hex, first: vote, second: envelope))
        }
        guard epoch.statements[party] == nil else { return }
        note(.notVoted(party, StoredEnvelope(envelope)))
        takeNotVoted(envelope, party)
    }

    /// Keeps a statement that was checked.
    mutating func takeNotVoted(_ envelope: Envelope, _ party: PartyID) {
        guard let epochHash = try? NotVoted(payload: envelope.payload).epochHash,
            let index = openEpochs.firstIndex(where: { $0.plan.epochHash == epochHash })
        else { return }
        openEpochs[index].statements[party] = envelope
    }

    /// A member cannot say so: it is not waited for.
    mutating func notVotedRefused(_ refusal: NotVotedRefusal, _ party: PartyID) {
        guard refusal.base == presentBase,
            let index = openEpochs.firstIndex(where: { $0.plan.epochHash == refusal.epochHash && $0.isAbandoned }),
            openEpochs[index].plan.index(of: party) != nil
        else { return discard("NotVotedRefusal", from: party) }
        openEpochs[index].refused.insert(party)
    }

    /// Proposes another epoch as soon as the old ones are closed, or ends the run and says who was missing.
    mutating func advanceClosing(_ closing: EpochClosing, _ now: ContinuousClock.Instant) throws {
        let able = welcome
        if canGoOn(with: able) { return try propose(able, now) }
        guard now >= closing.deadline else { return }
        let missing = closing.missing.filter { connected[$0] == nil }
        let gone = missing.isEmpty ? "" : "missing: \(names(missing)); "
        let epochs = openEpochs.filter { !$0.isClosed }.map(sentence).joined(separator: "; ")
        finish(.aborted, "possible second opening: \(gone)\(epochs); \(engineersDecide)")
    }

    private func sentence(_ epoch: OpenEpoch) -> String {
        let voted = epoch.refused.union(epoch.votes.keys)
        let silent = Set(epoch.unasked)
        return "\(epoch.statements.count) of the \(epoch.plan.committee.notVotedMin) sites needed say that they have "
            + "not voted in epoch \(epoch.plan.proposal.epoch)"
            + (voted.isEmpty ? "" : ", \(names(voted)) cannot say so")
            + (silent.isEmpty ? "" : ", nothing is heard of \(names(silent))")
    }

    /// Who has voted in a round that stands still, and what is left to do.
    func secondOpening(_ suspended: WaitingForReturn.Suspended, _ plan: EpochPlan) -> String {
        let voters = suspended.voters(in: plan)
        let voted = voters.isEmpty ? "" : " (\(names(voters)) voted)"
        return "possible second opening: a sum of epoch \(plan.proposal.epoch) may still be opened\(voted), so that "
            + "its updates may not be sent in another one; \(engineersDecide)"
    }

    /// What people can do about a possible second opening.
    var engineersDecide: String {
        "bring the missing sites back, or let each site's engineer decide (smpc-client base release), then run again "
            + "with --resume"
    }
}

extension WaitingForReturn.Suspended {
    /// The votes that came in the round, whatever they are for.
    var votes: [PartyID: Envelope] {
        guard let voting else { return [:] }
        return voting.votes.merging(voting.statements.mapValues(\.envelope)) { $1 }
    }

    /// Who has voted in an epoch, as far as C knows.
    func voters(in plan: EpochPlan) -> Set<PartyID> { Set(votes.keys).intersection(plan.members) }
}
