// SPDX-License-Identifier: MIT

import NIOCore
import Primitives
import TLS
import Testing

@testable import Transport

/// The way through an HTTP proxy (RFC 9110, section 9.3.6; RFC 7617).
@Suite(.timeLimit(.minutes(2))) struct ProxyTests {
    let federation: TestFederation

    init() throws {
        federation = try TestFederation()
    }

    private func dial(
        _ listener: Listener, through proxy: HTTPProxy, host: String = "127.0.0.1", meter: ByteMeter? = nil,
        timeout: Duration = .seconds(60)
    ) async throws -> Connection {
        try await Transport.dial(
            host: host, port: listener.port, identity: federation.party,
            expecting: .coordinator(federation: federation.name), proxy: proxy, meter: meter, timeout: timeout)
    }

    @Test func mutualTLSRunsInsideTheTunnel() async throws {
        let listener = try await federation.listen()
        let proxy = try await TestProxy(.tunnel)
        let meter = ByteMeter()
        let client = try await dial(listener, through: HTTPProxy(host: "127.0.0.1", port: proxy.port), meter: meter)
        let server = try await listener.accept()
        #expect(client.peer?.role == .coordinator)
        #expect(server.peer?.spkiHash == federation.party.key.publicKey.spkiHash)
        #expect(client.path == .proxy("127.0.0.1:\(proxy.port)") && server.path == .direct)
        #expect(client.remoteAddress == "127.0.0.1:\(listener.port)" && client.remoteHost == nil)
        let bulk = [UInt8](repeating: 7, count: 100_000)
        try await client.send(bulk)
        #expect(try await server.message() == bulk)
        let target = "127.0.0.1:\(listener.port)"
        #expect(proxy.requests == ["CONNECT \(target) HTTP/1.1\r\nHost: \(target)\r\n\r\n"])
        // What passed the proxy is what the meter counted, the request and the answer included.
        await client.close()
        await server.close()
        #expect(try await eventually { proxy.count == meter.total })
        #expect(proxy.longestRun(of: 7) < 20, "the proxy sees ciphertext")
        await proxy.close()
        await listener.close()
    }

    /// A proxy resolves names, so that a site without a name server of its own gets through.
    @Test func theProxyResolvesTheName() async throws {
        let listener = try await federation.listen()
        let proxy = try await TestProxy(.tunnel)
        let client = try await dial(
            listener, through: HTTPProxy(host: "localhost", port: proxy.port), host: "coordinator.invalid")
        #expect(client.peer?.role == .coordinator)
        #expect(proxy.requests.first?.hasPrefix("CONNECT coordinator.invalid:\(listener.port) ") == true)
        await client.close()
        await proxy.close()
        await listener.close()
    }

    @Test func credentialsGoInTheHeaderAndNowhereElse() async throws {
        let listener = try await federation.listen()
        let proxy = try await TestProxy(.tunnel)
        // The example of RFC 7617, section 2.
        let credentials = try HTTPProxy.Credentials(text: Array("Aladdin:open sesame".utf8))
        let route = HTTPProxy(host: "127.0.0.1", port: proxy.port, credentials: credentials)
        let client = try await dial(listener, through: route)
        #expect(
            proxy.requests.first?.contains("\r\nProxy-Authorization: Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ==\r\n") == true)
        var dumped = ""
        dump(route, to: &dumped)
        for text in ["\(route)", "\(credentials)", String(reflecting: route), dumped] {
            #expect(!text.contains("Aladdin") && !text.contains("sesame") && !text.contains("QWxh"))
        }
        await client.close()
        await proxy.close()
        await listener.close()
    }

    @Test(
        arguments: [
            ("HTTP/1.1 403 Forbidden\r\n\r\n", .refused(status: 403)),
            (
                "HTTP/1.1 407 Authentication Required\r\nProxy-Authenticate: Basic realm=\"x\"\r\n\r\n",
                .authenticationFailed(schemes: ["basic"], hadCredentials: false)
            ),
            ("SSH-2.0-OpenSSH_9.2\r\n", .invalidResponse),
            ("", .closed),
            ("HTTP/1.1 200 " + String(repeating: "x", count: 9_000), .responseTooLong(maximum: 8_192)),
        ] as [(String, ProxyError)])
    func refusalIsSeenAsTheProxys(answer: String, expected: ProxyError) async throws {
        let listener = try await federation.listen()
        let proxy = try await TestProxy(.answer(answer))
        await #expect(throws: ConnectionError.proxy(expected)) {
            try await dial(listener, through: HTTPProxy(host: "127.0.0.1", port: proxy.port))
        }
        await proxy.close()
        await listener.close()
    }

    @Test func silentProxyTimesOut() async throws {
        let listener = try await federation.listen()
        let proxy = try await TestProxy(.silence)
        await #expect(throws: ConnectionError.timedOut(.seconds(1))) {
            try await dial(
                listener, through: HTTPProxy(host: "127.0.0.1", port: proxy.port), timeout: .seconds(1))
        }
        await proxy.close()
        await listener.close()
    }

    @Test func missingProxyIsNamed() async throws {
        let listener = try await federation.listen()
        let proxy = try await TestProxy(.silence)
        await proxy.close()
        let error = await #expect(throws: ConnectionError.self) {
            try await dial(listener, through: HTTPProxy(host: "127.0.0.1", port: proxy.port))
        }
        guard case .proxy(.unreachable("127.0.0.1", proxy.port, _)) = error else {
            Issue.record("\(String(describing: error))")
            return
        }
        await listener.close()
    }

    /// The certificate decides who was reached, whatever way led there.
    @Test func tunnelToSomebodyElseIsRefused() async throws {
        let other = try await TestFederation().listen()
        let proxy = try await TestProxy(.tunnel)
        await #expect(throws: ConnectionError.certificateRejected(.unknownAuthority)) {
            try await dial(other, through: HTTPProxy(host: "127.0.0.1", port: proxy.port))
        }
        await proxy.close()
        await other.close()
    }
}

/// The parts of a proxied dial that need no network.
@Suite struct ProxyMessageTests {
    private func text(_ secret: SecretBytes) -> String { String(decoding: secret.exposedBytes(), as: UTF8.self) }

    @Test func addressesOfIPv6StandInBrackets() throws {
        let request = text(try HTTPProxy(host: "p", port: 1).request(host: "2001:db8::1", port: 7_443))
        #expect(request == "CONNECT [2001:db8::1]:7443 HTTP/1.1\r\nHost: [2001:db8::1]:7443\r\n\r\n")
    }

    @Test(arguments: ["", "a b", "a\r\nX: y", "a/b", "ä", String(repeating: "a", count: 256)])
    func targetThatWouldBreakTheRequestIsRefused(target: String) {
        #expect(throws: ProxyError.targetInvalid) { try HTTPProxy(host: "p", port: 1).request(host: target, port: 7) }
    }

    @Test(arguments: ["", ":", ":b", "ab", "a:b\n", "a:\u{7f}", String(repeating: "a", count: 1_024) + ":"])
    func credentialsThatCannotBeSentAreRefused(text: String) {
        #expect(throws: ProxyError.credentialsInvalid) { try HTTPProxy.Credentials(text: Array(text.utf8)) }
    }

    @Test(arguments: [("a:", "YTo="), ("a:b", "YTpi"), ("a:bc", "YTpiYw=="), ("a:é:ü", "YTrDqTrDvA==")])
    func base64HasItsPadding(clear: String, encoded: String) throws {
        let credentials = try HTTPProxy.Credentials(text: Array(clear.utf8))
        let request = text(try HTTPProxy(host: "p", port: 1, credentials: credentials).request(host: "h", port: 2))
        #expect(request.contains("Basic \(encoded)\r\n"))
    }

    private func receive(_ text: String, piece: Int) throws -> [UInt8]? {
        var response = ProxyResponse(hadCredentials: true)
        let bytes = Array(text.utf8)
        for start in stride(from: 0, to: bytes.count, by: piece) {
            let end = min(start + piece, bytes.count)
            if let rest = try response.receive(Array(bytes[start..<end])) { return rest + bytes[end...] }
        }
        return nil
    }

    @Test(arguments: [1, 2, 5, 1_000])
    func tunnelBeginsBehindTheEmptyLine(piece: Int) throws {
        for header in [
            "HTTP/1.1 200 Connection established\r\n\r\n", "HTTP/1.0 200\r\n\r\n", "HTTP/1.1 200 OK\n\n",
            "HTTP/1.1 299 \r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n",
            "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\n\r\n",
        ] {
            #expect(try receive(header + "\u{16}\u{03}rest", piece: piece) == Array("\u{16}\u{03}rest".utf8))
            #expect(try receive(String(header.dropLast()), piece: piece) == nil)
        }
    }

    @Test(
        arguments: [
            "HTTP/2 200\r\n\r\n", "HTTP/1.1 20\r\n\r\n", "HTTP/1.1 2000\r\n\r\n", "HTTP/1.1 abc\r\n\r\n", "\r\n\r\n",
            "HTTP/1.1 999 x\r\n\r\n", "HTTP/1.1 099 x\r\n\r\n",
        ])
    func whatIsNoStatusLineIsRefused(text: String) {
        #expect(throws: ProxyError.invalidResponse) { try receive(text, piece: 1) }
    }

    @Test func interimAnswersAreBoundedTogether() {
        let many = String(repeating: "HTTP/1.1 100 Continue\r\n\r\n", count: 1_000)
        #expect(throws: ProxyError.responseTooLong(maximum: 8_192)) { try receive(many, piece: 100) }
    }

    @Test func schemesThatAreOfferedAreNamed() {
        let text = "HTTP/1.1 407 No\r\nproxy-authenticate:  Negotiate\r\nProxy-Authenticate: NTLM abc\r\n\r\n"
        let error = ProxyError.authenticationFailed(schemes: ["negotiate", "ntlm"], hadCredentials: true)
        #expect(throws: error) { try receive(text, piece: 7) }
        #expect("\(error)".contains("takes only negotiate, ntlm"))
    }
}
