// SPDX-License-Identifier: MIT

import Identity
public import Logging
import Primitives
import Storage
public import Transport

/// Admits new members: one request a connection, one answer (protocol section 3).
public struct EnrolmentDesk: Sendable {
    private let issuer: CurrentIssuer
    private let registry: MemberRegistry
    private let logger: Logger

    /// How long a client that enrols may take to send its request.
    public static let requestTimeout = Duration.seconds(10)

    /// Admits members into a registry, with certificates from an issuer.
    public init(issuer: CurrentIssuer, registry: MemberRegistry, logger: Logger) {
        self.issuer = issuer
        self.registry = registry
        self.logger = logger
    }

    /// Serves one connection to its end; the name of the member that was let in, if one was.
    public func serve(_ connection: Connection) async -> String? {
        let watchdog = connection.closeUnlessCancelled(after: Self.requestTimeout)
        defer { watchdog.cancel() }
        do {
            let events = connection.events.makeAsyncIterator()
            guard case .message(let request)? = try await events.next(), request.count <= Enrolment.requestBytesMax
            else {
                await connection.close(reason: .violation)
                return nil
            }
            let exporter = try await connection.exporter(
                label: Enrolment.exporterLabel, context: [], count: Enrolment.exporterCount)
            let (response, name) = try answer(request, exporter)
            try await connection.send(response)
            await connection.close()
            return name
        } catch {
            logger.info("enrolment failed", metadata: ["error": "\(error)", "from": "\(connection.remoteAddress)"])
            await connection.close()
            return nil
        }
    }

    /// Answers a request; the member is recorded before the answer goes out.
    private func answer(_ request: [UInt8], _ exporter: [UInt8]) throws -> (response: [UInt8], name: String?) {
        let (store, now) = (registry.store, unixNow())
        let answer = try EnrolmentAuthority(issuer: issuer.value).answer(
            requestBytes: request, exporter: exporter, now: now, isRevoked: { registry.isRevoked($0) },
            hasUsed: { try store.hasUsed($0, spki: $1.spki) }, lookup: { try store.invitation($0) },
            consume: { try store.use($0, spki: $1.spki, now: now) })
        switch answer.outcome {
        case .success(let member):
            try store.enrol(
                StoredMember(
                    id: member.id, name: member.name, spki: member.publicKey.spki,
                    certificate: member.certificate.der, enrolledAt: now))
            try registry.load()
            logger.info("a member was let in", metadata: ["name": "\(member.name)", "party": "\(member.id)"])
            return (answer.responseBytes, member.name)
        case .failure(.awaitingSignature):
            logger.warning("a request waits for the authority's signature; smpc-server requests lists it")
            return (answer.responseBytes, nil)
        case .failure(let refusal):
            logger.warning("an enrolment was refused", metadata: ["reason": "\(refusal)"])
            return (answer.responseBytes, nil)
        }
    }
}

extension Connection {
    /// Closes the connection of a peer that says nothing in time, unless the task is cancelled before. It may come back: a
    /// machine that is busy can be late.
    public func closeUnlessCancelled(after limit: Duration) -> Task<Void, Never> {
        Task {
            guard (try? await Task.sleep(for: limit)) != nil else { return }
            await close(reason: .done)
        }
    }
}
