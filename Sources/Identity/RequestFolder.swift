// SPDX-License-Identifier: MIT

import FoundationEssentials
import Glibc
public import Primitives

/// Keeps, in a server's state directory, the requests that wait for the signature of an authority whose key is elsewhere, and
/// the certificates that came back: `requests/ID.csr` and `certificates/ID.pem`, the coordinator's own under `coordinator`.
///
/// That there is such a folder is what says that the key is elsewhere.
public struct RequestFolder: Sendable {
    /// The most requests that wait at a time; each has cost a token.
    public static let requestsMax = 10_000

    /// Where the requests lie.
    public let path: String
    private let certificates: String
    /// The state directory.
    let directory: String

    /// Names the folders of a state directory.
    public init(directory: String) {
        self.directory = directory
        path = IdentityFiles.path(directory, "requests")
        certificates = IdentityFiles.path(directory, "certificates")
    }

    /// Whether there is one.
    public var exists: Bool { PrivateFile.exists(path) }

    /// The file of a role's request.
    public func requestPath(_ role: PartyRole) -> String { "\(path)/\(Self.stem(role)).csr" }

    /// Keeps a request durably until a certificate for its key is taken in; one that lies there already is replaced.
    ///
    /// Throws `requestsTooMany` when `requestsMax` others wait.
    public func file(_ request: CertificateRequest, for role: PartyRole) throws(IdentityError) {
        let place = requestPath(role)
        if !PrivateFile.exists(place) {
            guard names().count < Self.requestsMax else { throw .requestsTooMany(limit: Self.requestsMax) }
        }
        try PrivateFile.write(request.pem, to: place)
    }

    /// The requests that wait, the coordinator's first, then by name and ID. Errors name the file.
    public func waiting() throws(IdentityError) -> [(role: PartyRole, request: CertificateRequest)] {
        var found: [(role: PartyRole, request: CertificateRequest)] = []
        for name in names() {
            let stem = String(name.dropLast(4))
            guard let role = stem == "coordinator" ? .coordinator : PartyID(hex: stem).map(PartyRole.party),
                let request = try request(of: role)
            else { continue }
            found.append((role, request))
        }
        return found.sorted { left, right in
            if left.role == .coordinator || right.role == .coordinator { return right.role != .coordinator }
            return (left.request.subjectCommonName, Self.stem(left.role))
                < (right.request.subjectCommonName, Self.stem(right.role))
        }
    }

    /// The request of a role that waits; nil if none does.
    public func request(of role: PartyRole) throws(IdentityError) -> CertificateRequest? {
        let place = requestPath(role)
        do throws(IdentityError) {
            let pem = String(decoding: try PrivateFile.read(place), as: UTF8.self)
            do {
                return try CertificateRequest(pem: pem)
            } catch {
                throw IdentityError.fileMalformed(path: place, reason: error.description)
            }
        } catch .fileMissing {
            return nil
        }
    }

    /// The certificate that came back for a role; nil if none has.
    func certificate(of role: PartyRole) throws(IdentityError) -> Certificate? {
        do throws(IdentityError) {
            return try IdentityFiles.readCertificate(certificatePath(role))
        } catch .fileMissing {
            return nil
        }
    }

    /// Keeps a certificate that has been checked, and then lets go of the request that it answers.
    func take(_ certificate: Certificate, for role: PartyRole) throws(IdentityError) {
        try PrivateFile.write(certificate.pem, to: certificatePath(role))
        try remove(role)
    }

    /// Lets go of a request.
    public func remove(_ role: PartyRole) throws(IdentityError) {
        let place = requestPath(role)
        guard unlink(place) == 0 || errno == ENOENT else {
            throw .fileUnwritable(path: place, reason: String(cString: strerror(errno)))
        }
    }

    private func certificatePath(_ role: PartyRole) -> String { "\(certificates)/\(Self.stem(role)).pem" }

    private func names() -> [String] {
        let all = (try? FileManager.default.contentsOfDirectory(atPath: path)) ?? []
        return all.filter { $0.hasSuffix(".csr") }
    }

    private static func stem(_ role: PartyRole) -> String {
        switch role {
        case .coordinator: "coordinator"
        case .party(let id): id.hex
        }
    }
}
