// SPDX-License-Identifier: MIT

internal import CVectorKernels

/// The sum of updates in plain integers: what federated averaging computes without secret sharing.
///
/// Every update is within the limits of the encoding and there are at most `members`, so that no sum exceeds 2^62 − 1 and the
/// result equals the secure one's in every bit.
public struct ExactSum: Sendable {
    /// The encoding of the round.
    public let encoding: ExactEncoding
    /// The sum so far.
    public private(set) var total: EncodedUpdate
    /// How many updates it has.
    public private(set) var updateCount = 0

    /// Begins with zeros.
    public init(_ encoding: ExactEncoding) {
        self.encoding = encoding
        total = EncodedUpdate(
            values: [Int64](repeating: 0, count: encoding.valueCount), weight: 0, metrics: .zero)
    }

    /// Adds one participant's update.
    ///
    /// - Throws: what `ExactEncoding.requireWithinLimits` throws; `tooManyUpdates`.
    public mutating func add(_ update: EncodedUpdate) throws(QuantizationError) {
        guard updateCount < encoding.members else { throw .tooManyUpdates(members: encoding.members) }
        try encoding.requireWithinLimits(update)
        exact_add(&total.values, update.values, update.values.count)
        total.weight += update.weight
        total.metrics.loss += update.metrics.loss
        total.metrics.correct += update.metrics.correct
        total.metrics.tested += update.metrics.tested
        total.metrics.clipped += update.metrics.clipped
        updateCount += 1
    }
}
