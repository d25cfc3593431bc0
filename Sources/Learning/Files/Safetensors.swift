// SPDX-License-Identifier: MIT

/// Encodes and decodes models as safetensors (github.com/huggingface/safetensors, "Format"): u64 little-endian length of
/// the header, the header as JSON padded with spaces to a multiple of 8, then the tensors' bytes without gaps.
public enum Safetensors {
    /// The longest header that is read.
    public static let headerBytesMax = 1 << 20
    /// The largest file that is read.
    public static let fileBytesMax = 8 + headerBytesMax + 4 * ModelLayout.elementsMax

    static let metadataKey = "__metadata__"
    static let dataType = "F32"

    /// Encodes a model; the same model and metadata give the same bytes.
    ///
    /// - Precondition: No tensor is named `__metadata__`.
    public static func encode(_ model: StoredModel) -> [UInt8] {
        let layout = model.parameters.layout
        var entries: [String] = []
        if !model.metadata.isEmpty {
            let pairs = model.metadata.sorted { $0.key < $1.key }.map { "\(quoted($0.key)):\(quoted($0.value))" }
            entries.append("\(quoted(metadataKey)):{\(pairs.joined(separator: ","))}")
        }
        for (tensor, offset) in zip(layout.tensors, layout.offsets) {
            precondition(tensor.name != metadataKey, "a tensor cannot be named \(metadataKey)")
            let shape = tensor.dimensions.map(String.init).joined(separator: ",")
            let offsets = "\(4 * offset),\(4 * (offset + tensor.count))"
            entries.append(
                #"\#(quoted(tensor.name)):{"dtype":"\#(dataType)","shape":[\#(shape)],"data_offsets":[\#(offsets)]}"#)
        }
        var header = Array("{\(entries.joined(separator: ","))}".utf8)
        header += repeatElement(UInt8(ascii: " "), count: (8 - header.count % 8) % 8)
        let length = (0..<8).map { UInt8(truncatingIfNeeded: header.count >> (8 * $0)) }
        return length + header + model.parameters.littleEndianBytes
    }

    /// Decodes a file and checks it throughout: header, types, shapes, offsets without gap or overlap, names, sizes.
    ///
    /// - Throws: `SafetensorsError`.
    public static func decode(_ bytes: [UInt8]) throws(SafetensorsError) -> StoredModel {
        guard bytes.count <= fileBytesMax else { throw .tooLarge(bytes: bytes.count) }
        guard bytes.count >= 8 else { throw .headerLength(actual: 0, available: bytes.count) }
        let length = bytes[..<8].reversed().reduce(UInt64(0)) { $0 << 8 | UInt64($1) }
        let available = min(bytes.count - 8, headerBytesMax)
        guard length <= UInt64(available) else { throw .headerLength(actual: length, available: available) }
        let dataStart = 8 + Int(length)
        var reader = SafetensorsHeaderReader(bytes: bytes, range: 8..<dataStart)
        let header = try reader.header()
        let layout = try layout(of: header.entries, dataBytes: bytes.count - dataStart)
        do {
            let parameters = try Parameters(layout: layout, littleEndianBytes: bytes[dataStart...])
            return StoredModel(parameters: parameters, metadata: header.metadata)
        } catch {
            throw .layout(error)
        }
    }

    /// The tensors in the order of their bytes, which must fill the data without gap or overlap.
    private static func layout(
        of entries: [SafetensorsHeader.Entry], dataBytes: Int
    ) throws(SafetensorsError) -> ModelLayout {
        let ordered = entries.sorted { $0.begin < $1.begin }
        let layout: ModelLayout
        do {
            layout = try ModelLayout(tensors: ordered.map(\.shape))
        } catch {
            throw .layout(error)
        }
        var next = 0
        for entry in ordered {
            guard entry.dataType == dataType else {
                throw .dataType(tensor: entry.shape.name, actual: entry.dataType)
            }
            guard entry.begin == next, entry.end == next + 4 * entry.shape.count, entry.end <= dataBytes else {
                throw .offsets(tensor: entry.shape.name, begin: entry.begin, end: entry.end)
            }
            next = entry.end
        }
        guard next == dataBytes else { throw .trailing(bytes: dataBytes - next) }
        return layout
    }

    /// A JSON string (RFC 8259, section 7).
    private static func quoted(_ text: String) -> String {
        var result = "\""
        for scalar in text.unicodeScalars {
            switch scalar {
            case "\"": result += "\\\""
            case "\\": result += "\\\\"
            case "\u{0}"..<" ":
                let hex = String(scalar.value, radix: 16)
                result += "\\u" + String(repeating: "0", count: 4 - hex.count) + hex
            default: result.unicodeScalars.append(scalar)
            }
        }
        return result + "\""
    }
}
