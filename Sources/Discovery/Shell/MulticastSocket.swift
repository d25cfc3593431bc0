// SPDX-License-Identifier: MIT

import Glibc
import NIOCore
import NIOPosix

/// Opens the socket on which one interface is heard and spoken to.
enum MulticastSocket {
    /// The IPv4 group of multicast DNS (RFC 6762, section 3).
    static let group = IPAddress(224, 0, 0, 251)

    /// Where messages are sent.
    static func destination(port: UInt16 = DiscoveryMachine.port) throws -> SocketAddress {
        try SocketAddress(ipAddress: group.description, port: Int(port))
    }

    /// Binds to the group on port 5353 (another one in tests), shared with every other program on this host that shares it, and joins the
    /// group on `interface` alone.
    ///
    /// Bound to the group, the socket hears no unicast datagram, so nobody beyond the link reaches it.
    /// - Throws: ``DiscoveryError`` with the interface's name.
    static func open(
        on interface: NetworkInterface, port: UInt16 = DiscoveryMachine.port, eventLoop: any EventLoop,
        receive: @escaping @Sendable ([UInt8], DatagramSource) -> Void, closed: @escaping @Sendable () -> Void = {}
    ) async throws -> any Channel {
        let created = eventLoop.makePromise(of: (any Channel).self)
        let bootstrap = DatagramBootstrap(group: eventLoop)
            .channelOption(.socketOption(.so_reuseaddr), value: 1)
            .channelOption(.socketOption(NIOBSDSocket.Option(rawValue: SO_REUSEPORT)), value: 1)
            // One byte more than is read, so that a longer datagram is recognised rather than cut.
            .channelOption(
                .recvAllocator, value: FixedSizeRecvByteBufferAllocator(capacity: DNSMessage.bytesMax + 1)
            )
            .channelInitializer { channel in
                created.succeed(channel)
                return configure(channel, for: interface).flatMap {
                    channel.eventLoop.makeCompletedFuture {
                        let handler = DatagramHandler(receive: receive, closed: closed)
                        try channel.pipeline.syncOperations.addHandler(handler)
                    }
                }
            }
        do {
            return try await bootstrap.bind(to: destination(port: port)).get()
        } catch {
            // NIO leaves the socket open when binding fails.
            created.fail(error)
            try? await created.futureResult.flatMap { $0.close() }.get()
            if (error as? IOError)?.errnoCode == EADDRINUSE { throw DiscoveryError.portHeld(interface: interface.name) }
            throw DiscoveryError.socket(interface: interface.name, reason: "\(error)")
        }
    }

    /// Sets what must hold before the socket is bound: from then on packets arrive, and only those of groups joined by
    /// this very socket are wanted; a packet sent without an interface would fail and close the channel.
    private static func configure(_ channel: any Channel, for interface: NetworkInterface) -> EventLoopFuture<Void> {
        guard let socket = channel as? any SocketOptionProvider, let own = interface.ipv4.first else {
            return channel.eventLoop.makeFailedFuture(DiscoveryError.unknownInterface(interface.name))
        }
        // By number, since several interfaces may have the same address; the address is that of our packets.
        let membership = ip_mreqn(
            imr_multiaddr: in_addr(group), imr_address: in_addr(own), imr_ifindex: CInt(interface.index))
        let flags: [(NIOBSDSocket.Option, CInt)] = [
            (.ip_multicast_ttl, 255), (.ip_multicast_loop, 1), (NIOBSDSocket.Option(rawValue: IP_MULTICAST_ALL), 0),
        ]
        var futures = flags.map { option, value in
            socket.unsafeSetSocketOption(level: .ip, name: option, value: value)
        }
        // NIO's `joinGroup` refuses an interface without the multicast flag, such as loopback; the kernel does not.
        for option in [NIOBSDSocket.Option.ip_multicast_if, .ip_add_membership] {
            futures.append(socket.unsafeSetSocketOption(level: .ip, name: option, value: membership))
        }
        return .andAllSucceed(futures, on: channel.eventLoop)
    }
}

extension in_addr {
    /// Takes the four bytes of an IPv4 address as they lie in memory.
    fileprivate init(_ address: IPAddress) {
        self.init(s_addr: address.bytes.reversed().reduce(0) { $0 << 8 | UInt32($1) })
    }
}
