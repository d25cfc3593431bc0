// SPDX-License-Identifier: MIT

import FiniteField
import Foundation
import Primitives
import Testing

@testable import Messages

/// `Tests/Vectors/bytes.json`, as far as messages compute it.
@Suite struct BytesVectorTests {
    private struct File: Decodable {
        struct Field: Decodable {
            let name: String
            let value: String
        }
        struct Hash: Decodable {
            let label: String
            let fields: [Field]
            let sha256: String

            func field(_ name: String) throws -> [UInt8] {
                let text = try #require(fields.first { $0.name == name }).value
                return try #require(Hexadecimal.decode(text))
            }
        }
        struct SignInput: Decodable {
            let message: String
            let epochHash: String
            let payload: String
            let input: String
        }
        struct Leaves: Decodable {
            struct Case: Decodable {
                let elements: Int
                let leaf: String
            }
            let cases: [Case]
        }
        let H: [Hash]
        let signInput: [SignInput]
        let leaf: Leaves
    }

    private static func load() throws -> File {
        let tests = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
        return try JSONDecoder().decode(
            File.self, from: Data(contentsOf: tests.appending(path: "Vectors/bytes.json")))
    }

    @Test func signatureInputs() throws {
        for known in try Self.load().signInput {
            let epoch = try #require(Hexadecimal.decode(known.epochHash).flatMap { Digest(bytes: $0) })
            let payload = try #require(Hexadecimal.decode(known.payload))
            #expect(Hexadecimal.encode(signatureInput(known.message, epoch: epoch, payload: payload)) == known.input)
        }
    }

    @Test func hashesOfProposals() throws {
        let known = try Self.load().H.filter { $0.label == "proposal" }
        #expect(known.count == 2)
        for hash in known { #expect(EpochProposal.hash(payload: try hash.field("payload")).hex == hash.sha256) }
    }

    @Test func hashesOfSets() throws {
        let known = try #require(try Self.load().H.first { $0.label == "survivors" })
        let set = try #require(SurvivorSet(bitmap: known.field("bitmap"), of: 10))
        #expect(set.indices == [0, 1, 3, 9])
        let epoch = try #require(Digest(bytes: known.field("epochHash")))
        #expect(set.hash(epochHash: epoch).hex == known.sha256)
    }

    @Test func leavesOfVectors() throws {
        let cases = try Self.load().leaf.cases
        #expect(cases.count == 6)
        for known in cases {
            let vector = Field64Vector(
                unreduced: (0..<known.elements).map { index in
                    let product = UInt64(index + 1).multipliedFullWidth(by: 11_400_714_819_323_198_485)
                    return UInt64(0xffff_ffff_0000_0001).dividingFullWidth(product).remainder
                })
            #expect(vectorLeaf(vector).hex == known.leaf)
            var decoder = VectorDecoder(elements: known.elements)
            try decoder.consume(vector.littleEndianBytes())
            #expect(try decoder.finish().leaf.hex == known.leaf)
        }
    }
}
