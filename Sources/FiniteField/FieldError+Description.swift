// SPDX-License-Identifier: MIT

extension FieldError: CustomStringConvertible {
    /// Says what is wrong and where; no element is shown.
    public var description: String {
        switch self {
        case .countMismatch(let expected, let actual):
            "a vector of \(actual) elements where one of \(expected) is expected"
        case .laneMismatch(let expected, let actual):
            "a vector in lanes of \(actual) limbs where lanes of \(expected) are expected: make both alike"
        case .laneTooNarrow(let limbsNeeded, let limbs):
            "lanes of \(limbs) limbs, but at least \(limbsNeeded) are needed"
        case .laneTooWide(let limbsMax, let limbs):
            "lanes of \(limbs) limbs, but at most \(limbsMax) are taken"
        case .lengthNotMultiple(let unit, let actual):
            "\(actual) bytes or limbs do not make whole elements of \(unit)"
        case .malformedNumber(let base):
            "the text is not a natural number in base \(base)"
        case .modulusMismatch(let expected, let actual):
            "an operand modulo \(actual) where one modulo \(expected) is expected"
        case .modulusTooLarge(let bits, let bitsMax):
            "a modulus of \(bits) bits, but at most \(bitsMax) are taken"
        case .notCanonical(let index):
            "element \(index) is not below the modulus"
        case .notInvertible(let index):
            "element \(index) is zero and has no inverse"
        case .notPrime:
            "the modulus is not a prime number"
        case .outOfRange(let offset, let count, let available):
            "\(count) elements from \(offset) on do not lie within a vector of \(available)"
        case .zeroHasNoInverse:
            "zero has no inverse"
        }
    }
}
