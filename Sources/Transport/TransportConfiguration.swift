// SPDX-License-Identifier: MIT

/// States every limit and interval of a connection; the defaults are the protocol's.
public struct TransportConfiguration: Sendable {
    /// The most bytes of a message that are accepted, 1…2^31; the peer is told.
    public var messageBytesMax = 1 << 20
    /// The most streams that the peer may have open at once; it is told.
    public var streamsMax = 64
    /// The most bytes of one stream that may be on their way or waiting to be consumed; at least 64 KiB.
    public var streamWindowBytes = 2 << 20
    /// Bytes of unconsumed events beyond which nothing more is read from the socket.
    public var receiveQueueBytesMax = 4 << 20
    /// The most sends that may wait on one connection; a further one throws.
    public var sendersMax = 1_024
    /// How often the peer is pinged.
    public var pingInterval: Duration = .seconds(5)
    /// The silence after which the peer counts as lost.
    public var silenceMax: Duration = .seconds(15)
    /// How long a peer may take from the first byte to its first frame.
    public var handshakeTimeout: Duration = .seconds(10)
    /// How long a close waits for what is queued to be sent and for the peer to close in turn.
    public var closeTimeout: Duration = .seconds(5)
    /// The most connections of one listener.
    public var connectionsMax = 2_048
    /// The most connections of one listener that have not completed their handshake; a further one displaces the oldest.
    public var handshakesMax = 128
    /// The most connections of one listener that enrol; a further one displaces the oldest.
    public var enrolmentsMax = 64
    /// The most connections of one listener that show the same key; a further one displaces the oldest.
    public var connectionsPerPeerMax = 8

    /// The most bytes of one chunk. A constant of the wire format.
    public static let chunkBytesMax = 256 << 10
    /// As many bytes as are best written to a stream at once: several chunks, so that the writer is woken once for all of them.
    public static let writeBytes = 4 * chunkBytesMax
    /// The most bytes of a stream's header or trailer. A constant of the wire format.
    public static let streamEdgeBytesMax = 64 << 10
    /// Answers (pong, credit, reset) that may wait to be sent: more than what one read from the socket can provoke, and
    /// nothing is read while many wait.
    static let repliesMax = 32_768

    public init() {}
}
