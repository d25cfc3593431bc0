// SPDX-License-Identifier: MIT

import Primitives
import TLS

/// Says why a connection could not be made or has ended.
public enum ConnectionError: Error, Hashable, Sendable {
    /// This side did not accept the peer's certificate.
    case certificateRejected(CertificateFailure)
    /// The connection was closed in good order, by the peer for its reason or by this side.
    case closed(GoodbyeReason)
    /// The peer closed before its first frame, without saying why.
    case closedBeforeWelcome
    /// The peer broke the wire format.
    case invalidFrame(InvalidFrame)
    /// Nothing was heard of the peer for this long.
    case lost(silence: Duration)
    /// A message longer than the peer takes.
    case messageTooLong(count: Int, maximum: Int)
    /// The network failed; `reason` is the system's.
    case network(reason: String)
    /// Client and server have no application protocol in common.
    case noApplicationProtocol
    /// The proxy on the way made no tunnel.
    case proxy(ProxyError)
    /// The relay on the way was refused or ended, with this code on one of its streams.
    case relay(StreamCode)
    /// The peer refused this side, with this alert.
    case refused(TLSAlert)
    /// A header or trailer that is too long.
    case streamEdgeTooLong(count: Int, maximum: Int)
    /// A stream that this side has already finished or reset.
    case streamFinished
    /// The trailer was asked for before all chunks were read.
    case streamNotEnded
    /// Another failure of TLS.
    case tls(TLSError)
    /// No answer within this time.
    case timedOut(Duration)
    /// As many sends are waiting as may.
    case tooManySenders(maximum: Int)
    /// As many streams are open as the peer allows.
    case tooManyStreams(maximum: Int)
    /// The peer's end came without a close, or in the middle of a frame: bytes are missing.
    case truncated
    /// Nothing accepts connections there; `reason` is the system's.
    case unreachable(host: String, port: Int, reason: String)
    /// The name of the host has no address.
    case unresolvable(host: String)

    /// Files a TLS failure under the case that says most.
    init(_ error: TLSError) {
        self =
            switch error {
            case .alertReceived(let alert): .refused(alert)
            case .certificateRejected(let failure): .certificateRejected(failure)
            case .noApplicationProtocol: .noApplicationProtocol
            case .configuration, .exporterUnavailable, .sessionEnded, .violation: .tls(error)
            }
    }
}

extension ConnectionError {
    /// Whether nobody answered at the address: it may be that of a process that is gone.
    public var saysNobodyAnswered: Bool {
        switch self {
        case .timedOut, .unreachable: true
        default: false
        }
    }
}

extension ConnectionError: CustomStringConvertible {
    public var description: String {
        switch self {
        case .certificateRejected(let failure): "peer not accepted: \(failure)"
        case .closed(let reason): "connection closed: \(reason)"
        case .closedBeforeWelcome: "the peer closed the connection before its first frame"
        case .invalidFrame(let frame): "the peer sent an invalid frame: \(frame)"
        case .lost(let silence): "the peer has been silent for \(silence)"
        case .messageTooLong(let count, let maximum): "message of \(count) bytes, the peer takes \(maximum)"
        case .network(let reason): "network failure: \(reason)"
        case .noApplicationProtocol: "no application protocol in common"
        case .proxy(let error): "\(error)"
        case .relay(let code): "the relay was refused or has ended (code \(code))"
        case .refused(.certificateExpired):
            "the peer refused the connection: by its clock the certificate of this side has expired or is not valid yet; "
                + "the clock of this machine says \(UTCTime.now)"
        case .refused(let alert): "the peer refused the connection: \(alert)"
        case .streamEdgeTooLong(let count, let maximum): "header or trailer of \(count) bytes, at most \(maximum)"
        case .streamFinished: "the stream is already finished"
        case .streamNotEnded: "the stream has not been read to its end"
        case .tls(let error): "\(error)"
        case .timedOut(let duration): "no answer within \(duration)"
        case .tooManySenders(let maximum): "\(maximum) sends are already waiting"
        case .tooManyStreams(let maximum): "\(maximum) streams are already open"
        case .truncated: "the connection was cut off, without a close or in the middle of a frame"
        case .unreachable(let host, let port, let reason): "cannot connect to \(host):\(port): \(reason)"
        case .unresolvable(let host): "no address for \(host)"
        }
    }
}

/// Tells a sender that the receiver does not want its stream.
public struct StreamRefused: Error, Hashable, Sendable {
    public let code: StreamCode

    public init(code: StreamCode) { self.code = code }
}

/// Tells a receiver that the sender gave its stream up.
public struct StreamReset: Error, Hashable, Sendable {
    public let code: StreamCode

    public init(code: StreamCode) { self.code = code }
}
