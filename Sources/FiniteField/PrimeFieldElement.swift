// SPDX-License-Identifier: MIT

internal import CGMP

/// An element of GF(p) for any `PrimeModulus`: the scalars of secret sharing, of interpolation and of `PrimeFieldVector`.
///
/// The time of every operation depends on the prime and on the lengths of its inputs, never on a value. The limbs are
/// overwritten when the last copy goes, and no description shows them.
public struct PrimeFieldElement: Sendable {
    /// The prime.
    public let modulus: PrimeModulus
    /// As many limbs as the modulus has, below it.
    let storage: WipedLimbs

    /// Takes a representative in limbs, least significant first, as many as the modulus has.
    ///
    /// - Throws: `lengthNotMultiple` for another number of limbs, `notCanonical` when it is not below the modulus.
    public init(canonical limbs: [UInt64], in modulus: PrimeModulus) throws(FieldError) {
        guard limbs.count == modulus.limbs.count else {
            throw .lengthNotMultiple(of: modulus.limbs.count, actual: limbs.count)
        }
        guard unsafe summand_sec_is_below(limbs, modulus.limbs, limbs.count) != 0 else {
            throw .notCanonical(index: 0)
        }
        unsafe self.init(in: modulus) { target in
            for (index, limb) in limbs.enumerated() { unsafe target[index] = limb }
        }
    }

    /// Reduces a natural number of any number of limbs, least significant first.
    public init(reducing limbs: [UInt64], in modulus: PrimeModulus) {
        let prime = modulus.limbs
        let number = unsafe WipedLimbs(count: max(limbs.count, prime.count)) { target in
            for (index, limb) in limbs.enumerated() { unsafe target[index] = limb }
            unsafe summand_sec_reduce(target, max(limbs.count, prime.count), prime, prime.count)
        }
        unsafe self.init(in: modulus) { target in
            unsafe number.withLimbs { unsafe target.update(from: $0, count: prime.count) }
        }
    }

    /// Maps an integer; a negative one, −v, stands for the additive inverse of v.
    public init(_ value: Int, in modulus: PrimeModulus) {
        let magnitude = PrimeFieldElement(reducing: [UInt64(value.magnitude)], in: modulus)
        self = value < 0 ? -magnitude : magnitude
    }

    /// Draws a uniformly distributed element: as many bits as the modulus has, drawn again while they are not below it.
    public static func random(
        in modulus: PrimeModulus, using generator: inout some RandomNumberGenerator
    ) -> PrimeFieldElement {
        let unusedBits = 64 * modulus.limbs.count - modulus.bits
        // Every draw is below with probability above one half, as the top bit of a modulus is set.
        while true {
            // In the element's own memory: an array would leave a secret behind.
            let element = unsafe PrimeFieldElement(in: modulus) { target in
                for index in modulus.limbs.indices { unsafe target[index] = generator.next() }
                unsafe target[modulus.limbs.count - 1] >>= UInt64(unusedBits)
            }
            let isBelow = unsafe element.storage.withLimbs {
                unsafe summand_sec_is_below($0, modulus.limbs, modulus.limbs.count)
            }
            if isBelow != 0 { return element }
        }
    }

    /// The additive identity.
    public static func zero(in modulus: PrimeModulus) -> PrimeFieldElement {
        unsafe PrimeFieldElement(in: modulus) { _ in }
    }

    /// The multiplicative identity.
    public static func one(in modulus: PrimeModulus) -> PrimeFieldElement {
        unsafe PrimeFieldElement(in: modulus) { unsafe $0.pointee = 1 }
    }

    /// Copies out the representative below the modulus, least significant limb first, into an array that nothing wipes.
    public var limbs: [UInt64] {
        unsafe storage.withLimbs { unsafe Array(UnsafeBufferPointer(start: $0, count: storage.count)) }
    }

    /// Whether this is the additive identity.
    public var isZero: Bool {
        self == .zero(in: modulus)
    }

    /// Has `fill` write limbs below the modulus over zeros.
    init(in modulus: PrimeModulus, _ fill: (UnsafeMutablePointer<UInt64>) -> Void) {
        self.modulus = modulus
        unsafe storage = WipedLimbs(count: modulus.limbs.count, fill)
    }
}

extension PrimeFieldElement: Hashable {
    /// Compares modulus and value, in a time that depends on the modulus alone.
    public static func == (a: PrimeFieldElement, b: PrimeFieldElement) -> Bool {
        guard a.modulus == b.modulus else { return false }
        return unsafe a.storage.withLimbs { x in
            unsafe b.storage.withLimbs { y in
                var difference: UInt64 = 0
                for index in 0..<a.storage.count { unsafe difference |= x[index] ^ y[index] }
                return difference == 0
            }
        }
    }

    /// Hashes modulus and value.
    public func hash(into hasher: inout Hasher) {
        hasher.combine(modulus)
        unsafe storage.withLimbs { limbs in
            for index in 0..<storage.count { unsafe hasher.combine(limbs[index]) }
        }
    }
}

extension PrimeFieldElement: CustomStringConvertible, CustomDebugStringConvertible, CustomReflectable {
    /// Names the kind and the size of the field only.
    public var description: String { "PrimeFieldElement(\(modulus.bits) bits)" }
    public var debugDescription: String { description }
    public var customMirror: Mirror { Mirror(self, children: [:]) }
}
