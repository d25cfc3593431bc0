// SPDX-License-Identifier: MIT

import NIOCore
import NIOPosix

/// Finds out whether multicast reaches other processes of this host.
public enum MulticastProbe {
    /// How long the probe is waited for.
    static let timeout = TimeAmount.seconds(1)

    /// Says what came of the probe on one interface, in one address family.
    public struct Finding: Sendable, Hashable {
        /// The interface's name.
        public let interface: String
        /// `IPv4` or `IPv6`.
        public let family: String
        /// Whether the packet was heard.
        public let isHeard: Bool
        /// Why it could not be sent, or no socket be opened; nil if it was sent, heard or not.
        public let failure: String?
    }

    /// Sends a DNS query for a random name from one socket and tells whether another one hears it within a second, on
    /// at least one of the links. A link without a socket counts as one where nothing is heard.
    public static func works(on selection: InterfaceSelection) async -> Bool {
        guard let links = try? NetworkLink.selected(selection) else { return false }
        return await withTaskGroup(of: Finding.self) { group in
            for link in links { group.addTask { await finding(on: link) } }
            return await group.contains(where: \.isHeard)
        }
    }

    /// Does the same on every link, all at once, and tells of each, by the kernel's number of the interface.
    ///
    /// - Throws: as ``DiscoveryService/start()`` where the selection has no links.
    public static func findings(on selection: InterfaceSelection) async throws -> [Finding] {
        let links = try NetworkLink.selected(selection).sorted { $0.id < $1.id }
        return await withTaskGroup(of: (Int, Finding).self) { group in
            for (index, link) in links.enumerated() { group.addTask { (index, await finding(on: link)) } }
            var findings: [(Int, Finding)] = []
            for await finding in group { findings.append(finding) }
            return findings.sorted { $0.0 < $1.0 }.map(\.1)
        }
    }

    private static func finding(on link: NetworkLink) async -> Finding {
        let eventLoop = MultiThreadedEventLoopGroup.singleton.next()
        let heard = eventLoop.makePromise(of: Bool.self)
        let timer = eventLoop.scheduleTask(in: timeout) { heard.succeed(false) }
        defer { timer.cancel() }
        let packet = probe().encoded()
        var channels: [any Channel] = []
        var failure: String?
        do {
            for _ in 0..<2 {
                // The sender hears itself too, so it must not listen.
                let isSender = channels.isEmpty
                let channel = try await MulticastSocket.open(
                    on: link, eventLoop: eventLoop,
                    receive: { bytes, _ in if bytes == packet && !isSender { heard.succeed(true) } })
                channels.append(channel)
            }
            let sender = channels[0]
            let envelope = AddressedEnvelope(
                remoteAddress: MulticastSocket.destination(on: link.id), data: ByteBuffer(bytes: packet))
            try await sender.writeAndFlush(envelope).get()
        } catch {
            failure = "\(error)"
            heard.succeed(false)
        }
        let isHeard = (try? await heard.futureResult.get()) ?? false
        for channel in channels { try? await channel.close().get() }
        return Finding(
            interface: link.name, family: link.id.family == .ipv4 ? "IPv4" : "IPv6", isHeard: isHeard, failure: failure)
    }

    /// A question nobody answers, for a name nobody else asks for.
    private static func probe() -> DNSMessage {
        let label = "probe-\(UInt64.random(in: .min ... .max).hexadecimal)"
        return DNSMessage(questions: [DNSQuestion(name: DomainName(known: label, "local"), type: .any)])
    }
}
