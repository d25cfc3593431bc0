// SPDX-License-Identifier: MIT

import Identity
import Messages
import Primitives

/// Step E2 of mode `sampled` on the member's side (protocol section 4).
extension Member {
    /// The nonce is durable before its commit goes out.
    mutating func beginDraw(_ draft: EpochDraft, _ keys: EpochKeys) throws -> [MemberAction] {
        phase = .drawing(draft, keys)
        let began = MemberFact.drawBegan(
            epoch: draft.proposal.epoch, proposalHash: draft.proposalHash, memberCount: draft.members.count)
        return [.storeKeys(keys), note(began), .send(.beaconCommit(try commitStatement(draft, keys)))]
    }

    /// The same proposal again: the same commit, and the same reveal if there was one.
    func repeatDraw(_ draft: EpochDraft, _ keys: EpochKeys) throws -> [MemberAction] {
        let commit = MemberAction.send(.beaconCommit(try commitStatement(draft, keys)))
        return keys.commits.isEmpty ? [commit] : [commit, .send(.beaconReveal(try revealStatement(draft, keys)))]
    }

    private func ownNonce(_ keys: EpochKeys) -> Digest {
        guard let nonce = keys.nonce.flatMap({ Digest(bytes: $0.exposedBytes()) }) else {
            preconditionFailure("a member draws with a nonce of 32 bytes")
        }
        return nonce
    }

    private func ownCommit(_ draft: EpochDraft, _ keys: EpochKeys) -> BeaconCommit {
        let commit = SlotBeacon.commit(proposalHash: draft.proposalHash, party: rules.id, nonce: ownNonce(keys))
        return BeaconCommit(proposalHash: draft.proposalHash, commit: commit)
    }

    private func commitStatement(_ draft: EpochDraft, _ keys: EpochKeys) throws -> Envelope {
        try Signed(signing: ownCommit(draft, keys), with: signer).envelope
    }

    private func revealStatement(_ draft: EpochDraft, _ keys: EpochKeys) throws -> Envelope {
        let reveal = BeaconReveal(proposalHash: draft.proposalHash, nonce: ownNonce(keys))
        return try Signed(signing: reveal, with: signer).envelope
    }

    /// E2: every member has committed. Only now, and for these commits alone, does this member show its nonce: the draw is
    /// counted first.
    mutating func membersCommitted(_ statements: [Envelope]) throws -> [MemberAction] {
        guard case .drawing(let draft, var keys) = phase else { return lateForDraw(BeaconCommit.name) }
        do throws(PeerMisbehavior) {
            let bundle = try BeaconBundle<BeaconCommit>(statements, draft, using: verifier)
            guard bundle.statements.allSatisfy({ $0.value.proposalHash == draft.proposalHash }) else {
                throw .wrongEpoch(message: BeaconCommit.name)
            }
            guard let index = draft.index(of: rules.id), bundle.statements[index].value == ownCommit(draft, keys) else {
                throw .resultInconsistent(field: "own commit")
            }
            if !Rule.commitsHeld.isRemoved { try compare(bundle, with: keys, draft) }
        } catch {
            return [.reject(error)]
        }
        let reveal = MemberAction.send(.beaconReveal(try revealStatement(draft, keys)))
        guard keys.commits.isEmpty || Rule.commitsHeld.isRemoved else { return [reveal] }
        keys.commits = statements
        phase = .drawing(draft, keys)
        let counted = MemberFact.revealed(
            proposalHash: draft.proposalHash, unixSeconds: unixSeconds, renewals: members.renewals)
        return [.storeKeys(keys), note(counted), reveal]
    }

    /// Once a nonce was shown, no member may have another commit: it could have been chosen with the nonce in view.
    private func compare(
        _ bundle: BeaconBundle<BeaconCommit>, with keys: EpochKeys, _ draft: EpochDraft
    ) throws(PeerMisbehavior) {
        for (index, (held, statement)) in zip(keys.commits, bundle.statements).enumerated()
        where held.payload != statement.envelope.payload {
            throw .conflictingStatements(of: draft.members[index].hex, first: held, second: statement.envelope)
        }
    }

    /// E2: every member has shown its nonce: the slots follow.
    mutating func membersRevealed(_ statements: [Envelope]) throws -> [MemberAction] {
        guard case .drawing(let draft, let keys) = phase else { return lateForDraw(BeaconReveal.name) }
        guard !keys.commits.isEmpty else {
            return [.reject(.outOfPhase(message: BeaconReveal.name, phase: "before BeaconCommits"))]
        }
        let plan: EpochPlan
        do throws(PeerMisbehavior) {
            let commits = try BeaconBundle<BeaconCommit>(keys.commits, draft, using: verifier).statements
            let reveals = try BeaconBundle<BeaconReveal>(statements, draft, using: verifier).statements
            for (index, (commit, reveal)) in zip(commits, reveals).enumerated() {
                try reveal.check(against: commit, of: draft.members[index])
            }
            let beacon = SlotBeacon.beacon(
                members: draft.members, proposalHash: draft.proposalHash, commits: commits.map(\.value.commit),
                nonces: reveals.map(\.value.nonce))
            guard let drawn = EpochPlan(draft, beacon: beacon) else {
                preconditionFailure("slots are drawn in mode sampled only")
            }
            plan = drawn
        } catch {
            return [.reject(error)]
        }
        return try exchangeSeeds(plan, keys)
    }

    /// Behind its draw a member needs no more of it.
    private func lateForDraw(_ message: String) -> [MemberAction] {
        phase.plan?.proposal.mode == .sampled ? [] : [.reject(.outOfPhase(message: message, phase: phase.name))]
    }
}

extension Signed<BeaconReveal> {
    /// Compares a reveal with what its member committed to.
    func check(against commit: Signed<BeaconCommit>, of party: PartyID) throws(PeerMisbehavior) {
        guard value.proposalHash == commit.value.proposalHash else { throw .wrongEpoch(message: BeaconReveal.name) }
        let expected = SlotBeacon.commit(proposalHash: value.proposalHash, party: party, nonce: value.nonce)
        guard expected == commit.value.commit || Rule.revealMatchesCommit.isRemoved else {
            throw .conflictingStatements(of: party.hex, first: commit.envelope, second: envelope)
        }
    }
}
