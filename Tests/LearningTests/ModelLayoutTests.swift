// SPDX-License-Identifier: MIT

import Learning
import Testing

@Suite struct ModelLayoutTests {
    @Test func layoutsHaveTheBytesOfTheVectors() throws {
        let vectors = try VectorFiles.load("bytes.json", as: VectorFiles.Bytes.self).layout
        #expect(vectors.count == 2)
        for vector in vectors {
            let tensors = vector.tensors.map { TensorShape(name: $0.name, dimensions: $0.dimensions) }
            let layout = try ModelLayout(tensors: tensors)
            #expect(hex(layout.bytes) == vector.bytes)
            #expect(try ModelLayout(bytes: bytes(vector.bytes)) == layout)
        }
    }

    @Test func perceptronHasTheLayoutOfTheVectors() throws {
        let vectors = try VectorFiles.load("bytes.json", as: VectorFiles.Bytes.self).layout
        let layout = try ModelSpec(parsing: "mlp:784-128-10").layout
        #expect(hex(layout.bytes) == vectors[0].bytes)
        #expect(layout.count == 101_770)
        #expect(layout.offsets == [0, 100_352, 100_480, 101_760])
    }

    @Test func layoutOfOneScalarHasOneElement() throws {
        #expect(try ModelLayout(tensors: [TensorShape(name: "s", dimensions: [])]).count == 1)
    }

    @Test func truncatedLayoutIsRefusedAtEveryLength() throws {
        let whole = try ModelSpec(parsing: "softmax:3-2").layout.bytes
        let firstTensor = 4 + 10 + 4 + 8
        for length in 0..<whole.count where length != firstTensor {
            #expect(throws: ModelError.self) { try ModelLayout(bytes: Array(whole[..<length])) }
        }
    }

    @Test(arguments: [
        ("", ModelError.layoutSize),
        ("00000001 61 00000000  00000001 61 00000000", .layoutDuplicateName("a")),
        ("00000000 00000000", .layoutName(tensor: 0)),
        ("00000001 ff 00000000", .layoutName(tensor: 0)),
        ("ffffffff 61 00000000", .layoutBytes(count: 9, offset: 4)),
        ("00000001 61 00000001 00000000", .layoutShape(name: "a")),
        ("00000001 61 00000009", .layoutShape(name: "a")),
        ("00000001 61 ffffffff", .layoutShape(name: "a")),
        ("00000001 61 00000003 ffffffff ffffffff ffffffff", .layoutSize),
        ("00000001 61 00000001 08000000  00000001 62 00000000", .layoutSize),
    ])
    func faultyLayoutIsRefused(encoded: String, error: ModelError) {
        #expect(throws: error) { try ModelLayout(bytes: bytes(encoded)) }
    }
}
