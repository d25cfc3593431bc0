// SPDX-License-Identifier: MIT

import NIOConcurrencyHelpers
import TLS

/// Says why a listener did not accept a connection.
public enum HandshakeRefusal: String, Hashable, Sendable, CaseIterable {
    /// The client's certificate is not acceptable for a reason without a case of its own.
    case certificateInvalid
    /// The client closed, or the network failed, before its first frame.
    case closedEarly
    case expired
    case invalidFrame
    /// The client showed no certificate.
    case noCertificate
    /// No application protocol in common, or none named.
    case noApplicationProtocol
    case notYetValid
    /// The client did not accept this side.
    case refusedByPeer
    case revoked
    /// The client took too long.
    case timedOut
    case tooManyConnections
    case tooManyHandshakes
    case unknownAuthority
    /// What came was not TLS 1.3.
    case violation
    case wrongRole

    /// Files an error that came before the first frame.
    init(_ error: ConnectionError) {
        self =
            switch error {
            case .certificateRejected(.expired): .expired
            case .certificateRejected(.missing): .noCertificate
            case .certificateRejected(.notYetValid): .notYetValid
            case .certificateRejected(.revoked): .revoked
            case .certificateRejected(.unknownAuthority): .unknownAuthority
            case .certificateRejected(.wrongRole): .wrongRole
            case .certificateRejected: .certificateInvalid
            case .invalidFrame: .invalidFrame
            case .noApplicationProtocol: .noApplicationProtocol
            case .refused: .refusedByPeer
            case .timedOut: .timedOut
            case .tls: .violation
            default: .closedEarly
            }
    }
}

/// Counts what a listener refused. Any task may read it.
public final class TransportCounters: Sendable {
    /// The counts at one moment.
    public struct Snapshot: Hashable, Sendable {
        /// Connections that completed their handshake.
        public var accepted = 0
        /// Connections that did not, by reason.
        public var refusedHandshakes: [HandshakeRefusal: Int] = [:]
        /// Frames that ended their connection, by `InvalidFrame.name`.
        public var rejectedFrames: [String: Int] = [:]
        /// Connections ended without a close, for other reasons than an invalid frame.
        public var lost = 0

        /// All refused handshakes.
        public var refusedCount: Int { refusedHandshakes.values.reduce(0, +) }
        /// All rejected frames.
        public var rejectedCount: Int { rejectedFrames.values.reduce(0, +) }
    }

    private let state = NIOLockedValueBox(Snapshot())

    public init() {}

    /// The counts now.
    public var snapshot: Snapshot { state.withLockedValue { $0 } }

    func countAccepted() { state.withLockedValue { $0.accepted += 1 } }
    func count(refusal: HandshakeRefusal) { state.withLockedValue { $0.refusedHandshakes[refusal, default: 0] += 1 } }
    func count(invalidFrame: InvalidFrame) {
        state.withLockedValue { $0.rejectedFrames[invalidFrame.name, default: 0] += 1 }
    }
    func countLost() { state.withLockedValue { $0.lost += 1 } }
}
