// SPDX-License-Identifier: MIT

import Identity
import Messages
import Primitives
import Programs
import Transport

/// Asks another site through the coordinator, as a run connects to one to which no direct way leads.
///
/// It takes a relay of its own, beside those of a run of this site.
struct RelayedInquiry: Sendable {
    let inquiry: Inquiry
    /// Where the coordinator was reached.
    let coordinator: HostPort
    /// Who that is.
    let expected: PeerExpectation

    /// Gives the fastest of some pings to the other site, inside a connection with both certificates accepted.
    func ask(_ peer: PartyID, expecting: PeerExpectation) async -> Result<Duration, ConnectionError> {
        await inquiry.over(coordinator, expecting: expected, atMost: InquiryDesk.timeout) { connection in
            let name = RelayID.random()
            let header = StreamHeader.relayOpen(RelayOpen(relay: name, party: peer)).encoded()
            let end = RelayEnd(outgoing: try await connection.openStream(header: header), target: peer.hex) {
                try await Self.answer(to: name, on: connection)
            }
            return try await inquiry.ping(through: end, expecting: expecting)
        }
    }

    /// The stream by which the other direction comes; the coordinator's own answer comes before it.
    private static func answer(to name: RelayID, on connection: Connection) async throws -> IncomingStream {
        for try await event in connection.events {
            guard case .stream(let stream) = event else { continue }
            if case .relayAnswer(let answer) = try StreamHeader(encoded: stream.header), answer.relay == name {
                return stream
            }
            stream.refuse(StreamCode(relay: .notExpected))
        }
        throw ConnectionError.relay(StreamCode(relay: .otherEndGone))
    }
}
