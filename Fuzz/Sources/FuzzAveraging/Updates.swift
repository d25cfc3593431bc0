// SPDX-License-Identifier: MIT

import FiniteField
import FuzzSupport
import Identity
import Learning
import Primitives
import Quantization

@testable import Averaging

/// A header and the bytes behind it, as server and clients of a plain run read them: an update or a vector is summed and its
/// mean applied, a sum is applied, parameters are taken over; or each of them is refused.
///
/// The first byte chooses among `PlainRun.kinds`; the second says how long the header is.
func fuzzUpdates(_ input: FuzzInput) {
    guard let (kind, rest) = input.choice(of: PlainRun.kinds.count), let length = rest.first else { return }
    let header = rest.dropFirst().prefix(Int(length))
    let bytes = Array(rest.dropFirst(1 + header.count))
    guard let header = try? AveragingStreamHeader(Array(header)) else { return }
    let run = PlainRun(PlainRun.kinds[kind])
    do {
        switch header {
        case .update(let update): try run.take(update, bytes)
        case .vector(let vector): try run.take(vector, bytes)
        case .sum(let sum): try run.take(sum, bytes)
        case .parameters(let parameters): try run.take(parameters, bytes)
        }
    } catch is InvalidAveragingMessage {
        return
    } catch is QuantizationError {
        return
    } catch is ModelError {
        return
    } catch {
        demand(false, "an error of another kind: \(error)")
    }
}

/// A round of a run with a model of four parameters.
private struct PlainRun {
    /// How runs sum and, if they are quantised, encode: in the scale of a first round, or in one that follows from a sum.
    static let kinds: [(sum: PlainSum, scale: EncodingScale?)] = [
        (.exact, nil), (.float32, nil), (.quantised, nil),
        (.quantised, EncodingScale(bits: 9, exponents: [-12])),
    ]
    private static let member = PartyID(bytes: [UInt8](repeating: 1, count: 16))
    private let scale: RoundScale
    private let configuration: AveragingConfiguration
    private let parameters: Parameters

    init(_ kind: (sum: PlainSum, scale: EncodingScale?)) {
        do {
            let model = try ModelSpec(parsing: "softmax:1-2")
            configuration = AveragingConfiguration(
                run: [UInt8](1...16), model: model, seeds: RunSeeds(seed: 7), rounds: 3, optimizer: "sgd",
                learningRate: 0.01, momentum: 0, batchSize: 32, localEpochs: 1, weightMax: 1_048_576,
                initialParamsHash: nil, sum: kind.sum, bits: kind.sum == .quantised ? 9 : nil)
            scale = try kind.scale.map { RoundScale($0, isFirst: false) } ?? configuration.firstScale()
            parameters = try Parameters(
                layout: model.layout, values: (0..<model.layout.count).map { Float($0) * 0.125 - 0.5 })
        } catch {
            preconditionFailure("the run of this target is none: \(error)")
        }
    }

    /// The server's side of an update in binary32.
    func take(_ header: AveragingStreamHeader.Update, _ bytes: [UInt8]) throws {
        let delta = try Parameters(layout: parameters.layout, littleEndianBytes: bytes)
        demand(delta.littleEndianBytes == bytes, "two encodings of one update")
        guard let member = Self.member else { return }
        var sum = try UpdateSum(configuration, members: 2)
        try sum.add(
            ClientUpdate(round: 1, weight: header.weight, metrics: header.metrics, delta: delta.values), of: member)
        try conclude(sum)
    }

    /// The server's side of a vector.
    func take(_ header: AveragingStreamHeader.VectorHeader, _ bytes: [UInt8]) throws {
        var sum = try UpdateSum(
            configuration, members: 2, base: parameters.hash, digits: RoundDigits(scale: scale, clients: 2))
        guard let round = sum.round else {
            return demand(configuration.sum != .quantised, "a quantised run that does not know its encoding")
        }
        let vector = try round.vector(bytes, of: "VectorHeader")
        demand(round.bytes(of: vector) == bytes, "two encodings of one vector")
        try sum.add(ClientVector(round: 1, vector: vector))
        try conclude(sum)
    }

    /// A client's side of a sum.
    func take(_ header: AveragingStreamHeader.SumHeader, _ bytes: [UInt8]) throws {
        guard let rule = try configuration.scaleRule() else { return }
        let round = try QuantisedRound(
            configuration, number: header.rounds, base: parameters.hash, digits: header.digits)
        let sum = try round.decode(try round.vector(bytes, of: "SumHeader"))
        let values = try round.apply(sum, to: parameters.values)
        demand(values.count == parameters.values.count, "another number of parameters")
        let next = round.scale(after: sum, by: rule)
        let repeated = RoundDigits(scale: next, clients: header.digits.clients)
        demand((try? RoundDigits(repeated.wire)) == repeated, "a scale that nobody would take for the next round")
    }

    /// A client's side of parameters.
    func take(_ header: AveragingStreamHeader.ParametersHeader, _ bytes: [UInt8]) throws {
        let taken = try Parameters(layout: parameters.layout, littleEndianBytes: bytes)
        demand(taken.littleEndianBytes == bytes, "two encodings of the same parameters")
    }

    /// The mean of one update; an update that was let in can be applied.
    private func conclude(_ sum: UpdateSum) throws {
        demand(sum.count == 1, "one update counts as \(sum.count)")
        switch try sum.outcome(for: parameters.values) {
        case .overflowed: demand(false, "one update that fits overflows")
        case .applied(let applied):
            demand(applied.values.count == parameters.values.count, "another number of parameters")
        }
    }
}
