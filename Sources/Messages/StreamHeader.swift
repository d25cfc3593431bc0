// SPDX-License-Identifier: MIT

import Foundation
import Identity
import Primitives
import Quantization

/// Announces a vector of field elements: whose round, which slot, how long.
public struct VectorHeader: Equatable, Sendable {
    public let ctx: Digest
    /// The slot of an aggregate share; 0 in an upload.
    public let slot: Int
    /// Field elements, 8 bytes each.
    public let elements: Int

    /// Makes a header.
    public init(ctx: Digest, slot: Int, elements: Int) {
        self.ctx = ctx
        self.slot = slot
        self.elements = elements
    }
}

/// Announces a result: the round as it was opened, its ctx and the length of the sum.
public struct ResultHeader: Equatable, Sendable {
    public let open: RoundOpen
    public let ctx: Digest
    public let elements: Int

    /// Makes a header.
    public init(open: RoundOpen, ctx: Digest, elements: Int) {
        self.open = open
        self.ctx = ctx
        self.elements = elements
    }
}

/// Announces the parameters that a party outside the last epoch is handed, with the preimage of the model hash
/// (protocol section 5).
public struct HandoverHeader: Equatable, Sendable {
    public let configuration: RunConfiguration
    /// Results, Skips and overflows before this model.
    public let chainIndex: UInt64
    /// Applied training rounds before this model.
    public let appliedRounds: Int
    public let previousModelHash: Digest
    /// H("sum", …), H("skip", …) or H("overflow", …) of the last step.
    public let middle: Digest
    public let paramsHash: Digest
    /// How finely the next training round encodes.
    public let scale: RoundScale
    /// Parameters, 4 bytes each.
    public let elements: Int

    /// Makes a header.
    public init(
        configuration: RunConfiguration, chainIndex: UInt64, appliedRounds: Int, previousModelHash: Digest,
        middle: Digest, paramsHash: Digest, scale: RoundScale, elements: Int
    ) {
        self.configuration = configuration
        self.chainIndex = chainIndex
        self.appliedRounds = appliedRounds
        self.previousModelHash = previousModelHash
        self.middle = middle
        self.paramsHash = paramsHash
        self.scale = scale
        self.elements = elements
    }
}

/// Everything that may open a stream: of vector bytes, or of those that a relay carries.
public enum StreamHeader: Equatable, Sendable {
    case handover(HandoverHeader)
    case partial(VectorHeader)
    case relayAnswer(RelayAnswer)
    case relayOpen(RelayOpen)
    case result(ResultHeader)
    case upload(VectorHeader)

    /// Parses the header of a stream.
    public init(encoded bytes: [UInt8]) throws(InvalidMessage) {
        guard let body = try WireStreamHeader(wire: bytes, "StreamHeader").body else {
            throw .empty(message: "StreamHeader")
        }
        switch body {
        case .upload(let wire): self = .upload(try VectorHeader(wire: wire))
        case .partial(let wire): self = .partial(try VectorHeader(wire: wire))
        case .result(let wire): self = .result(try ResultHeader(wire: wire))
        case .handover(let wire): self = .handover(try HandoverHeader(wire: wire))
        case .relayOpen(let wire): self = .relayOpen(try RelayOpen(wire: wire))
        case .relayAnswer(let wire): self = .relayAnswer(try RelayAnswer(wire: wire))
        }
    }

    /// Encodes the header.
    public func encoded() -> [UInt8] {
        WireStreamHeader.with {
            switch self {
            case .upload(let value): $0.upload = value.wire
            case .partial(let value): $0.partial = value.wire
            case .result(let value): $0.result = value.wire
            case .handover(let value): $0.handover = value.wire
            case .relayOpen(let value): $0.relayOpen = value.wire
            case .relayAnswer(let value): $0.relayAnswer = value.wire
            }
        }.wireBytes()
    }
}

extension VectorHeader {
    init(wire: WireVectorHeader) throws(InvalidMessage) {
        let fields = Fields(message: "VectorHeader")
        ctx = try fields.digest(wire.ctx, "ctx")
        slot = try fields.range(wire.slot, "slot", 0...UInt64(Limits.membersMax))
        elements = try fields.range(wire.elements, "elements", 1...UInt64(Limits.elementsMax))
    }

    var wire: WireVectorHeader {
        .with {
            $0.ctx = ctx.data
            $0.slot = UInt32(slot)
            $0.elements = UInt64(elements)
        }
    }
}

extension ResultHeader {
    init(wire: WireResultHeader) throws(InvalidMessage) {
        let fields = Fields(message: "ResultHeader")
        open = try RoundOpen(wire: wire.round)
        ctx = try fields.digest(wire.ctx, "ctx")
        elements = try fields.range(wire.elements, "elements", 1...UInt64(Limits.elementsMax))
    }

    var wire: WireResultHeader {
        .with {
            $0.round = open.wire
            $0.ctx = ctx.data
            $0.elements = UInt64(elements)
        }
    }
}

extension HandoverHeader {
    init(wire: WireHandoverHeader) throws(InvalidMessage) {
        let fields = Fields(message: "HandoverHeader")
        configuration = try RunConfiguration(wire: wire.configuration)
        chainIndex = wire.chainIndex
        appliedRounds = try fields.range(wire.appliedRounds, "applied_rounds", 0...1_000_000)
        previousModelHash = try fields.digest(wire.previousModelHash, "previous_model_hash")
        middle = try fields.digest(wire.middle, "middle")
        paramsHash = try fields.digest(wire.paramsHash, "params_hash")
        let bits = try fields.range(wire.scaleBits, "scale_bits", 7...63)
        try fields.bounded(wire.exponents.count, "exponents", atMost: Limits.transformBlocksMax)
        var exponents: [Int32] = []
        for exponent in wire.exponents { exponents.append(try fields.exponent(exponent, "exponents")) }
        scale = RoundScale(EncodingScale(bits: UInt8(bits), exponents: exponents), isFirst: wire.firstScale)
        elements = try fields.range(wire.elements, "elements", 1...UInt64(Limits.elementsMax))
    }

    var wire: WireHandoverHeader {
        .with {
            $0.configuration = configuration.wire
            $0.chainIndex = chainIndex
            $0.appliedRounds = UInt32(appliedRounds)
            $0.previousModelHash = previousModelHash.data
            $0.middle = middle.data
            $0.paramsHash = paramsHash.data
            $0.scaleBits = UInt32(scale.encoding.bits)
            $0.exponents = scale.encoding.exponents
            $0.firstScale = scale.isFirst
            $0.elements = UInt64(elements)
        }
    }
}

extension Envelope {
    /// Encodes the envelope, as the trailer of a stream or for storage.
    public func encoded() -> [UInt8] { wire.wireBytes() }

    /// Parses the bytes that `encoded()` made.
    public init(encoded bytes: [UInt8]) throws(InvalidMessage) {
        self.init(wire: try WireEnvelope(wire: bytes, "Envelope"))
    }
}
