// SPDX-License-Identifier: MIT

import Primitives
import Testing

/// `bytes.json`: the labelled inputs of the protocol and what is computed from them.
private struct BytesFile: Decodable, Sendable {
    struct Field: Decodable, Sendable {
        let value: Hex
        let variable: Bool
    }
    struct HashInput: Decodable, Sendable {
        let label: String
        let fields: [Field]
        let input: Hex
        let sha256: Hex
    }
    struct MAC: Decodable, Sendable { let key, input, output: Hex }
    struct Derivation: Decodable, Sendable { let salt, ikm, info, output: Hex }
    struct Stream: Decodable, Sendable {
        let seed, dst, binder, keystream: Hex
        let elements: [Word]
    }
    struct Party: Decodable, Sendable { let spki, spkiHash: Hex }
    struct SignInput: Decodable, Sendable {
        let message: String
        let epochHash, payload, input: Hex
    }
    struct Leaves: Decodable, Sendable {
        struct Case: Decodable, Sendable {
            let elements: Int
            let chunkLeaves: [Hex]
            let leaf: Hex
        }
        let cases: [Case]
    }
    struct Root: Decodable, Sendable {
        struct Entry: Decodable, Sendable {
            let id: Hex
            let role: UInt8
            let leaf: Hex
        }
        let entries: [Entry]
        let root: Hex
    }

    let H: [HashInput]
    let HMAC: MAC
    let HKDF: Derivation
    let XOF: Stream
    let parties: [Party]
    let signInput: [SignInput]
    let leaf: Leaves
    let root: [Root]
}

@Suite struct BytesVectorTests {
    private let file: BytesFile

    init() throws {
        file = try VectorFiles.load("bytes.json")
    }

    @Test func labelledFieldsLieAsInTheVectors() {
        for vector in file.H {
            var labelled = LabeledBytes(vector.label)
            for field in vector.fields {
                labelled = field.variable ? labelled.variable(field.value.bytes) : labelled.fixed(field.value.bytes)
            }
            #expect(labelled.bytes == vector.input.bytes, "\(vector.label)")
            #expect(labelled.hash.bytes == vector.sha256.bytes, "\(vector.label)")
        }
    }

    @Test func numbersAreWrittenBigEndian() throws {
        let labelled = LabeledBytes("x").u8(1).u32(2).u64(3).i32(-31).f64(1_048_576)
        let expected =
            Array("summand/v1 x".utf8)
            + (try hex("00 01 00000002 0000000000000003 ffffffe1 4130000000000000"))
        #expect(labelled.bytes == expected)
    }

    @Test func hashesStandWithoutACount() {
        let one = Digest.zero
        let two = SHA256.hash([1])
        #expect(LabeledBytes("x").fixed([one, two]) == LabeledBytes("x").fixed(one).fixed(two))
        #expect(LabeledBytes("x").fixed(two).bytes == LabeledBytes("x").fixed(two.bytes).bytes)
    }

    @Test func authenticatesAsInTheVectors() {
        let vector = file.HMAC
        let tag = HMACSHA256.authenticate(vector.input.bytes, key: SecretBytes(vector.key.bytes))
        #expect(tag.bytes == vector.output.bytes)
        #expect(HMACSHA256.authenticate(vector.input.bytes, key: vector.key.bytes) == tag)
    }

    @Test func derivesKeysAsInTheVectors() {
        let vector = file.HKDF
        let key = HKDFSHA256.derive(
            salt: vector.salt.bytes, inputKey: SecretBytes(vector.ikm.bytes), info: vector.info.bytes)
        #expect(key.exposedBytes() == vector.output.bytes)
    }

    @Test func expandsKeyStreamsAsInTheVectors() {
        let vector = file.XOF
        let seed = SecretBytes(vector.seed.bytes)
        var bytes = XofHmacSha256Aes128(seed: seed, dst: vector.dst.bytes, binder: vector.binder.bytes)
        #expect(bytes.next(count: vector.keystream.bytes.count) == vector.keystream.bytes)
        let dst = String(decoding: vector.dst.bytes, as: UTF8.self)
        var words = XofHmacSha256Aes128(seed: seed, dst: dst, binder: vector.binder.bytes)
        #expect(words.nextFieldWords(count: vector.elements.count) == vector.elements.map(\.value))
    }

    @Test func readsThePublicKeysOfTheVectors() throws {
        for vector in file.parties {
            let key = try PublicKey(spki: vector.spki.bytes)
            #expect(key.spkiHash.bytes == vector.spkiHash.bytes)
        }
    }

    @Test func signatureInputsAreLabelled() throws {
        for vector in file.signInput {
            let epochHash = try #require(Digest(bytes: vector.epochHash.bytes))
            let input = LabeledBytes("sign \(vector.message)").fixed(epochHash).variable(vector.payload.bytes)
            #expect(input.bytes == vector.input.bytes, "\(vector.message)")
        }
    }

    @Test func vectorLeavesAroundTheChunkBoundary() {
        for vector in file.leaf.cases {
            let bytes = vectorBytes(elements: vector.elements)
            #expect(VectorLeafHasher.leaf(of: bytes).bytes == vector.leaf.bytes, "\(vector.elements) elements")
            let chunks = stride(from: 0, to: bytes.count, by: VectorLeafHasher.chunkBytes).map {
                MerkleTreeHasher.leafHash(Array(bytes[$0..<min($0 + VectorLeafHasher.chunkBytes, bytes.count)]))
            }
            #expect(chunks.map(\.bytes) == vector.chunkLeaves.map(\.bytes))
        }
    }

    @Test(arguments: [1, 7, 4096, 65_535, 65_536, 65_537, 262_144])
    func vectorLeafDoesNotDependOnThePieces(pieceBytes: Int) {
        let bytes = vectorBytes(elements: 20_001)
        var hasher = VectorLeafHasher()
        for start in stride(from: 0, to: bytes.count, by: pieceBytes) {
            hasher.update(bytes[start..<min(start + pieceBytes, bytes.count)])
        }
        #expect(hasher.finalize() == VectorLeafHasher.leaf(of: bytes))
    }

    @Test func rootsOfRoundsAsInTheVectors() {
        for vector in file.root {
            var tree = MerkleTreeHasher()
            for entry in vector.entries {
                tree.add(leaf: entry.id.bytes + [entry.role] + entry.leaf.bytes)
            }
            #expect(tree.root.bytes == vector.root.bytes)
        }
    }

    /// The bytes of the vector files' rule V[k] = (k + 1) · 11400714819323198485 mod p.
    private func vectorBytes(elements: Int) -> [UInt8] {
        let modulus: UInt64 = 0xffff_ffff_0000_0001
        var bytes: [UInt8] = []
        for index in 0..<elements {
            let product = UInt64(index + 1).multipliedFullWidth(by: 11_400_714_819_323_198_485)
            let element = modulus.dividingFullWidth((product.high % modulus, product.low)).remainder
            withUnsafeBytes(of: element.littleEndian) { bytes.append(contentsOf: $0) }
        }
        return bytes
    }
}
