// SPDX-License-Identifier: MIT

import Foundation
import Primitives

@testable import TLS

/// A certificate authority with leaves of any validity, made at run time.
struct Fixture {
    let key: SigningKey
    let authority: Certificate

    init(name: String = "demo") throws {
        key = try SigningKey.generate()
        let now = Int64(Date().timeIntervalSince1970)
        authority = try Certificate.issue(
            CertificateTemplate(
                subject: "\(name) CA", isAuthority: true, notBefore: now - 3_600, notAfter: now + 3_600),
            publicKey: key.publicKey, issuer: nil, signer: key)
    }

    /// An identity whose leaf is valid from and to the given seconds from now.
    func identity(
        uri: String = "spiffe://demo/coordinator", from: Int64 = -60, to: Int64 = 600, withAuthority: Bool = true
    ) throws -> TLSIdentity {
        let leafKey = try SigningKey.generate()
        let now = Int64(Date().timeIntervalSince1970)
        let leaf = try Certificate.issue(
            CertificateTemplate(subject: "leaf", uris: [uri], notBefore: now + from, notAfter: now + to),
            publicKey: leafKey.publicKey, issuer: authority, signer: key)
        return TLSIdentity(
            certificateChainDER: withAuthority ? [leaf.der, authority.der] : [leaf.der], key: leafKey,
            trustAnchors: [authority])
    }
}

/// A client and a server session joined by nothing but arrays.
struct Pair {
    let client: TLSSession
    let server: TLSSession

    init(client: TLSContext, server: TLSContext) throws {
        self.client = try client.makeSession()
        self.server = try server.makeSession()
    }

    /// Both ends accept every leaf of the fixture's authority unless told otherwise.
    init(
        _ fixture: Fixture, clientIdentity: TLSIdentity?, serverIdentity: TLSIdentity,
        offering: ApplicationProtocol = .federation, serving: [ApplicationProtocol] = [.federation, .enrolment],
        trust: TLSTrust? = nil, clientPolicy: @escaping TLSContext.CertificatePolicy = { _ in nil },
        serverPolicy: @escaping TLSContext.CertificatePolicy = { _ in nil }
    ) throws {
        try self.init(
            client: TLSContext(
                offering: offering, as: clientIdentity, trust: trust ?? .anchors([fixture.authority]),
                policy: clientPolicy),
            server: TLSContext(serving: serving, as: serverIdentity, policy: serverPolicy))
    }

    /// What each side's handshake came to: nil when it completed.
    func shakeHands() -> (client: TLSError?, server: TLSError?) {
        var errors: (client: TLSError?, server: TLSError?) = (nil, nil)
        for _ in 0..<8 {
            if errors.client == nil { errors.client = step(client, to: server) }
            if errors.server == nil { errors.server = step(server, to: client) }
        }
        return errors
    }

    private func step(_ from: TLSSession, to: TLSSession) -> TLSError? {
        var failure: TLSError?
        do throws(TLSError) {
            _ = try from.advanceHandshake()
        } catch {
            failure = error
        }
        deliver(from, to)
        return failure
    }

    /// Carries pending bytes from one side to the other; returns how many.
    @discardableResult
    func deliver(_ from: TLSSession, _ to: TLSSession) -> Int {
        let bytes = from.drained()
        to.receive(bytes.span.bytes)
        return bytes.count
    }
}

extension TLSSession {
    func write(bytes: [UInt8]) throws { try write(bytes.span.bytes) }

    /// Takes all pending bytes.
    func drained() -> [UInt8] {
        let count = pendingCount
        var bytes = [UInt8](repeating: 0, count: count)
        bytes.withUnsafeMutableBytes { buffer in
            var output = OutputRawSpan(buffer: buffer, initializedCount: 0)
            drain(into: &output)
            _ = output.finalize(for: buffer)
        }
        return bytes
    }

    /// Reads at most `space` bytes.
    func readBytes(space: Int = 1 << 20) throws -> (bytes: [UInt8], outcome: ReadOutcome) {
        var bytes = [UInt8](repeating: 0, count: space)
        var outcome = ReadOutcome.needsMoreBytes
        let count = try bytes.withUnsafeMutableBytes { buffer in
            var output = OutputRawSpan(buffer: buffer, initializedCount: 0)
            defer { output = OutputRawSpan() }
            outcome = try read(into: &output)
            return output.byteCount
        }
        return (Array(bytes.prefix(count)), outcome)
    }
}
