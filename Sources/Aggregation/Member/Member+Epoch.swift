// SPDX-License-Identifier: MIT

import Identity
import Messages
import Primitives

/// Steps E1 to E5 on the member's side (protocol section 4).
extension Member {
    /// E1: checks a proposal and begins to exchange seeds, or refuses and names the line.
    mutating func epochProposed(_ envelope: Envelope) throws -> [MemberAction] {
        let signed: Signed<EpochProposal>
        do { signed = try open(envelope, as: EpochProposal.self) } catch { return [.reject(error)] }
        let proposalHash = EpochProposal.hash(payload: envelope.payload)
        if let draft = phase.draft {
            if draft.proposalHash == proposalHash { return try repeatSetUp() }
            if draft.proposal.epoch == signed.value.epoch, let held = phase.keys?.proposal {
                return evidence(.conflictingStatements(of: "coordinator", first: held, second: envelope))
            }
        }
        if phase.draft == nil, proposalHash == ledger.proposalHash {
            return [
                refuse(
                    signed, .keysLost, "this site took part in setting up this epoch and has lost its keys since")
            ]
        }
        let review = ProposalReview(
            rules: rules, ledger: ledger, members: members, handover: handover, unixSeconds: unixSeconds,
            epochsToday: activity.epochs)
        let accepted: AcceptedProposal
        do {
            accepted = try review.accept(signed)
        } catch {
            if let record = error.record { members = record }
            return (error.record.map { [.recordMembers($0)] } ?? []) + [
                refuse(signed, error.line, error.detail, error.parties)
            ]
        }
        guard round?.verifying == nil else {
            return [.reject(.outOfPhase(message: "EpochProposal", phase: "verifying"))]
        }
        return try begin(accepted, envelope)
    }

    func refuse(
        _ signed: Signed<EpochProposal>, _ line: RefusalLine, _ detail: String, _ parties: [PartyID] = []
    ) -> MemberAction {
        .send(
            .epochRefusal(
                EpochRefusal(
                    epoch: signed.value.epoch, proposalHash: EpochProposal.hash(payload: signed.envelope.payload),
                    line: line, detail: detail, parties: parties)))
    }

    /// The parameters that came with a handover are kept until a proposal shows that they were due.
    public mutating func handedOver(_ header: HandoverHeader) {
        handover = header
    }

    private mutating func begin(_ accepted: AcceptedProposal, _ envelope: Envelope) throws -> [MemberAction] {
        let draft = accepted.draft
        let keys = EpochKeys(proposal: envelope, draft: draft, random: random)
        var actions: [MemberAction] = [.disconnectPeers, .wipeKeys]
        if accepted.members != members {
            members = accepted.members
            actions.append(.recordMembers(members))
        }
        let configured = MemberFact.configured(draft.proposal.configuration.identity)
        switch accepted.origin {
        case .own: break
        case .initial(let chain):
            actions += [
                .deleteUpdate, .takeInitial(draft.proposal.configuration), note(configured),
                note(.chain(chain, own: true)),
            ]
        case .handedOver(let header):
            let chain = ModelChain(handedOver: header)
            actions += [.deleteUpdate, .takeHandover(header), note(configured), note(.chain(chain, own: false))]
        }
        handover = nil
        round = nil
        connectedPeers = []
        guard let plan = EpochPlan(draft) else { return actions + (try beginDraw(draft, keys)) }
        return actions + (try exchangeSeeds(plan, keys))
    }

    /// E3: the slots are known; seeds go to their holders, at once to those who came while this member still drew.
    mutating func exchangeSeeds(_ plan: EpochPlan, _ drawn: EpochKeys) throws -> [MemberAction] {
        var keys = drawn
        keys.enter(plan)
        let proposal = plan.proposal
        let taken = MemberFact.epochTaken(
            epoch: proposal.epoch, epochHash: plan.epochHash, proposalHash: plan.proposalHash, mode: proposal.mode,
            memberCount: plan.members.count, slotCount: plan.slots.count, quorum: plan.committee.quorum,
            corruptMax: plan.committee.corruptMax, firstRound: proposal.round)
        phase = .exchanging(EpochExchange(plan: plan, keys: keys, selfID: rules.id))
        // The keys come first: without them an epoch that was taken could never be completed after a crash.
        let peers = plan.seedPeers(of: rules.id)
        var actions = [.storeKeys(keys), note(taken), .connectPeers(peers)]
        for peer in peers where connectedPeers.contains(peer) { actions += try greet(peer) }
        return actions
    }

    /// The same proposal again: says again what was said, as far as this member has come.
    private func repeatSetUp() throws -> [MemberAction] {
        switch phase {
        case .none: []
        case .drawing(let draft, let keys): try repeatDraw(draft, keys)
        case .exchanging(let exchange):
            [
                .connectPeers(exchange.plan.seedPeers(of: rules.id)),
                .send(
                    .epochRefusal(
                        EpochRefusal(
                            epoch: exchange.plan.proposal.epoch, proposalHash: exchange.plan.proposalHash,
                            line: .peersMissing, detail: "keys are not exchanged with all members yet",
                            parties: exchange.missing))),
            ]
        case .complete(_, _, let statement): [.send(.epochReady(statement))]
        case .ready(_, let keys):
            [.send(.epochReady(try readyStatement(keys))), .send(.slotReady(try slotReadyStatement(keys)))]
        }
    }

    /// E3: a peer's connection stands.
    public mutating func peerConnected(_ peer: PartyID) throws -> [MemberAction] {
        connectedPeers.insert(peer)
        return try greet(peer)
    }

    /// E3: the seed of the slot that a connected peer holds goes out unless it was acknowledged; what the peer said too early
    /// is heard.
    private mutating func greet(_ peer: PartyID) throws -> [MemberAction] {
        guard case .exchanging(let exchange) = phase else { return [] }
        var actions: [MemberAction] = []
        if let slot = exchange.plan.slot(heldBy: peer), !exchange.isAcknowledged(by: peer) {
            let statement = SlotSeedStatement(
                epochHash: exchange.plan.epochHash, slot: slot, seedHash: exchange.keys.seedHashes[slot])
            let signed = try Signed(signing: statement, with: signer)
            let seed = SlotSeed(statement: signed.envelope, seed: exchange.keys.seeds[slot])
            actions.append(.sendPeer(peer, .slotSeed(seed)))
        }
        if let early = earlySeeds.removeValue(forKey: peer) { actions += try slotSeedArrived(early, from: peer) }
        return actions
    }

    /// A peer's connection is gone.
    public mutating func peerDisconnected(_ peer: PartyID) {
        connectedPeers.remove(peer)
    }

    /// E3: a seed for this member's slot.
    mutating func slotSeedArrived(_ seed: SlotSeed, from peer: PartyID) throws -> [MemberAction] {
        guard let plan = phase.plan, let index = plan.index(of: peer), let key = plan.key(of: peer) else {
            return keepEarly(seed, from: peer)
        }
        let statement: SlotSeedStatement
        do {
            statement = try Signed<SlotSeedStatement>(opening: seed.statement, signedBy: key, using: verifier).value
        } catch {
            return [.reject(.invalid(error))]
        }
        guard statement.epochHash == plan.epochHash else { return keepEarly(seed, from: peer) }
        guard plan.slot(heldBy: rules.id) == statement.slot,
            slotSeedHash(seed.seed) == statement.seedHash
        else { return [.reject(.resultInconsistent(field: "slot seed"))] }
        switch phase {
        case .exchanging(var exchange):
            if let first = exchange.take(seed: seed, from: index) {
                return [
                    .reject(.conflictingStatements(of: peer.hex, first: first, second: seed.statement))
                ]
            }
            phase = .exchanging(exchange)
            let ack = try acknowledgement(exchange.keys)
            return [.sendPeer(peer, .slotSeedAck(ack))] + (try completeIfFull())
        case .complete(_, let keys, _), .ready(_, let keys):
            guard keys.heldSeedHashes[index] == statement.seedHash else {
                return keys.statements[index].map {
                    [.reject(.conflictingStatements(of: peer.hex, first: $0, second: seed.statement))]
                } ?? [.reject(.wrongEpoch(message: "SlotSeed"))]
            }
            return [.sendPeer(peer, .slotSeedAck(try acknowledgement(keys)))]
        case .none, .drawing:
            return keepEarly(seed, from: peer)
        }
    }

    /// Keeps one seed a peer that came before this member knew of its epoch, and says which proposal is held here.
    private mutating func keepEarly(_ seed: SlotSeed, from peer: PartyID) -> [MemberAction] {
        if earlySeeds[peer] != nil || earlySeeds.count < Limits.membersMax { earlySeeds[peer] = seed }
        guard let plan = phase.plan, let proposal = phase.keys?.proposal else { return [] }
        return [.sendPeer(peer, .slotReject(SlotReject(epoch: plan.proposal.epoch, proposal: proposal)))]
    }

    private func acknowledgement(_ keys: EpochKeys) throws -> SlotSeedAck {
        let statement = SlotSeedAckStatement(
            epochHash: keys.epochHash, checkShareHash: checkShareHash(keys.checkShare))
        return SlotSeedAck(
            statement: try Signed(signing: statement, with: signer).envelope, checkShare: keys.checkShare)
    }

    /// E3: a helper holds this member's seed and gives its check-key share.
    mutating func slotSeedAcknowledged(_ ack: SlotSeedAck, by peer: PartyID) throws -> [MemberAction] {
        guard case .exchanging(var exchange) = phase, let key = exchange.plan.key(of: peer) else { return [] }
        let statement: SlotSeedAckStatement
        do {
            statement = try Signed<SlotSeedAckStatement>(opening: ack.statement, signedBy: key, using: verifier).value
        } catch {
            return [.reject(.invalid(error))]
        }
        guard statement.epochHash == exchange.plan.epochHash else {
            return [.reject(.wrongEpoch(message: "SlotSeedAck"))]
        }
        guard statement.checkShareHash == checkShareHash(ack.checkShare) else {
            return [.reject(.resultInconsistent(field: "check share"))]
        }
        exchange.take(share: ack.checkShare, of: peer)
        phase = .exchanging(exchange)
        return try completeIfFull()
    }

    /// E3: the peer is in another epoch. The lower epoch gives way; the higher one's proposal is taken as if C sent it.
    mutating func slotSeedRejected(_ reject: SlotReject) throws -> [MemberAction] {
        guard let envelope = reject.proposal else { return [] }
        let signed: Signed<EpochProposal>
        do { signed = try open(envelope, as: EpochProposal.self) } catch { return [.reject(error)] }
        guard let draft = phase.draft, signed.value.epoch >= draft.proposal.epoch else { return [] }
        return try epochProposed(envelope)
    }

    /// E4: with everybody's seeds and shares, the keys are derived, stored, and EpochReady goes to C.
    private mutating func completeIfFull() throws -> [MemberAction] {
        guard case .exchanging(let exchange) = phase, exchange.isFull else { return [] }
        let plan = exchange.plan
        let keys = exchange.completed()
        let statement = try readyStatement(keys)
        phase = .complete(plan, keys, statement: statement)
        return [.storeKeys(keys), .send(.epochReady(statement))]
    }

    func readyStatement(_ keys: EpochKeys) throws -> Envelope {
        guard let checkKey = keys.checkKey else { preconditionFailure("an epoch is ready only with its check key") }
        let ready = EpochReady(
            epochHash: keys.epochHash, own: ledger.ownedModelOfEpoch, readyHash: checkKey.readyHash,
            seedHashes: keys.seedHashes)
        return try Signed(signing: ready, with: signer).envelope
    }

    private func slotReadyStatement(_ keys: EpochKeys) throws -> Envelope {
        try Signed(signing: SlotReady(epochHash: keys.epochHash), with: signer).envelope
    }

    /// E5: compares what every participant states with what it sent this helper.
    mutating func epochReadyBundled(_ statements: [Envelope]) throws -> [MemberAction] {
        guard case .complete(let plan, let keys, _) = phase else {
            if case .ready(_, let keys) = phase { return [.send(.slotReady(try slotReadyStatement(keys)))] }
            return [.reject(.outOfPhase(message: "EpochReadyBundle", phase: phase.name))]
        }
        let review = ReadyReview(plan: plan, keys: keys, selfID: rules.id, verifier: verifier)
        switch review.check(statements) {
        case .reject(let misbehavior): return [.reject(misbehavior)]
        case .dispute(let dispute): return [.send(.slotDispute(dispute))]
        case .accept(let othersOwning):
            phase = .ready(plan, keys)
            return [
                note(.epochReady(epochHash: plan.epochHash, othersOwning: othersOwning)),
                .send(.slotReady(try slotReadyStatement(keys))), .disconnectPeers,
            ]
        }
    }

    /// Stops for good and shows both statements.
    func evidence(_ misbehavior: PeerMisbehavior) -> [MemberAction] {
        [.reject(misbehavior), .stop(.evidence(misbehavior))]
    }
}
