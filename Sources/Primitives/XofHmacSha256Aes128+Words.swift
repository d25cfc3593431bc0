// SPDX-License-Identifier: MIT

extension XofHmacSha256Aes128 {
    /// The field's prime, 2^64 − 2^32 + 1 (protocol section 2): words from here up are rejected.
    static let fieldModulus: UInt64 = 0xffff_ffff_0000_0001

    /// Overwrites all of `words` with the next 64-bit little-endian words, none rejected.
    public mutating func fill(words: inout [UInt64]) {
        fill(words: &words, in: words.indices)
    }

    /// Returns the next 64-bit little-endian word, unrejected.
    public mutating func nextWord() -> UInt64 {
        var word: UInt64 = 0
        unsafe withUnsafeMutableBytes(of: &word) { unsafe fill($0) }
        return UInt64(littleEndian: word)
    }

    /// Writes the next `count` uniform field elements over the first `count` of `words`.
    ///
    /// Words ≥ 2^64 − 2^32 + 1 are skipped, never reduced; the stream is read exactly as far as needed. How many were
    /// skipped shows in the time: they are no part of the output.
    public mutating func nextFieldWords(into words: inout [UInt64], count: Int) {
        precondition(count <= words.count, "\(count) elements do not fit \(words.count) words")
        Self.fillCanonical(&words, count: count) { fill(words: &$0, in: $1) }
    }

    /// Returns the next `count` uniform field elements, as `nextFieldWords(into:count:)`.
    public mutating func nextFieldWords(count: Int) -> [UInt64] {
        var words = [UInt64](repeating: 0, count: count)
        nextFieldWords(into: &words, count: count)
        return words
    }

    /// Returns a uniform integer in `0…k`: words from the largest multiple of k + 1 up are skipped, the first below it
    /// is reduced (protocol section 2, "uniform integers").
    public mutating func nextUniform(through k: UInt64) -> UInt64 {
        Self.uniform(through: k) { nextWord() }
    }

    /// Fills the first `count` words with what `source` writes into the ranges it is asked for, less what is not < p.
    static func fillCanonical(
        _ words: inout [UInt64], count: Int, from source: (inout [UInt64], Range<Int>) -> Void
    ) {
        var kept = 0
        while kept < count {
            source(&words, kept..<count)
            kept = dropNonCanonical(&words, in: kept..<count)
        }
    }

    /// Moves the canonical words of `range` to its start and returns the index behind the last of them.
    private static func dropNonCanonical(_ words: inout [UInt64], in range: Range<Int>) -> Int {
        var rejected = 0
        for index in range {
            rejected += words[index] >= fieldModulus ? 1 : 0
        }
        if rejected == 0 { return range.upperBound }
        var kept = range.lowerBound
        for index in range where words[index] < fieldModulus {
            words[kept] = words[index]
            kept += 1
        }
        return kept
    }

    /// Draws words from `source` until one stands for an integer in `0…k`.
    static func uniform(through k: UInt64, from source: () -> UInt64) -> UInt64 {
        // With m = k + 1, the words to skip are the last 2^64 mod m; for m = 2^64 there are none.
        let (modulus, everything) = k.addingReportingOverflow(1)
        if everything { return source() }
        let last = UInt64.max - (UInt64.max % modulus + 1) % modulus
        while true {
            let word = source()
            if word <= last { return word % modulus }
        }
    }

    private mutating func fill(words: inout [UInt64], in range: Range<Int>) {
        unsafe words.withUnsafeMutableBytes { bytes in
            unsafe fill(UnsafeMutableRawBufferPointer(rebasing: bytes[range.lowerBound * 8..<range.upperBound * 8]))
        }
        #if _endian(big)
            for index in range { words[index] = UInt64(littleEndian: words[index]) }
        #endif
    }
}
