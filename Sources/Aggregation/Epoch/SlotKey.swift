// SPDX-License-Identifier: MIT

import Identity
import Primitives

/// The chained key CK that a participant and one slot share (protocol section 4, step E4).
///
/// The chain advances by round number alone, whether or not a round took place; the old value is wiped with the last
/// reference to it.
public struct SlotKey: Sendable {
    /// CK of `round`, 32 bytes.
    public private(set) var key: SecretBytes
    /// The round for which the key stands.
    public private(set) var round: UInt64

    /// Takes a key that stands at `round`.
    public init(key: SecretBytes, round: UInt64) {
        self.key = key
        self.round = round
    }

    /// Derives CK_{i,s} from a seed: HKDF-SHA256(salt = epochHash, ikm = seed, info = "slot" ‖ id_i ‖ u32 s).
    public init(seed: SecretBytes, epochHash: Digest, participant: PartyID, slot: Int, firstRound: UInt64) {
        let info = LabeledBytes("slot").fixed(participant.bytes).u32(UInt32(slot)).bytes
        key = HKDFSHA256.derive(salt: epochHash.bytes, inputKey: seed, info: info)
        round = firstRound
    }

    /// Advances to a later round: `CK ← HMAC(CK, "chain" ‖ u64 t)` for every t before it. An earlier round is an error
    /// of the caller.
    public mutating func advance(to target: UInt64) {
        precondition(target >= round, "a slot key never goes back: at \(round), asked for \(target)")
        while round < target {
            key = HMACSHA256.deriveKey(LabeledBytes("chain").u64(round).bytes, key: key)
            round += 1
        }
    }

    /// Computes RK_{i,s} = HMAC(CK_{i,s}, "round-key" ‖ ctx) (protocol section 5).
    public func roundKey(ctx: Digest) -> SecretBytes {
        HMACSHA256.deriveKey(LabeledBytes("round-key").fixed(ctx).bytes, key: key)
    }
}

/// The key of the check inside the vector, known to members only (protocol section 4, step E4).
public struct CheckKey: Sendable {
    /// G, 32 bytes.
    public let key: SecretBytes

    /// Takes G as it was stored.
    public init(key: SecretBytes) { self.key = key }

    /// Computes `G = H("check-key", g_h by slot, primary then standby)`.
    public init(shares: [SecretBytes]) {
        key = LabeledBytes("check-key").derivedKey(from: shares)
    }

    /// H("ready", G): what members compare without showing G.
    public var readyHash: Digest { LabeledBytes("ready").hash(of: key) }
}

/// H("slot-seed", seed): what binds a seed without showing it.
public func slotSeedHash(_ seed: SecretBytes) -> Digest {
    LabeledBytes("slot-seed").hash(of: seed)
}

/// H("g", g): what binds a check-key share without showing it.
public func checkShareHash(_ share: SecretBytes) -> Digest {
    LabeledBytes("g").hash(of: share)
}
