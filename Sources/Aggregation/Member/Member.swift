// SPDX-License-Identifier: MIT

import Identity
import Messages
import Primitives

/// The machine of one member: it keeps an epoch's keys, takes part in rounds and answers for its slot.
///
///     no epoch ──EpochProposal──▶ exchanging seeds ──all seeds, all shares──▶ complete ──EpochReadyBundle──▶ ready
///         │ sampled               ▲          │                                  │                            │
///         └─▶ drawing ─all reveals┘          │                                  │                            │
///         ▲                                  │                                  │                            │
///         └──────────── EpochProposal with a larger number, from any phase ─────┴────────────────────────────┘
///
///     in a ready epoch, round by round (ParticipantRound):
///     RoundOpen ─▶ updating ─▶ encoding ─▶ uploaded │ silent ─Survivors─▶ voted ─Certificate─▶ answering ─▶ answered
///                       Result from any of them ─▶ verifying ─▶ applied;  Skip before a vote ─▶ skipped
///
/// No clock, socket, disk or global randomness: events come in, actions come out, in order. Late and repeated messages
/// are answered with what was said before, or rejected with a reason.
public struct Member: Sendable {
    /// What the site decides for itself.
    public var rules: SiteRules
    /// What this member knows for ever.
    public internal(set) var ledger: MemberLedger
    /// Whom this member trusts to be in an epoch.
    public internal(set) var members: MemberRecord
    /// The time of day, set by the shell before each event; only the member record's dates depend on it.
    public var unixSeconds: Int64 = 0
    /// What this member did in the last 24 hours, set by the shell before each event, for the policy's limits.
    public var activity = Activity()
    let signer: any Signer
    let verifier: any Verifier
    let coordinator: PublicKey
    let random: @Sendable (Int) -> SecretBytes
    var phase: EpochPhase = .none
    var round: ParticipantRound?
    var handover: HandoverHeader?
    /// The last Skip that was applied: a set or a result for the same round contradicts it.
    var lastSkip: (ctx: Digest, envelope: Envelope)?
    /// The votes of others that certificates showed under one base of the epoch: another set contradicts one of them.
    var votes = SeenVotes()
    /// Seeds that came before the proposal of their epoch, one a peer.
    var earlySeeds: [PartyID: SlotSeed] = [:]
    /// Peers whose connection stands.
    var connectedPeers: Set<PartyID> = []

    /// What a member did in the last 24 hours.
    public struct Activity: Equatable, Sendable {
        public var rounds: Int
        public var epochs: Int

        /// Makes a count.
        public init(rounds: Int = 0, epochs: Int = 0) {
            self.rounds = rounds
            self.epochs = epochs
        }
    }

    /// Where a member is in its epoch.
    enum EpochPhase: Sendable {
        /// Without keys. Waits for a proposal.
        case none
        /// The slots are drawn. Waits for the commits of all members, then for their reveals.
        case drawing(EpochDraft, EpochKeys)
        /// Seeds go out and come in. Waits for SlotSeed and SlotSeedAck of every peer.
        case exchanging(EpochExchange)
        /// All keys are there. Waits for the bundle of EpochReady.
        case complete(EpochPlan, EpochKeys, statement: Envelope)
        /// The epoch is checked. Waits for rounds.
        case ready(EpochPlan, EpochKeys)

        var name: String {
            switch self {
            case .none: "without an epoch"
            case .drawing: "drawing slots"
            case .exchanging: "exchanging seeds"
            case .complete: "complete"
            case .ready: "ready"
            }
        }

        var plan: EpochPlan? {
            switch self {
            case .none, .drawing: nil
            case .exchanging(let exchange): exchange.plan
            case .complete(let plan, _, _), .ready(let plan, _): plan
            }
        }

        var draft: EpochDraft? {
            if case .drawing(let draft, _) = self { draft } else { plan?.draft }
        }

        var keys: EpochKeys? {
            switch self {
            case .none: nil
            case .drawing(_, let keys): keys
            case .exchanging(let exchange): exchange.keys
            case .complete(_, let keys, _), .ready(_, let keys): keys
            }
        }
    }

    /// Makes the machine of a member from what it kept.
    ///
    /// - Parameters:
    ///   - rules: the site's own rules.
    ///   - ledger: the facts recorded so far.
    ///   - members: the member record.
    ///   - keys: the keys file of the last epoch, if there is one and it belongs to this instance.
    ///   - signer: the party's identity key.
    ///   - verifier: checks everybody's signatures.
    ///   - coordinator: the key that the coordinator signs with.
    ///   - random: draws that many secret bytes.
    public init(
        rules: SiteRules, ledger: MemberLedger, members: MemberRecord, keys: EpochKeys?, signer: any Signer,
        verifier: any Verifier = ECDSAVerifier(), coordinator: PublicKey,
        random: @escaping @Sendable (Int) -> SecretBytes
    ) {
        self.rules = rules
        self.ledger = ledger
        self.members = members
        self.signer = signer
        self.verifier = verifier
        self.coordinator = coordinator
        self.random = random
        restore(keys)
    }

    /// Takes the epoch up again where the keys file left it; keys of another epoch than the last are not used.
    private mutating func restore(_ keys: EpochKeys?) {
        guard let keys, keys.proposalHash == ledger.proposalHash,
            let signed = try? Signed<EpochProposal>(opening: keys.proposal, signedBy: coordinator, using: verifier),
            let draft = try? EpochDraft(signed), keys.fit(draft), draft.index(of: rules.id) != nil
        else { return }
        if ledger.isDrawing {
            if keys.nonce != nil { phase = .drawing(draft, keys) }
            return
        }
        guard keys.epochHash == ledger.epochHash, let plan = EpochPlan(draft) ?? EpochPlan(draft, beacon: keys.beacon),
            keys.fit(plan, of: rules.id)
        else { return }
        if !keys.isComplete {
            phase = .exchanging(EpochExchange(plan: plan, keys: keys, selfID: rules.id))
        } else if ledger.epochIsReady {
            phase = .ready(plan, keys)
        } else if let statement = try? readyStatement(keys) {
            phase = .complete(plan, keys, statement: statement)
        }
    }

    /// Where this member stands, for Hello.
    public var position: Hello.Position? {
        guard let chain = ledger.chain else { return nil }
        return Hello.Position(
            run: chain.run, chainIndex: chain.index, modelHash: chain.modelHash,
            epoch: phase.plan?.proposal.epoch ?? 0)
    }

    /// The plan of the epoch that this member is in.
    public var plan: EpochPlan? { phase.plan }

    /// The context of the round that this member acts in.
    public var openRound: RoundContext? { round?.context }

    /// The site's engineer has changed the member record, such as by confirming a newcomer.
    public mutating func membersChanged(_ record: MemberRecord) { members = record }

    /// Handles a control message of the coordinator.
    public mutating func handle(_ message: ControlMessage) throws -> [MemberAction] {
        switch message {
        case .epochProposal(let envelope): try epochProposed(envelope)
        case .beaconCommits(let statements): try membersCommitted(statements)
        case .beaconReveals(let statements): try membersRevealed(statements)
        case .epochReadyBundle(let statements): try epochReadyBundled(statements)
        case .roundOpen(let open): roundOpened(open)
        case .survivors(let envelope): try survivorsFixed(envelope)
        case .certificate(let certificate): certified(certificate)
        case .skip(let envelope): skipped(envelope)
        case .notVotedRequest(let request): try notVotedAsked(request)
        case .notVotedBundle(let bundle): notVotedShown(bundle)
        case .runEnd(let end): [.stop(.runEnded(end))]
        case .directory: []
        default: [.reject(.outOfPhase(message: message.name, phase: "from the coordinator"))]
        }
    }

    /// Handles a control message of a peer whose connection proved its identity.
    public mutating func handle(_ message: ControlMessage, from peer: PartyID) throws -> [MemberAction] {
        switch message {
        case .slotSeed(let seed): try slotSeedArrived(seed, from: peer)
        case .slotSeedAck(let ack): try slotSeedAcknowledged(ack, by: peer)
        case .slotReject(let reject): try slotSeedRejected(reject)
        default: [.reject(.notEntitled(message: message.name))]
        }
    }

    /// Records a fact and asks the shell to do the same durably.
    mutating func note(_ fact: MemberFact) -> MemberAction {
        ledger.record(fact)
        return .record(fact)
    }

    /// Opens an envelope that the coordinator must have signed.
    func open<Payload>(
        _ envelope: Envelope, as type: Payload.Type
    ) throws(PeerMisbehavior) -> Signed<Payload> {
        do {
            return try Signed<Payload>(opening: envelope, signedBy: coordinator, using: verifier)
        } catch {
            throw .invalid(error)
        }
    }
}
