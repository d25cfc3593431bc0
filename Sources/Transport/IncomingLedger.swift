// SPDX-License-Identifier: MIT

/// Keeps the account of the peer's streams: which are open, and how many bytes each may still bring.
///
/// Credit is 0 until the stream is accepted, a window then, and grows by what has been consumed, in halves of a window.
struct IncomingLedger {
    private struct Account {
        /// Bytes the peer may send.
        var granted = 0
        /// Consumed bytes that have not been granted anew.
        var consumed = 0
        var isAccepted = false
        /// What may be on its way or waiting to be consumed, once it is accepted.
        var window = 0
        /// Whether we refused it: what is still on its way is dropped.
        var isRefused = false
    }

    private static let windowMin = 64 << 10

    /// The consumed bytes that are worth a grant.
    static func grant(ofWindow window: Int) -> Int { window / 2 }

    private var accounts: [StreamID: Account] = [:]
    private var last: StreamID?
    private let window: Int
    private let streamsMax: Int
    private let peerIsDialler: Bool

    init(window: Int, streamsMax: Int, peerIsDialler: Bool) {
        self.window = max(window, Self.windowMin)
        self.streamsMax = streamsMax
        self.peerIsDialler = peerIsDialler
    }

    /// The streams that the peer has not ended.
    var openCount: Int { accounts.count }

    /// Notes a new stream of the peer.
    mutating func open(_ stream: StreamID) throws(InvalidFrame) {
        guard stream.rawValue > 0, stream.isDiallers == peerIsDialler, stream.rawValue > last?.rawValue ?? 0 else {
            throw .streamOutOfOrder(stream: stream.rawValue)
        }
        guard accounts.count < streamsMax else { throw .tooManyStreams(maximum: streamsMax) }
        last = stream
        accounts[stream] = Account()
    }

    /// Notes arrived bytes; returns whether anybody wants them.
    mutating func receive(_ count: Int, on stream: StreamID) throws(InvalidFrame) -> Bool {
        guard var account = accounts[stream] else { throw .unknownStream(stream: stream.rawValue) }
        guard count <= account.granted else {
            throw .creditExceeded(stream: stream.rawValue, granted: account.granted, actual: count)
        }
        account.granted -= count
        accounts[stream] = account
        return !account.isRefused
    }

    /// Notes the end or reset of a stream; returns whether anybody wants to know.
    mutating func end(_ stream: StreamID) throws(InvalidFrame) -> Bool {
        guard let account = accounts.removeValue(forKey: stream) else {
            throw .unknownStream(stream: stream.rawValue)
        }
        return !account.isRefused
    }

    /// Accepts a stream; returns the credit to send, nil if there is nothing to send.
    ///
    /// - Parameter window: of this stream; nil for the connection's.
    mutating func accept(_ stream: StreamID, window: Int? = nil) -> UInt32? {
        guard var account = accounts[stream], !account.isAccepted, !account.isRefused else { return nil }
        account.isAccepted = true
        account.window = max(window ?? self.window, Self.windowMin)
        account.granted = account.window
        accounts[stream] = account
        return UInt32(account.window)
    }

    /// Notes that the application took bytes; returns the credit to send, nil if it is too early for that.
    mutating func consume(_ count: Int, of stream: StreamID) -> UInt32? {
        guard var account = accounts[stream], account.isAccepted, !account.isRefused else { return nil }
        account.consumed += count
        defer { accounts[stream] = account }
        guard account.consumed >= Self.grant(ofWindow: account.window) else { return nil }
        let credit = account.consumed
        account.granted += credit
        account.consumed = 0
        return UInt32(credit)
    }

    /// Refuses a stream; returns whether the peer has to be told.
    mutating func refuse(_ stream: StreamID) -> Bool {
        guard accounts[stream]?.isRefused == false else { return false }
        accounts[stream]?.isRefused = true
        return true
    }
}
