// SPDX-License-Identifier: MIT

import Primitives

/// Holds the parameters of a model, all tensors one after the other in the order of the layout.
public struct Parameters: Sendable {
    /// The tensors that the values fill.
    public let layout: ModelLayout
    /// As many Float32 values as the layout has elements.
    public let values: [Float]

    /// Fills the tensors of a layout with values.
    ///
    /// - Throws: `ModelError.parameterCount` if there are more or fewer values than the layout has elements.
    public init(layout: ModelLayout, values: [Float]) throws(ModelError) {
        guard values.count == layout.count else {
            throw .parameterCount(expected: layout.count, actual: values.count)
        }
        self.layout = layout
        self.values = values
    }

    /// Decodes little-endian IEEE-754 binary32 values.
    ///
    /// - Throws: `ModelError.parameterCount` if there are more or fewer bytes than the layout needs.
    public init(layout: ModelLayout, littleEndianBytes bytes: some RandomAccessCollection<UInt8>) throws(ModelError) {
        guard bytes.count == 4 * layout.count else {
            throw .parameterCount(expected: layout.count, actual: bytes.count / 4)
        }
        try self.init(layout: layout, values: FloatBytes.decode(bytes))
    }

    /// The values as little-endian IEEE-754 binary32.
    public var littleEndianBytes: [UInt8] { FloatBytes.encode(values) }

    /// Computes paramsHash = H("params", layout, parameters), both of variable length (docs/PROTOCOL.md, section 5).
    public var hash: Digest {
        LabeledBytes("params").variable(layout.bytes).variable(littleEndianBytes).hash
    }
}

extension Parameters: Equatable {
    /// Compares layouts and bits, so that NaN equals itself and −0 differs from 0, as in `hash`.
    public static func == (left: Parameters, right: Parameters) -> Bool {
        left.layout == right.layout
            && zip(left.values, right.values).allSatisfy { $0.bitPattern == $1.bitPattern }
    }
}

/// Converts Float32 values to and from their little-endian bytes.
enum FloatBytes {
    static func encode(_ values: [Float]) -> [UInt8] {
        let words = values.map { $0.bitPattern.littleEndian }
        return words.withUnsafeBytes { Array($0) }
    }

    /// Bytes beyond the last whole value are ignored.
    static func decode(_ bytes: some RandomAccessCollection<UInt8>) -> [Float] {
        var words = [UInt32](repeating: 0, count: bytes.count / 4)
        words.withUnsafeMutableBytes { $0.copyBytes(from: bytes.prefix($0.count)) }
        return words.map { Float(bitPattern: UInt32(littleEndian: $0)) }
    }
}
