// SPDX-License-Identifier: MIT

internal import CGMP

extension PrimeFieldVector {
    /// Adds a vector of the same modulus, lane width and length.
    ///
    /// - Throws: `modulusMismatch`, `laneMismatch`, `countMismatch`.
    public mutating func add(_ other: PrimeFieldVector) throws(FieldError) {
        let addend = try admit(other)
        // Below (pending + addend.pending)·p ≤ 2^(64·laneLimbs) in every lane: no carry leaves one.
        pending += addend.pending
        addLimbs(addend.limbs)
    }

    /// Adds those words that are below the modulus to the elements from `offset` on, one behind the other, and skips the
    /// rest; returns how many were added. For vectors over the prime of Field64 in lanes of two limbs.
    ///
    /// - Throws: `modulusMismatch`, `laneMismatch`, `outOfRange`.
    public mutating func add(accepting words: Span<UInt64>, at offset: Int) throws(FieldError) -> Int {
        guard modulus == .field64 else {
            throw .modulusMismatch(expected: .field64, actual: modulus)
        }
        guard laneLimbs == 2 else { throw .laneMismatch(expected: 2, actual: laneLimbs) }
        guard offset >= 0, offset <= count, words.count <= count - offset else {
            throw .outOfRange(offset: offset, count: words.count, available: count)
        }
        if pending == pendingMax { canonicalize() }
        pending += 1
        return unsafe limbs.withUnsafeMutableBufferPointer { limbs in
            unsafe words.withUnsafeBufferPointer { words in
                guard let lanes = limbs.baseAddress, let source = words.baseAddress else { return 0 }
                return unsafe summand_mpn_add_accepted(lanes + 2 * offset, source, words.count, Field64.modulus)
            }
        }
    }

    /// Subtracts a vector of the same modulus, lane width and length; throws like `add`.
    ///
    /// `mpn` borrows across lanes, so every lane is first raised by a multiple of p that is not below its subtrahend.
    public mutating func subtract(_ other: PrimeFieldVector) throws(FieldError) {
        let subtrahend = try admit(other)
        pending += subtrahend.pending
        addLimbs(bias(multiple: UInt64(subtrahend.pending)))
        unsafe limbs.withUnsafeMutableBufferPointer { limbs in
            unsafe subtrahend.limbs.withUnsafeBufferPointer { other in
                guard let target = limbs.baseAddress, let source = other.baseAddress else { return }
                let borrow = unsafe mpn_sub_n(target, target, source, limbs.count)
                assert(borrow == 0, "the bias exceeds every lane of the subtrahend")
            }
        }
    }

    /// Multiplies element by element with a vector of the same modulus and length, reducing at once; throws like `add`.
    public mutating func multiply(_ other: PrimeFieldVector) throws(FieldError) {
        try requireMatch(other)
        let width = modulus.limbs.count
        let a = canonicalLimbs()
        let b = other.canonicalLimbs()
        var products = PrimeFieldVector.products(a, b, count: count, width: width)
        PrimeFieldVector.reduce(&products, count: count, lane: 2 * width, modulus: modulus)
        limbs = PrimeFieldVector.lanes(products, of: 2 * width, in: laneLimbs, width: width, count: count)
        pending = 1
    }

    /// Multiplies every element by a scalar below the modulus, given in `modulus.limbs.count` limbs.
    ///
    /// - Throws: `lengthNotMultiple`, `notCanonical`.
    public mutating func multiply(by scalar: [UInt64]) throws(FieldError) {
        guard scalar.count == modulus.limbs.count else {
            throw .lengthNotMultiple(of: modulus.limbs.count, actual: scalar.count)
        }
        if let index = modulus.firstNotCanonical(scalar, count: 1) { throw .notCanonical(index: index) }
        // A source lane of no width reads the same scalar for every element.
        let repeated = PrimeFieldVector.lanes(scalar, of: 0, in: scalar.count, width: scalar.count, count: count)
        try multiply(PrimeFieldVector(modulus: modulus, canonical: repeated, laneLimbs: laneLimbs))
    }

    /// Checks that another vector fits, and reduces one or both when the guard bits are used up.
    private mutating func admit(_ other: PrimeFieldVector) throws(FieldError) -> PrimeFieldVector {
        try requireMatch(other)
        if other.pending <= pendingMax - pending { return other }
        canonicalize()
        if other.pending <= pendingMax - pending { return other }
        var reduced = other
        reduced.canonicalize()
        return reduced
    }

    private func requireMatch(_ other: PrimeFieldVector) throws(FieldError) {
        guard modulus == other.modulus else {
            throw .modulusMismatch(expected: modulus, actual: other.modulus)
        }
        guard laneLimbs == other.laneLimbs else {
            throw .laneMismatch(expected: laneLimbs, actual: other.laneLimbs)
        }
        guard count == other.count else { throw .countMismatch(expected: count, actual: other.count) }
    }

    private mutating func addLimbs(_ other: [UInt64]) {
        unsafe limbs.withUnsafeMutableBufferPointer { limbs in
            unsafe other.withUnsafeBufferPointer { other in
                guard let target = limbs.baseAddress, let source = other.baseAddress else { return }
                let carry = unsafe mpn_add_n(target, target, source, limbs.count)
                assert(carry == 0, "pending additions fit the guard bits")
            }
        }
    }

    /// A vector of lanes that all hold `multiple`·p.
    private func bias(multiple: UInt64) -> [UInt64] {
        var lane = modulus.limbs
        var carry: UInt64 = 0
        for index in lane.indices {
            let (high, low) = lane[index].multipliedFullWidth(by: multiple)
            let overflow: Bool
            (lane[index], overflow) = low.addingReportingOverflow(carry)
            carry = high &+ (overflow ? 1 : 0)
        }
        // The multiple fits a lane, so limbs beyond it are zero.
        lane.append(carry)
        lane += repeatElement(0, count: max(0, laneLimbs - lane.count))
        return PrimeFieldVector.lanes(lane, of: 0, in: laneLimbs, width: laneLimbs, count: count)
    }

    /// Multiplies elements of `width` limbs pairwise into lanes of twice that.
    private static func products(_ a: [UInt64], _ b: [UInt64], count: Int, width: Int) -> [UInt64] {
        var products = [UInt64](repeating: 0, count: 2 * width * count)
        unsafe products.withUnsafeMutableBufferPointer { products in
            unsafe a.withUnsafeBufferPointer { a in
                unsafe b.withUnsafeBufferPointer { b in
                    guard let target = products.baseAddress, let a = a.baseAddress, let b = b.baseAddress
                    else { return }
                    for index in 0..<count {
                        unsafe summand_mpn_mul(
                            target + 2 * width * index, a + width * index, b + width * index, width)
                    }
                }
            }
        }
        return products
    }

    /// Reduces lanes of any width in place.
    private static func reduce(_ lanes: inout [UInt64], count: Int, lane: Int, modulus: PrimeModulus) {
        var quotient = [UInt64](repeating: 0, count: lane - modulus.limbs.count + 1)
        unsafe lanes.withUnsafeMutableBufferPointer { lanes in
            unsafe modulus.limbs.withUnsafeBufferPointer { prime in
                unsafe quotient.withUnsafeMutableBufferPointer { quotient in
                    guard let base = lanes.baseAddress, let divisor = prime.baseAddress,
                        let scratch = quotient.baseAddress
                    else { return }
                    unsafe summand_mpn_reduce_lanes(base, count, lane, divisor, prime.count, scratch)
                }
            }
        }
    }
}
