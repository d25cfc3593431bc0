// SPDX-License-Identifier: MIT

import Identity
import Messages
import Primitives

/// Step E2 of mode `sampled` on the coordinator's side (protocol section 4): it carries commits, then reveals.
extension Coordinator {
    /// A member is bound to its nonce. When all are, everybody gets all commits.
    mutating func beaconCommitted(_ envelope: Envelope, by party: PartyID, _ now: ContinuousClock.Instant) throws {
        guard case .settingUp(var setUp) = phase, setUp.draft.proposal.mode == .sampled else {
            return discard(BeaconCommit.name, from: party)
        }
        guard let signed: Signed<BeaconCommit> = opened(envelope, by: party, setUp) else { return }
        guard signed.value.proposalHash == setUp.draft.proposalHash else {
            return reject(party, .wrongEpoch(message: BeaconCommit.name))
        }
        if let first = setUp.draw.commits[party] {
            guard first.value != signed.value else { return }
            return try contradicted(party, first.envelope, envelope, setUp, now)
        }
        setUp.draw.commits[party] = signed
        if setUp.draw.commits.count == setUp.members.count {
            let bundle = setUp.members.compactMap { setUp.draw.commits[$0]?.envelope }
            setUp.draw.commitBundle = bundle
            broadcast(.beaconCommits(bundle), setUp.members)
        }
        phase = .settingUp(setUp)
    }

    /// A member shows its nonce. When all have, the slots are known, here as everywhere. A false nonce puts its member out:
    /// its two statements show it.
    mutating func beaconRevealed(_ envelope: Envelope, by party: PartyID, _ now: ContinuousClock.Instant) throws {
        guard case .settingUp(var setUp) = phase, setUp.draft.proposal.mode == .sampled else {
            return discard(BeaconReveal.name, from: party)
        }
        guard let signed: Signed<BeaconReveal> = opened(envelope, by: party, setUp) else { return }
        guard setUp.draw.commitBundle != nil, let commit = setUp.draw.commits[party] else {
            return reject(party, .outOfPhase(message: BeaconReveal.name, phase: "before BeaconCommits"))
        }
        guard setUp.draw.reveals[party] == nil else { return }
        do throws(PeerMisbehavior) {
            try signed.check(against: commit, of: party)
        } catch {
            guard case .conflictingStatements = error else { return reject(party, error) }
            return try contradicted(party, commit.envelope, envelope, setUp, now)
        }
        setUp.draw.reveals[party] = signed
        if setUp.draw.reveals.count == setUp.members.count { drawSlots(&setUp, now) }
        phase = .settingUp(setUp)
    }

    private mutating func drawSlots(_ setUp: inout EpochSetUp, _ now: ContinuousClock.Instant) {
        let commits = setUp.members.compactMap { setUp.draw.commits[$0]?.value.commit }
        let reveals = setUp.members.compactMap { setUp.draw.reveals[$0] }
        let beacon = SlotBeacon.beacon(
            members: setUp.members, proposalHash: setUp.draft.proposalHash, commits: commits,
            nonces: reveals.map(\.value.nonce))
        setUp.plan = EpochPlan(setUp.draft, beacon: beacon)
        setUp.draw.revealBundle = reveals.map(\.envelope)
        setUp.deadline = now + settings.setUpDeadline
        note(.slotsDrawn(epoch: setUp.draft.proposal.epoch, beacon: beacon))
        broadcast(.beaconReveals(reveals.map(\.envelope)), setUp.members)
    }

    private mutating func opened<Payload>(
        _ envelope: Envelope, by party: PartyID, _ setUp: EpochSetUp
    ) -> Signed<Payload>? {
        guard let key = setUp.draft.key(of: party) else {
            reject(party, .notEntitled(message: Payload.name))
            return nil
        }
        do {
            return try Signed<Payload>(opening: envelope, signedBy: key, using: verifier)
        } catch {
            reject(party, .invalid(error))
            return nil
        }
    }
}
