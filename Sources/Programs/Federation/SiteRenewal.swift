// SPDX-License-Identifier: MIT

import Identity
public import Logging
import Primitives
public import Transport

/// Renews a site's certificate in time, while a coordinator is connected (protocol section 14, "Renewal").
///
/// It asks over a connection of its own, so that nothing of a run waits for it. At most one request is on its way; after one
/// that brought no certificate it waits, for a time of random length.
public actor SiteRenewal {
    /// The pause after a request that brought nothing: a part of what is left of the certificate, within these.
    static let pauses: ClosedRange<Duration> = .seconds(30)...(.seconds(3_600))
    /// Before a request, so that not all sites come at once.
    static let jitterMax = Duration.seconds(2)
    private static let timeout = Duration.seconds(10)

    /// Where the coordinator is, and who it is.
    private struct Place {
        let address: HostPort
        let peer: PeerIdentity
    }

    /// How often a coordinator is asked although nothing is due: the federation may have another authority.
    private let interval: Duration
    private let current: CurrentIdentity
    private let directory: String
    private let proxy: HTTPProxy?
    private let listener: Listener?
    private let progress: Progress
    private let logger: Logger
    private var place: Place?
    /// Not before then.
    private var earliest = ContinuousClock.now
    private var timer: Task<Void, Never>?
    private var attempt: Task<Void, Never>?
    /// Whether the coordinator has shown that there is another authority.
    private var isLedOn = false
    /// What was last said about a failure, so that it is said once.
    private var told: String?

    /// - Parameters:
    ///   - directory: where the certificate is kept.
    ///   - listener: shows the new certificate, too.
    ///   - interval: how often a coordinator is asked although nothing is due: the federation may have another authority.
    public init(
        _ current: CurrentIdentity, directory: String, proxy: HTTPProxy?, listener: Listener? = nil,
        interval: Duration = .seconds(600), progress: Progress, logger: Logger
    ) {
        self.interval = interval
        self.current = current
        self.directory = directory
        self.proxy = proxy
        self.listener = listener
        self.progress = progress
        self.logger = logger
    }

    /// A connection to the coordinator stands: there it can be asked.
    public func connected(_ connection: Connection) {
        guard let peer = connection.peer, let address = HostPort(connection.remoteAddress) else { return }
        place = Place(address: address, peer: peer)
        // A coordinator whose certificate another authority has issued knows of one that this site does not know yet.
        isLedOn = !peer.certificate.isSigned(by: current.party.authority)
        schedule()
    }

    /// Asks for nothing more.
    public func stop() {
        place = nil
        timer?.cancel()
        attempt?.cancel()
    }

    /// Sets the timer to when the next request is due.
    private func schedule() {
        timer?.cancel()
        guard let place, attempt == nil else { return }
        let left = Duration.seconds(max(0, current.party.certificate.renewalTime - unixNow()))
        let pause =
            left == .zero || isLedOn
            ? max(earliest - .now, Self.jitterMax * Double.random(in: 0...1))
            : min(left, interval * Double.random(in: 0.75...1.25))
        timer = after(pause) { $0.begin(at: place) }
    }

    private func after(
        _ pause: Duration, _ action: @escaping @Sendable (isolated SiteRenewal) -> Void
    ) -> Task<Void, Never> {
        Task { [weak self] in
            // A request in time, or a pause between two.
            guard (try? await Task.sleep(for: pause)) != nil, let self else { return }
            await action(self)
        }
    }

    private func begin(at place: Place) {
        guard attempt == nil else { return }
        attempt = Task {
            do {
                try take(try await ask(place))
            } catch {
                failed(error)
            }
            attempt = nil
            isLedOn = false
            earliest = .now + pause * Double.random(in: 0.75...1.25)
            schedule()
        }
    }

    /// A twentieth of what is left, within bounds.
    private var pause: Duration {
        let left = Duration.seconds(current.party.certificate.notAfter - unixNow()) / 20
        return min(max(left, Self.pauses.lowerBound), Self.pauses.upperBound)
    }

    /// Asks once, and gives what is new.
    private func ask(_ place: Place) async throws -> PartyIdentity? {
        let present = current.party
        let client = RenewalClient(present)
        let connection = try await dial(
            host: place.address.host, port: Int(place.address.port), identity: current.tls, alpn: .renewal,
            expecting: .coordinator(federation: present.federation, spkiHash: place.peer.spkiHash), proxy: proxy,
            timeout: Self.timeout)
        let watchdog = connection.closeUnlessCancelled(after: Self.timeout)
        defer { watchdog.cancel() }
        do {
            try await connection.send(try client.requestBytes())
            guard case .message(let response)? = try await connection.events.makeAsyncIterator().next() else {
                throw connection.end ?? ConnectionError.closedBeforeWelcome
            }
            await connection.close()
            return try client.identity(responseBytes: response, now: unixNow())
        } catch {
            await connection.close()
            throw error
        }
    }

    /// Keeps what is new on disk, then shows it.
    private func take(_ renewed: PartyIdentity?) throws {
        guard let renewed else { return }
        let present = current.party
        try renewed.saveCertificates(directory: directory)
        current.replace(with: renewed)
        try listener?.replace(current.tls)
        told = nil
        if renewed.authority != present.authority {
            progress.note("the federation has another authority, which the one before vouches for")
        }
        if renewed.certificate != present.certificate {
            progress.note("the certificate is renewed: it ends on \(UTCTime(renewed.certificate.notAfter))")
        }
    }

    private func failed(_ error: any Error) {
        guard !(error is CancellationError) else { return }
        let reason =
            switch error as? ConnectionError {
            case .noApplicationProtocol, .refused(.noApplicationProtocol): "the coordinator's program cannot"
            default: "\(error)"
            }
        logger.info("the certificate is not renewed", metadata: ["reason": "\(reason)"])
        guard told != reason, unixNow() >= current.party.certificate.renewalTime else { return }
        told = reason
        let end = UTCTime(current.party.certificate.notAfter)
        progress.warning("the certificate, which ends on \(end), is not renewed yet: \(reason); tried again")
    }
}
