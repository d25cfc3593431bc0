// SPDX-License-Identifier: MIT

/// Holds a DNS name as its labels (RFC 1035, section 3.1); compares without regard to ASCII case.
struct DomainName: Sendable {
    /// The longest encoding, the closing zero byte included (RFC 1035, section 2.3.4).
    static let encodedBytesMax = 255
    /// The longest label (RFC 1035, section 2.3.4).
    static let labelBytesMax = 63

    /// The labels, each behind its length, without the closing zero byte; at most 254 bytes.
    let wire: [UInt8]
    /// `wire` in lowercase. A length is at most 63 and thus below "A", so lengths pass unchanged.
    private let folded: [UInt8]

    /// Takes bytes that are already labels behind their lengths, within the limits above.
    init(checkedWire wire: [UInt8]) {
        assert(wire.count < Self.encodedBytesMax)
        self.wire = wire
        folded = wire.map { (0x41...0x5A).contains($0) ? $0 | 0x20 : $0 }
    }

    /// Builds a name from labels of 1…63 bytes; nil where a label or the whole is too long or a label empty.
    init?(labels: [String]) {
        var wire: [UInt8] = []
        for label in labels {
            guard (1...Self.labelBytesMax).contains(label.utf8.count) else { return nil }
            wire.append(UInt8(label.utf8.count))
            wire.append(contentsOf: label.utf8)
        }
        guard wire.count < Self.encodedBytesMax else { return nil }
        self.init(checkedWire: wire)
    }

    /// Builds a name that our own code knows to be within the limits.
    init(known labels: String...) {
        guard let name = DomainName(labels: labels) else { preconditionFailure("a label of \(labels) has no place") }
        self = name
    }

    /// The labels from left to right.
    var labels: [ArraySlice<UInt8>] {
        var labels: [ArraySlice<UInt8>] = []
        var start = 0
        while start < wire.count {
            let end = start + 1 + Int(wire[start])
            labels.append(wire[(start + 1)..<end])
            start = end
        }
        return labels
    }

    /// The name without its first label; the root's parent is the root.
    var parent: DomainName {
        guard let length = wire.first else { return self }
        return DomainName(checkedWire: Array(wire[(1 + Int(length))...]))
    }

    /// The first label where it is UTF-8 text.
    var firstLabel: String? {
        guard let length = wire.first else { return nil }
        return String(validating: wire[1..<(1 + Int(length))], as: UTF8.self)
    }
}

extension DomainName: Hashable {
    static func == (left: DomainName, right: DomainName) -> Bool { left.folded == right.folded }
    func hash(into hasher: inout Hasher) { hasher.combine(folded) }
}

extension DomainName: CustomStringConvertible {
    /// Shows the labels with dots; bytes that could mislead a reader become `\DDD` (RFC 1035, section 5.1).
    var description: String {
        labels.map { label in
            label.map { byte in
                switch byte {
                case UInt8(ascii: "."), UInt8(ascii: "\\"): "\\" + String(UnicodeScalar(byte))
                case 0x20...0x7E: String(UnicodeScalar(byte))
                default: "\\" + String(repeating: "0", count: byte < 10 ? 2 : byte < 100 ? 1 : 0) + String(byte)
                }
            }.joined()
        }.joined(separator: ".")
    }
}
