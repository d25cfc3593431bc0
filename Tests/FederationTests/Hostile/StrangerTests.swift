// SPDX-License-Identifier: MIT

import Foundation
import Identity
import Messages
import NIOCore
import NIOPosix
import Primitives
import Programs
import TLS
import Testing
import Transport

@testable import SMPCServer

/// Strangers and rogues at the server's port while a run goes on: refused and counted, and the run ends as if nobody had come.
@Suite(.serialized, .timeLimit(.minutes(10))) struct StrangerTests {
    private static let rounds = 40

    private func run(_ parties: [TestParty], port: Int) async throws {
        try await withThrowingTaskGroup { group in
            for party in parties { group.addTask { try await party.run(port: port) } }
            try await group.waitForAll()
        }
    }

    /// The sums are those of these parties alone, so that every run of them ends with the same parameters.
    private static let undisturbed = Task {
        let server = try TestServer()
        let serving = try server.start(rounds: rounds)
        let port = try await server.port()
        let parties = try await server.parties(3, port: port)
        try await withThrowingTaskGroup { group in
            for party in parties { group.addTask { try await party.run(port: port) } }
            try await group.waitForAll()
        }
        _ = try await serving.value
        return try server.records().summary.paramsHashes
    }

    /// Runs three parties, lets `attack` loose when rounds go through, and gives the server's counters.
    private func attack(_ body: (TestServer, Int) async throws -> Void) async throws -> [String: Int] {
        let hashes = try await Self.undisturbed.value
        let server = try TestServer()
        let serving = try server.start(rounds: Self.rounds)
        let port = try await server.port()
        let parties = try await server.parties(3, port: port, newMembers: .ask)
        // The run does not end before the attack, however quick the machine is.
        await parties[0].hold(training: Self.rounds)
        let running = Task { try await run(parties, port: port) }
        // A party tells nobody that rounds go through: it is asked.
        while await parties[0].applied < 2 { try await Task.sleep(for: .milliseconds(5)) }
        let attacked: Result<Void, any Error>
        do { attacked = .success(try await body(server, port)) } catch { attacked = .failure(error) }
        await parties[0].release()
        try await running.value
        try attacked.get()
        #expect(try await serving.value.outcome == .complete)
        let summary = try server.records().summary
        #expect(summary.paramsHashes == hashes)
        for party in parties { #expect(await party.paramsHashes.map(\.hex) == hashes) }
        return summary.counters
    }

    /// Makes a certificate of the server's own authority.
    private func forge(_ server: TestServer, _ uri: (PublicKey) -> String, until: Int64 = 600) throws -> TLSIdentity {
        let identity = try server.state.identity()
        let authority = try SigningKey(
            pem: String(contentsOfFile: "\(server.state.directory)/ca-key.pem", encoding: .utf8))
        let key = try SigningKey.generate()
        let now = unixNow()
        let leaf = try Certificate.issue(
            CertificateTemplate(
                subject: "stranger", uris: [uri(key.publicKey)], notBefore: now - 3_600, notAfter: now + until),
            publicKey: key.publicKey, issuer: identity.authority, signer: authority)
        return TLSIdentity(
            certificateChainDER: [leaf.der], key: key, trustAnchors: [identity.authority])
    }

    private func isRefused(_ identity: TLSIdentity?, _ server: TestServer, _ port: Int) async throws -> Bool {
        let expected = PeerExpectation.coordinator(federation: try server.state.identity().federation)
        guard let identity else {
            let authority = try server.state.identity().authority
            let stranger = try await RawStranger(port: port, as: nil, alpn: .federation, authority: authority)
            for _ in 0..<500 where await stranger.sendWelcome() {
                // The server judges behind the handshake, which this side has finished; only a later write fails.
                try await Task.sleep(for: .milliseconds(10))
            }
            return await !stranger.sendWelcome()
        }
        do {
            await (try await dial(host: "127.0.0.1", port: port, identity: identity, expecting: expected)).close()
            return false
        } catch {
            return true
        }
    }

    @Test func whoeverIsNoMemberIsRefusedAndCounted() async throws {
        let other = try TestServer()
        let elsewhere = try other.state.identity()
        let counters = try await attack { server, port in
            let federation = try server.state.identity().federation
            let revoked = try await server.join(server.invite("revoked"), key: .generate(), port: port)
            _ = try server.state.store().revoke(revoked.id, now: unixNow())
            // The server looks for revocations twice a second, and says nothing of it.
            try await Task.sleep(for: .milliseconds(700))
            let someone = try PartyID(publicKey: SigningKey.generate().publicKey)
            #expect(try await isRefused(nil, server, port))
            #expect(
                try await isRefused(
                    TLSIdentity(
                        certificateChainDER: [elsewhere.certificate.der, elsewhere.authority.der], key: elsewhere.key,
                        trustAnchors: [try server.state.identity().authority]), server, port))
            #expect(try await isRefused(revoked.tlsIdentity, server, port))
            #expect(
                try await isRefused(
                    forge(server, { PartyRole.party(PartyID(publicKey: $0)).uri(in: federation) }, until: -60), server,
                    port))
            // A key that is not the one of the party that the certificate names.
            #expect(
                try await isRefused(
                    forge(server, { _ in PartyRole.party(someone).uri(in: federation) }), server, port))
        }
        #expect(counters["handshakes.noCertificate"] == 1)
        #expect(counters["handshakes.unknownAuthority"] == 1)
        #expect(counters["handshakes.revoked"] == 1)
        #expect(counters["handshakes.expired"] == 1)
        #expect(counters["handshakes.wrongRole"] == 1)
    }

    @Test func tenThousandRandomFramesOfAMemberChangeNothing() async throws {
        let counters = try await attack { server, port in
            let rogue = try await server.join(server.invite("rogue"), key: .generate(), port: port)
            try await sendFrames(10_000, port, rogue.tlsIdentity, .federation, rogue.authority)
        }
        #expect(counters.filter { $0.key.hasPrefix("frames.") }.values.reduce(0, +) > 50)
    }

    /// Messages that parse, of another role: each is refused, and the sixty-fourth is the last.
    @Test func aConnectionThatBringsOnlyRefusalsIsClosed() async throws {
        let counters = try await attack { server, port in
            let rogue = try await server.join(server.invite("rogue"), key: .generate(), port: port)
            let connection = try await dial(
                host: "127.0.0.1", port: port, identity: rogue.tlsIdentity,
                expecting: .coordinator(federation: rogue.federation))
            let hello = Hello(instance: [UInt8](repeating: 1, count: 16), addresses: [], position: nil)
            try await connection.send(ControlMessage.hello(hello).encoded())
            let message = ControlMessage.runEnd(RunEnd(outcome: .complete, sentence: "over")).encoded()
            for _ in 0..<PartySession.refusalsMax { try await connection.send(message) }
            for try await _ in connection.events {}
            #expect(connection.end == .closed(.violation))
        }
        #expect(counters["messages.rejected"] == PartySession.refusalsMax)
    }

    /// A member that is slow to say Hello, as its machine is busy, is let go after ten seconds and may come back: only who is
    /// no member is told so, which ends its program.
    @Test func aMemberThatSaysNothingMayComeBack() async throws {
        _ = try await attack { server, port in
            let slow = try await server.join(server.invite("slow"), key: .generate(), port: port)
            let connection = try await dial(
                host: "127.0.0.1", port: port, identity: slow.tlsIdentity,
                expecting: .coordinator(federation: slow.federation))
            for try await _ in connection.events {}
            #expect(connection.end == .closed(.done))
        }
    }

    @Test func randomFramesOfStrangersWhoEnrolChangeNothing() async throws {
        let counters = try await attack { server, port in
            try await sendFrames(2_000, port, nil, .enrolment, try server.state.identity().authority)
        }
        #expect(counters.filter { $0.key.hasPrefix("frames.") }.values.reduce(0, +) > 10)
    }

    private func sendFrames(
        _ total: Int, _ port: Int, _ identity: TLSIdentity?, _ alpn: ApplicationProtocol, _ authority: Certificate
    ) async throws {
        var generator = SeededNumbers(5)
        var sent = 0
        while sent < total {
            let stranger = try await RawStranger(port: port, as: identity, alpn: alpn, authority: authority)
            _ = await stranger.sendWelcome()
            if identity != nil, Bool.random(using: &generator) {
                let hello = Hello(instance: [UInt8](repeating: 1, count: 16), addresses: [], position: nil)
                let message = ControlMessage.hello(hello).encoded()
                let length = UInt32(message.count + 1)
                _ = await stranger.send(
                    (0..<4).map { UInt8(truncatingIfNeeded: length >> (24 - 8 * $0)) } + [1] + message)
            }
            // Several at a time, as most connections end at the first frame that is none.
            for _ in 0..<5 {
                sent += 20
                let frames = (0..<20).flatMap { _ in RawStranger.randomFrame(using: &generator) }
                guard await stranger.send(frames) else { break }
            }
            await stranger.close()
        }
    }

    @Test func halfOpenHandshakesKeepNobodyOut() async throws {
        _ = try await attack { server, port in
            let member = try await server.join(server.invite("late"), key: .generate(), port: port)
            var silent: [any Channel] = []
            for _ in 0..<300 {
                silent.append(
                    try await ClientBootstrap(group: MultiThreadedEventLoopGroup.singleton)
                        .connect(host: "127.0.0.1", port: port).get())
            }
            #expect(try await !isRefused(member.tlsIdentity, server, port))
            for channel in silent { try? await channel.close() }
        }
    }

    @Test func bytesThatAreNoTLSAreCounted() async throws {
        let counters = try await attack { _, port in
            var generator = SeededNumbers(6)
            for _ in 0..<50 {
                let channel = try await ClientBootstrap(group: MultiThreadedEventLoopGroup.singleton)
                    .connect(host: "127.0.0.1", port: port).get()
                let bytes = (0..<200).map { _ in UInt8.random(in: 0...255, using: &generator) }
                try? await channel.writeAndFlush(ByteBuffer(bytes: bytes))
                try? await channel.closeFuture.get()
            }
        }
        #expect(counters["handshakes.violation"] ?? 0 > 40)
    }
}
