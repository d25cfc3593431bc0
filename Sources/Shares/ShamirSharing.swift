// SPDX-License-Identifier: MIT

public import FiniteField

/// Shamir's secret sharing of scalars over any prime field (Communications of the ACM 22, 1979): any `threshold` of
/// `shareCount` shares give the secret, fewer are uniformly random together.
///
/// The secret is the value at 0 of a polynomial of degree `threshold` − 1 whose other coefficients are random; share k is
/// its value at k. Times depend on the field, the counts and the indices, never on secrets.
public struct ShamirSharing: Sendable, Hashable {
    /// The most shares of a secret.
    public static let shareCountMax = 1 << 16

    /// The prime of the field.
    public let modulus: PrimeModulus
    /// How many shares determine the secret.
    public let threshold: Int
    /// How many shares there are.
    public let shareCount: Int

    private let points: [PrimeFieldElement]

    /// Fixes a sharing.
    ///
    /// - Parameters:
    ///   - threshold: from 1, where each share is the secret itself, to `shareCount`.
    ///   - shareCount: at most `shareCountMax` and below the modulus, so that the points 1 to `shareCount` are distinct and
    ///     none of them is zero.
    /// - Throws: `thresholdOutOfRange`, `tooManyShares`.
    public init(modulus: PrimeModulus, threshold: Int, shareCount: Int) throws(ShareError) {
        guard threshold >= 1, threshold <= shareCount else {
            throw .thresholdOutOfRange(threshold, shareCount: shareCount)
        }
        // The limbs of a modulus have no leading zeros: two of them are more than any count.
        let pointsMax = modulus.limbs.count > 1 ? UInt64.max : modulus.limbs[0] - 1
        let most = Int(min(UInt64(Self.shareCountMax), pointsMax))
        guard shareCount <= most else { throw .tooManyShares(shareCount, shareCountMax: most) }
        self.modulus = modulus
        self.threshold = threshold
        self.shareCount = shareCount
        points = (1...shareCount).map { PrimeFieldElement($0, in: modulus) }
    }

    /// Splits a secret.
    ///
    /// - Parameters:
    ///   - context: ctx of the round that the shares belong to, 32 bytes.
    ///   - generator: draws the polynomial, so it must be unpredictable.
    /// - Returns: The shares 1 to `shareCount`, in order.
    /// - Throws: `modulusMismatch`, `wrongLength`.
    public func share(
        _ secret: PrimeFieldElement, context: [UInt8], using generator: inout some RandomNumberGenerator
    ) throws(ShareError) -> [ShamirShare] {
        guard secret.modulus == modulus else {
            throw .modulusMismatch(expected: modulus, actual: secret.modulus)
        }
        // From the highest power down, as Horner's rule wants them; the last is the secret.
        let coefficients =
            (1..<threshold).map { _ in PrimeFieldElement.random(in: modulus, using: &generator) } + [secret]
        var shares: [ShamirShare] = []
        for (place, point) in points.enumerated() {
            let value = try field { () throws(FieldError) in
                var value = coefficients[0]
                for coefficient in coefficients.dropFirst() { value = try value * point + coefficient }
                return value
            }
            try shares.append(
                ShamirShare(context: context, index: ShareIndex(place: place), threshold: threshold, value: value))
        }
        return shares
    }

    /// Reconstructs the secret from any `threshold` shares or more.
    ///
    /// Of more shares than the threshold all must lie on one polynomial.
    ///
    /// - Throws: `noShares`, `contextMismatch`, `modulusMismatch`, `thresholdMismatch`, `indexOutOfRange`, `duplicateShare`
    ///   for shares that do not belong together; `tooFewShares`; `inconsistentShare`.
    public func reconstruct(_ shares: [ShamirShare]) throws(ShareError) -> PrimeFieldElement {
        try requireOneSharing(shares)
        guard shares.count >= threshold else {
            throw .tooFewShares(expected: threshold, actual: shares.count)
        }
        let polynomial = try field { () throws(FieldError) in
            try LagrangeInterpolation(
                points: shares.prefix(threshold).map(point), values: shares.prefix(threshold).map(\.value))
        }
        for share in shares.dropFirst(threshold) {
            let value = try field { () throws(FieldError) in try polynomial.value(at: point(of: share)) }
            guard value == share.value else { throw .inconsistentShare(share.index) }
        }
        return try field { () throws(FieldError) in try polynomial.value(at: .zero(in: modulus)) }
    }

    private func requireOneSharing(_ shares: [ShamirShare]) throws(ShareError) {
        guard let first = shares.first else { throw .noShares }
        var indices: Set<ShareIndex> = []
        for share in shares {
            guard share.context == first.context else {
                throw .contextMismatch(expected: first.context, actual: share.context)
            }
            guard share.value.modulus == modulus else {
                throw .modulusMismatch(expected: modulus, actual: share.value.modulus)
            }
            guard share.threshold == threshold else {
                throw .thresholdMismatch(expected: threshold, actual: share.threshold)
            }
            guard share.index.value <= shareCount else {
                throw .indexOutOfRange(share.index, shareCount: shareCount)
            }
            guard indices.insert(share.index).inserted else { throw .duplicateShare(share.index) }
        }
    }

    private func point(of share: ShamirShare) -> PrimeFieldElement {
        points[Int(share.index.value) - 1]
    }

    /// Elements of one field and distinct points give no error; should they, it is passed on.
    private func field<Result>(_ body: () throws(FieldError) -> Result) throws(ShareError) -> Result {
        do { return try body() } catch { throw .field(error) }
    }
}
