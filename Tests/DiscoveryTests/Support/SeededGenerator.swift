// SPDX-License-Identifier: MIT

/// Draws numbers that depend on a seed alone (SplitMix64).
struct SeededGenerator: RandomNumberGenerator, Sendable {
    private var state: UInt64

    init(seed: UInt64) { state = seed }

    mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var word = state
        word = (word ^ (word >> 30)) &* 0xBF58_476D_1CE4_E5B9
        word = (word ^ (word >> 27)) &* 0x94D0_49BB_1331_11EB
        return word ^ (word >> 31)
    }

    /// Takes one of the packets and changes, inserts, removes or cuts a few of its bytes.
    mutating func damage(_ originals: [[UInt8]]) -> [UInt8] {
        var packet = originals.randomElement(using: &self) ?? []
        for _ in 0..<Int.random(in: 1...4, using: &self) where !packet.isEmpty {
            let index = Int.random(in: packet.indices, using: &self)
            switch Int.random(in: 0..<5, using: &self) {
            case 0: packet[index] = UInt8.random(in: .min ... .max, using: &self)
            case 1: packet[index] ^= 1 << UInt8.random(in: 0..<8, using: &self)
            case 2: packet.insert(UInt8.random(in: .min ... .max, using: &self), at: index)
            case 3: packet.remove(at: index)
            default: packet.removeSubrange(Int.random(in: index..<packet.count, using: &self)...)
            }
        }
        return packet
    }
}
