// SPDX-License-Identifier: MIT

import Identity
import Learning
import Quantization

/// One client's update, as the plain server sees it: in the clear.
struct ClientUpdate: Equatable, Sendable {
    var round: Int
    var weight: Int64
    var metrics: UpdateMetrics
    /// local − global, one rounding.
    var delta: [Float]
}

/// Sums the updates of one round and applies the mean.
struct UpdateSum: Sendable {
    /// How many updates it has.
    private(set) var count = 0
    /// The sums of the clients' figures.
    private(set) var metrics = UpdateMetrics.zero
    private let encoding: ExactEncoding
    /// The sum in integers; nil when the mean is taken in binary64.
    private var exact: ExactSum?
    /// What the mean is taken of, to be added in the order of the IDs.
    private var updates: [PartyID: (delta: [Float], weight: Int64)] = [:]

    /// Begins a sum with room for `members` updates.
    init(_ configuration: AveragingConfiguration, members: Int) throws(QuantizationError) {
        encoding = try configuration.encoding(members: members)
        exact = configuration.sum == .exact ? ExactSum(encoding) : nil
    }

    /// Adds one client's update, which it has sent once.
    ///
    /// - Throws: `QuantizationError` for an update that cannot be one, as the secure arm's encoder would.
    mutating func add(_ update: ClientUpdate, of party: PartyID) throws(QuantizationError) {
        // A weight that travelled is rounded already, so rounding it again changes nothing unless it was not.
        let weight = try SampleWeight(samples: Int(update.weight), weightMax: encoding.parameters.weightMax)
        guard weight.value == update.weight else { throw .scalarOutOfRange(.weight, limit: encoding.limit) }
        if exact != nil {
            let encoded = EncodedUpdate(
                values: try encoding.quantize(delta: update.delta, weight: weight), weight: weight.value,
                metrics: update.metrics)
            try exact?.add(encoded)
        } else {
            guard update.delta.count == encoding.valueCount else {
                throw .countMismatch(expected: encoding.valueCount, actual: update.delta.count)
            }
            if let coordinate = update.delta.firstIndex(where: { !$0.isFinite }) {
                throw .notFinite(coordinate: coordinate)
            }
            updates[party] = (update.delta, weight.value)
        }
        metrics += update.metrics
        count += 1
    }

    /// Adds the weighted mean of the updates to a model.
    ///
    /// - Throws: `totalWeightNotPositive` without updates.
    func apply(to model: [Float]) throws(QuantizationError) -> [Float] {
        if let sum = exact?.total {
            return try encoding.apply(sum: sum.values, totalWeight: sum.weight, to: model)
        }
        guard !updates.isEmpty else { throw .totalWeightNotPositive(0) }
        let ordered = updates.sorted { $0.key < $1.key }.map(\.value)
        let mean = FederatedAveraging.mean(
            updates: ordered.map(\.delta), weights: ordered.map { Double($0.weight) })
        return zip(model, mean).map { Float(Double($0) + $1) }
    }
}

extension UpdateMetrics {
    /// Adds the figures of another client.
    static func += (left: inout UpdateMetrics, right: UpdateMetrics) {
        left.loss += right.loss
        left.correct += right.correct
        left.tested += right.tested
        left.clipped += right.clipped
    }
}
