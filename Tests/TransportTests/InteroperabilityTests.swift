// SPDX-License-Identifier: MIT

import Foundation
import NIOCore
import TLS
import Testing

@testable import Transport

/// The openssl command as the other side; one after another, because each blocks a thread.
@Suite(.serialized, .timeLimit(.minutes(5))) struct InteroperabilityTests {
    let federation: TestFederation

    init() throws {
        federation = try TestFederation()
    }

    /// What `openssl s_client` says of a listener, and the bytes it heard.
    private func client(_ listener: Listener, _ options: [String]) throws -> (output: Data, log: String) {
        let directory = FileManager.default.temporaryDirectory.appending(path: "summand-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: directory, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(at: directory) }
        let files = ["cert.pem", "key.pem", "ca.pem"].map { directory.appending(path: $0).path(percentEncoded: false) }
        try federation.party.leaf.pem.write(toFile: files[0], atomically: true, encoding: .utf8)
        try Data(federation.party.key.pem().exposedBytes()).write(to: URL(filePath: files[1]))
        try federation.authority.pem.write(toFile: files[2], atomically: true, encoding: .utf8)
        let process = Process()
        process.executableURL = URL(filePath: "/usr/bin/env")
        process.arguments =
            ["timeout", "10", "openssl", "s_client", "-connect", "127.0.0.1:\(listener.port)", "-quiet"]
            + ["-no_ign_eof", "-CAfile", files[2]]
            + options.flatMap { $0 == "CERT" ? ["-cert", files[0], "-key", files[1]] : [$0] }
        let input = Pipe()
        let output = Pipe()
        let log = Pipe()
        process.standardInput = input
        process.standardOutput = output
        process.standardError = log
        try process.run()
        let heard = try output.fileHandleForReading.read(upToCount: 15) ?? Data()
        try input.fileHandleForWriting.close()
        let said = try log.fileHandleForReading.readToEnd() ?? Data()
        process.waitUntilExit()
        return (heard, String(decoding: said, as: UTF8.self))
    }

    @Test func memberHearsTheWelcome() async throws {
        let listener = try await federation.listen()
        let (output, log) = try client(listener, ["-tls1_3", "-alpn", "smpc/1", "CERT"])
        // u32 length 11, type 0 welcome, u16 version 1, u32 1 MiB, u32 64 streams.
        #expect(Array(output) == [0, 0, 0, 11, 0, 0, 1, 0, 0x10, 0, 0, 0, 0, 0, 64], "\(log)")
        await listener.close()
    }

    @Test func olderVersionIsRefused() async throws {
        let listener = try await federation.listen()
        let (output, log) = try client(listener, ["-tls1_2", "-alpn", "smpc/1", "CERT"])
        #expect(output.isEmpty)
        #expect(log.contains("protocol version"), "\(log)")
        #expect(try await eventually { listener.counters.snapshot.refusedHandshakes == [.violation: 1] })
        await listener.close()
    }

    @Test func clientWithoutCertificateGetsTheAlert() async throws {
        let listener = try await federation.listen()
        let (output, log) = try client(listener, ["-tls1_3", "-alpn", "smpc/1"])
        #expect(output.isEmpty)
        #expect(log.contains("certificate required"), "\(log)")
        #expect(try await eventually { listener.counters.snapshot.refusedHandshakes == [.noCertificate: 1] })
        await listener.close()
    }

    @Test func memberWithoutAnyProtocolIsClosedAfterTheHandshake() async throws {
        let listener = try await federation.listen()
        let (output, log) = try client(listener, ["-tls1_3", "CERT"])
        #expect(output.isEmpty)
        #expect(!log.contains("alert"), "\(log)")
        #expect(try await eventually { listener.counters.snapshot.refusedHandshakes == [.noApplicationProtocol: 1] })
        await listener.close()
    }

    @Test func memberWithAForeignProtocolGetsTheAlert() async throws {
        let listener = try await federation.listen()
        let (output, log) = try client(listener, ["-tls1_3", "-alpn", "h2", "CERT"])
        #expect(output.isEmpty)
        #expect(log.contains("no application protocol"), "\(log)")
        #expect(try await eventually { listener.counters.snapshot.refusedHandshakes == [.noApplicationProtocol: 1] })
        await listener.close()
    }

    @Test func enrollingClientNeedsNoCertificate() async throws {
        let listener = try await federation.listen(alpns: [.federation, .enrolment])
        let (output, log) = try client(listener, ["-tls1_3", "-alpn", "smpc-enroll/1"])
        #expect(output.count == 15, "\(log)")
        await listener.close()
    }
}
