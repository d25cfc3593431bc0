// SPDX-License-Identifier: MIT

import Aggregation
import Identity
import Messages
import Primitives
import Quantization

/// Everything that a seed decides before its run begins.
struct RunSetting: Sendable {
    let seed: UInt64
    /// The rules that the machines, or the shells, go without.
    let removed: Set<Rule>
    let siteCount: Int
    /// Parties that may join later.
    let spareCount: Int
    let slots: SlotChoice
    /// The numbers of the corrupt parties.
    let corrupt: Set<Int>
    let coordinatorIsCorrupt: Bool
    let signing: Signing
    /// Whether messages travel as bytes; else as values, which is faster.
    let isWired: Bool
    let plan: FaultPlan
    let configuration: RunConfiguration

    static let federation = "simulated"
    var federation: String { Self.federation }
    var coordinatorKey: PublicKey { SimulatedKeys.coordinator.publicKey }

    /// Draws the setting of a seed.
    init(seed: UInt64, removed: Set<Rule>, _ random: inout SimulationRandom) {
        self.seed = seed
        self.removed = removed
        coordinatorIsCorrupt = random.happens(0.5)
        let count = random.happens(0.6) ? random.between(4...6) : random.between(3...10)
        siteCount = count
        signing = Signing(isReal: random.happens(1.0 / 64))
        isWired = random.happens(1.0 / 32)
        var plan = random.happens(0.05) ? FaultPlan() : FaultPlan(&random)
        let choice = count < 4 ? 0 : random.below(4)
        switch choice {
        case 0: slots = .all
        case 1: slots = .pinned(Self.pairs(count))
        default: slots = .sampled
        }
        let gamma = random.pick([20, 20, 20, 10, 30])
        let bound = Self.corruptBound(slots, count, gamma)
        // With an honest coordinator corrupt members are there in a part of the runs; a corrupt one has all that it can.
        let corruptCount =
            coordinatorIsCorrupt && random.happens(0.3) ? 0 : coordinatorIsCorrupt || plan.lies > 0 ? bound : 0
        if corruptCount == 0 { plan.lies = 0 }
        spareCount = coordinatorIsCorrupt ? 3 : plan.membership > 0 ? 2 : 0
        var numbers = Array(0..<count)
        numbers.shuffle(using: &random)
        corrupt = Set(numbers.prefix(corruptCount))
        self.plan = plan
        configuration = RunConfiguration(
            run: random.bytes(16), bits: random.pick([63, 63, 16, 8]), clip: 0, weightMax: 0x1p10,
            uniformWeights: random.happens(0.3), layout: Self.layout, model: "test:6",
            initial: .seed(SHA256.hash(random.bytes(8))), seed: 1, rounds: random.between(1...4),
            roundsPerEpoch: random.pick([1, 2, 3, 100]), gammaPercent: gamma, cohortMin: 1,
            training: .init(optimizer: "sgd", learningRate: 0.1, momentum: 0, batchSize: 1, localEpochs: 1))
    }

    /// So many corrupt members keep every epoch that its members would agree to within what the protocol promises (section 1,
    /// "What this gives").
    private static func corruptBound(_ slots: SlotChoice, _ count: Int, _ gamma: Int) -> Int {
        let least = max(3, Committee.minMembersDefault(largestEpoch: count))
        let bounds = (least...count).compactMap {
            slots.committee(members: $0, gammaPercent: gamma)?.corruptToOpen
        }
        return max(0, (bounds.min() ?? 1) - 1)
    }

    /// The slots of mode `pinned`: the first members in pairs.
    private static func pairs(_ count: Int) -> [EpochProposal.Pair] {
        let ids = (0..<count).map { PartyID(publicKey: SimulatedKeys.keys[$0].publicKey) }
        return (0..<(count < 6 ? 2 : 3)).map { .init(primary: ids[2 * $0], standby: ids[2 * $0 + 1]) }
    }

    /// One tensor "w" of six parameters (protocol section 2, "layout").
    static let layout: [UInt8] = [0, 0, 0, 1, 0x77, 0, 0, 0, 1, 0, 0, 0, 6]
    let parameterCount = 6

    func initialParameters(_ configuration: RunConfiguration) -> [Float] {
        guard case .seed(let seed) = configuration.initial else { return [] }
        return (0..<parameterCount).map { Float(seed.bytes[$0]) / 64 }
    }

    func paramsHash(_ values: [Float]) -> Digest {
        var bytes: [UInt8] = []
        bytes.reserveCapacity(4 * values.count)
        for value in values {
            for shift in 0..<4 { bytes.append(UInt8(truncatingIfNeeded: value.bitPattern >> (8 * UInt32(shift)))) }
        }
        return LabeledBytes("params").variable(Self.layout).variable(bytes).hash
    }

    /// Where the run's chain begins.
    func firstChain() throws -> ModelChain {
        ModelChain(
            run: configuration.run, paramsHash: paramsHash(initialParameters(configuration)),
            scale: try configuration.firstScale())
    }

    /// Where coordinators die that have just begun to send what must not be forgotten, and half of the sites with them, as when
    /// the power fails: in a part of the runs in which they die at all. A stream of its own, which changes no other run.
    var aimedCrashes: SimulationRandom? {
        var random = SimulationRandom(seed: seed, stream: 4)
        return plan.serverCrashes > 0 && random.happens(0.25) ? random : nil
    }

    /// What a proposal says of a party.
    func member(_ number: Int) -> EpochProposal.Member {
        EpochProposal.Member(key: SimulatedKeys.keys[number].publicKey, name: "site-\(number)")
    }
}
