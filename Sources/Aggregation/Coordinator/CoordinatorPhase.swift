// SPDX-License-Identifier: MIT

import Identity
import Messages
import Primitives

/// Where the coordinator is. The diagram stands in `Coordinator.swift`.
enum CoordinatorPhase: Sendable {
    /// Waits for the first cohort. Next: `settingUp`, `ended`.
    case gathering(since: ContinuousClock.Instant?)
    /// Steps E1 to E5. Next: `settingUp` again without whoever is silent, `between`, `waiting`.
    case settingUp(EpochSetUp)
    /// No round is open. Next: `collecting`, `settingUp`, `waiting`, `ended`.
    case between
    /// R1: uploads come in. Next: `voting`, `between` (Skip), `settingUp`, `waiting`.
    case collecting(CollectingRound)
    /// R2': votes come in, then fresh pongs. Next: `answering`, `settingUp`, `waiting`.
    case voting(VotingRound)
    /// R3: aggregate shares come in. Next: `summing`, `settingUp`, `waiting`.
    case answering(AnsweringRound)
    /// The shell makes the sum. Next: `publishing`.
    case summing(AnsweringRound)
    /// R4: everybody applies. Next: `between`.
    case publishing(PublishingRound)
    /// An epoch with standbys is left under an open base: NotVoted of its members comes in. Next: `settingUp`, `ended`.
    case closing(EpochClosing)
    /// Too few are there to go on. Next: the phase before, when they return; `ended`.
    case waiting(WaitingForReturn)
    /// Over.
    case ended

    var name: String {
        switch self {
        case .gathering: "gathering"
        case .settingUp: "setting up"
        case .between: "between rounds"
        case .collecting: "uploads"
        case .voting: "votes"
        case .answering: "partials"
        case .summing: "summing"
        case .publishing: "applying"
        case .closing: "closing an epoch"
        case .waiting: "waiting for members"
        case .ended: "ended"
        }
    }
}

extension CoordinatorPhase {
    /// The round whose set is fixed and whose sum is not made yet, if there is one.
    var voting: VotingRound? {
        switch self {
        case .voting(let round): round
        case .answering(let round), .summing(let round): round.voting
        default: nil
        }
    }

    /// The same for a round that waits for somebody.
    var suspendedVoting: VotingRound? {
        if case .waiting(let waiting) = self { waiting.suspended.voting } else { nil }
    }
}

/// Steps E1 to E5 of one proposal.
struct EpochSetUp: Sendable {
    let draft: EpochDraft
    /// nil while the slots are drawn.
    var plan: EpochPlan?
    let proposal: Envelope
    var deadline: ContinuousClock.Instant
    /// E2 of mode `sampled`.
    var draw = DrawProgress()
    /// Whether the members were asked, at the first deadline, whom they cannot reach.
    var hasAsked = false
    /// What they answered.
    var unreached: [PartyID: Set<PartyID>] = [:]
    var ready: [PartyID: Signed<EpochReady>] = [:]
    var slotReady: Set<PartyID> = []
    var bundle: [Envelope]?

    init(draft: EpochDraft, proposal: Envelope, deadline: ContinuousClock.Instant) {
        self.draft = draft
        plan = EpochPlan(draft)
        self.proposal = proposal
        self.deadline = deadline
    }

    var members: [PartyID] { draft.members }
}

/// E2 of mode `sampled`: who has committed, and who has shown its nonce.
struct DrawProgress: Sendable {
    var commits: [PartyID: Signed<BeaconCommit>] = [:]
    var reveals: [PartyID: Signed<BeaconReveal>] = [:]
    /// What went out, in member order.
    var commitBundle: [Envelope]?
    var revealBundle: [Envelope]?
}

/// A round as it was opened.
struct OpenedRound: Sendable {
    let open: RoundOpen
    let context: RoundContext
    let plan: EpochPlan
}

/// R1.
struct CollectingRound: Sendable {
    let round: OpenedRound
    var deadline: ContinuousClock.Instant
    /// Until when it waits for more than enough uploads; nil when it waits for all until `deadline`.
    var patience: ContinuousClock.Instant?
    /// Whether that time was over before there were enough.
    var isOverdue = false
    /// When it was opened, and how long after that each upload came; nil where that says nothing of the time that
    /// members need.
    var pace: (began: ContinuousClock.Instant, times: [Duration])?
    /// How long each upload took to send, from when it might begin.
    var sending: [Duration] = []
    /// Leaves and trailers of complete uploads.
    var uploads: [PartyID: Digest] = [:]
    var silent: [PartyID: SilenceCause] = [:]
    /// Who sent what is no upload and has not sent one since: nobody waits for it.
    var failed: Set<PartyID> = []
    var streams = VectorStreams()
    /// The set that alone may send, in the repetition after an overflow.
    let onlySet: SurvivorSet?
}

/// R2 and R2'.
struct VotingRound: Sendable {
    let round: OpenedRound
    let set: SurvivorSet
    let survivors: Envelope
    /// Leaves of U in member order.
    let leaves: [Digest]
    let deadline: ContinuousClock.Instant
    /// When the set was fixed; nil where the time since says nothing.
    var began: ContinuousClock.Instant?
    /// How long two thirds of the uploads took to send at most.
    var sending = Duration.zero
    var votes: [PartyID: Envelope] = [:]
    /// The first vote of each member under this base, for whatever set: another one contradicts it.
    var statements: [PartyID: Signed<Vote>] = [:]
    /// When the pongs were asked for, once all votes are there.
    var pingedAt: ContinuousClock.Instant?
}

/// R3.
struct AnsweringRound: Sendable {
    let voting: VotingRound
    let certificate: VoteCertificate
    var deadline: ContinuousClock.Instant
    /// To whom the certificate went: whoever is in here may have answered.
    var certified: Set<PartyID> = []
    /// When each helper was asked, where the time since says something, and the longest that a partial took.
    var askedAt: [PartyID: ContinuousClock.Instant] = [:]
    var slowestPartial: Duration?
    /// By slot, in an epoch with standbys: who was asked, the last one until when.
    var requests: [Int: SlotRequest] = [:]
    /// By slot: who answered and with which leaf, and its signed word for it.
    var partials: [Int: (helper: PartyID, leaf: Digest, trailer: Envelope)] = [:]
    /// Whether the other holder of each slot is to give the same.
    var isCrossChecked = false
    /// The slots whose holders both gave the same.
    var checked: Set<Int> = []
    var streams = VectorStreams()
    var round: OpenedRound { voting.round }
}

/// Who was asked for the partial of a slot.
struct SlotRequest: Sendable {
    /// In the order in which they were asked.
    var asked: [PartyID]
    /// Until when the last one may answer.
    var deadline: ContinuousClock.Instant
}

/// R4.
struct PublishingRound: Sendable {
    let round: OpenedRound
    let result: Signed<RoundResult>
    let set: SurvivorSet
    let deadline: ContinuousClock.Instant
    /// Whether the coordinator has applied the sum to its own model.
    var ownApplied = false
    var applied: Set<PartyID> = []
}

/// An epoch with standbys in which something may have been uploaded under the present base.
struct OpenEpoch: Sendable {
    let plan: EpochPlan
    /// Whether its members were, or may have been, asked for NotVoted: no round goes on in it.
    var isAbandoned = false
    /// NotVoted by member.
    var statements: [PartyID: Envelope] = [:]
    /// Votes that came, of members that can honestly say no such thing.
    var votes: [PartyID: Envelope] = [:]
    /// Who said that it cannot.
    var refused: Set<PartyID> = []

    /// Whether so many will never vote there that no certificate can exist.
    var isClosed: Bool { statements.count >= plan.committee.notVotedMin }

    /// Who has neither spoken nor shown that it cannot.
    var unasked: [PartyID] {
        plan.members.filter { statements[$0] == nil && votes[$0] == nil && !refused.contains($0) }
    }

    /// What shows the members of another epoch that nothing is opened here.
    func bundle(base: Digest) -> NotVotedBundle {
        let indices = plan.members.indices.filter { statements[plan.members[$0]] != nil }
        return NotVotedBundle(
            epochHash: plan.epochHash, base: base, bitmap: SurvivorSet(indices, of: plan.members.count).bitmap,
            statements: indices.compactMap { statements[plan.members[$0]] })
    }
}

/// An epoch that cannot go on and is being closed under the present base.
struct EpochClosing: Sendable {
    /// Without whom it could not go on.
    let missing: Set<PartyID>
    let standstill: Standstill?
    let deadline: ContinuousClock.Instant
}

/// A run that cannot go on without somebody.
struct WaitingForReturn: Sendable {
    let missing: Set<PartyID>
    let deadline: ContinuousClock.Instant
    /// What the run does when they are back: the round that is open, if one is.
    var suspended: Suspended
    /// What an epoch with standbys cannot go on without.
    var standstill: Standstill?
    /// When it is known who has voted in the suspended round, so that the epoch may be left if that were too few.
    var votesKnownAt: ContinuousClock.Instant?

    enum Suspended: Sendable {
        case collecting(CollectingRound)
        case voting(VotingRound)
        case answering(AnsweringRound)
        case nothing

        /// The round whose set is fixed.
        var voting: VotingRound? {
            switch self {
            case .voting(let round): round
            case .answering(let round): round.voting
            case .collecting, .nothing: nil
            }
        }
    }
}

/// The streams of one phase: a few may send, the others wait.
struct VectorStreams: Sendable {
    private(set) var granted: [StreamID: PartyID] = [:]
    /// Since when each of these may send.
    private(set) var since: [StreamID: ContinuousClock.Instant] = [:]
    private(set) var queued: [(stream: StreamID, party: PartyID)] = []

    /// The streams that are open, sending or not.
    var all: [StreamID] { Array(granted.keys) + queued.map(\.stream) }

    /// Queues a stream, and returns an earlier one of the same party, which it replaces: nobody holds more than one place.
    mutating func offer(_ stream: StreamID, from party: PartyID) -> StreamID? {
        let earlier = granted.first { $0.value == party }?.key ?? queued.first { $0.party == party }?.stream
        drop(party)
        queued.append((stream, party))
        return earlier
    }

    /// Takes the streams that may send now.
    mutating func takeGrants(atMost limit: Int, now: ContinuousClock.Instant) -> [StreamID] {
        var grants: [StreamID] = []
        while granted.count < limit, !queued.isEmpty {
            let next = queued.removeFirst()
            granted[next.stream] = next.party
            since[next.stream] = now
            grants.append(next.stream)
        }
        return grants
    }

    /// Forgets a stream, and returns whose it was when it had been granted.
    mutating func end(_ stream: StreamID) -> PartyID? {
        queued.removeAll { $0.stream == stream }
        since[stream] = nil
        return granted.removeValue(forKey: stream)
    }

    /// Forgets the streams of a party whose connection is gone.
    mutating func drop(_ party: PartyID) {
        queued.removeAll { $0.party == party }
        granted = granted.filter { $0.value != party }
        since = since.filter { granted[$0.key] != nil }
    }
}

extension EpochSetUp {
    /// Who is to be left out of the next proposal: who did not do its part, or could not be reached.
    ///
    /// One member that its peers cannot reach leaves nobody complete in mode `all`, and no holder with standbys. Members are
    /// left out, the one named in most unfinished pairs first, until every pair that is left is finished.
    func whoIsMissing() -> Set<PartyID> {
        let members = Set(members)
        guard plan != nil else {
            return members.filter { draw.commitBundle == nil ? draw.commits[$0] == nil : draw.reveals[$0] == nil }
        }
        guard bundle == nil else { return members.subtracting(slotReady) }
        var rest = members
        for party in members where ready[party] == nil && unreached[party] == nil { rest.remove(party) }
        while let worst = rest.max(by: { (unfinishedPairs($0, rest), $1) < (unfinishedPairs($1, rest), $0) }),
            unfinishedPairs(worst, rest) > 0
        {
            rest.remove(worst)
        }
        return members.subtracting(rest)
    }

    private func unfinishedPairs(_ party: PartyID, _ rest: Set<PartyID>) -> Int {
        rest.count { other in
            other != party
                && (unreached[party, default: []].contains(other) || unreached[other, default: []].contains(party))
        }
    }
}
