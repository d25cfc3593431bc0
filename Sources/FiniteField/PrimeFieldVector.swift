// SPDX-License-Identifier: MIT

internal import CGMP

/// A vector over any prime field, held as one array of limbs and computed by GMP's `mpn` over the whole of it.
///
/// An element lies in a *lane* of `laneLimbs` limbs, wider than the modulus by *guard bits*, so that sums need no reduction
/// until the guard bits are used up: the vector counts *pending* additions, each lane being below `pending`·p, and reduces
/// by itself when the next one would not fit. Lanes without a guard bit are reduced with every operation. This is the
/// reference that `Field64Vector` is proved against.
///
/// Additions and subtractions take a time that does not depend on values, as long as no reduction is due; reductions and products
/// divide, and GMP's division does not promise that.
public struct PrimeFieldVector: Sendable {
    /// The widest lane, in limbs.
    public static let laneLimbsMax = Int(SUMMAND_LANE_MAX)
    /// The guard bits of lanes whose width is not asked for.
    public static let guardBitsMin = 16

    /// The prime.
    public let modulus: PrimeModulus
    /// The number of elements.
    public let count: Int
    /// Limbs of one lane.
    public let laneLimbs: Int
    /// Lane after lane, least significant limb first.
    var limbs: [UInt64]
    /// Every lane is below `pending`·p; at least 1, at most `pendingMax`.
    public internal(set) var pending: Int

    /// Bits of a lane above the modulus.
    public var guardBits: Int { 64 * laneLimbs - modulus.bits }

    /// The largest `pending`: p < 2^bits, so 2^guardBits multiples of p fit a lane.
    public var pendingMax: Int { 1 << min(guardBits, 62) }

    /// Makes a vector of zeros.
    ///
    /// - Parameter laneLimbs: limbs of a lane; by default the fewest that leave at least `guardBitsMin` guard bits.
    /// - Throws: `laneTooNarrow` when the modulus would not fit, `laneTooWide`.
    public init(modulus: PrimeModulus, count: Int, laneLimbs: Int? = nil) throws(FieldError) {
        let lane = laneLimbs ?? (modulus.bits + Self.guardBitsMin + 63) / 64
        guard lane >= modulus.limbs.count else {
            throw .laneTooNarrow(limbsNeeded: modulus.limbs.count, limbs: lane)
        }
        guard lane <= Self.laneLimbsMax else { throw .laneTooWide(limbsMax: Self.laneLimbsMax, limbs: lane) }
        self.init(zeros: count, modulus: modulus, lane: lane)
    }

    /// Takes elements of `modulus.limbs.count` limbs each, one behind the other, all below the modulus.
    ///
    /// - Throws: `lengthNotMultiple`, `notCanonical` with the index of the first element that is not below the modulus,
    ///   `laneTooNarrow`, `laneTooWide`.
    public init(modulus: PrimeModulus, canonical elements: [UInt64], laneLimbs: Int? = nil) throws(FieldError) {
        let width = modulus.limbs.count
        guard elements.count.isMultiple(of: width) else {
            throw .lengthNotMultiple(of: width, actual: elements.count)
        }
        try self.init(modulus: modulus, count: elements.count / width, laneLimbs: laneLimbs)
        if let index = modulus.firstNotCanonical(elements.span, lane: width) { throw .notCanonical(index: index) }
        unsafe limbs.withLimbs { lanes in
            unsafe summand_copy_lanes(lanes, self.laneLimbs, elements, width, width, count)
        }
    }

    /// Takes elements of one field.
    ///
    /// - Throws: `modulusMismatch`, `laneTooNarrow`, `laneTooWide`.
    public init(
        modulus: PrimeModulus, elements: [PrimeFieldElement], laneLimbs: Int? = nil
    ) throws(FieldError) {
        for element in elements where element.modulus != modulus {
            throw .modulusMismatch(expected: modulus, actual: element.modulus)
        }
        try self.init(modulus: modulus, canonical: elements.flatMap(\.limbs), laneLimbs: laneLimbs)
    }

    /// Copies the elements out, reduced, `modulus.limbs.count` limbs each.
    public func canonicalLimbs() -> [UInt64] {
        var copy = self
        copy.canonicalize()
        let width = modulus.limbs.count
        guard width != laneLimbs else { return copy.limbs }
        var packed = [UInt64](repeating: 0, count: width * count)
        unsafe summand_copy_lanes(&packed, width, copy.limbs, laneLimbs, width, count)
        return packed
    }

    /// The element at an index within `0..<count`.
    public subscript(index: Int) -> PrimeFieldElement {
        PrimeFieldElement(reducing: Array(limbs[index * laneLimbs..<(index + 1) * laneLimbs]), in: modulus)
    }

    /// Reduces every lane below the modulus; free when that is already so.
    public mutating func canonicalize() {
        guard pending > 1 else { return }
        unsafe limbs.withLimbs { lanes in
            unsafe summand_lanes_reduce(lanes, count, laneLimbs, modulus.limbs, modulus.limbs.count)
        }
        pending = 1
    }

    init(zeros count: Int, modulus: PrimeModulus, lane: Int) {
        self.modulus = modulus
        self.count = count
        self.laneLimbs = lane
        limbs = Array(repeating: 0, count: lane * count)
        pending = 1
    }
}

extension PrimeFieldVector: Equatable {
    /// Compares modulus and elements; lane width and pending additions do not matter.
    public static func == (a: PrimeFieldVector, b: PrimeFieldVector) -> Bool {
        guard a.modulus == b.modulus, a.count == b.count else { return false }
        return unsafe summand_lanes_are_equal(
            a.limbs, a.laneLimbs, b.limbs, b.laneLimbs, a.count, a.modulus.limbs, a.modulus.limbs.count) != 0
    }
}

extension [UInt64] {
    /// Lends the limbs for writing, unless there is none.
    mutating func withLimbs(_ body: (UnsafeMutablePointer<UInt64>) -> Void) {
        unsafe withUnsafeMutableBufferPointer { limbs in
            if let base = limbs.baseAddress { unsafe body(base) }
        }
    }
}
