// SPDX-License-Identifier: MIT

import Logging
import NIOCore
import NIOPosix

/// Announces a service of this process on the local network, and finds those of others, by DNS-SD over multicast DNS
/// (RFC 6762, RFC 6763).
///
/// What it finds are hints where to dial; they prove nothing (protocol, section 3). The own instance is not among
/// them. A service is used once: `start`, then `stop`.
public actor DiscoveryService {
    /// The most events kept for a reader that lags behind; beyond them the oldest are lost, and ``services(matching:)``
    /// still tells the present.
    public static let eventsMax = 4096
    /// How often the interfaces are looked at for changes.
    static let interfacesPause = TimeAmount.seconds(2)
    /// How soon a closed socket is replaced; the pause doubles up to the longest while sockets close young.
    static let reopenPause = Duration.seconds(1)
    static let reopenPauseMax = Duration.seconds(16)

    private enum Phase { case idle, starting, running, stopped }

    private struct Link {
        let description: NetworkLink
        let channel: any Channel
        let openedAt: Duration
    }

    /// When the socket of a link may be opened again, and the pause that led there.
    private struct Reopening {
        var pause: Duration
        var at: Duration
    }

    /// Tells what is found, to one reader; ends after `stop`.
    public nonisolated let events: AsyncStream<DiscoveryEvent>

    private let continuation: AsyncStream<DiscoveryEvent>.Continuation
    private let selection: InterfaceSelection
    private let logger: Logger
    private nonisolated let eventLoop: any EventLoop
    private nonisolated let executor: any SerialExecutor
    private var machine: DiscoveryMachine
    private var phase = Phase.idle
    private var links: [LinkID: Link] = [:]
    /// The links that were there when they were looked at last.
    private var present: [NetworkLink] = []
    private var reopenings: [LinkID: Reopening] = [:]
    private var timer: (deadline: Duration, task: Scheduled<Void>)?
    private var interfacesTimer: Scheduled<Void>?

    /// The actor runs on the event loop of its sockets, so that datagrams are taken as fast as they can be handled and
    /// wait in the kernel's bounded buffer.
    public nonisolated var unownedExecutor: UnownedSerialExecutor { executor.asUnownedSerialExecutor() }

    /// Prepares a service that announces `advertising` (nothing if nil) and finds others on `interfaces`.
    public init(
        advertising: ServiceAdvertisement?, interfaces: InterfaceSelection = .all,
        logger: Logger = Logger(label: "summand.discovery")
    ) {
        self.init(
            advertising: advertising, interfaces: interfaces, logger: logger,
            generator: SystemRandomNumberGenerator())
    }

    /// Prepares a service whose names and pauses are drawn from `generator`, for tests that need to know the names.
    package init(
        advertising: ServiceAdvertisement?, interfaces: InterfaceSelection = .all,
        logger: Logger = Logger(label: "summand.discovery"), generator: any RandomNumberGenerator & Sendable
    ) {
        let eventLoop = MultiThreadedEventLoopGroup.singleton.next()
        self.eventLoop = eventLoop
        executor = eventLoop.executor
        selection = interfaces
        self.logger = logger
        machine = DiscoveryMachine(advertising: advertising, generator: generator)
        (events, continuation) = AsyncStream.makeStream(bufferingPolicy: .bufferingNewest(Self.eventsMax))
    }

    deinit {
        for link in links.values { link.channel.close(promise: nil) }
        timer?.task.cancel()
        interfacesTimer?.cancel()
        continuation.finish()
    }

    /// Tells whether datagrams that this host multicasts on the selected interfaces are heard by this host.
    public static func probe(interfaces: InterfaceSelection) async -> Bool {
        await MulticastProbe.works(on: interfaces)
    }

    /// Opens the sockets and begins to announce and to ask; the service is announced about a second later.
    ///
    /// Of `.all` interfaces those that refuse are passed over, as long as one remains; they are tried again later.
    /// - Throws: ``DiscoveryError``; after one of them `start` may be called again.
    public func start() async throws {
        guard phase == .idle else { throw DiscoveryError.alreadyStarted }
        phase = .starting
        let present: [NetworkLink]
        do {
            present = try NetworkLink.selected(selection)
            if let error = await openLinks(present), lacksLink(present) { throw error }
        } catch {
            await closeLinks()
            if phase == .starting { phase = .idle }
            throw error
        }
        guard phase == .starting else { return await closeLinks() }
        phase = .running
        self.present = present
        machine.start(on: present, at: now)
        schedule()
        watchInterfaces(in: Self.interfacesPause)
    }

    /// Withdraws the service, so that others lose it within about a second, and ends `events`.
    public func stop() async {
        guard phase != .stopped else { return }
        phase = .stopped
        timer?.task.cancel()
        interfacesTimer?.cancel()
        for case .send(let message, let link) in machine.stop() {
            // A goodbye that cannot be sent is replaced by the end of the records' lives.
            try? await send(message, to: MulticastSocket.destination(on: link), on: link)?.get()
        }
        await closeLinks()
        continuation.finish()
    }

    /// Lists the complete services known now that a filter accepts, by instance name.
    public func services(matching filter: DiscoveryFilter = DiscoveryFilter()) -> [DiscoveredService] {
        machine.browser.services.values.filter(filter.accepts).sorted { $0.instance < $1.instance }
    }

    /// Takes the hint that a connection to a service was not answered: unless its owner confirms its records within ten
    /// seconds, it is lost (RFC 6762, section 10.4).
    ///
    /// A hint about what was never found, or too many in a second, are passed over.
    ///
    /// - Parameter address: one of the service's ``DiscoveredService/addresses``.
    public func noteUnanswered(_ address: String, port: UInt16) {
        guard phase == .running else { return }
        machine.reconfirm(address, port: port, at: now)
        schedule()
    }

    /// The name under which the service is announced, which changes if another process has it; nil for a browser.
    public var instance: String? { machine.responder?.service.instanceLabel }

    /// What was heard and set aside.
    public var counters: DiscoveryCounters { machine.counters }
}

// MARK: - Datagrams and time

extension DiscoveryService {
    private var now: Duration { .nanoseconds(Int64(clamping: NIODeadline.now().uptimeNanoseconds)) }

    private func receive(_ bytes: [UInt8], on link: LinkID, from source: DatagramSource) {
        guard phase == .running else { return }
        perform(machine.receive(bytes, on: link, from: source, at: now))
        schedule()
    }

    private func timerFired() {
        timer = nil
        guard phase == .running else { return }
        perform(machine.advance(to: now))
        schedule()
    }

    private func perform(_ actions: [DiscoveryAction]) {
        for action in actions {
            switch action {
            case .report(let event): continuation.yield(event)
            case .reply(let message, let source, let link):
                _ = send(message, to: SocketAddress(source.address, port: source.port, on: link), on: link)
            case .send(let message, let link):
                _ = send(message, to: MulticastSocket.destination(on: link), on: link)
            }
        }
    }

    private func send(
        _ message: DNSMessage, to destination: SocketAddress, on link: LinkID
    ) -> EventLoopFuture<Void>? {
        guard let channel = links[link]?.channel else { return nil }
        let buffer = ByteBuffer(bytes: message.encoded())
        return channel.writeAndFlush(AddressedEnvelope(remoteAddress: destination, data: buffer))
    }

    /// Sets the timer to the machine's deadline.
    private func schedule() {
        let deadline = machine.deadline
        guard deadline != timer?.deadline else { return }
        timer?.task.cancel()
        timer = deadline.map { deadline in
            let pause = max(.zero, deadline - now)
            let task = eventLoop.scheduleTask(in: TimeAmount(pause)) { [weak self] in
                self?.assumeIsolated { $0.timerFired() } ?? ()
            }
            return (deadline, task)
        }
    }
}

// MARK: - Interfaces

extension DiscoveryService {
    /// Tells whether too few sockets are open to begin with: none at all, or none on an interface asked for by name.
    private func lacksLink(_ present: [NetworkLink]) -> Bool {
        guard selection != .all else { return links.isEmpty }
        return present.contains { wanted in !links.values.contains { $0.description.name == wanted.name } }
    }

    /// Opens a socket on each link that has none yet; answers the first error.
    private func openLinks(_ present: [NetworkLink]) async -> (any Error)? {
        var first: (any Error)?
        for link in present where links[link.id] == nil {
            if let reopening = reopenings[link.id], reopening.at > now { continue }
            do {
                let channel = try await MulticastSocket.open(
                    on: link, eventLoop: eventLoop,
                    receive: { [weak self] bytes, source in
                        self?.assumeIsolated { $0.receive(bytes, on: link.id, from: source) }
                    },
                    closed: { [weak self] in
                        self?.assumeIsolated { $0.channelClosed(on: link) }
                    })
                // A socket may close before it is known here; then it is opened again with the next look.
                guard channel.isActive else { continue }
                links[link.id] = Link(description: link, channel: channel, openedAt: now)
                logger.debug("discovery listens", metadata: metadata(of: link))
            } catch {
                first = first ?? error
                logger.debug(
                    "discovery has no socket",
                    metadata: metadata(of: link).merging(["error": "\(error)"]) { first, _ in first })
            }
        }
        return first
    }

    private func metadata(of link: NetworkLink) -> Logger.Metadata {
        ["interface": "\(link.name)", "family": "\(link.id.family)"]
    }

    private func closeLinks() async {
        let closing = links.values.map(\.channel)
        links = [:]
        for channel in closing { try? await channel.close().get() }
    }

    private func channelClosed(on description: NetworkLink) {
        guard phase == .running, let link = links[description.id], !link.channel.isActive else { return }
        links[description.id] = nil
        let last = reopenings[description.id]?.pause ?? .zero
        let isYoung = now - link.openedAt < Self.reopenPauseMax
        let pause = isYoung ? min(max(last * 2, Self.reopenPause), Self.reopenPauseMax) : Self.reopenPause
        reopenings[description.id] = Reopening(pause: pause, at: now + pause)
        logger.debug("discovery lost its socket", metadata: metadata(of: description))
        if pause == Self.reopenPause { watchInterfaces(in: TimeAmount(pause)) }
    }

    private func watchInterfaces(in pause: TimeAmount) {
        interfacesTimer?.cancel()
        interfacesTimer = eventLoop.scheduleTask(in: pause) { [weak self] in
            guard let self else { return }
            Task { await self.checkInterfaces() }
        }
    }

    /// Follows interfaces and addresses that come and go, and replaces closed sockets.
    private func checkInterfaces() async {
        guard phase == .running else { return }
        let present: [NetworkLink]
        do {
            present = try NetworkLink.present(selection)
        } catch {
            return watchInterfaces(in: Self.interfacesPause)
        }
        for link in links.values where !present.contains(link.description) {
            links[link.description.id] = nil
            link.channel.close(promise: nil)
        }
        let before = Set(links.keys)
        _ = await openLinks(present)
        guard phase == .running else { return await closeLinks() }
        perform(machine.setLinks(present, at: now))
        for link in self.present where present.contains(link) && links[link.id] != nil && !before.contains(link.id) {
            perform(machine.reopened(link.id, at: now))
        }
        self.present = present
        schedule()
        watchInterfaces(in: Self.interfacesPause)
    }
}
