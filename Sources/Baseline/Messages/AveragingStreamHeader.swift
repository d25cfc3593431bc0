// SPDX-License-Identifier: MIT

import Foundation
import Primitives
import Quantization

/// Says what a stream of little-endian binary32 carries.
enum AveragingStreamHeader: Equatable {
    case update(Update)
    case parameters(ParametersHeader)

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
            }
        }
        return header.wireBytes()
    }
}
