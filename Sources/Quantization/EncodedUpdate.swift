// SPDX-License-Identifier: MIT

/// A participant's update in integers, or the sum of several: what both arms add up.
public struct EncodedUpdate: Sendable, Hashable {
    /// Z of each parameter; empty in a closing round.
    public var values: [Int64]
    /// The weight, or the sum of the weights; 0 in a closing round.
    public var weight: Int64
    /// The metrics, or their sums.
    public var metrics: UpdateMetrics

    /// Takes the parts of an update.
    public init(values: [Int64], weight: Int64, metrics: UpdateMetrics) {
        self.values = values
        self.weight = weight
        self.metrics = metrics
    }
}
