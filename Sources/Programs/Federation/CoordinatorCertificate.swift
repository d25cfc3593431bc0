// SPDX-License-Identifier: MIT

public import Identity
public import Logging
import Primitives
public import Transport

/// Keeps a server's certificate fresh while it serves, and notices when the federation has another authority.
public struct CoordinatorCertificate: Sendable {
    /// How often the file with the authorities is looked at, which another process changes.
    private static let interval = Duration.seconds(1)
    /// How often a renewal that is due is tried.
    private static let pause = Duration.seconds(3_600)

    private let current: CurrentIdentity
    private let directory: String
    private let listener: Listener
    private let logger: Logger
    private let load: @Sendable () throws -> PartyIdentity
    private let authorityChanged: @Sendable () throws -> Void

    /// Renews what `current` and the listener show.
    ///
    /// - Parameters:
    ///   - load: reads the identity from the state directory, renewed if that is due.
    ///   - authorityChanged: has whoever issues certificates read the authority again.
    public init(
        _ current: CurrentIdentity, directory: String, listener: Listener, logger: Logger,
        load: @escaping @Sendable () throws -> PartyIdentity,
        authorityChanged: @escaping @Sendable () throws -> Void
    ) {
        self.current = current
        self.directory = directory
        self.listener = listener
        self.logger = logger
        self.load = load
        self.authorityChanged = authorityChanged
    }

    /// Looks again and again until cancelled.
    public func keep() async {
        var looked = ContinuousClock.now
        // The file gives no sign of a change, and the certificate lives for months.
        while (try? await Task.sleep(for: Self.interval)) != nil {
            let isChanged = Authorities.stored(in: directory).map { $0 != current.party.authorities } ?? false
            let isDue = unixNow() >= current.party.certificate.renewalTime
            guard isChanged || isDue && ContinuousClock.now - looked > Self.pause else { continue }
            looked = .now
            look(isChanged: isChanged)
        }
    }

    private func look(isChanged: Bool) {
        do {
            if isChanged { try authorityChanged() }
            let renewed = try load()
            current.replace(with: renewed)
            try listener.replace(current.tls)
            logger.notice(
                isChanged ? "the authorities have changed" : "the own certificate is renewed",
                metadata: ["until": "\(UTCTime(renewed.certificate.notAfter))"])
        } catch {
            logger.warning("the own certificate is not renewed", metadata: ["error": "\(error)"])
        }
    }
}
