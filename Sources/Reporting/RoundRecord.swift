// SPDX-License-Identifier: MIT

/// States what one applied round produced and cost: one line of `rounds.jsonl`.
///
/// Only rounds whose sum was applied have a record: no skipped round, not the initial model, not the closing round.
/// `metrics/README.md` documents every key.
public struct RoundRecord: Codable, Equatable, Sendable {
    /// Counts the applied rounds of the run, from 1.
    public var round: Int
    /// Gives the share of correct answers of the model *after* this round, 0…1.
    public var accuracy: Double
    /// Gives the mean cross-entropy of the model *after* this round, in nats; may be infinite or not a number.
    public var loss: Double
    /// Holds `paramsHash` of the parameters after this round, 64 lowercase hexadecimal digits.
    public var paramsHash: String
    /// Holds `modelHash` of the chain after this round, 64 lowercase hexadecimal digits.
    public var modelHash: String
    /// Counts the participants whose updates are in the sum.
    public var cohort: Int
    /// Counts the members of the epoch whose updates are not in the sum.
    public var dropouts: Int
    /// Names the members whose updates are not in the sum; nil if there are none, and in the plain arm.
    public var absent: [String]?
    /// Counts the participants whose update or weight was clipped.
    public var clipped: Int
    /// Numbers the epoch in which the round was applied; 0 in the plain arm, which has none.
    public var epoch: Int
    /// Counts the members of that epoch, or the clients of the plain arm.
    public var members: Int
    /// Names the encoding of the summed vectors, such as `exact`.
    public var encoding: String
    /// Bounds the error of every coordinate of the decoded mean, in the unit of the parameters, for participants none of whose
    /// digits was clamped; 0 when exact, nil in a plain run that is not quantised.
    public var errorBound: Double?
    /// Gives the largest error of a coordinate of the decoded mean, as `fedavg measure` found it in a simulation.
    public var errorMeasured: Double?
    /// Counts the digits that participants clamped, for which the bound does not account, as `fedavg measure` found them.
    public var clampedDigits: Int?
    /// Gives the wall-clock time from the end of the round before to the end of this one, in seconds.
    public var seconds: Double
    /// Gives the time from the last local training's end to the last client's durable apply, in seconds.
    public var aggregationSeconds: Double
    /// Gives the mean bytes a client sent since the record before, by phase; TLS and all connections included.
    public var bytesUp: [String: Double]
    /// Gives the mean bytes a client received since the record before, by phase; TLS and all connections included.
    public var bytesDown: [String: Double]

    /// Gives the time of each phase of the round in seconds, as the server saw it; nil where it did not see the whole round.
    public var phaseSeconds: [String: Double]?

    /// Makes a record of one applied round.
    public init(
        round: Int, accuracy: Double, loss: Double, paramsHash: String, modelHash: String, cohort: Int,
        dropouts: Int = 0, absent: [String]? = nil, clipped: Int = 0, epoch: Int = 0, members: Int, encoding: String,
        errorBound: Double? = nil, errorMeasured: Double? = nil, clampedDigits: Int? = nil, seconds: Double,
        aggregationSeconds: Double, bytesUp: [String: Double], bytesDown: [String: Double]
    ) {
        self.round = round
        self.accuracy = accuracy
        self.loss = loss
        self.paramsHash = paramsHash
        self.modelHash = modelHash
        self.cohort = cohort
        self.dropouts = dropouts
        self.absent = absent
        self.clipped = clipped
        self.epoch = epoch
        self.members = members
        self.encoding = encoding
        self.errorBound = errorBound
        self.errorMeasured = errorMeasured
        self.clampedDigits = clampedDigits
        self.seconds = seconds
        self.aggregationSeconds = aggregationSeconds
        self.bytesUp = bytesUp
        self.bytesDown = bytesDown
    }

    /// Sums the phases of `bytesUp`.
    public var bytesUpTotal: Double { total(bytesUp) }

    /// Sums the phases of `bytesDown`.
    public var bytesDownTotal: Double { total(bytesDown) }

    /// Adds in key order, so that the floating-point result does not depend on hashing.
    private func total(_ phases: [String: Double]) -> Double {
        phases.keys.sorted().reduce(0) { $0 + (phases[$1] ?? 0) }
    }

    enum CodingKeys: String, CodingKey {
        case round
        case accuracy
        case loss
        case paramsHash = "params_hash"
        case modelHash = "model_hash"
        case cohort
        case dropouts
        case absent
        case clipped
        case epoch
        case members
        case encoding
        case errorBound = "error_bound"
        case errorMeasured = "error_measured"
        case clampedDigits = "clamped_digits"
        case seconds
        case aggregationSeconds = "aggregation_seconds"
        case bytesUp = "bytes_up"
        case bytesDown = "bytes_down"
        case phaseSeconds = "phase_seconds"
    }
}
