// SPDX-License-Identifier: MIT

import Primitives

/// Draws words, numbers and permutations from a public 32-byte seed: the XOF of docs/PROTOCOL.md, section 2, with dst
/// `summand/v1 LABEL` and an empty binder. The same seed and label give the same draws everywhere.
struct SeededStream: ~Copyable {
    private var xof: XofHmacSha256Aes128
    private var words: [UInt64] = []
    private var next = 0
    private static let wordsPerRefill = 512

    init(seed: Digest, label: String) {
        xof = XofHmacSha256Aes128(seed: SecretBytes(seed), dst: "summand/v1 \(label)")
    }

    /// The next 64-bit word.
    mutating func word() -> UInt64 {
        if next == words.count {
            refill()
        }
        defer { next += 1 }
        return words[next]
    }

    /// A number in [0, 1), a multiple of 2^-53.
    mutating func unit() -> Double {
        Double(word() >> 11) * 0x1p-53
    }

    /// An integer in 0...k: words at or above the largest multiple of k + 1 are rejected (docs/PROTOCOL.md, section 2).
    mutating func uniform(through k: Int) -> Int {
        precondition(k >= 0, "no integer lies in 0...\(k)")
        let range = UInt64(k) + 1
        // 2^64 mod range: a word below 2^64 − excess lies below ⌊2^64/range⌋·range.
        let excess = (UInt64.max % range + 1) % range
        while true {
            let drawn = word()
            if drawn <= UInt64.max - excess {
                return Int(drawn % range)
            }
        }
    }

    /// A permutation of 0 ..< count, count < 2^31: Fisher–Yates from the last index down to 1.
    mutating func permutation(_ count: Int) -> [Int32] {
        var indices = Array(0..<Int32(count))
        shuffle(&indices)
        return indices
    }

    /// Permutes in place, Fisher–Yates from the last index down to 1.
    mutating func shuffle(_ elements: inout [Int32]) {
        guard elements.count > 1 else { return }
        for k in stride(from: elements.count - 1, through: 1, by: -1) {
            elements.swapAt(k, uniform(through: k))
        }
    }

    private mutating func refill() {
        words = [UInt64](repeating: 0, count: Self.wordsPerRefill)
        xof.fill(words: &words)
        next = 0
    }
}
