// SPDX-License-Identifier: MIT

import Foundation
import Identity
import Logging
import Messages
import Primitives
import Programs
import TLS
import Transport

/// Answers `doctor` with the coordinator's own key, in whatever way the test says; and sites that do nothing but listen.
final class FalseCoordinator {
    let port: Int
    private let listener: Listener
    private let serving: Task<Void, Never>

    /// Listens with the key of a workbench's federation.
    ///
    /// - Parameter answer: made when somebody asks.
    convenience init(_ bench: Workbench, answer: @escaping @Sendable () -> [UInt8]) async throws {
        try await self.init(as: try .coordinator(directory: bench.path("fed")), answer: answer)
    }

    /// Answers with this clock and this directory.
    convenience init(
        _ bench: Workbench, ahead milliseconds: Int64 = 0, model: String? = nil, directory: [Directory.Entry] = []
    ) async throws {
        try await self.init(bench) {
            InquiryAnswer(
                unixMilliseconds: Inquiry.nowMilliseconds() + milliseconds, model: model,
                directory: Directory(entries: directory)
            ).encoded()
        }
    }

    /// Listens as anybody.
    init(as identity: PartyIdentity, answer: (@Sendable () -> [UInt8])? = nil) async throws {
        let listener = try await Listener.bind(
            host: "127.0.0.1", port: 0, identity: identity.tlsIdentity, alpns: [.inquiry])
        self.listener = listener
        port = listener.port
        serving = Task {
            await withDiscardingTaskGroup { group in
                for await connection in listener.connections {
                    group.addTask {
                        await InquiryDesk.serve(
                            connection, answer: answer?(),
                            logger: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() })
                    }
                }
            }
        }
    }

    func close() async {
        await listener.close()
        await serving.value
    }

    /// Makes another member of the workbench's federation.
    static func member(of bench: Workbench) throws -> PartyIdentity {
        let authority = try CertificateAuthority.load(directory: bench.path("fed"))
        let key = try SigningKey.generate()
        return try PartyIdentity(
            key: key,
            certificate: authority.issueParty(
                publicKey: key.publicKey, name: "other", now: Int64(Date.now.timeIntervalSince1970)),
            authority: authority.certificate)
    }
}
