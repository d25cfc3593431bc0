// SPDX-License-Identifier: MIT

import Identity
import Logging
import Primitives
import Storage
import Transport

/// Admits new members: one request a connection, one answer (protocol section 3).
struct EnrolmentDesk: Sendable {
    let authority: CertificateAuthority
    let store: ServerStore
    let registry: Registry
    let logger: Logger

    /// Serves one connection; true when a member was let in.
    func serve(_ connection: Connection) async -> Bool {
        let watchdog = connection.closeUnlessCancelled(after: .seconds(10))
        defer { watchdog.cancel() }
        do {
            let events = connection.events.makeAsyncIterator()
            guard case .message(let request)? = try await events.next(), request.count <= Enrolment.requestBytesMax
            else {
                await connection.close(reason: .violation)
                return false
            }
            let exporter = try await connection.exporter(
                label: Enrolment.exporterLabel, context: [], count: Enrolment.exporterCount)
            let admitted = try answer(request, exporter)
            try await connection.send(admitted.responseBytes)
            await connection.close()
            return admitted.wasLetIn
        } catch {
            logger.info("enrolment failed", metadata: ["error": "\(error)", "from": "\(connection.remoteAddress)"])
            await connection.close()
            return false
        }
    }

    /// Answers a request; the member is recorded before the answer goes out.
    private func answer(_ request: [UInt8], _ exporter: [UInt8]) throws -> (responseBytes: [UInt8], wasLetIn: Bool) {
        let now = unixNow()
        let answer = try EnrolmentAuthority(authority: authority).answer(
            requestBytes: request, exporter: exporter, now: now, isRevoked: { registry.isRevoked($0) },
            lookup: { try store.invitation($0) }, consume: { try store.use($0, spki: $1.spki, now: now) })
        switch answer.outcome {
        case .success(let member):
            try store.enrol(
                StoredMember(
                    id: member.id, name: member.name, spki: member.publicKey.spki,
                    certificate: member.certificate.der, enrolledAt: now))
            logger.info("a member was let in", metadata: ["name": "\(member.name)", "party": "\(member.id)"])
            return (answer.responseBytes, true)
        case .failure(let refusal):
            logger.warning("an enrolment was refused", metadata: ["reason": "\(refusal)"])
            return (answer.responseBytes, false)
        }
    }
}

extension Connection {
    /// Closes the connection of a peer that says nothing in time, unless the task is cancelled before.
    func closeUnlessCancelled(after limit: Duration) -> Task<Void, Never> {
        Task {
            guard (try? await Task.sleep(for: limit)) != nil else { return }
            await close(reason: .unwelcome)
        }
    }
}
