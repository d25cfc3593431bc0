// SPDX-License-Identifier: MIT

import Glibc
import NIOCore
import NIOPosix

/// Opens the socket on which one link is heard and spoken to.
enum MulticastSocket {
    /// The groups of multicast DNS (RFC 6762, section 3): 224.0.0.251 and ff02::fb.
    static func group(_ family: AddressFamily) -> IPAddress {
        switch family {
        case .ipv4: IPAddress(224, 0, 0, 251)
        case .ipv6: IPAddress(0xFF02, 0, 0, 0, 0, 0, 0, 0xFB)
        }
    }

    /// Where messages for everybody on a link are sent.
    static func destination(on link: LinkID, port: UInt16 = DiscoveryMachine.port) -> SocketAddress {
        SocketAddress(group(link.family), port: port, on: link)
    }

    /// Binds to the link's group on port 5353 (another one in tests), shared with every other program on this host that shares
    /// it, and joins the group on the link's interface alone.
    ///
    /// Bound to the group, the socket hears no unicast datagram, so nobody beyond the link reaches it.
    /// - Throws: ``DiscoveryError`` with the interface's name.
    static func open(
        on link: NetworkLink, port: UInt16 = DiscoveryMachine.port, eventLoop: any EventLoop,
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
                return configure(channel, for: link).flatMap {
                    channel.eventLoop.makeCompletedFuture {
                        let handler = DatagramHandler(receive: receive, closed: closed)
                        try channel.pipeline.syncOperations.addHandler(handler)
                    }
                }
            }
        do {
            return try await bootstrap.bind(to: destination(on: link.id, port: port)).get()
        } catch {
            // NIO leaves the socket open when binding fails.
            created.fail(error)
            try? await created.futureResult.flatMap { $0.close() }.get()
            if (error as? IOError)?.errnoCode == EADDRINUSE { throw DiscoveryError.portHeld(interface: link.name) }
            throw DiscoveryError.socket(interface: link.name, reason: "\(error)")
        }
    }

    /// Sets what must hold before the socket is bound: from then on packets arrive, and only those of groups joined by
    /// this very socket are wanted; a packet sent without an interface would fail and close the channel.
    private static func configure(_ channel: any Channel, for link: NetworkLink) -> EventLoopFuture<Void> {
        guard let socket = channel as? any SocketOptionProvider else {
            return channel.eventLoop.makeFailedFuture(DiscoveryError.unknownInterface(link.name))
        }
        let futures = link.id.family == .ipv4 ? configureIPv4(socket, for: link) : configureIPv6(socket, for: link)
        return .andAllSucceed(futures, on: channel.eventLoop).flatMap {
            // Sockets that share address and port are a group for load balancing, and Linux 6.18 was seen to hand multicast
            // from one interface to the socket of another; bound to its interface, a socket is in no group with those of others.
            // Linux before 5.7 lets only root do this, and does not need it.
            socket.unsafeSetSocketOption(
                level: .socket, name: NIOBSDSocket.Option(rawValue: SO_BINDTOIFINDEX),
                value: CInt(link.id.interface)
            ).recover { _ in }
        }
    }

    private static func configureIPv4(
        _ socket: any SocketOptionProvider, for link: NetworkLink
    ) -> [EventLoopFuture<Void>] {
        // By number, since several interfaces may have the same address; the address is that of our packets.
        let own = link.addresses.first(where: \.isIPv4) ?? IPAddress(0, 0, 0, 0)
        let membership = ip_mreqn(
            imr_multiaddr: in_addr(group(.ipv4)), imr_address: in_addr(own), imr_ifindex: CInt(link.id.interface))
        let flags: [(NIOBSDSocket.Option, CInt)] = [
            (.ip_multicast_ttl, 255), (.ip_multicast_loop, 1), (NIOBSDSocket.Option(rawValue: IP_MULTICAST_ALL), 0),
        ]
        return flags.map { option, value in
            socket.unsafeSetSocketOption(level: .ip, name: option, value: value)
        }
            // NIO's `joinGroup` refuses an interface without the multicast flag, such as loopback; the kernel does not.
            + [NIOBSDSocket.Option.ip_multicast_if, .ip_add_membership].map { option in
                socket.unsafeSetSocketOption(level: .ip, name: option, value: membership)
            }
    }

    private static func configureIPv6(
        _ socket: any SocketOptionProvider, for link: NetworkLink
    ) -> [EventLoopFuture<Void>] {
        let membership = ipv6_mreq(
            ipv6mr_multiaddr: in6_addr(group(.ipv6)), ipv6mr_interface: UInt32(link.id.interface))
        let flags: [(CInt, CInt)] = [
            (IPV6_V6ONLY, 1), (IPV6_MULTICAST_HOPS, 255), (IPV6_MULTICAST_LOOP, 1), (IPV6_MULTICAST_ALL, 0),
            (IPV6_MULTICAST_IF, CInt(link.id.interface)),
        ]
        return flags.map { option, value in
            socket.unsafeSetSocketOption(level: .ipv6, name: NIOBSDSocket.Option(rawValue: option), value: value)
        } + [
            socket.unsafeSetSocketOption(
                level: .ipv6, name: NIOBSDSocket.Option(rawValue: IPV6_JOIN_GROUP), value: membership)
        ]
    }
}
