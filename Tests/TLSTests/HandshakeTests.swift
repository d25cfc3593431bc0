// SPDX-License-Identifier: MIT

import Foundation
import Primitives
import Testing

@testable import TLS

@Suite struct HandshakeTests {
    let fixture: Fixture
    let server: TLSIdentity
    let client: TLSIdentity

    init() throws {
        fixture = try Fixture()
        server = try fixture.identity()
        client = try fixture.identity(uri: "spiffe://demo/party/00")
    }

    @Test func bothSidesSeeTheOthersChainAndProtocol() throws {
        let pair = try Pair(fixture, clientIdentity: client, serverIdentity: server)
        let errors = pair.shakeHands()
        #expect(errors.client == nil && errors.server == nil)
        #expect(pair.client.isEstablished && pair.server.isEstablished)
        #expect(pair.client.peerChain.map(\.der) == server.certificateChainDER)
        #expect(pair.server.peerChain.map(\.der) == client.certificateChainDER)
        #expect(pair.client.applicationProtocol == .federation)
        #expect(pair.server.applicationProtocol == .federation)
        #expect(pair.server.cipherSuite == "TLS_AES_128_GCM_SHA256")
    }

    @Test func bytesArriveInBothDirectionsAndCloseIsSeen() throws {
        let pair = try Pair(fixture, clientIdentity: client, serverIdentity: server)
        _ = pair.shakeHands()
        let message = SecureRandom.bytes(100_000)
        try pair.client.write(bytes: message)
        pair.deliver(pair.client, pair.server)
        #expect(try pair.server.readBytes() == (message, .needsMoreBytes))
        try pair.server.write(bytes: [1, 2, 3])
        pair.server.close()
        pair.deliver(pair.server, pair.client)
        #expect(try pair.client.readBytes(space: 2) == ([1, 2], .spaceExhausted))
        #expect(try pair.client.readBytes() == ([3], .closed))
        #expect(throws: TLSError.sessionEnded) { try pair.server.write(bytes: [4]) }
    }

    /// Ciphertext is read where it lies and written where there is room, whatever the cuts; the rest waits.
    @Test(arguments: [1, 21, 16_406, 50_000])
    func bytesArriveInPieces(size: Int) throws {
        let pair = try Pair(fixture, clientIdentity: client, serverIdentity: server)
        _ = pair.shakeHands()
        let message = SecureRandom.bytes(40_000)
        var wire: [UInt8] = []
        var room = [UInt8](repeating: 0, count: size)
        var isWritten = false
        repeat {
            room.withUnsafeMutableBytes { buffer in
                var output = OutputRawSpan(buffer: buffer, initializedCount: 0)
                pair.client.drain(into: &output) {
                    if !isWritten { try? pair.client.write(bytes: message) }
                }
                wire += buffer[..<output.finalize(for: buffer)]
            }
            isWritten = true
        } while pair.client.pendingCount > 0
        #expect(wire.count == TLSSession.ciphertextCountMax(of: message.count))
        var received: [UInt8] = []
        for start in stride(from: 0, to: wire.count, by: size) {
            pair.server.receive(wire[start..<min(start + size, wire.count)].span.bytes) {
                // Every second time nothing is taken.
                guard start / size % 2 == 1 else { return }
                received += (try? pair.server.readBytes().bytes) ?? []
            }
        }
        received += try pair.server.readBytes().bytes
        #expect(received == message)
    }

    /// Whoever knows no more than a fingerprint has to be shown the root; whoever has it already is spared it.
    @Test func aRootIsSentToEnrollingClientsAlone() throws {
        let trust = TLSTrust.authority(fingerprint: fixture.authority.fingerprint)
        let enrolling = try Pair(
            fixture, clientIdentity: nil, serverIdentity: server, offering: .enrolment, trust: trust)
        #expect(enrolling.shakeHands().client == nil)
        #expect(enrolling.client.peerChain.map(\.der) == server.certificateChainDER)
        let member = try Pair(fixture, clientIdentity: client, serverIdentity: server, trust: trust)
        #expect(
            member.shakeHands().client
                == .certificateRejected(.wrongAuthority(expected: fixture.authority.fingerprint)))
    }

    /// An authority between leaf and root has the names of its issuer in a change of keys; it is no root for that.
    @Test func whatLeadsToAnAnchorIsSent() throws {
        let successor = try SigningKey.generate()
        let now = Int64(Date().timeIntervalSince1970)
        func template(_ subject: String, uris: [String] = [], isAuthority: Bool = false) -> CertificateTemplate {
            CertificateTemplate(
                subject: subject, uris: uris, isAuthority: isAuthority, notBefore: now - 60, notAfter: now + 600)
        }
        let bridge = try Certificate.issue(
            template("demo CA", isAuthority: true), publicKey: successor.publicKey, issuer: fixture.authority,
            signer: fixture.key)
        let key = try SigningKey.generate()
        let leaf = try Certificate.issue(
            template("leaf", uris: ["spiffe://demo/coordinator"]), publicKey: key.publicKey, issuer: bridge,
            signer: successor)
        let identity = TLSIdentity(
            certificateChainDER: [leaf.der, bridge.der], key: key, trustAnchors: [fixture.authority])
        let pair = try Pair(fixture, clientIdentity: client, serverIdentity: identity)
        #expect(pair.shakeHands().client == nil)
        #expect(pair.client.peerChain.map(\.der) == [leaf.der, bridge.der, fixture.authority.der])
    }

    @Test func noTicketFollowsTheHandshake() throws {
        let pair = try Pair(fixture, clientIdentity: client, serverIdentity: server)
        _ = pair.shakeHands()
        #expect(pair.server.pendingCount == 0 && pair.deliver(pair.server, pair.client) == 0)
    }

    @Test func exportedKeyingMaterialIsTheSameOnBothSidesAndBoundToLabelAndContext() throws {
        let pair = try Pair(fixture, clientIdentity: client, serverIdentity: server)
        #expect(throws: TLSError.self) { try pair.client.exportKeyingMaterial(label: "x", context: [], count: 32) }
        _ = pair.shakeHands()
        let mine = try pair.client.exportKeyingMaterial(label: "EXPORTER-summand", context: [7], count: 48)
        #expect(mine.count == 48)
        #expect(try pair.server.exportKeyingMaterial(label: "EXPORTER-summand", context: [7], count: 48) == mine)
        #expect(try pair.server.exportKeyingMaterial(label: "EXPORTER-summand", context: [8], count: 48) != mine)
        #expect(try pair.server.exportKeyingMaterial(label: "EXPORTER-other", context: [7], count: 48) != mine)
        #expect(throws: TLSError.self) { try pair.client.exportKeyingMaterial(label: "x", context: [], count: 0) }
        #expect(throws: TLSError.self) { try pair.client.exportKeyingMaterial(label: "x", context: [], count: 9_000) }
    }

    @Test func damagedRecordIsAViolation() throws {
        let pair = try Pair(fixture, clientIdentity: client, serverIdentity: server)
        _ = pair.shakeHands()
        try pair.client.write(bytes: [1, 2, 3])
        var bytes = pair.client.drained()
        bytes[bytes.count - 1] ^= 1
        pair.server.receive(bytes.span.bytes)
        let error = #expect(throws: TLSError.self) { try pair.server.readBytes() }
        guard case .violation(let stack) = error else { Issue.record("\(String(describing: error))"); return }
        #expect(!stack.entries.isEmpty)
        #expect(pair.server.pendingCount > 0, "the alert is on its way")
    }

    @Test func bytesThatAreNotTLSAreAViolation() throws {
        let pair = try Pair(fixture, clientIdentity: client, serverIdentity: server)
        pair.server.receive(Array("GET / HTTP/1.1\r\n\r\n".utf8).span.bytes)
        #expect(throws: TLSError.self) { try pair.server.advanceHandshake() }
        #expect(throws: TLSError.sessionEnded) { try pair.server.advanceHandshake() }
    }

    @Test func keyOfAnotherCertificateIsRefusedAtSetUp() throws {
        let wrong = TLSIdentity(
            certificateChainDER: server.certificateChainDER, key: client.key, trustAnchors: [fixture.authority])
        #expect(throws: TLSError.self) { try TLSContext(serving: [.federation], as: wrong) { _ in nil } }
        let garbage = TLSIdentity(certificateChainDER: [[1, 2]], key: client.key, trustAnchors: [fixture.authority])
        #expect(throws: TLSError.self) { try TLSContext(serving: [.federation], as: garbage) { _ in nil } }
    }
}
