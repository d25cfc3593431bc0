// SPDX-License-Identifier: MIT

internal import Primitives

/// The key streams of one purpose in a round, one for each block or guard, read one after the other with one context.
struct NumberedStream: ~Copyable {
    private let seed: SecretBytes
    private let domain: [UInt8]
    private var binder: [UInt8]
    private var streams = XofStreams(count: 1)

    /// Names the streams XOF(seed, dst `summand/v1 domain`, binder prefix ‖ u32 number).
    init(seed: SecretBytes, domain: String, prefix: [UInt8] = []) {
        self.seed = seed
        self.domain = Array("summand/v1 \(domain)".utf8)
        binder = prefix + [0, 0, 0, 0]
    }

    /// Begins the stream of a number.
    mutating func start(_ number: Int) {
        let value = UInt32(number)
        for place in 0..<4 { binder[binder.count - 1 - place] = UInt8(truncatingIfNeeded: value >> (8 * place)) }
        streams.start(0, seed: seed, dst: domain, binder: binder)
    }

    /// Overwrites all of `words` with the stream's next 64-bit little-endian words.
    mutating func read(into words: inout [UInt64]) {
        streams.read(0, into: &words)
    }
}
