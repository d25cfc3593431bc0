// SPDX-License-Identifier: MIT

/// What the header of a safetensors file says, syntax checked and nothing else.
struct SafetensorsHeader {
    struct Entry {
        let shape: TensorShape
        let dataType: String
        /// Bytes from the beginning of the data.
        let begin: Int
        let end: Int
    }

    var metadata: [String: String] = [:]
    var entries: [Entry] = []
}

/// Reads the JSON of a safetensors header: exactly the members that the format knows, each once.
struct SafetensorsHeaderReader {
    private var json: JSONScanner
    private static let integersMax = 16

    /// - Parameter range: Where the header lies in the bytes of the file.
    init(bytes: [UInt8], range: Range<Int>) {
        json = JSONScanner(bytes: bytes, range: range)
    }

    /// Reads the whole header, which begins with `{` and may end in spaces.
    mutating func header() throws(SafetensorsError) -> SafetensorsHeader {
        var header = SafetensorsHeader()
        var names: Set<String> = []
        try json.beginObject()
        while let name = try json.nextKey(isFirst: names.isEmpty) {
            guard names.insert(name).inserted else { throw .duplicate(name) }
            if name == Safetensors.metadataKey {
                header.metadata = try metadata()
            } else {
                header.entries.append(try entry(name))
            }
        }
        try json.end()
        return header
    }

    private mutating func metadata() throws(SafetensorsError) -> [String: String] {
        var metadata: [String: String] = [:]
        try json.beginObject()
        while let key = try json.nextKey(isFirst: metadata.isEmpty) {
            guard metadata.updateValue(try json.string(), forKey: key) == nil else { throw .duplicate(key) }
        }
        return metadata
    }

    private mutating func entry(_ name: String) throws(SafetensorsError) -> SafetensorsHeader.Entry {
        var (dataType, shape, offsets): (String?, [Int]?, [Int]?)
        var keys: Set<String> = []
        try json.beginObject()
        while let key = try json.nextKey(isFirst: keys.isEmpty) {
            guard keys.insert(key).inserted else { throw .duplicate("\(name).\(key)") }
            switch key {
            case "dtype": dataType = try json.string()
            case "shape": shape = try json.integers(atMost: Self.integersMax)
            case "data_offsets": offsets = try json.integers(atMost: Self.integersMax)
            default: throw json.error("dtype, shape or data_offsets")
            }
        }
        guard let dataType, let shape, let offsets, offsets.count == 2 else {
            throw json.error("a tensor with dtype, shape and two data_offsets")
        }
        return SafetensorsHeader.Entry(
            shape: TensorShape(name: name, dimensions: shape), dataType: dataType, begin: offsets[0], end: offsets[1])
    }
}
