// SPDX-License-Identifier: MIT

import FiniteField
import Testing

@Suite struct FieldErrorTests {
    @Test(arguments: [
        (FieldError.countMismatch(expected: 3, actual: 2), "2 elements where one of 3"),
        (.notCanonical(index: 41), "element 41"),
        (.notInvertible(index: 7), "element 7 is zero"),
        (.modulusMismatch(expected: .field64, actual: .field64), "0xffffffff00000001 (64 bits)"),
        (.modulusTooLarge(bits: 5000, bitsMax: 4096), "5000 bits, but at most 4096"),
    ])
    func descriptionsSayWhatAndWhere(error: FieldError, text: String) {
        #expect("\(error)".contains(text))
    }

    @Test func aLongModulusIsShownByItsEnds() throws {
        #expect(try knownPrime("255").description == "0x7fffffffffffffff…ffffffffffffffed (255 bits)")
        #expect(try PrimeModulus(limbs: [277, 1 << 36]).description == "0x10000000000000000000000115 (101 bits)")
    }
}
