// SPDX-License-Identifier: MIT

import FiniteField
import Testing

@testable import Quantization

@Suite struct VectorLayoutTests {
    @Test func lengthsAndBlocksAgreeWithTheTable() throws {
        for row in try Known.load("numbers-table").get("vectorLengths").list() {
            let count = try row.get("d").int()
            #expect(
                VectorLayout.transformBlocks(parameterCount: count)
                    == (try row.get("transformBlocks").list().map { try $0.int() }))
            for bits in [7, 8, 9, 12, 16, 21, 32, 63] {
                #expect(
                    try VectorLayout(bits: bits, parameterCount: count).count == row.get("D").get("\(bits)").int(),
                    "b = \(bits), d = \(count)")
            }
        }
    }

    @Test func countsAreRoundedAsInTheTable() throws {
        for row in try Known.load("numbers-table").get("twoSignificantBinaryDigits").list() {
            #expect(roundedToTwoBinaryDigits(try row.get("n").int()) == (try row.get("rounded").int()))
        }
        #expect(roundedToTwoBinaryDigits(1 << 62) == 1 << 62)
        #expect(roundedToTwoBinaryDigits(1 << 62 - 1) == 1 << 62)
    }

    @Test func placesFollowOneAnother() throws {
        let layout = try VectorLayout(bits: 63, parameterCount: 10)
        #expect(layout.packed == 0..<10)
        #expect(layout.weight == 10)
        #expect(layout.metrics == 11..<15)
        #expect(layout.checked == 0..<15)
        #expect(layout.check == 15..<17)
        #expect(layout.blind == 17..<19)
        #expect(layout.count == 19)
        #expect(throws: QuantizationError.encodingUnknown(bits: 33)) {
            try VectorLayout(bits: 33, parameterCount: 1)
        }
    }

    @Test func vectorsOfAnotherLengthAreRefused() throws {
        let layout = try VectorLayout(bits: 63, parameterCount: 1)
        var vector = Field64Vector(count: 9)
        #expect(throws: QuantizationError.countMismatch(expected: 10, actual: 9)) {
            try layout.place(check: .one, blind: [1, 2], in: &vector)
        }
        #expect(throws: QuantizationError.countMismatch(expected: 10, actual: 9)) { try layout.check(in: vector) }
        vector = Field64Vector(count: 10)
        #expect(throws: QuantizationError.countMismatch(expected: 2, actual: 3)) {
            try layout.place(check: .one, blind: [1, 2, 3], in: &vector)
        }
    }
}
