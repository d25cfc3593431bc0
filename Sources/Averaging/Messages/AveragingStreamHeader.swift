// SPDX-License-Identifier: MIT

import Foundation
import Primitives
import Quantization

/// Says what a stream carries: little-endian binary32, or the 8-byte elements of vectors.
package enum AveragingStreamHeader: Equatable {
    case update(Update)
    case parameters(ParametersHeader)
    case vector(VectorHeader)
    case sum(SumHeader)

    /// Precedes local − global of one client.
    package struct Update: Equatable {
        package var round: Int
        /// Samples as the secure arm weighs them.
        package var weight: Int64
        /// Of the model before the round, on the client's test data.
        package var metrics: UpdateMetrics
        package var elements: Int

        /// Makes a header.
        package init(round: Int, weight: Int64, metrics: UpdateMetrics, elements: Int) {
            self.round = round
            self.weight = weight
            self.metrics = metrics
            self.elements = elements
        }
    }

    /// Precedes the parameters after some applied rounds.
    package struct ParametersHeader: Equatable {
        package var rounds: Int
        package var paramsHash: Digest
        package var elements: Int

        /// Makes a header.
        package init(rounds: Int, paramsHash: Digest, elements: Int) {
            self.rounds = rounds
            self.paramsHash = paramsHash
            self.elements = elements
        }
    }

    /// Precedes the encoded update of one client in a quantised run; weight and metrics are among its elements.
    package struct VectorHeader: Equatable {
        package var round: Int
        package var elements: Int

        /// Makes a header.
        package init(round: Int, elements: Int) {
            self.round = round
            self.elements = elements
        }
    }

    /// Precedes the sum of a round's vectors.
    package struct SumHeader: Equatable {
        /// Applied rounds, this one included.
        package var rounds: Int
        /// The parameters that the sum leads to.
        package var paramsHash: Digest
        package var digits: RoundDigits
        package var elements: Int

        /// Makes a header.
        package init(rounds: Int, paramsHash: Digest, digits: RoundDigits, elements: Int) {
            self.rounds = rounds
            self.paramsHash = paramsHash
            self.digits = digits
            self.elements = elements
        }
    }

    /// Parses a header and checks every field.
    package init(_ bytes: [UInt8]) throws(InvalidAveragingMessage) {
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
    package func encoded() -> [UInt8] {
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
