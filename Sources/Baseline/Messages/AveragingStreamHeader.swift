// SPDX-License-Identifier: MIT

import Foundation
import Primitives
import Quantization

/// Says what a stream carries: little-endian binary32, or the 8-byte elements of vectors.
enum AveragingStreamHeader: Equatable {
    case update(Update)
    case parameters(ParametersHeader)
    case vector(VectorHeader)
    case sum(SumHeader)

    /// Precedes local − global of one client.
    struct Update: Equatable {
        var round: Int
        /// Samples as the secure arm weighs them.
        var weight: Int64
        /// Of the model before the round, on the client's test data.
        var metrics: UpdateMetrics
        var elements: Int
    }

    /// Precedes the parameters after some applied rounds.
    struct ParametersHeader: Equatable {
        var rounds: Int
        var paramsHash: Digest
        var elements: Int
    }

    /// Precedes the encoded update of one client in a quantised run; weight and metrics are among its elements.
    struct VectorHeader: Equatable {
        var round: Int
        var elements: Int
    }

    /// Precedes the sum of a round's vectors.
    struct SumHeader: Equatable {
        /// Applied rounds, this one included.
        var rounds: Int
        /// The parameters that the sum leads to.
        var paramsHash: Digest
        var digits: RoundDigits
        var elements: Int
    }

    /// Parses a header and checks every field.
    init(_ bytes: [UInt8]) throws(InvalidAveragingMessage) {
        switch try WireStreamHeader(wire: bytes, "StreamHeader").body {
        case .update(let wire):
            let fields = Fields(message: "UpdateHeader")
            self = .update(
                Update(
                    round: try fields.integer(wire.round, "round", 1...AveragingLimits.roundsMax),
                    weight: Int64(try fields.integer(wire.weight, "weight", 1...1 << 40)),
                    metrics: try UpdateMetrics(wire.metrics),
                    elements: try fields.integer(wire.elements, "elements", 1...AveragingLimits.elementsMax)))
        case .parameters(let wire):
            let fields = Fields(message: "ParametersHeader")
            self = .parameters(
                ParametersHeader(
                    rounds: try fields.integer(wire.rounds, "rounds", 0...AveragingLimits.roundsMax),
                    paramsHash: try fields.digest(wire.paramsHash, "params_hash"),
                    elements: try fields.integer(wire.elements, "elements", 1...AveragingLimits.elementsMax)))
        case .vector(let wire):
            let fields = Fields(message: "VectorHeader")
            self = .vector(
                VectorHeader(
                    round: try fields.integer(wire.round, "round", 1...AveragingLimits.roundsMax),
                    elements: try fields.integer(wire.elements, "elements", 1...AveragingLimits.elementsMax)))
        case .sum(let wire):
            let fields = Fields(message: "SumHeader")
            self = .sum(
                SumHeader(
                    rounds: try fields.integer(wire.rounds, "rounds", 1...AveragingLimits.roundsMax),
                    paramsHash: try fields.digest(wire.paramsHash, "params_hash"),
                    digits: try RoundDigits(wire.digits),
                    elements: try fields.integer(wire.elements, "elements", 1...AveragingLimits.elementsMax)))
        case nil: throw .empty(message: "StreamHeader")
        }
    }

    /// Encodes the header.
    func encoded() -> [UInt8] {
        let header = WireStreamHeader.with {
            switch self {
            case .update(let update):
                $0.update = .with {
                    $0.round = UInt32(update.round)
                    $0.weight = update.weight
                    $0.metrics = update.metrics.wire
                    $0.elements = UInt32(update.elements)
                }
            case .parameters(let parameters):
                $0.parameters = .with {
                    $0.rounds = UInt32(parameters.rounds)
                    $0.paramsHash = parameters.paramsHash.data
                    $0.elements = UInt32(parameters.elements)
                }
            case .vector(let vector):
                $0.vector = .with {
                    $0.round = UInt32(vector.round)
                    $0.elements = UInt32(vector.elements)
                }
            case .sum(let sum):
                $0.sum = .with {
                    $0.rounds = UInt32(sum.rounds)
                    $0.paramsHash = sum.paramsHash.data
                    $0.digits = sum.digits.wire
                    $0.elements = UInt32(sum.elements)
                }
            }
        }
        return header.wireBytes()
    }
}
