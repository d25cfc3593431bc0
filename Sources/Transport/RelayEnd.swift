// SPDX-License-Identifier: MIT

/// One end of a relay: the two streams of another connection that carry the bytes of a connection's socket.
///
/// Inside runs what would run on a socket: the same TLS, with the same keys demanded of the other end. Whoever relays has
/// ciphertext, and can delay, change or drop it as any network can.
public struct RelayEnd: Sendable {
    /// The most bytes of one relay's stream that may be on their way or waiting to be consumed.
    public static let windowBytes = 64 << 10
    /// How long the second direction may go on after the first has ended.
    static let lingerTimeout = Duration.seconds(10)

    let outgoing: OutgoingStream
    let incoming: @Sendable () async throws -> IncomingStream
    /// Who is at the other end, for people to read.
    let target: String

    /// Makes an end.
    ///
    /// - Parameters:
    ///   - outgoing: what carries this end's bytes.
    ///   - target: who is at the other end, for people to read.
    ///   - incoming: gives the stream that carries the other end's bytes, once it is there; cancelled when the relay has ended
    ///     before.
    public init(
        outgoing: OutgoingStream, target: String, incoming: @escaping @Sendable () async throws -> IncomingStream
    ) {
        self.outgoing = outgoing
        self.target = target
        self.incoming = incoming
    }
}
