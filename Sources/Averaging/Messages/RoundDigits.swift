// SPDX-License-Identifier: MIT

import Quantization

/// Says how a quantised round encodes: the server repeats it to everybody, and who applied the sum before computes it too.
package struct RoundDigits: Equatable, Sendable {
    /// b, e of each block, and whether the sum cannot overflow.
    package var scale: RoundScale
    /// The clients at the opening of the round, for whose sum a first round leaves room.
    package var clients: Int

    /// Takes a round's scale.
    package init(scale: RoundScale, clients: Int) {
        self.scale = scale
        self.clients = clients
    }

    init(_ wire: WireDigits) throws(InvalidAveragingMessage) {
        let fields = Fields(message: "Digits")
        let bits = try fields.integer(wire.bits, "bits", 7...32)
        guard wire.exponents.count <= AveragingLimits.blocksMax,
            wire.exponents.allSatisfy(PackedEncoding.exponentRange.contains)
        else { throw .range(message: "Digits", field: "exponents") }
        guard !wire.first || bits == PackedEncoding.firstRoundBits else {
            throw .range(message: "Digits", field: "first")
        }
        scale = RoundScale(EncodingScale(bits: UInt8(bits), exponents: wire.exponents), isFirst: wire.first)
        clients = try fields.integer(wire.clients, "clients", 1...AveragingLimits.clientsMax)
    }

    var wire: WireDigits {
        .with {
            $0.bits = UInt32(scale.encoding.bits)
            $0.exponents = scale.encoding.exponents
            $0.first = scale.isFirst
            $0.clients = UInt32(clients)
        }
    }
}
