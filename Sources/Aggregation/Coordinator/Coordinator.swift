// SPDX-License-Identifier: MIT

import Identity
import Messages
import Primitives

/// The machine of the coordinator: it fixes epochs, rounds and sets, has vectors added, and publishes sums.
///
///     gathering ─cohort─▶ settingUp ─all SlotReady─▶ between ─▶ collecting ─uploads or deadline─▶ voting
///                            ▲   │                    ▲  ▲          │ too few: Skip                 │ all votes,
///         a member is lost   │   └─silent: new epoch──┘  └──────────┘                               ▼ fresh pongs
///      (any phase of a round)┤                        │                                         answering
///                            │                        └──publishing ◀──sum── summing ◀──all slots───┘
///                            ├── closing (nobody votes in the lost epoch any more) ─▶ settingUp, ended
///                            └── waiting (too few to go on: the lost ones may return) ──▶ ended
///
/// It is trusted for liveness alone: nothing that it says is taken without a check (protocol section 3).
public struct Coordinator: Sendable {
    public internal(set) var settings: CoordinatorSettings
    /// The run's configuration; `cohortMin` is that of the present epoch.
    public internal(set) var configuration: RunConfiguration
    /// The parties that may be in an epoch: enrolled and not revoked.
    public internal(set) var registry: [PartyID: EpochProposal.Member]
    public internal(set) var chain: ModelChain
    let signer: any Signer
    let verifier: any Verifier
    var phase: CoordinatorPhase
    var plan: EpochPlan?
    var lastEpoch: UInt64 = 0
    var lastRound: UInt64 = 0
    var largestEpoch = 0
    var skipsInARow = 0
    var failedSetUps = 0
    /// Members that lost their keys since an epoch was ready last: once each may have it set up again for that.
    var forgetful: Set<PartyID> = []
    /// Whether members no longer hold the keys of the present epoch, so that a new one is due.
    var planIsStale = false
    /// The base under which a round was opened last.
    var openedBase: Digest?
    /// The set whose sum overflowed under the present base and epoch: it alone may send again (protocol section 5).
    var overflowedSet: SurvivorSet?
    /// Members that may have answered under the present base, in any epoch: they upload nothing under it any more.
    var answeredUnderBase: Set<PartyID> = []
    /// The epochs with standbys in which something may have been uploaded under the present base, oldest first.
    var openEpochs: [OpenEpoch] = []
    /// Members of an epoch with standbys that have lost its keys: they can do nothing in it.
    var keyless: Set<PartyID> = []
    /// Parties that are connected and have said Hello.
    var connected: [PartyID: ConnectedParty] = [:]
    /// Members of the epoch that have got, or will get, every result of it.
    var followsChain: Set<PartyID> = []
    /// Connected parties that no epoch can be set up with: not confirmed by a site, refusing, or out of reach of their peers;
    /// tried again when they connect anew.
    var leftOut: Set<PartyID> = []
    /// Members that kept others waiting, and until when no epoch is proposed with them.
    var probation: [PartyID: Probation] = [:]
    /// How long uploads, votes and partials took in the last rounds, and who came too late. All are kept in memory: a server
    /// that restarts begins anew.
    var uploadPace = Pace()
    var votePace = Pace()
    var partialPace = Pace()
    var late: [PartyID: Lateness] = [:]
    /// When the run began to wait for members, unless one of them has done its part since.
    var stalledSince: ContinuousClock.Instant?
    /// A registry that takes effect when the helpers have answered.
    var nextRegistry: [PartyID: EpochProposal.Member]?
    /// Newcomers that were left out because this member has not confirmed them; it says Hello again when it has.
    var unconfirmed: [PartyID: PartyID] = [:]
    /// The members that have said so already, by newcomer.
    var confirmations: [PartyID: Set<PartyID>] = [:]
    /// When a member of the epoch that is not connected counts as lost.
    var lossDeadlines: [PartyID: ContinuousClock.Instant] = [:]
    /// Every Result and Skip of this and the last epoch, for members that missed them.
    var history: [HistoryItem] = []
    var output: [CoordinatorAction] = []

    /// A party whose connection stands.
    struct ConnectedParty: Sendable {
        let hello: Hello
        /// The base for which its engineer has lifted rule (c), by its last Hello.
        var released: Digest?
        var pongAt: ContinuousClock.Instant
    }

    /// A step of the chain, to be sent again.
    struct HistoryItem: Sendable {
        /// The chain index before the step.
        let index: UInt64
        let epochHash: Digest
        let step: Step

        enum Step: Sendable {
            case result(ResultHeader, Envelope)
            case skip(RoundOpen, Envelope)
        }
    }

    /// Begins a run, or takes one up from the facts recorded so far.
    ///
    /// - Parameters:
    ///   - facts: what was recorded, from the first run on; the last one that began is taken up. Numbers of epochs and
    ///     rounds go on from run to run (protocol section 4).
    ///   - registry: the parties that may take part.
    ///   - verifier: checks everybody's signatures.
    ///   - now: members of a running epoch have from here until `rejoinWait` to connect.
    public init(
        settings: CoordinatorSettings, facts: [CoordinatorFact], registry: [EpochProposal.Member],
        signer: any Signer, verifier: any Verifier = ECDSAVerifier(), now: ContinuousClock.Instant
    ) throws {
        let start = facts.lastIndex { if case .runBegan = $0 { true } else { false } } ?? facts.endIndex
        guard start < facts.endIndex, case .runBegan(let bytes, let chain) = facts[start] else {
            preconditionFailure("the first fact of a run is its beginning")
        }
        self.settings = settings
        self.configuration = try RunConfiguration(encoded: bytes)
        self.chain = chain
        self.signer = signer
        self.verifier = verifier
        self.registry = Dictionary(uniqueKeysWithValues: registry.map { ($0.id, $0) })
        phase = .gathering(since: nil)
        try goOnCounting(from: facts[..<start])
        try restore(facts[start...].dropFirst(), now)
    }

    /// The epoch that rounds run in, if there is one.
    public var epoch: EpochPlan? { plan }

    /// What the machine is doing, for status and logs.
    public var phaseName: String { phase.name }

    /// How many parties are connected, and how many are waited for before the first epoch; nil from then on.
    public var gathered: (present: Int, wanted: Int)? {
        if case .gathering = phase { (connected.count, settings.cohort) } else { nil }
    }

    /// Whether the run is over.
    public var hasEnded: Bool {
        if case .ended = phase { true } else { false }
    }

    /// Runs one event and returns what it led to.
    mutating func collect(
        _ now: ContinuousClock.Instant, _ event: (inout Coordinator) throws -> Void
    ) rethrows -> [CoordinatorAction] {
        output = []
        if !hasEnded {
            try event(&self)
        }
        return output
    }

    /// Has a message counted that changes nothing in this phase.
    mutating func discard(_ message: String, from party: PartyID) {
        output.append(.discard(party, message: message, phase: phase.name))
    }

    /// Has a message counted that breaks the protocol.
    mutating func reject(_ party: PartyID, _ misbehavior: PeerMisbehavior) {
        output.append(.reject(party, misbehavior))
    }

    /// Asks the shell to write a fact.
    mutating func note(_ fact: CoordinatorFact) { output.append(.record(fact)) }

    /// Sends a message to every connected member of the epoch.
    mutating func broadcast(_ message: ControlMessage, _ plan: EpochPlan) { broadcast(message, plan.members) }

    /// Sends a message to those of some parties that are connected.
    mutating func broadcast(_ message: ControlMessage, _ parties: [PartyID]) {
        for party in parties where connected[party] != nil { output.append(.send(party, message)) }
    }

    /// Ends the run and tells everybody.
    mutating func finish(_ outcome: RunOutcome, _ sentence: String) {
        let end = RunEnd(outcome: outcome, sentence: sentence)
        note(.runEnded(outcome, sentence: sentence))
        for party in connected.keys.sorted() { output.append(.send(party, .runEnd(end))) }
        output.append(.finish(end))
        phase = .ended
    }

    /// What people call a party; a member that was revoked keeps its name as long as its epoch lasts.
    public func name(_ party: PartyID) -> String {
        registry[party]?.name ?? plan?.proposal.members.first { $0.id == party }?.name ?? party.hex
    }

    /// What people call some parties.
    func names(_ parties: some Sequence<PartyID>) -> String { parties.sorted().map(name).joined(separator: ", ") }
}
