// SPDX-License-Identifier: MIT

import Aggregation
import FiniteField
import Identity
import Messages
import Primitives

/// What corrupt members say instead of what the protocol has them say, each message signed with their own keys.
///
/// Their machines are the real ones: a lie is told in what leaves them, so that they come as far as they can.
struct LyingMember {
    private let setting: RunSetting
    private var random: SimulationRandom
    private var said: [ControlMessage] = []

    init(_ setting: RunSetting, random: SimulationRandom) {
        self.setting = setting
        self.random = random
    }

    private mutating func lies(_ site: SimulatedSite) -> Bool {
        setting.corrupt.contains(site.number) && random.happens(setting.plan.lies)
    }

    private func signed<Payload: SignedPayload>(_ payload: Payload, _ site: SimulatedSite) -> Envelope? {
        try? Signed(signing: payload, with: setting.signing.signer(site.key)).envelope
    }

    /// What goes to the coordinator instead of a message.
    mutating func messages(for message: ControlMessage, from site: SimulatedSite) -> [ControlMessage] {
        guard setting.corrupt.contains(site.number) else { return [message] }
        if said.count < 64 { said.append(message) } else { said[random.below(64)] = message }
        guard lies(site) else { return [message] }
        switch random.below(6) {
        case 0: return []
        case 1: return [message, random.pick(said)]
        case 2: return [random.pick(said)]
        default: return lie(message, site)
        }
    }

    private mutating func digest() -> Digest { Digest(bytes: random.bytes(32)) ?? .zero }

    private mutating func lie(_ message: ControlMessage, _ site: SimulatedSite) -> [ControlMessage] {
        switch message {
        case .vote(let envelope):
            guard let vote = try? Vote(payload: envelope.payload),
                let other = signed(
                    Vote(epochHash: vote.epochHash, ctx: vote.ctx, base: vote.base, survivorsHash: digest()), site)
            else { return [message] }
            return random.happens(0.5) ? [.vote(other)] : [message, .vote(other)]
        case .beaconCommit(let envelope):
            guard let commit = try? BeaconCommit(payload: envelope.payload),
                let other = signed(BeaconCommit(proposalHash: commit.proposalHash, commit: digest()), site)
            else { return [message] }
            return random.happens(0.5) ? [.beaconCommit(other)] : [message, .beaconCommit(other)]
        case .beaconReveal(let envelope):
            guard let reveal = try? BeaconReveal(payload: envelope.payload),
                let other = signed(BeaconReveal(proposalHash: reveal.proposalHash, nonce: digest()), site)
            else { return [message] }
            return [.beaconReveal(other)]
        case .epochReady(let envelope): return [.epochReady(lie(envelope, site) ?? envelope)]
        case .applied(let applied):
            return [
                .applied(
                    Applied(
                        ctx: applied.ctx, modelHash: digest(), sinceTrainingMicros: 0, bytesUp: 0, bytesDown: 0,
                        peakMemoryBytes: 0, phases: []))
            ]
        case .silence(let silence):
            return [.silence(Silence(ctx: silence.ctx, cause: random.pick(SilenceCause.allCases)))]
        case .slotDispute(let dispute):
            return [
                .slotDispute(SlotDispute(party: site.id, slotSeed: dispute.slotSeed, epochReady: dispute.epochReady))
            ]
        default: return [message]
        }
    }

    private mutating func lie(_ envelope: Envelope, _ site: SimulatedSite) -> Envelope? {
        guard let ready = try? EpochReady(payload: envelope.payload) else { return nil }
        var seedHashes = ready.seedHashes
        var readyHash = ready.readyHash
        switch random.below(3) {
        case 0: readyHash = digest()
        case 1: if !seedHashes.isEmpty { seedHashes[random.below(seedHashes.count)] = digest() }
        default: break
        }
        return signed(
            EpochReady(epochHash: ready.epochHash, own: true, readyHash: readyHash, seedHashes: seedHashes), site)
    }

    /// What goes to a peer instead of a message.
    mutating func messages(for message: ControlMessage, to peer: Int, from site: SimulatedSite) -> [ControlMessage] {
        guard lies(site) else { return [message] }
        switch message {
        case .slotSeed(let seed):
            guard let statement = try? SlotSeedStatement(payload: seed.statement.payload) else { return [message] }
            let other = SecretBytes(random.bytes(32))
            guard
                let envelope = signed(
                    SlotSeedStatement(
                        epochHash: statement.epochHash, slot: statement.slot, seedHash: slotSeedHash(other)), site)
            else { return [message] }
            let lie = ControlMessage.slotSeed(SlotSeed(statement: envelope, seed: other))
            return random.happens(0.7) ? [lie] : [message, lie]
        case .slotSeedAck(let ack):
            guard let statement = try? SlotSeedAckStatement(payload: ack.statement.payload) else { return [message] }
            let other = SecretBytes(random.bytes(32))
            guard
                let envelope = signed(
                    SlotSeedAckStatement(epochHash: statement.epochHash, checkShareHash: checkShareHash(other)), site)
            else { return [message] }
            return [.slotSeedAck(SlotSeedAck(statement: envelope, checkShare: other))]
        default: return random.happens(0.5) ? [] : [message]
        }
    }

    /// What is sent instead of a vector, with the trailer that is sent behind it.
    mutating func vector(
        _ vector: Field64Vector, _ trailer: Envelope, _ header: StreamHeader, from site: SimulatedSite
    ) -> (Field64Vector, Envelope) {
        guard lies(site) else { return (vector, trailer) }
        var words = vector.canonicalWords()
        words[random.below(words.count)] = random.next() >> 1
        let changed = Field64Vector(unreduced: words)
        guard random.happens(0.7) else { return (changed, trailer) }
        let leaf = vectorLeaf(changed)
        let envelope: Envelope?
        switch header {
        case .upload:
            envelope = (try? Upload(payload: trailer.payload)).flatMap {
                signed(Upload(epochHash: $0.epochHash, ctx: $0.ctx, leaf: leaf), site)
            }
        case .partial:
            envelope = (try? Partial(payload: trailer.payload)).flatMap {
                signed(
                    Partial(
                        epochHash: $0.epochHash, ctx: $0.ctx, survivorsHash: $0.survivorsHash, slot: $0.slot, leaf: leaf
                    ),
                    site)
            }
        default: envelope = nil
        }
        return (changed, envelope ?? trailer)
    }
}
