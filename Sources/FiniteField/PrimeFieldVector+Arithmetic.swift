// SPDX-License-Identifier: MIT

internal import CGMP

extension PrimeFieldVector {
    /// Adds a vector of the same modulus, lane width and length.
    ///
    /// - Throws: `modulusMismatch`, `laneMismatch`, `countMismatch`.
    public mutating func add(_ other: PrimeFieldVector) throws(FieldError) {
        try requireMatch(other)
        unsafe combine(Operand(other), other.limbs, at: 0, .add)
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
        try requireMatch(other)
        unsafe combine(Operand(other), other.limbs, at: 0, .subtract)
    }

    /// Adds elements of `modulus.limbs.count` limbs each to those from `offset` on.
    ///
    /// - Throws: `lengthNotMultiple`; `outOfRange` when they do not lie within the vector; `notCanonical` with the index of the
    ///   first that is not below the modulus, before anything is added.
    public mutating func add(contentsOf canonical: Span<UInt64>, at offset: Int = 0) throws(FieldError) {
        let operand = try admit(canonical, at: offset)
        unsafe canonical.withUnsafeBufferPointer { canonical in
            if let base = canonical.baseAddress { unsafe combine(operand, base, at: offset, .add) }
        }
    }

    /// Subtracts elements from those from `offset` on; throws like `add(contentsOf:at:)`.
    public mutating func subtract(contentsOf canonical: Span<UInt64>, at offset: Int = 0) throws(FieldError) {
        let operand = try admit(canonical, at: offset)
        unsafe canonical.withUnsafeBufferPointer { canonical in
            if let base = canonical.baseAddress { unsafe combine(operand, base, at: offset, .subtract) }
        }
    }

    /// Replaces every element by its additive inverse.
    public mutating func negate() {
        let (prime, count, lane) = (modulus.limbs, count, laneLimbs)
        guard guardBits > 0 else {
            return unsafe limbs.withLimbs { unsafe summand_tight_negate($0, count, prime, prime.count) }
        }
        if pending == pendingMax { canonicalize() }
        let multiple = UInt64(pending)
        unsafe limbs.withLimbs { unsafe summand_lanes_negate($0, count, lane, multiple, prime, prime.count) }
        // Zero became multiple·p itself, which is below the next multiple only.
        pending += 1
    }

    /// What is known of the second operand beside its limbs: elements, limbs of each, and that all are below `pending`·p.
    struct Operand {
        var count: Int
        var lane: Int
        var pending: Int

        init(count: Int, lane: Int, pending: Int) {
            self.count = count
            self.lane = lane
            self.pending = pending
        }

        init(_ vector: PrimeFieldVector) {
            self.init(count: vector.count, lane: vector.laneLimbs, pending: vector.pending)
        }
    }

    enum Operation {
        case add
        case subtract
    }

    /// Combines the elements from `offset` on with an operand that is known to match, reducing what no longer fits first.
    mutating func combine(
        _ operand: Operand, _ source: UnsafePointer<UInt64>, at offset: Int, _ operation: Operation
    ) {
        guard guardBits > 0 else { return unsafe combineTight(source, operand.count, at: offset, operation) }
        if operand.pending > pendingMax - pending { canonicalize() }
        // With one guard bit a vector that was just reduced may still not take an operand that was not.
        let isReduced = operand.pending > pendingMax - pending
        let multiple = isReduced ? 1 : operand.pending
        // Below (pending + multiple)·p ≤ 2^(64·laneLimbs) in every lane: no carry leaves one.
        pending += multiple
        let prime = modulus.limbs
        let (count, lane) = (operand.count, laneLimbs)
        let operand = unsafe summand_operand(limbs: source, lane: operand.lane, reduced: isReduced ? 1 : 0)
        unsafe limbs.withLimbs { lanes in
            let target = unsafe lanes + offset * lane
            switch operation {
            case .add: unsafe summand_lanes_add(target, count, lane, operand, prime, prime.count)
            case .subtract:
                unsafe summand_lanes_subtract(target, count, lane, operand, UInt64(multiple), prime, prime.count)
            }
        }
    }

    /// The same in lanes without a guard bit, where all elements of both are below the modulus.
    private mutating func combineTight(
        _ source: UnsafePointer<UInt64>, _ count: Int, at offset: Int, _ operation: Operation
    ) {
        let (prime, lane) = (modulus.limbs, laneLimbs)
        unsafe limbs.withLimbs { lanes in
            let target = unsafe lanes + offset * lane
            switch operation {
            case .add: unsafe summand_tight_add(target, source, count, prime, prime.count)
            case .subtract: unsafe summand_tight_subtract(target, source, count, prime, prime.count)
            }
        }
    }

    private func admit(_ canonical: Span<UInt64>, at offset: Int) throws(FieldError) -> Operand {
        let width = modulus.limbs.count
        guard canonical.count.isMultiple(of: width) else {
            throw .lengthNotMultiple(of: width, actual: canonical.count)
        }
        let added = canonical.count / width
        guard offset >= 0, offset <= count, added <= count - offset else {
            throw .outOfRange(offset: offset, count: added, available: count)
        }
        if let index = modulus.firstNotCanonical(canonical, lane: width) { throw .notCanonical(index: index) }
        return Operand(count: added, lane: width, pending: 1)
    }

    func requireMatch(_ other: PrimeFieldVector) throws(FieldError) {
        guard modulus == other.modulus else {
            throw .modulusMismatch(expected: modulus, actual: other.modulus)
        }
        guard laneLimbs == other.laneLimbs else {
            throw .laneMismatch(expected: laneLimbs, actual: other.laneLimbs)
        }
        guard count == other.count else { throw .countMismatch(expected: count, actual: other.count) }
    }
}
