// SPDX-License-Identifier: MIT

import FiniteField
import Identity
import Learning
import Primitives
import Quantization

/// One client's update, as the plain server sees it: in the clear.
package struct ClientUpdate: Equatable, Sendable {
    package var round: Int
    package var weight: Int64
    package var metrics: UpdateMetrics
    /// local − global, one rounding.
    package var delta: [Float]

    /// Describes an update.
    package init(round: Int, weight: Int64, metrics: UpdateMetrics, delta: [Float]) {
        self.round = round
        self.weight = weight
        self.metrics = metrics
        self.delta = delta
    }
}

/// One client's update in a quantised run: as much in the clear, as everybody knows how to read it.
package struct ClientVector: Equatable, Sendable {
    package var round: Int
    /// D elements, zeros where check and blind would stand.
    package var vector: Field64Vector

    /// Describes an update.
    package init(round: Int, vector: Field64Vector) {
        self.round = round
        self.vector = vector
    }
}

/// What became of a sum.
package enum SumOutcome: Equatable {
    /// The next model follows from it.
    case applied(AppliedSum)
    /// A sum of digits did not fit: nothing is applied.
    case overflowed
}

/// What a sum leads to.
package struct AppliedSum: Equatable {
    package var values: [Float]
    /// How the next round encodes.
    package var scale = RoundScale.exact
    /// How far any coordinate of the mean may be off where no digit was clamped; nil unless quantised.
    package var errorBound: Double?
    /// What clients are sent in place of the parameters; nil unless quantised.
    package var bytes: [UInt8]?
}

/// Sums the updates of one round and applies the mean.
package struct UpdateSum: Sendable {
    /// How many updates it has.
    package private(set) var count = 0
    /// The sums of the clients' figures.
    package private(set) var metrics = UpdateMetrics.zero
    private let encoding: ExactEncoding
    /// The sum in integers; nil when the mean is taken in binary64.
    private var exact: ExactSum?
    /// What the mean is taken of, to be added in the order of the IDs.
    private var updates: [PartyID: (delta: [Float], weight: Int64)] = [:]
    /// The sum of vectors; nil unless the run is quantised.
    private var quantised: (round: QuantisedRound, rule: ScaleRule, total: Field64Vector)?

    /// How vectors are read; nil unless the run is quantised.
    package var round: QuantisedRound? { quantised?.round }

    /// Begins the sum of a round with room for `members` updates.
    ///
    /// - Parameters:
    ///   - base: the parameters that the round starts from.
    ///   - digits: how a quantised round encodes.
    package init(
        _ configuration: AveragingConfiguration, members: Int, number: Int = 1, base: Digest = .zero,
        digits: RoundDigits? = nil
    ) throws(QuantizationError) {
        encoding = try configuration.encoding(members: members)
        exact = configuration.sum == .exact ? ExactSum(encoding) : nil
        if let digits, let rule = try configuration.scaleRule() {
            let round = try QuantisedRound(configuration, number: number, base: base, digits: digits)
            quantised = (round, rule, round.zero)
        }
    }

    /// Adds one client's update, which it has sent once.
    ///
    /// - Throws: `QuantizationError` for an update that cannot be one, as the secure arm's encoder would.
    package mutating func add(_ update: ClientUpdate, of party: PartyID) throws(QuantizationError) {
        try requireRounded(update.weight)
        if exact != nil {
            let encoded = EncodedUpdate(
                values: try encoding.quantize(
                    delta: update.delta,
                    weight: try SampleWeight(samples: Int(update.weight), weightMax: encoding.parameters.weightMax)),
                weight: update.weight, metrics: update.metrics)
            try exact?.add(encoded)
        } else {
            guard update.delta.count == encoding.valueCount else {
                throw .countMismatch(expected: encoding.valueCount, actual: update.delta.count)
            }
            if let coordinate = update.delta.firstIndex(where: { !$0.isFinite }) {
                throw .notFinite(coordinate: coordinate)
            }
            updates[party] = (update.delta, update.weight)
        }
        metrics += update.metrics
        count += 1
    }

    /// Adds one client's vector, which it has sent once.
    ///
    /// - Throws: `QuantizationError` for a vector that cannot be one: another length, a digit too large for its guard, a weight or
    ///   metrics that the secure arm's encoder would not let pass.
    package mutating func add(_ sent: ClientVector) throws(QuantizationError) {
        guard let round = quantised?.round else { throw .encodingNotAvailable(bits: EncodingScale.exactBits) }
        let said = try round.decode(sent.vector)
        if let index = said.overflowedGuard { throw .sumOverflowed(guardIndex: index) }
        try requireRounded(said.weight)
        try encoding.parameters.requireWithinLimits(
            weight: said.weight, metrics: said.metrics, members: encoding.members)
        do {
            try quantised?.total.add(sent.vector)
        } catch {
            throw .countMismatch(expected: round.elements, actual: sent.vector.count)
        }
        metrics += said.metrics
        count += 1
    }

    /// A weight that travelled is rounded already, so rounding it again changes nothing unless it was not.
    private func requireRounded(_ weight: Int64) throws(QuantizationError) {
        let rounded = try SampleWeight(samples: Int(weight), weightMax: encoding.parameters.weightMax)
        guard rounded.value == weight else { throw .scalarOutOfRange(.weight, limit: encoding.limit) }
    }

    /// Adds the weighted mean of the updates to a model.
    ///
    /// - Throws: `totalWeightNotPositive` without updates.
    package func outcome(for model: [Float]) throws(QuantizationError) -> SumOutcome {
        if let quantised { return try outcome(for: model, quantised.round, quantised.rule, quantised.total) }
        if let sum = exact?.total {
            return .applied(
                AppliedSum(values: try encoding.apply(sum: sum.values, totalWeight: sum.weight, to: model)))
        }
        guard !updates.isEmpty else { throw .totalWeightNotPositive(0) }
        let ordered = updates.sorted { $0.key < $1.key }.map(\.value)
        let mean = FederatedAveraging.mean(
            updates: ordered.map(\.delta), weights: ordered.map { Double($0.weight) })
        return .applied(AppliedSum(values: zip(model, mean).map { Float(Double($0) + $1) }))
    }

    private func outcome(
        for model: [Float], _ round: QuantisedRound, _ rule: ScaleRule, _ total: Field64Vector
    ) throws(QuantizationError) -> SumOutcome {
        let sum = try round.decode(total)
        guard sum.overflowedGuard == nil else { return .overflowed }
        return .applied(
            AppliedSum(
                values: try round.apply(sum, to: model), scale: round.scale(after: sum, by: rule),
                errorBound: try round.errorBound(sum, clients: count), bytes: round.bytes(of: total)))
    }
}

extension UpdateMetrics {
    /// Adds the figures of another client.
    package static func += (left: inout UpdateMetrics, right: UpdateMetrics) {
        left.loss += right.loss
        left.correct += right.correct
        left.tested += right.tested
        left.clipped += right.clipped
    }
}
