// SPDX-License-Identifier: MIT

import Primitives
import Testing

@testable import Messages

/// Whatever arrives instead of a message is parsed or refused, never a trap.
@Suite struct MutationTests {
    /// A generator with a seed that a failure can be repeated with (SplitMix64).
    private struct Generator: RandomNumberGenerator {
        var state: UInt64

        mutating func next() -> UInt64 {
            state &+= 0x9e37_79b9_7f4a_7c15
            var word = state
            word = (word ^ (word >> 30)) &* 0xbf58_476d_1ce4_e5b9
            word = (word ^ (word >> 27)) &* 0x94d0_49bb_1331_11eb
            return word ^ (word >> 31)
        }
    }

    private static let mutationsOfEach = 400

    /// Changes, cuts, doubles or extends bytes in up to four places.
    private func mutated(_ bytes: [UInt8], _ generator: inout Generator) -> [UInt8] {
        var result = bytes
        for _ in 0..<Int.random(in: 1...4, using: &generator) {
            let place = Int.random(in: 0...result.count, using: &generator)
            switch Int.random(in: 0..<5, using: &generator) {
            case 0 where place < result.count: result[place] ^= 1 << UInt8.random(in: 0..<8, using: &generator)
            case 1 where place < result.count: result[place] = [0, 0x7f, 0x80, 0xff].randomElement(using: &generator)!
            case 2: result.removeLast(result.count - place)
            case 3: result.insert(UInt8.random(in: 0...255, using: &generator), at: place)
            default: result += result[place...].prefix(64)
            }
        }
        return result
    }

    /// Returns whether the bytes parse; what parses must encode to something that parses to the same bytes.
    private func survives(_ bytes: [UInt8], _ again: ([UInt8]) throws -> [UInt8]) throws -> Bool {
        let once: [UInt8]
        do { once = try again(bytes) } catch is InvalidMessage { return false }
        #expect(try again(once) == once)
        return true
    }

    private func run(_ seed: UInt64, _ bytes: [UInt8], _ again: ([UInt8]) throws -> [UInt8]) throws {
        var generator = Generator(state: seed)
        var refused = 0
        for _ in 0..<Self.mutationsOfEach where try !survives(mutated(bytes, &generator), again) { refused += 1 }
        #expect(refused > 0, "mutations that are never refused test nothing")
    }

    @Test(arguments: Samples.controlMessages.indices)
    func controlMessages(index: Int) throws {
        try run(UInt64(index), Samples.controlMessages[index].encoded()) { try ControlMessage(encoded: $0).encoded() }
    }

    @Test(arguments: Samples.streamHeaders.indices)
    func streamHeaders(index: Int) throws {
        try run(UInt64(100 + index), Samples.streamHeaders[index].encoded()) {
            try StreamHeader(encoded: $0).encoded()
        }
    }

    @Test(arguments: PayloadKind.all.indices)
    func payloads(index: Int) throws {
        let kind = PayloadKind.all[index]
        try run(UInt64(200 + index), kind.encoded(), kind.again)
    }

    @Test func inquiryAnswers() throws {
        try run(400, Samples.inquiryAnswer.encoded()) { try InquiryAnswer(encoded: $0).encoded() }
    }

    @Test func storedParts() throws {
        try run(300, Samples.configuration.encoded()) { try RunConfiguration(encoded: $0).encoded() }
        try run(301, Samples.open.encoded()) { try RoundOpen(encoded: $0).encoded() }
        try run(302, Samples.envelope.encoded()) { try Envelope(encoded: $0).encoded() }
    }

    @Test(arguments: Samples.controlMessages.indices)
    func everyTruncation(index: Int) {
        let bytes = Samples.controlMessages[index].encoded()
        for count in 0..<bytes.count {
            #expect(throws: InvalidMessage.self) { try ControlMessage(encoded: Array(bytes.prefix(count))) }
        }
    }
}
