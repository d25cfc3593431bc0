// SPDX-License-Identifier: MIT

import Testing

@testable import Quantization

@Suite struct EncodingParametersTests {
    /// One tensor "b" of two elements.
    private let layout: [UInt8] = [0, 0, 0, 1, 0x62, 0, 0, 0, 1, 0, 0, 0, 2]

    @Test func everythingInAnEncodingIsInItsHash() throws {
        let other = layout.dropLast() + [3]
        let hashes = try Set([
            EncodingParameters(kind: .training, scale: .exact, layout: layout).encodingHash,
            EncodingParameters(kind: .closing, scale: .exact, layout: layout).encodingHash,
            EncodingParameters(kind: .training, scale: .exact, clip: 1, layout: layout).encodingHash,
            EncodingParameters(kind: .training, scale: .exact, weightMax: 1, layout: layout).encodingHash,
            EncodingParameters(kind: .training, scale: .exact, layout: Array(other)).encodingHash,
            EncodingParameters(
                kind: .training, scale: EncodingScale(bits: 16, exponents: [-31]), layout: layout
            ).encodingHash,
            EncodingParameters(
                kind: .training, scale: EncodingScale(bits: 16, exponents: [-30]), layout: layout
            ).encodingHash,
        ])
        #expect(hashes.count == 7)
    }

    @Test func packedEncodingsAreKnownButNotAvailable() throws {
        for bits in 7...32 {
            let scale = EncodingScale(bits: UInt8(bits), exponents: [-31])
            let parameters = try EncodingParameters(kind: .training, scale: scale, layout: layout)
            #expect(throws: QuantizationError.encodingNotAvailable(bits: bits)) {
                try ExactEncoding(parameters, members: 3)
            }
        }
    }

    @Test(arguments: [0, 1, 6, 33, 62, 64, 255] as [UInt8])
    func otherBitsAreUnknown(bits: UInt8) {
        #expect(throws: QuantizationError.encodingUnknown(bits: Int(bits))) {
            try EncodingParameters(
                kind: .training, scale: EncodingScale(bits: bits, exponents: []), layout: layout)
        }
    }

    @Test func aClosingRoundIsExact() {
        #expect(throws: QuantizationError.encodingUnknown(bits: 16)) {
            try EncodingParameters(
                kind: .closing, scale: EncodingScale(bits: 16, exponents: [-31]), layout: layout)
        }
    }

    @Test func digitsAndExponentsMustFit() {
        #expect(throws: QuantizationError.digitsMismatch(expected: 1, actual: 4)) {
            try EncodingParameters(
                kind: .training, bits: 63, digits: 4, exponents: [], clip: 0, weightMax: 1, layout: layout)
        }
        #expect(throws: QuantizationError.exponentCountMismatch(expected: 0, actual: 1)) {
            try EncodingParameters(
                kind: .training, scale: EncodingScale(bits: 63, exponents: [0]), layout: layout)
        }
        #expect(throws: QuantizationError.exponentCountMismatch(expected: 1, actual: 2)) {
            try EncodingParameters(
                kind: .training, scale: EncodingScale(bits: 8, exponents: [0, 0]), layout: layout)
        }
    }

    @Test(arguments: [0, -1, 0.5, 3, 1.5, 0x1p41, .infinity, .nan])
    func weightMaxIsAPowerOfTwo(value: Double) {
        #expect { try EncodingParameters(kind: .training, scale: .exact, weightMax: value, layout: layout) } throws: {
            // Not a number is not equal to itself.
            guard case .invalidWeightMax = $0 as? QuantizationError else { return false }
            return true
        }
    }

    @Test(arguments: [-1, -0.0, .infinity, .nan])
    func clipIsZeroOrPositive(value: Double) {
        #expect { try EncodingParameters(kind: .training, scale: .exact, clip: value, layout: layout) } throws: {
            guard case .invalidClip = $0 as? QuantizationError else { return false }
            return true
        }
    }

    @Test func layoutsAreReadOrRefused() throws {
        for row in try Known.load("bytes").get("layout").list() {
            let sizes = try row.get("tensors").list().map { tensor in
                try tensor.get("dimensions").list().map { try $0.int() }.reduce(1, *)
            }
            #expect(try LayoutBytes.parameterCount(of: row.get("bytes").bytes()) == sizes.reduce(0, +))
        }
        #expect(try LayoutBytes.parameterCount(of: []) == 0)
        for length in 1..<layout.count {
            #expect(throws: QuantizationError.invalidLayout(offset: 0)) {
                try LayoutBytes.parameterCount(of: Array(layout[..<length]))
            }
        }
        #expect(throws: QuantizationError.invalidLayout(offset: 13)) {
            try LayoutBytes.parameterCount(of: layout + [0])
        }
        let most = [UInt8](repeating: 255, count: 4)
        let huge: [UInt8] = [0, 0, 0, 0, 0, 0, 0, 3] + most + most + most
        #expect(throws: QuantizationError.invalidLayout(offset: 0)) { try LayoutBytes.parameterCount(of: huge) }
        #expect(throws: QuantizationError.invalidLayout(offset: 0)) {
            try LayoutBytes.parameterCount(of: [0, 0, 0, 0] + most)
        }
    }
}
