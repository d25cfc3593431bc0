// SPDX-License-Identifier: MIT

/// Which faults a run has and how often. Each seed turns a random part of them on, so that no fault hides another (swarm
/// testing: Groce and others, ISSTA 2012).
public struct FaultPlan: Equatable, Sendable {
    /// How long a message takes at most, in milliseconds.
    public var delayMax = 2
    /// That a link between a party and the coordinator breaks, a message.
    public var linkBreaks = 0.0
    /// That a link between two parties breaks, a message.
    public var peerLinkBreaks = 0.0
    /// That the other end hears of a broken link only seconds later.
    public var halfOpen = 0.0
    /// That a party dies between two actions, an event.
    public var siteCrashes = 0.0
    /// That the coordinator dies between two actions, an event.
    public var serverCrashes = 0.0
    /// How long who has died is away at most, in milliseconds.
    public var awayMax = 1_000
    /// That some parties cannot be reached for a time, an event.
    public var partitions = 0.0
    /// That a party takes longer than the deadlines for its work, a piece of work.
    public var slowWork = 0.0
    /// How far clocks are off at most, in seconds.
    public var clockSkew = 0
    /// That a party has no update in a round.
    public var noUpdate = 0.0
    /// That a party's updates are far larger than those before, a round.
    public var overflows = 0.0
    /// That a party encodes differently after a restart.
    public var driftAfterRestart = 0.0
    /// That somebody joins, leaves or is revoked, an event.
    public var membership = 0.0
    /// That a corrupt party lies in a message.
    public var lies = 0.0
    /// Virtual milliseconds after which no fault begins: from here on the run has to go on.
    public var faultsEnd = 60_000

    /// Draws a plan.
    init(_ random: inout SimulationRandom) {
        func isOn(_ random: inout SimulationRandom) -> Bool { random.happens(0.4) }
        func rate(_ random: inout SimulationRandom, _ most: Double) -> Double {
            isOn(&random) ? most * Double(1 + random.below(16)) / 16 : 0
        }
        delayMax = random.pick([1, 5, 50, 400])
        linkBreaks = rate(&random, 0.03)
        peerLinkBreaks = rate(&random, 0.05)
        halfOpen = rate(&random, 0.5)
        siteCrashes = rate(&random, 0.02)
        serverCrashes = rate(&random, 0.01)
        awayMax = random.pick([50, 1_000, 8_000, 40_000])
        partitions = rate(&random, 0.004)
        slowWork = rate(&random, 0.02)
        clockSkew = isOn(&random) ? 90_000 : 0
        noUpdate = rate(&random, 0.1)
        overflows = rate(&random, 0.3)
        driftAfterRestart = rate(&random, 0.3)
        membership = rate(&random, 0.01)
        lies = rate(&random, 0.2)
        faultsEnd = random.pick([2_000, 20_000, 120_000])
    }

    /// A plan without faults.
    init() {}

    /// The names of the faults that are on, for people.
    var description: String {
        let rates: [(String, Double)] = [
            ("linkBreaks", linkBreaks), ("peerLinkBreaks", peerLinkBreaks), ("halfOpen", halfOpen),
            ("siteCrashes", siteCrashes), ("serverCrashes", serverCrashes), ("partitions", partitions),
            ("slowWork", slowWork), ("clockSkew", Double(clockSkew)), ("noUpdate", noUpdate), ("overflows", overflows),
            ("driftAfterRestart", driftAfterRestart), ("membership", membership), ("lies", lies),
        ]
        return rates.filter { $0.1 > 0 }.map(\.0).joined(separator: " ")
    }
}
