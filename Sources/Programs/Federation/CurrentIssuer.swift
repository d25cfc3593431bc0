// SPDX-License-Identifier: MIT

public import Identity
import Synchronization

/// Holds who issues certificates at present: enrolment and renewal ask here, so that a new authority works without a restart.
public final class CurrentIssuer: Sendable {
    private let state: Mutex<CertificateIssuer>

    /// Begins with an issuer.
    public init(_ issuer: CertificateIssuer) { state = Mutex(issuer) }

    /// The issuer.
    public var value: CertificateIssuer { state.withLock { $0 } }

    /// Has another one issue from now on.
    public func replace(with issuer: CertificateIssuer) { state.withLock { $0 = issuer } }
}
