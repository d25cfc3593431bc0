// SPDX-License-Identifier: MIT

import Testing

@testable import Primitives

/// `xof-edges.json`, as far as it concerns the stream itself.
private struct EdgesFile: Decodable, Sendable {
    struct Wrap: Decodable, Sendable {
        let `case`: String
        let key, iv, keystream: Hex
    }
    struct Expansion: Decodable, Sendable { let words, elements, rejected: [Word] }
    struct Uniform: Decodable, Sendable {
        let k, result: Word
        let words: [Word]
        let wordsUsed: Int
    }
    let counterWrap: [Wrap]
    let expand: [Expansion]
    let uniform: [Uniform]
}

/// The file of libprio-rs.
private struct LibprioFile: Decodable, Sendable {
    let seed, dst, binder, derived_seed, expanded_vec_field128: Hex
}

@Suite struct XofTests {
    @Test func agreesWithLibprio() throws {
        let file: LibprioFile = try VectorFiles.load("XofHmacSha256Aes128.json")
        var seed = XofHmacSha256Aes128(
            seed: SecretBytes(file.seed.bytes), dst: file.dst.bytes, binder: file.binder.bytes)
        #expect(seed.next(count: 32) == file.derived_seed.bytes)
        // No element of the file was rejected, so its elements side by side are the key stream.
        var bytes = XofHmacSha256Aes128(
            seed: SecretBytes(file.seed.bytes), dst: file.dst.bytes, binder: file.binder.bytes)
        #expect(bytes.next(count: file.expanded_vec_field128.bytes.count) == file.expanded_vec_field128.bytes)
    }

    @Test func theLowHalfOfTheCounterWrapsWithoutACarry() throws {
        let file: EdgesFile = try VectorFiles.load("xof-edges.json")
        for vector in file.counterWrap {
            var whole = XofHmacSha256Aes128(key: vector.key.bytes, iv: vector.iv.bytes)
            #expect(whole.next(count: vector.keystream.bytes.count) == vector.keystream.bytes, "\(vector.case)")
            var pieces = XofHmacSha256Aes128(key: vector.key.bytes, iv: vector.iv.bytes)
            var stream: [UInt8] = []
            while stream.count < vector.keystream.bytes.count {
                stream += pieces.next(count: min(7, vector.keystream.bytes.count - stream.count))
            }
            #expect(stream == vector.keystream.bytes, "\(vector.case), by 7 bytes")
        }
    }

    /// The counter wraps in the first piece, at its end, and in a later piece of what is encrypted at a time.
    @Test(arguments: [0, 1, 511, 512, 600, 1025])
    func theCounterWrapsAnywhereInALongRead(blocksBefore: Int) {
        let key = [UInt8](repeating: 5, count: 16)
        let high = [UInt8](1...8)
        let counter = 0 &- UInt64(blocksBefore)
        var long = XofHmacSha256Aes128(
            key: key, iv: high + (0..<8).map { UInt8(truncatingIfNeeded: counter >> (56 - 8 * $0)) })
        var before = XofHmacSha256Aes128(
            key: key, iv: high + (0..<8).map { UInt8(truncatingIfNeeded: counter >> (56 - 8 * $0)) })
        var after = XofHmacSha256Aes128(key: key, iv: high + [UInt8](repeating: 0, count: 8))
        let count = 16 * 1025 + 5000
        var expected = before.next(count: 16 * blocksBefore)
        expected += after.next(count: count - 16 * blocksBefore)
        #expect(long.next(count: count) == expected)
    }

    @Test func aStreamThatWrappedCanBeStartedAnew() {
        let key = [UInt8](repeating: 5, count: 16)
        var used = XofHmacSha256Aes128(key: key, iv: [UInt8](repeating: 255, count: 16))
        _ = used.next(count: 100)
        var fresh = XofHmacSha256Aes128(key: key, iv: [UInt8](repeating: 254, count: 16))
        unsafe (key + [UInt8](repeating: 254, count: 16)).withUnsafeBytes { unsafe used.start(tag: $0) }
        #expect(used.next(count: 100) == fresh.next(count: 100))
    }

    @Test func streamsSideBySideAreTheStreamsOneByOne() {
        let seeds = (0..<3).map { SecretBytes([UInt8](repeating: UInt8($0), count: 32)) }
        let dst = Array("summand/v1 test".utf8)
        var streams = XofStreams(count: 2)
        var words = SecretWords(count: 40)
        // The third seed takes the place of the first, in the middle of a block of the cipher.
        for (seed, place) in [(0, 0), (1, 1), (2, 0)] {
            streams.start(place, seed: seeds[seed], dst: dst, binder: [UInt8(seed)])
            var alone = XofHmacSha256Aes128(seed: seeds[seed], dst: dst, binder: [UInt8(seed)])
            for count in [33, 1, 0, 40] {
                streams.read(place, into: &words, count: count)
                var expected = [UInt64](repeating: 0, count: count)
                alone.fill(words: &expected)
                #expect(words.withWords(count) { span in span.indices.map { span[$0] } } == expected)
            }
        }
        var array = [UInt64](repeating: 0, count: 9)
        streams.read(1, into: &array)
        var expected = [UInt64](repeating: 0, count: 33 + 1 + 40 + 9)
        var alone = XofHmacSha256Aes128(seed: seeds[1], dst: dst, binder: [1])
        alone.fill(words: &expected)
        #expect(array == Array(expected.suffix(9)))
    }

    @Test func anEmptySeedIsASeed() {
        var streams = XofStreams(count: 1)
        var words = SecretWords(count: 2)
        streams.start(0, seed: SecretBytes([7]), dst: [], binder: [])
        streams.start(0, seed: SecretBytes([]), dst: [], binder: [])
        streams.read(0, into: &words, count: 2)
        let tag = HMACSHA256.authenticate([0], key: [UInt8]())
        var expected = XofHmacSha256Aes128(key: Array(tag.bytes[..<16]), iv: Array(tag.bytes[16...]))
        #expect(words.withWords(2) { [$0[0], $0[1]] } == [expected.nextWord(), expected.nextWord()])
    }

    @Test func wordsFromTheModulusUpAreSkippedAndNoMoreAreDrawnThanNeeded() throws {
        let file: EdgesFile = try VectorFiles.load("xof-edges.json")
        for vector in file.expand {
            var source = vector.words.map(\.value)
            var words = [UInt64](repeating: 0, count: vector.elements.count)
            XofHmacSha256Aes128.fillCanonical(&words, count: words.count) { words, range in
                for index in range { words[index] = source.removeFirst() }
            }
            #expect(words == vector.elements.map(\.value))
            #expect(source.count == vector.words.count - vector.elements.count - vector.rejected.count)
        }
    }

    @Test func uniformIntegersAsInTheVectors() throws {
        let file: EdgesFile = try VectorFiles.load("xof-edges.json")
        for vector in file.uniform {
            var used = 0
            let result = XofHmacSha256Aes128.uniform(through: vector.k.value) {
                defer { used += 1 }
                return vector.words[used].value
            }
            #expect(result == vector.result.value, "k = \(vector.k.value)")
            #expect(used == vector.wordsUsed, "k = \(vector.k.value)")
        }
    }

    @Test func everyWordServesForTheWholeRange() {
        #expect(XofHmacSha256Aes128.uniform(through: .max) { .max } == .max)
        #expect(XofHmacSha256Aes128.uniform(through: 0) { .max } == 0)
    }

    @Test func allWaysOfReadingContinueOneStream() {
        let seed = SecretBytes([UInt8](repeating: 3, count: 32))
        var reference = XofHmacSha256Aes128(seed: seed, dst: "summand/v1 mask", binder: [1])
        let expected = reference.next(count: 8 * 40_000)
        var mixed = XofHmacSha256Aes128(seed: seed, dst: "summand/v1 mask", binder: [1])
        var stream = mixed.next(count: 8)
        stream += littleEndian([mixed.nextWord()])
        var words = [UInt64](repeating: 0, count: 30_000)
        mixed.fill(words: &words)
        stream += littleEndian(words)
        mixed.nextFieldWords(into: &words, count: 5_000)
        stream += littleEndian(Array(words[..<5_000]))
        #expect(stream.elementsEqual(expected[..<stream.count]))
        #expect(words[5_000] == littleEndianWord(expected[(8 * 5_002)...]))
    }

    @Test func seedDomainAndBinderAllMatter() {
        func start(_ seed: UInt8, _ dst: String, _ binder: [UInt8]) -> [UInt8] {
            var xof = XofHmacSha256Aes128(seed: SecretBytes([seed]), dst: dst, binder: binder)
            return xof.next(count: 16)
        }
        // The length byte keeps ("ab", "c") and ("a", "bc") apart.
        let streams = [start(1, "ab", [99]), start(2, "ab", [99]), start(1, "a", [98, 99]), start(1, "ab", [])]
        #expect(Set(streams).count == streams.count)
    }

    private func littleEndian(_ words: [UInt64]) -> [UInt8] {
        words.flatMap { word in (0..<8).map { UInt8(truncatingIfNeeded: word >> ($0 * 8)) } }
    }

    private func littleEndianWord(_ bytes: ArraySlice<UInt8>) -> UInt64 {
        bytes.prefix(8).reversed().reduce(0) { $0 << 8 | UInt64($1) }
    }
}
