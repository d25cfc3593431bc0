// SPDX-License-Identifier: MIT

public import Identity
public import Logging
import Primitives
public import Transport

/// Keeps a server's certificate fresh while it serves: what `PartyIdentity.coordinator` does at its start.
public struct CoordinatorCertificate: Sendable {
    /// How often the dates are looked at.
    private static let interval = Duration.seconds(3_600)

    private let current: CurrentIdentity
    private let listener: Listener
    private let logger: Logger
    private let load: @Sendable () throws -> PartyIdentity

    /// Renews what `current` and the listener show.
    ///
    /// - Parameter load: reads the identity from the state directory, renewed if that is due.
    public init(
        _ current: CurrentIdentity, listener: Listener, logger: Logger,
        load: @escaping @Sendable () throws -> PartyIdentity
    ) {
        self.current = current
        self.listener = listener
        self.logger = logger
        self.load = load
    }

    /// Looks again and again until cancelled.
    public func keep() async {
        // The certificate lives for months: there is nothing to wait for but the time.
        while (try? await Task.sleep(for: Self.interval)) != nil { look() }
    }

    /// Renews the certificate if that is due.
    public func look(now: Int64 = unixNow()) {
        guard now >= current.party.certificate.renewalTime else { return }
        do {
            let renewed = try load()
            guard renewed.certificate != current.party.certificate else { return }
            current.replace(with: renewed)
            try listener.replace(current.tls)
            logger.notice(
                "the own certificate is renewed", metadata: ["until": "\(UTCTime(renewed.certificate.notAfter))"])
        } catch {
            logger.warning("the own certificate is not renewed", metadata: ["error": "\(error)"])
        }
    }
}
