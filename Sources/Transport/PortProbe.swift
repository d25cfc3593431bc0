// SPDX-License-Identifier: MIT

import Glibc
import NIOCore

/// Says whether an address could be listened on, without listening: nobody's connection is taken, and a server that starts
/// at the same moment finds the port free.
public enum PortProbe: Hashable, Sendable {
    /// It could.
    case free
    /// Another socket listens there.
    case held
    /// The system does not let this process; `reason` is its own.
    case refused(reason: String)

    /// Binds a socket as `Listener` does, and closes it. Resolves the name, which may take as long as that takes.
    public init(host: String, port: Int) {
        let address: SocketAddress
        do {
            address = try SocketAddress.makeAddressResolvingHost(host, port: port)
        } catch {
            self = .refused(reason: "no address for \(host)")
            return
        }
        let family = address.protocol == .inet6 ? AF_INET6 : AF_INET
        let descriptor = socket(family, Int32(SOCK_STREAM.rawValue | SOCK_CLOEXEC.rawValue), 0)
        guard descriptor >= 0 else {
            self = .refused(reason: SystemError.text(errno))
            return
        }
        defer { close(descriptor) }
        var on: Int32 = 1
        // As the listener does: a port that a connection of before still occupies is free.
        setsockopt(descriptor, SOL_SOCKET, SO_REUSEADDR, &on, socklen_t(MemoryLayout<Int32>.size))
        let code = address.withSockAddr { bind(descriptor, $0, socklen_t($1)) == 0 ? 0 : errno }
        self =
            switch code {
            case 0: .free
            case EADDRINUSE: .held
            default: .refused(reason: SystemError.text(code))
            }
    }
}
