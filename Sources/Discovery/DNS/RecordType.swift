// SPDX-License-Identifier: MIT

/// Names a record or question type by its number (RFC 1035, section 3.2.2, and later registrations).
struct RecordType: RawRepresentable, Hashable, Sendable, Comparable {
    let rawValue: UInt16

    static let a = RecordType(rawValue: 1)
    static let ptr = RecordType(rawValue: 12)
    static let txt = RecordType(rawValue: 16)
    static let aaaa = RecordType(rawValue: 28)
    static let srv = RecordType(rawValue: 33)
    static let nsec = RecordType(rawValue: 47)
    /// Asks for every type; occurs in questions only (RFC 1035, section 3.2.3).
    static let any = RecordType(rawValue: 255)

    static func < (left: RecordType, right: RecordType) -> Bool { left.rawValue < right.rawValue }

    /// Tells whether a question of this type asks for records of `type`.
    func asks(for type: RecordType) -> Bool { self == type || self == .any }
}
