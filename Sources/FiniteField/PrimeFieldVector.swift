// SPDX-License-Identifier: MIT

internal import CGMP

/// A vector over any prime field, held as one array of limbs and computed by GMP's `mpn` over the whole of it.
///
/// An element lies in a *lane* of `laneLimbs` limbs, wider than the modulus by *guard bits*, so that sums need no reduction
/// until the guard bits are used up: the vector counts *pending* additions, each lane being below `pending`·p, and reduces
/// by itself when the next one would not fit. This is the reference that `Field64Vector` is proved against.
public struct PrimeFieldVector: Sendable {
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
    /// - Parameter laneLimbs: limbs of a lane; by default the fewest that leave at least 16 guard bits.
    /// - Throws: `laneTooNarrow` when there would be no guard bit.
    public init(modulus: PrimeModulus, count: Int, laneLimbs: Int? = nil) throws(FieldError) {
        let width = laneLimbs ?? (modulus.bits + 16 + 63) / 64
        guard 64 * width > modulus.bits else {
            throw .laneTooNarrow(limbsNeeded: modulus.bits / 64 + 1, limbs: width)
        }
        self.modulus = modulus
        self.count = count
        self.laneLimbs = width
        limbs = Array(repeating: 0, count: width * count)
        pending = 1
    }

    /// Takes elements of `modulus.limbs.count` limbs each, one behind the other, all below the modulus.
    ///
    /// - Throws: `lengthNotMultiple`, `notCanonical` with the index of the first element that is not below the modulus.
    public init(modulus: PrimeModulus, canonical elements: [UInt64], laneLimbs: Int? = nil) throws(FieldError) {
        let width = modulus.limbs.count
        guard elements.count.isMultiple(of: width) else {
            throw .lengthNotMultiple(of: width, actual: elements.count)
        }
        try self.init(modulus: modulus, count: elements.count / width, laneLimbs: laneLimbs)
        if let index = modulus.firstNotCanonical(elements, count: count) { throw .notCanonical(index: index) }
        limbs = PrimeFieldVector.lanes(elements, of: width, in: self.laneLimbs, width: width, count: count)
    }

    /// Copies the elements of a vector over Field64 into lanes of two limbs.
    public init(_ vector: Field64Vector) {
        self.init(modulus: .field64, count: vector.count, width: 2)
        limbs = PrimeFieldVector.lanes(vector.canonicalWords(), of: 1, in: 2, width: 1, count: count)
    }

    /// Copies the elements out, reduced, `modulus.limbs.count` limbs each.
    public func canonicalLimbs() -> [UInt64] {
        var copy = self
        copy.canonicalize()
        let width = modulus.limbs.count
        return PrimeFieldVector.lanes(copy.limbs, of: laneLimbs, in: width, width: width, count: count)
    }

    /// The limbs of one element, reduced.
    public subscript(index: Int) -> [UInt64] {
        let lane = Array(limbs[index * laneLimbs..<(index + 1) * laneLimbs])
        var single = self.emptied(count: 1)
        single.limbs = lane
        single.pending = pending
        return single.canonicalLimbs()
    }

    /// Reduces every lane below the modulus.
    public mutating func canonicalize() {
        guard pending > 1 else { return }
        reduceLanes()
    }

    /// Divides every lane by the modulus and keeps the remainder.
    mutating func reduceLanes() {
        var quotient = [UInt64](repeating: 0, count: laneLimbs - modulus.limbs.count + 1)
        unsafe limbs.withUnsafeMutableBufferPointer { limbs in
            unsafe modulus.limbs.withUnsafeBufferPointer { prime in
                unsafe quotient.withUnsafeMutableBufferPointer { quotient in
                    guard let lanes = limbs.baseAddress, let divisor = prime.baseAddress,
                        let scratch = quotient.baseAddress
                    else { return }
                    unsafe summand_mpn_reduce_lanes(lanes, count, laneLimbs, divisor, prime.count, scratch)
                }
            }
        }
        pending = 1
    }

    /// Moves `width` limbs of each element from lanes of one width to lanes of another, zero elsewhere.
    static func lanes(_ source: [UInt64], of sourceLane: Int, in lane: Int, width: Int, count: Int) -> [UInt64] {
        var result = [UInt64](repeating: 0, count: lane * count)
        unsafe result.withUnsafeMutableBufferPointer { result in
            unsafe source.withUnsafeBufferPointer { source in
                guard let target = result.baseAddress, let base = source.baseAddress else { return }
                unsafe summand_copy_lanes(target, lane, base, sourceLane, width, count)
            }
        }
        return result
    }

    /// Zeros of the same modulus and lane width.
    func emptied(count: Int) -> PrimeFieldVector {
        PrimeFieldVector(modulus: modulus, count: count, width: laneLimbs)
    }

    private init(modulus: PrimeModulus, count: Int, width: Int) {
        self.modulus = modulus
        self.count = count
        self.laneLimbs = width
        limbs = Array(repeating: 0, count: width * count)
        pending = 1
    }
}

extension PrimeFieldVector: Equatable {
    /// Compares modulus and elements; lane width and pending additions do not matter.
    public static func == (a: PrimeFieldVector, b: PrimeFieldVector) -> Bool {
        a.modulus == b.modulus && a.count == b.count && a.canonicalLimbs() == b.canonicalLimbs()
    }

    /// Whether this vector over the prime of Field64 has the same elements as one of the Field64 path.
    public func isEqual(to other: Field64Vector) -> Bool {
        modulus == .field64 && canonicalLimbs() == other.canonicalWords()
    }
}
