// SPDX-License-Identifier: MIT

public import Identity
public import Logging
import Primitives
public import Transport

/// Keeps a server's certificate fresh while it serves, and notices when the federation has another authority.
public struct CoordinatorCertificate: Sendable {
    /// How often the files with certificate and authorities are looked at, which other processes change.
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
        var tried: ContinuousClock.Instant?
        var told: String?
        // The files give no sign of a change, and the certificate lives for months.
        while (try? await Task.sleep(for: Self.interval)) != nil {
            let present = current.party
            let hasOtherAuthorities = Authorities.stored(in: directory).map { $0 != present.authorities } ?? false
            // One that the authority has signed elsewhere (`smpc-server certify`).
            let hasOther = PartyIdentity.storedCertificate(in: directory).map { $0 != present.certificate } ?? false
            let isDue = unixNow() >= present.certificate.renewalTime && tried.map { .now - $0 > Self.pause } ?? true
            guard hasOtherAuthorities || hasOther || isDue else { continue }
            if isDue { tried = .now }
            let reason = look(hasOtherAuthorities: hasOtherAuthorities)
            if let reason, reason != told {
                logger.warning(
                    isDue ? "the own certificate is not renewed yet" : "the own certificate stays as it is",
                    metadata: ["until": "\(UTCTime(present.certificate.notAfter))", "reason": "\(reason)"])
            }
            // What was taken in may be due already.
            if hasOther, reason == nil { tried = nil }
            told = reason
        }
    }

    /// Shows what there is now, or says why that is still the same.
    private func look(hasOtherAuthorities: Bool) -> String? {
        do {
            if hasOtherAuthorities { try authorityChanged() }
            let (present, renewed) = (current.party, try load())
            guard renewed.certificate != present.certificate || renewed.authorities != present.authorities else {
                return waiting
            }
            current.replace(with: renewed)
            try listener.replace(current.tls)
            logger.notice(
                hasOtherAuthorities ? "the authorities have changed" : "the own certificate is renewed",
                metadata: ["until": "\(UTCTime(renewed.certificate.notAfter))"])
            return nil
        } catch {
            return "\(error)"
        }
    }

    /// What a renewal that is due waits for.
    private var waiting: String {
        let folder = RequestFolder(directory: directory)
        guard folder.exists else { return "the authority is locked; start with --ca-passphrase-file" }
        return "have the authority sign \(folder.requestPath(.coordinator)), then: smpc-server certify FILE --state "
            + directory
    }
}
