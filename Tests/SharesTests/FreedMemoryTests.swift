// SPDX-License-Identifier: MIT

import CFreedMemory
import FiniteField
import Primitives
import Testing

@testable import Shares

/// What no freed block may contain, each with a name for the report.
private struct Needles {
    private var names: [String] = []

    /// Watches for 16 bytes in the middle of a secret; shorter secrets cannot be told from chance.
    mutating func add(_ name: String, _ bytes: [UInt8]) throws {
        let length = Int(FREED_MEMORY_NEEDLE_BYTES)
        try #require(bytes.count >= length)
        for start in Set([0, bytes.count - length]) {
            #expect(freed_memory_look_for(Array(bytes[start..<start + length])) == names.count)
            names.append(name)
        }
    }

    mutating func add(_ name: String, words: some Sequence<UInt64>) throws {
        try add(name, words.flatMap { word in (0..<8).map { UInt8(truncatingIfNeeded: word >> (8 * $0)) } })
    }

    /// A key as itself and as HMAC pads it.
    mutating func add(_ name: String, key: SecretBytes) throws {
        let bytes = key.exposedBytes()
        try add(name, bytes)
        try add("\(name), inner pad", bytes.map { $0 ^ 0x36 })
        try add("\(name), outer pad", bytes.map { $0 ^ 0x5c })
    }

    /// Names of what was found in blocks freed while `body` ran.
    func found(while body: () throws -> Void) rethrows -> [String] {
        freed_memory_watch()
        defer { freed_memory_stop() }
        try body()
        return names.indices.filter { freed_memory_findings(Int32($0)) > 0 }.map { names[$0] }
    }
}

@Suite(.serialized, .enabled(if: freed_memory_can_be_watched() != 0))
struct FreedMemoryTests {
    private let context = bytes(9, count: 32)

    /// Makes fresh secrets in `prepare`, names them, and expects to find none of them in what `body` frees.
    private func expectNothing<Secrets>(
        _ prepare: (inout Needles) throws -> Secrets, while body: (consuming Secrets) throws -> Void
    ) throws {
        freed_memory_prepare()
        var needles = Needles()
        var secrets: Secrets? = try prepare(&needles)
        let found = try needles.found {
            guard let taken = secrets.take() else { return }
            try body(taken)
        }
        #expect(found == [])
        #expect(freed_memory_blocks() > 0)
    }

    @Test func whatIsLeftInFreedMemoryIsFound() throws {
        freed_memory_prepare()
        var needles = Needles()
        let secret = SecretBytes(randomCount: 64)
        try needles.add("secret", secret.exposedBytes())
        try needles.add("other", SecretBytes(randomCount: 64).exposedBytes())
        #expect(needles.found { _ = secret.exposedBytes() } == ["secret", "secret"])
        // Growing an array moves it and frees what it was.
        freed_memory_prepare()
        needles = Needles()
        try needles.add("secret", secret.exposedBytes())
        var bytes = secret.exposedBytes()
        #expect(needles.found { bytes.append(contentsOf: [UInt8](repeating: 0, count: 1000)) } == ["secret", "secret"])
        SecretBytes.wipe(&bytes)
    }

    /// Names everything that the expansion of a mask holds on its way.
    private func name(_ mask: MaskStream, count: Int, blockElements: Int, in needles: inout Needles) throws {
        let name = "mask \(mask.party[0])/\(mask.slot)"
        try needles.add("\(name): key", key: mask.key.secret)
        for block in 0..<MaskStream.blockCount(of: count, blockElements: blockElements) {
            var binder = [UInt8](repeating: 0, count: MaskStream.binderBytes)
            mask.writeBinder(block: block, over: &binder)
            let input = [UInt8(MaskStream.domain.count)] + MaskStream.domain + binder
            let tag = HMACSHA256.authenticate(input, key: mask.key.secret).bytes
            try needles.add("\(name): cipher key of block \(block)", Array(tag[..<16]))
            try needles.add("\(name): counter of block \(block)", Array(tag[16...]))
            var stream = XofHmacSha256Aes128(seed: mask.key.secret, dst: MaskStream.domain, binder: binder)
            let range = MaskStream.range(of: block, count: count, blockElements: blockElements)
            try needles.add("\(name): words of block \(block)", words: stream.nextFieldWords(count: range.count))
        }
    }

    private func freshMasks(parties: Int, slots: Int) throws -> [MaskStream] {
        try (0..<parties).flatMap { party in
            try (0..<slots).map { slot in
                try MaskStream(
                    key: MaskKey(SecretBytes(randomCount: 32)), context: context, party: bytes(party, count: 16),
                    slot: UInt32(slot))
            }
        }
    }

    /// Both ways in which threads share the work, and one thread.
    @Test(arguments: [1, 2]) func expansionLeavesNothing(threads: Int) throws {
        let (count, blockElements) = (1200, 700)
        try expectNothing { needles in
            let masks = try freshMasks(parties: 1, slots: 3)
            for mask in masks { try name(mask, count: count, blockElements: blockElements, in: &needles) }
            return masks
        } while: { masks in
            let expansion = MaskExpansion(
                masks: masks, operation: .add, threads: threads, blockElements: blockElements,
                checked: CheckedBlock(index: 1, sum: PrimeFieldVector(Field64Vector(count: 500))))
            for applying in [MaskExpansion.applyByBlocks, MaskExpansion.applyByMasks] {
                var vector = Field64Vector(count: count)
                applying(expansion)(&vector, threads)
            }
        }
    }

    @Test(arguments: [Arithmetic.field64, .gmp]) func sharesOfARoundLeaveNothing(arithmetic: Arithmetic) throws {
        try expectNothing { needles in
            let masks = try freshMasks(parties: 2, slots: 2)
            for mask in masks {
                try name(mask, count: 600, blockElements: MaskStream.blockElements, in: &needles)
            }
            return masks
        } while: { masks in
            var random = SystemRandom()
            let explicit = try ExplicitShare(
                masking: Field64Vector(count: 600), with: masks.filter { $0.party[0] == 0 }, arithmetic: arithmetic)
            let aggregate = try AggregateShare(
                of: masks.filter { $0.slot == 1 }, count: 600, arithmetic: arithmetic, using: &random)
            #expect(explicit.vector != aggregate.vector)
        }
    }

    @Test func derivedKeysAndTheirInputsLeaveNothing() throws {
        let info = LabeledBytes("slot").bytes
        try expectNothing { needles in
            let seed = SecretBytes(randomCount: 32)
            let derived = HKDFSHA256.derive(salt: context, inputKey: seed, info: info)
            let chained = HMACSHA256.deriveKey(info, key: derived)
            try needles.add("seed", seed.exposedBytes())
            try needles.add("key of HKDF", key: derived)
            try needles.add("extracted key", key: HMACSHA256.deriveKey(seed.exposedBytes(), key: SecretBytes(context)))
            try needles.add("key of HMAC", key: chained)
            try needles.add("key of SHA-256", key: LabeledBytes("check-key").derivedKey(from: [seed, chained]))
            return seed
        } while: { seed in
            let derived = HKDFSHA256.derive(salt: context, inputKey: seed, info: info)
            let chained = HMACSHA256.deriveKey(info, key: derived)
            let key = LabeledBytes("check-key").derivedKey(from: [seed, chained])
            #expect(LabeledBytes("ready").hash(of: key) != LabeledBytes("g").hash(of: seed))
            #expect(!HMACSHA256.isValid(tag: [], for: info, key: chained))
        }
    }

    @Test func oneStreamLeavesNothing() throws {
        let dst = Array("summand/v1 test".utf8)
        try expectNothing { needles in
            let seed = SecretBytes(randomCount: 32)
            try needles.add("seed", key: seed)
            let tag = HMACSHA256.authenticate([UInt8(dst.count)] + dst + [1], key: seed).bytes
            try needles.add("cipher key", Array(tag[..<16]))
            try needles.add("counter", Array(tag[16...]))
            return seed
        } while: { seed in
            var stream = XofHmacSha256Aes128(seed: seed, dst: dst, binder: [1])
            // In the middle of a block of the cipher, which the context then holds.
            #expect(stream.next(count: 21).count == 21)
        }
    }

    @Test func scalarsAndTheirSharesLeaveNothing() throws {
        let field = try PrimeModulus(
            hexadecimal: "7fffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffed")
        let sharing = try ShamirSharing(modulus: field, threshold: 3, shareCount: 4)
        try expectNothing { needles in
            let seed = SecureRandom.uint64()
            var generator = TestGenerator(seed: seed)
            let secret = PrimeFieldElement.random(in: field, using: &generator)
            try needles.add("secret", words: secret.limbs)
            var polynomial = generator
            for power in 1..<3 {
                let coefficient = PrimeFieldElement.random(in: field, using: &polynomial)
                try needles.add("coefficient \(power)", words: coefficient.limbs)
            }
            for share in try sharing.share(secret, context: context, using: &generator) {
                try needles.add("share \(share.index)", words: share.value.limbs)
            }
            return seed
        } while: { seed in
            var generator = TestGenerator(seed: seed)
            let secret = PrimeFieldElement.random(in: field, using: &generator)
            let shares = try sharing.share(secret, context: context, using: &generator)
            let again = try sharing.reconstruct(shares)
            #expect(again == secret)
        }
    }
}
