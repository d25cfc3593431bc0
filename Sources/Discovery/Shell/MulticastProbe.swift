// SPDX-License-Identifier: MIT

import NIOCore
import NIOPosix

/// Finds out whether multicast reaches other processes of this host.
public enum MulticastProbe {
    /// How long the probe is waited for.
    static let timeout = TimeAmount.seconds(1)

    /// Sends a DNS query for a random name from one socket and tells whether another one hears it within a second, on
    /// at least one of the links. A link without a socket counts as one where nothing is heard.
    public static func works(on selection: InterfaceSelection) async -> Bool {
        guard let links = try? NetworkLink.selected(selection) else { return false }
        return await withTaskGroup(of: Bool.self) { group in
            for link in links { group.addTask { await works(on: link) } }
            return await group.contains(true)
        }
    }

    private static func works(on link: NetworkLink) async -> Bool {
        let eventLoop = MultiThreadedEventLoopGroup.singleton.next()
        let heard = eventLoop.makePromise(of: Bool.self)
        let timer = eventLoop.scheduleTask(in: timeout) { heard.succeed(false) }
        defer { timer.cancel() }
        let packet = probe().encoded()
        var channels: [any Channel] = []
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
            heard.succeed(false)
        }
        let works = (try? await heard.futureResult.get()) ?? false
        for channel in channels { try? await channel.close().get() }
        return works
    }

    /// A question nobody answers, for a name nobody else asks for.
    private static func probe() -> DNSMessage {
        let label = "probe-\(UInt64.random(in: .min ... .max).hexadecimal)"
        return DNSMessage(questions: [DNSQuestion(name: DomainName(known: label, "local"), type: .any)])
    }
}
