// SPDX-License-Identifier: MIT

import Identity
import Messages
import Primitives

/// One durable fact of a member: written before the bytes that depend on it go out (protocol section 5).
///
/// The facts are only ever appended; `MemberLedger` is what follows from all of them.
public enum MemberFact: Equatable, Sendable, Codable {
    /// The member took a proposal whose slots are drawn.
    case drawBegan(epoch: UInt64, proposalHash: Digest, memberCount: Int)
    /// The member is about to show its nonce. A draw counts from here on, as nobody can compute its outcome before.
    ///
    /// - renewals: how often the member record had been confirmed by then.
    case revealed(proposalHash: Digest, unixSeconds: Int64, renewals: Int)
    /// The member took part in the set-up of an epoch.
    case epochTaken(
        epoch: UInt64, epochHash: Digest, proposalHash: Digest, mode: SlotMode, memberCount: Int, slotCount: Int,
        quorum: Int, corruptMax: Int, firstRound: UInt64)
    /// Every check of step E5 held.
    case epochReady(epochHash: Digest, othersOwning: Int)
    /// The member began to act in a round.
    case entered(round: UInt64, ctx: Digest)
    /// An update for a base is kept; it is the only one that will ever be encoded under it.
    case updateKept(base: Digest)
    /// The member is about to upload a vector with this leaf.
    case uploaded(epochHash: Digest, base: Digest, ctx: Digest, leaf: Digest)
    /// The member votes for this set and for no other under this base.
    case locked(epochHash: Digest, base: Digest, ctx: Digest, survivorsHash: Digest)
    /// The member is about to answer for its slot.
    case answered(epochHash: Digest, base: Digest)
    /// The member never votes or answers under this base in this epoch any more.
    case closed(epochHash: Digest, base: Digest)
    /// Who votes in an epoch with standbys in which the member is about to upload: what it takes to check their word later.
    ///
    /// - keys: the members' SubjectPublicKeyInfo in member order, hexadecimal.
    /// - needed: how many of them must not have voted for a certificate to be impossible.
    case witnesses(epochHash: Digest, keys: [String], needed: Int)
    /// So many members have signed that they have not voted that no sum can be opened under this base in this epoch.
    case unopenable(epochHash: Digest, base: Digest)
    /// The site's engineer has decided that the kept update may be sent again under this base.
    case released(base: Digest)
    /// What identifies the configuration of the run that the next `chain` begins; it never changes within a run.
    case configured(Digest)
    /// A run began at these parameters, or was handed over (`own` is false).
    case chain(ModelChain, own: Bool)
    /// A round's result was applied and its parameters are durable.
    case applied(ModelChain)
    /// A round was skipped.
    case skipped(ModelChain)
    /// A round's sum overflowed: the update that is kept will be encoded again.
    case overflowed(ModelChain)
}

/// What a member knows for ever: the answer to every question of "one base, one set" (protocol section 5).
public struct MemberLedger: Sendable {
    /// What a member keeps of an epoch under one base.
    struct Standing: Equatable {
        var uploaded = false
        var lock: Digest?
        var answered = false
        var closed = false
        var unopenable = false
    }

    struct EpochKey: Hashable {
        let epochHash: Digest
        let base: Digest
    }

    /// The largest epoch number taken part in.
    public private(set) var largestEpoch: UInt64 = 0
    /// The most members of an epoch taken part in.
    public private(set) var largestMemberCount = 0
    /// The proposal that was taken last.
    public private(set) var proposalHash: Digest?
    /// Whether its slots are being drawn.
    public private(set) var isDrawing = false
    /// The draws that count.
    private(set) var draws = DrawLedger()
    /// The epoch that was taken last, and whether it became ready.
    public private(set) var epochHash: Digest?
    public private(set) var epochIsReady = false
    /// How many other members had computed the model themselves when the epoch became ready.
    public private(set) var othersOwning = 0
    /// The last round acted in.
    public private(set) var lastRound: (round: UInt64, ctx: Digest)?
    /// The round in which this member voted last.
    public private(set) var lockedRound: Digest?
    /// The base of the update that is kept.
    public private(set) var keptUpdateBase: Digest?
    /// Where this member stands in the chain of models.
    public private(set) var chain: ModelChain?
    /// What identifies the configuration of the chain's run.
    public private(set) var configurationHash: Digest?
    /// The base under which a sum overflowed and none has been applied since.
    public private(set) var overflowedBase: Digest?
    /// Whether this member computed the chain's modelHash itself.
    public private(set) var ownsChain = false
    /// Whether it had computed the model of the last epoch itself when it took that: what it states in EpochReady, then and
    /// ever after.
    private(set) var ownedModelOfEpoch = false
    /// The base for which the engineer has lifted rule (c), the last one.
    public private(set) var releasedBase: Digest?
    private var standings: [EpochKey: Standing] = [:]
    /// The epochs taken part in.
    private var epochsTaken: Set<Digest> = []
    /// The epochs whose slots had standbys: nothing that was uploaded there can be closed by one member alone.
    private var epochsWithStandbys: Set<Digest> = []
    /// Who votes in the epochs with standbys in which something was uploaded since the base moved, and in the present one.
    private var witnesses: [Digest: EpochWitnesses] = [:]
    private var uploadedBases: Set<Digest> = []
    private var lastUpload: (ctx: Digest, leaf: Digest)?

    /// Rebuilds the ledger from the facts, in the order in which they were recorded.
    public init(_ facts: some Sequence<MemberFact> = []) {
        for fact in facts { record(fact) }
    }

    /// Takes in one fact.
    public mutating func record(_ fact: MemberFact) {
        switch fact {
        case .drawBegan(let epoch, let proposal, let memberCount):
            take(epoch, proposal, memberCount)
            isDrawing = true
            epochHash = nil
        case .revealed(_, let unixSeconds, let renewals):
            draws.add(unixSeconds: unixSeconds, renewals: renewals)
        case .epochTaken(let epoch, let hash, let proposal, let mode, let memberCount, _, _, _, _):
            take(epoch, proposal, memberCount)
            epochHash = hash
            ownedModelOfEpoch = ownsChain
            epochsTaken.insert(hash)
            if mode != .all { epochsWithStandbys.insert(hash) }
        case .epochReady(_, let count):
            epochIsReady = true
            othersOwning = count
        case .entered(let round, let ctx): lastRound = (round, ctx)
        case .updateKept(let base): keptUpdateBase = base
        case .uploaded(let hash, let base, let ctx, let leaf):
            standings[EpochKey(epochHash: hash, base: base), default: Standing()].uploaded = true
            uploadedBases.insert(base)
            lastUpload = (ctx, leaf)
        case .locked(let hash, let base, let ctx, let set):
            lockedRound = ctx
            standings[EpochKey(epochHash: hash, base: base), default: Standing()].lock = set
        case .answered(let hash, let base):
            standings[EpochKey(epochHash: hash, base: base), default: Standing()].answered = true
        case .closed(let hash, let base):
            standings[EpochKey(epochHash: hash, base: base), default: Standing()].closed = true
        case .witnesses(let hash, let keys, let needed): witnesses[hash] = EpochWitnesses(keys: keys, needed: needed)
        case .unopenable(let hash, let base):
            standings[EpochKey(epochHash: hash, base: base), default: Standing()].unopenable = true
        case .released(let base): releasedBase = base
        case .configured(let hash): configurationHash = hash
        case .chain(let position, let own):
            moveBase(to: position)
            ownsChain = own
        case .applied(let position):
            moveBase(to: position)
            ownsChain = true
            draws.forgive()
        case .skipped(let position): chain = position
        case .overflowed(let position):
            chain = position
            overflowedBase = position.paramsHash
        }
    }

    private mutating func take(_ epoch: UInt64, _ proposal: Digest, _ memberCount: Int) {
        // A draw belongs to the epoch of its own proposal.
        if proposal != proposalHash { draws.settle() }
        largestEpoch = max(largestEpoch, epoch)
        largestMemberCount = max(largestMemberCount, memberCount)
        proposalHash = proposal
        isDrawing = false
        epochIsReady = false
    }

    private mutating func moveBase(to position: ModelChain) {
        if chain?.run != position.run || chain?.paramsHash != position.paramsHash {
            keptUpdateBase = nil
            witnesses = witnesses.filter { $0.key == epochHash }
        }
        chain = position
        overflowedBase = nil
    }
}

extension MemberLedger {
    /// The leaf that this member committed to in a round, if it uploaded there.
    public func leaf(ofUploadIn ctx: Digest) -> Digest? {
        lastUpload?.ctx == ctx ? lastUpload?.leaf : nil
    }

    /// Whether anything was ever uploaded under a base.
    public func hasUploaded(under base: Digest) -> Bool { uploadedBases.contains(base) }

    /// The set that this member is locked to under a base of an epoch.
    public func lock(epochHash: Digest, base: Digest) -> Digest? {
        standing(epochHash, base).lock
    }

    /// Rule (a): tells whether the member may vote for, and answer, a set.
    public func mayVote(epochHash: Digest, base: Digest, survivorsHash: Digest) -> Bool {
        let standing = standing(epochHash, base)
        guard !standing.closed || Rule.closing.isRemoved else { return false }
        return standing.lock == nil || standing.lock == survivorsHash || Rule.lock.isRemoved
    }

    /// Rules (b) and (c): tells what a participant may upload under a base in an epoch.
    ///
    /// In an epoch with standbys a sum can be opened without this member's answer, and what the other members will do there
    /// is not in its hands: without the word of enough of them (`unopenable`) it stays silent. The engineer may lift that
    /// (`released`), never rule (b).
    public func uploadPermission(epochHash: Digest, base: Digest) -> UploadPermission {
        guard uploadedBases.contains(base) else {
            return keptUpdateBase == base ? .keptUpdate(closing: []) : .newUpdate
        }
        guard keptUpdateBase == base else { return Rule.spentBase.isRemoved ? .newUpdate : .silent(.spentBase) }
        guard !Rule.sameUpdate.isRemoved else { return .newUpdate }
        var closing: [Digest] = []
        var causes: Set<SilenceCause> = []
        for (key, standing) in standings where key.base == base && key.epochHash != epochHash && standing.uploaded {
            if epochsWithStandbys.contains(key.epochHash), !standing.unopenable, !Rule.standbyElsewhere.isRemoved {
                causes.insert(.mayBeOpenedElsewhere)
            }
            if standing.answered, !Rule.answeredElsewhere.isRemoved { causes.insert(.answeredUnderThisBase) }
            if !standing.closed { closing.append(key.epochHash) }
        }
        if releasedBase != base, let cause = causes.min(by: { $0.rawValue < $1.rawValue }) { return .silent(cause) }
        return .keptUpdate(closing: closing.sorted())
    }

    /// Rule (c): tells whether the member may sign that it has not voted under a base in an epoch, and never will.
    ///
    /// Only of an epoch that it has a record of, and under a base of its present parameters: so what it closes is bounded.
    public func notVoted(epochHash: Digest, base: Digest) -> NotVotedPermission {
        let present = chain.map { chain in
            [RoundKind.training, .closing].map { RoundContext.base(kind: $0, paramsHash: chain.paramsHash) }
        }
        guard epochsTaken.contains(epochHash), present?.contains(base) == true else { return .refused(.noRecord) }
        let standing = standing(epochHash, base)
        guard standing.lock == nil && !standing.answered || Rule.notVotedAfterVote.isRemoved else {
            return .refused(.voted)
        }
        return .mayBeSigned(isClosed: standing.closed)
    }

    /// Whether the word of an earlier epoch's members is missing, for this member to upload under a base elsewhere.
    func needsNotVoted(epochHash: Digest, base: Digest) -> Bool {
        let standing = standing(epochHash, base)
        return standing.uploaded && !standing.unopenable && epochsWithStandbys.contains(epochHash)
    }

    /// Who votes in an epoch with standbys, if this member may have uploaded there.
    func witnesses(of epochHash: Digest) -> EpochWitnesses? { witnesses[epochHash] }

    private func standing(_ epochHash: Digest, _ base: Digest) -> Standing {
        standings[EpochKey(epochHash: epochHash, base: base)] ?? Standing()
    }
}

/// What "one base, one set" lets a participant upload.
public enum UploadPermission: Equatable, Sendable {
    /// Nothing was ever uploaded under this base: an update may be computed.
    case newUpdate
    /// Only the update that is kept, and only once the listed earlier epochs are closed for good.
    case keptUpdate(closing: [Digest])
    /// Nothing.
    case silent(SilenceCause)
}

/// Whether a member may sign `NotVoted`.
public enum NotVotedPermission: Equatable, Sendable {
    /// Once it is recorded that it never will vote there, if it is not yet.
    case mayBeSigned(isClosed: Bool)
    case refused(NotVotedRefusalReason)
}

/// Who votes in an epoch with standbys, and how many of them must not have for a certificate to be impossible.
struct EpochWitnesses: Equatable, Sendable {
    /// SubjectPublicKeyInfo in member order, hexadecimal.
    let keys: [String]
    let needed: Int
}
