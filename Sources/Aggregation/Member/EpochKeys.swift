// SPDX-License-Identifier: MIT

import Identity
import Messages
import Primitives

/// Everything secret that a member holds of one epoch; kept in a file of its own and wiped with the epoch.
public struct EpochKeys: Sendable {
    /// The signed proposal of the epoch.
    public let proposal: Envelope
    public let proposalHash: Digest
    /// 32 zero bytes until the slots are known.
    public internal(set) var epochHash: Digest
    /// What the slots were drawn from; 32 zero bytes before that, and in the modes without a draw.
    public internal(set) var beacon: Digest
    /// This member's nonce of the draw; nil in the modes without one, and behind it.
    public internal(set) var nonce: SecretBytes?
    /// The signed commits of all members, in member order, that this member has shown its nonce for; empty before that, and
    /// without a draw.
    public internal(set) var commits: [Envelope]
    /// Whether every seed and every check-key share has come; then the seeds are gone and only keys are left.
    public internal(set) var isComplete: Bool
    /// This member's seeds by slot, 32 bytes each; empty once complete.
    public internal(set) var seeds: [SecretBytes]
    /// H("slot-seed", seed) by slot: what this member states in EpochReady.
    public let seedHashes: [Digest]
    /// g of this member.
    public let checkShare: SecretBytes
    /// CK of this member's masks, by slot; empty until complete.
    public internal(set) var ownKeys: [SlotKey]
    /// CK of every member's mask for this member's slot, in member order; empty until complete, and without a slot.
    public internal(set) var heldKeys: [SlotKey]
    /// The signed seed statements of the other members, by member index; this member's own place is nil.
    public internal(set) var statements: [Envelope?]
    /// H("slot-seed", seed) of every seed held, in member order; empty until complete, and without a slot.
    public internal(set) var heldSeedHashes: [Digest]
    /// G, once complete.
    public internal(set) var checkKey: CheckKey?

    /// Draws the seeds, the check-key share and, where slots are drawn, the nonce of a new epoch.
    public init(proposal: Envelope, draft: EpochDraft, random: (Int) -> SecretBytes) {
        self.proposal = proposal
        proposalHash = draft.proposalHash
        epochHash = .zero
        beacon = .zero
        nonce = draft.fixedSlots == nil ? random(32) : nil
        commits = []
        isComplete = false
        seeds = (0..<draft.committee.slotCount).map { _ in random(32) }
        seedHashes = seeds.map(slotSeedHash)
        checkShare = random(32)
        ownKeys = []
        heldKeys = []
        statements = [Envelope?](repeating: nil, count: draft.members.count)
        heldSeedHashes = []
        checkKey = nil
    }

    /// Binds the secrets to the epoch whose slots are known now.
    mutating func enter(_ plan: EpochPlan) {
        epochHash = plan.epochHash
        beacon = plan.beacon
        nonce = nil
        commits = []
    }

    /// Derives the keys from all seeds and shares, and drops the seeds (protocol section 4, step E4).
    ///
    /// - Parameters:
    ///   - received: the seed of every member for this member's slot, in member order; empty without a slot.
    ///   - shares: g of every holder, by slot, primary then standby.
    mutating func complete(
        plan: EpochPlan, selfIndex: Int, received: [SecretBytes], shares: [SecretBytes]
    ) {
        let me = plan.members[selfIndex]
        let first = plan.proposal.round
        ownKeys = seeds.indices.map {
            SlotKey(seed: seeds[$0], epochHash: epochHash, participant: me, slot: $0, firstRound: first)
        }
        if let slot = plan.slot(heldBy: me) {
            heldKeys = received.indices.map {
                SlotKey(
                    seed: received[$0], epochHash: epochHash, participant: plan.members[$0], slot: slot,
                    firstRound: first)
            }
        }
        heldSeedHashes = received.map(slotSeedHash)
        checkKey = CheckKey(shares: shares)
        seeds = []
        isComplete = true
    }

    /// Advances every chain to a round; the earlier keys are gone afterwards.
    mutating func advance(to round: UInt64) {
        for index in ownKeys.indices { ownKeys[index].advance(to: round) }
        for index in heldKeys.indices { heldKeys[index].advance(to: round) }
    }

    /// The round for which the keys stand, or nil before the epoch is complete.
    var round: UInt64? { ownKeys.first?.round }
}

extension EpochKeys {
    /// Encodes the keys for the keys file.
    public func encoded() -> [UInt8] {
        var writer = StateWriter()
        writer.variable(proposal.encoded())
        writer.fixed(proposalHash.bytes)
        writer.fixed(epochHash.bytes)
        writer.fixed(beacon.bytes)
        writer.variable(nonce?.exposedBytes() ?? [])
        writer.list(commits.map { $0.encoded() })
        writer.u32(isComplete ? 1 : 0)
        writer.list(seeds.map { $0.exposedBytes() })
        writer.list(seedHashes.map(\.bytes))
        writer.fixed(checkShare.exposedBytes())
        writer.u64(round ?? 0)
        writer.list(ownKeys.map { $0.key.exposedBytes() })
        writer.list(heldKeys.map { $0.key.exposedBytes() })
        writer.list(statements.map { $0?.encoded() ?? [] })
        writer.list(heldSeedHashes.map(\.bytes))
        writer.variable(checkKey?.key.exposedBytes() ?? [])
        return writer.checkedBytes
    }

    /// Reads the file that `encoded()` made; nil when it is torn, damaged so that its parts do not fit, or not one.
    public init?(encoded bytes: [UInt8]) {
        guard var reader = StateReader(checked: bytes),
            let proposal = reader.variable().flatMap({ try? Envelope(encoded: $0) }),
            let proposalHash = reader.digest(), let hash = reader.digest(), let beacon = reader.digest(),
            let nonce = reader.variable(), let commits = reader.list(),
            let complete = reader.u32(), let seeds = reader.list(), let seedHashes = reader.list(),
            let share = reader.take(32), let round = reader.u64(), let own = reader.list(), let held = reader.list(),
            let statements = reader.list(), let heldHashes = reader.list(), let checkKey = reader.variable(),
            reader.remaining == 0
        else { return nil }
        self.proposal = proposal
        self.proposalHash = proposalHash
        epochHash = hash
        self.beacon = beacon
        self.nonce = nonce.isEmpty ? nil : SecretBytes(nonce)
        self.commits = commits.compactMap { try? Envelope(encoded: $0) }
        isComplete = complete == 1
        self.seeds = seeds.map { SecretBytes($0) }
        self.seedHashes = seedHashes.compactMap { Digest(bytes: $0) }
        checkShare = SecretBytes(share)
        ownKeys = own.map { SlotKey(key: SecretBytes($0), round: round) }
        heldKeys = held.map { SlotKey(key: SecretBytes($0), round: round) }
        self.statements = statements.map { $0.isEmpty ? nil : try? Envelope(encoded: $0) }
        heldSeedHashes = heldHashes.compactMap { Digest(bytes: $0) }
        self.checkKey = checkKey.isEmpty ? nil : CheckKey(key: SecretBytes(checkKey))
        guard complete <= 1, isConsistent else { return nil }
    }

    /// Whether there are as many keys as the phase demands, all of them of 32 bytes.
    private var isConsistent: Bool {
        let secrets = seeds + ownKeys.map(\.key) + heldKeys.map(\.key) + [checkKey?.key, nonce].compactMap { $0 }
        guard secrets.allSatisfy({ $0.count == 32 }) else { return false }
        let slots = seedHashes.count
        let members = statements.count
        guard commits.isEmpty || commits.count == members else { return false }
        return isComplete
            ? seeds.isEmpty && ownKeys.count == slots && (heldKeys.isEmpty || heldKeys.count == members)
                && heldSeedHashes.count == heldKeys.count && checkKey != nil
            : seeds.count == slots && ownKeys.isEmpty && heldKeys.isEmpty && heldSeedHashes.isEmpty && checkKey == nil
    }

    /// Whether the secrets are those of a proposal with so many members and slots.
    func fit(_ draft: EpochDraft) -> Bool {
        proposalHash == draft.proposalHash && seedHashes.count == draft.committee.slotCount
            && statements.count == draft.members.count
    }

    /// Whether the keys are those of an epoch in which `party` holds what it holds.
    func fit(_ plan: EpochPlan, of party: PartyID) -> Bool {
        let holds = plan.slot(heldBy: party) != nil
        return fit(plan.draft) && epochHash == plan.epochHash && (!isComplete || heldKeys.isEmpty != holds)
    }
}

extension StateWriter {
    fileprivate mutating func list(_ values: [[UInt8]]) {
        u64(UInt64(values.count))
        for value in values { variable(value) }
    }
}

extension StateReader {
    fileprivate mutating func list() -> [[UInt8]]? {
        guard let count = count(), count <= remaining else { return nil }
        var values: [[UInt8]] = []
        for _ in 0..<count {
            guard let value = variable() else { return nil }
            values.append(value)
        }
        return values
    }
}
