// SPDX-License-Identifier: MIT

/// Numbers a stream within its connection: odd if the side that dialled opened it, even if the other did, ascending.
struct StreamID: RawRepresentable, Hashable, Sendable, CustomStringConvertible {
    let rawValue: UInt32

    init(rawValue: UInt32) { self.rawValue = rawValue }

    /// The first stream of a side.
    static func first(dialler: Bool) -> StreamID { StreamID(rawValue: dialler ? 1 : 2) }

    /// The next of the same side; nil when the numbers are used up.
    var next: StreamID? {
        let (value, overflow) = rawValue.addingReportingOverflow(2)
        return overflow ? nil : StreamID(rawValue: value)
    }

    /// Whether the side that dialled opened it.
    var isDiallers: Bool { rawValue & 1 == 1 }

    var description: String { "stream \(rawValue)" }
}

/// Says why a receiver refused a stream or a sender gave it up; the numbers belong to the application.
public struct StreamCode: RawRepresentable, Hashable, Sendable, ExpressibleByIntegerLiteral, CustomStringConvertible {
    public let rawValue: UInt32

    public init(rawValue: UInt32) { self.rawValue = rawValue }
    public init(integerLiteral value: UInt32) { rawValue = value }

    /// The other side let go of the stream without an explanation.
    public static let abandoned = StreamCode(rawValue: .max)

    public var description: String { self == .abandoned ? "abandoned" : String(rawValue) }
}

/// Says why a connection is closed; numbers from 256 belong to the application.
public struct GoodbyeReason: RawRepresentable, Hashable, Sendable, CustomStringConvertible {
    public let rawValue: UInt32

    public init(rawValue: UInt32) { self.rawValue = rawValue }

    /// Nothing is left to say.
    public static let done = GoodbyeReason(rawValue: 0)
    /// The program ends or restarts.
    public static let shutdown = GoodbyeReason(rawValue: 1)
    /// The other side broke the wire format.
    public static let violation = GoodbyeReason(rawValue: 2)
    /// The application does not want this peer.
    public static let unwelcome = GoodbyeReason(rawValue: 3)
    /// The same peer has opened a newer connection.
    public static let superseded = GoodbyeReason(rawValue: 4)

    public var description: String {
        switch self {
        case .done: "done"
        case .shutdown: "shutting down"
        case .violation: "wire format broken"
        case .unwelcome: "unwelcome"
        case .superseded: "superseded by a newer connection"
        default: "reason \(rawValue)"
        }
    }
}
