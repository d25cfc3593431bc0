// SPDX-License-Identifier: MIT

import Foundation
import Identity
import Testing
import Transport

@testable import Programs

struct OptionTests {
    @Test(arguments: [
        ("120s", Duration.seconds(120)), ("2m", .seconds(120)), ("500ms", .milliseconds(500)), ("0s", .zero),
        ("1.5h", .seconds(5400)), ("2d", .seconds(172_800)), ("0.25s", .milliseconds(250)),
    ]) func durationsAreRead(text: String, expected: Duration) {
        #expect(DurationOption(text)?.duration == expected)
    }

    @Test(arguments: ["", "s", "12", "-1s", "1.2.3s", "1 s", "2w", "366d", "1e3s", "infs", "9000h", ".5s", "١s"])
    func otherDurationsAreRefused(text: String) {
        #expect(DurationOption(text) == nil)
    }

    @Test(arguments: ["120s", "500ms", "0s", "24h"]) func durationsReadBackWhatTheyWrite(text: String) {
        #expect(DurationOption(text)?.description == text)
    }

    @Test(arguments: [
        ("localhost:7443", "localhost", UInt16(7443)), ("127.0.0.1:0", "127.0.0.1", 0),
        ("[::1]:65535", "::1", 65535), ("[fe80::1%eth0]:1", "fe80::1%eth0", 1), ("a.b-c:80", "a.b-c", 80),
    ]) func endpointsAreRead(text: String, host: String, port: UInt16) {
        #expect(HostPort(text) == HostPort(host: host, port: port))
        #expect(HostPort(text)?.description == text)
    }

    @Test(arguments: [
        "", "localhost", ":80", "host:", "host:65536", "host:-1", "host:+1", "::1:80", "[::1]", "[]:80", "[abc]:80",
        "a b:80", "http://x:80", "[::1:80",
    ]) func otherEndpointsAreRefused(text: String) {
        #expect(HostPort(text) == nil)
    }

    @Test func partsAreReadAndBounded() {
        #expect(PartOption(argument: "0/10") == PartOption(index: 0, count: 10))
        #expect(PartOption(argument: "9/10")?.description == "9/10")
        for text in ["10/10", "-1/10", "0/0", "1", "1/2/3", "/", "a/b", "0/1000001", ""] {
            #expect(PartOption(argument: text) == nil, "\(text)")
        }
    }

    @Test func interfacesAreRead() {
        #expect(InterfaceOption(argument: "lo") == .loopback)
        #expect(InterfaceOption(argument: "all") == .all)
        #expect(InterfaceOption(argument: "eth0,wlan0") == .named(["eth0", "wlan0"]))
        #expect(InterfaceOption(argument: "eth0,") == nil)
        #expect(InterfaceOption(argument: "a-name-too-long-for-linux") == nil)
    }

    @Test func quietContradictsVerboseAndJSON() {
        #expect(throws: (any Error).self) { try OutputOptions.parse(["--quiet", "--json"]) }
        #expect(throws: (any Error).self) { try OutputOptions.parse(["--quiet", "--verbose"]) }
        #expect(throws: Never.self) { try OutputOptions.parse(["--json", "--verbose"]) }
    }

    @Test func withoutMulticastAnAddressIsNeeded() throws {
        let settings = try Settings(read: nil, environment: [:])
        #expect(throws: ProgramError.self) { try NetworkOptions.parse(["--discovery", "off"]).resolved(settings) }
        let resolved = try NetworkOptions.parse(["--discovery", "off", "--server", "a:1"]).resolved(settings)
        #expect(resolved.server == HostPort(host: "a", port: 1))
        #expect(resolved.wait == .seconds(30))
    }

    @Test(arguments: ["p:3128", "http://p:3128", "HTTP://p:3128/", "http://[::1]:3128"])
    func aProxyIsAnAddress(text: String) throws {
        let settings = try Settings(read: nil, environment: [:])
        let resolved = try NetworkOptions.parse(["--proxy", text]).resolved(settings)
        #expect(resolved.proxy == HTTPProxy(host: text.contains("::1") ? "::1" : "p", port: 3_128))
        #expect(try NetworkOptions.parse([]).resolved(settings).proxy == nil)
    }

    @Test(arguments: ["p", "p:0", "https://p:1", "http://p", "p:1/x", ":1"])
    func whatIsNoProxyIsRefused(text: String) {
        #expect(ProxyOption(text) == nil)
    }

    /// What stands in front of an @ is a password, and messages end up in logs.
    @Test(arguments: ["http://me:sesame@p:3128", "me:sesame@p", "sesame@p:x"])
    func credentialsInAnAddressAreRefusedAndNotRepeated(text: String) throws {
        let settings = try Settings(read: nil, environment: [:])
        let error = #expect(throws: ProgramError.self) {
            try NetworkOptions.parse(["--proxy", text]).resolved(settings)
        }
        let said = "\(String(describing: error)) \(error?.line ?? "")"
        #expect(said.contains("--proxy-credentials"))
        #expect(!said.contains("sesame"))
        let environment = try Settings(read: nil, environment: ["SUMMAND_PROXY": text])
        #expect(throws: ProgramError.self) { try NetworkOptions.parse([]).resolved(environment) }
    }

    @Test func credentialsOfAProxyComeFromAFile() throws {
        let file = FileManager.default.temporaryDirectory.appending(path: "proxy-\(UUID().uuidString)").path
        defer { try? FileManager.default.removeItem(atPath: file) }
        try PrivateFile.write("me:open sesame\n", to: file)
        let settings = try Settings(read: nil, environment: ["SUMMAND_PROXY_CREDENTIALS": file])
        let resolved = try NetworkOptions.parse(["--proxy", "p:1"]).resolved(settings)
        let credentials = try HTTPProxy.Credentials(text: Array("me:open sesame".utf8))
        #expect(resolved.proxy == HTTPProxy(host: "p", port: 1, credentials: credentials))
        #expect(throws: ProgramError.self) { try NetworkOptions.parse([]).resolved(settings) }
        try PrivateFile.write("no colon\n", to: file)
        let error = #expect(throws: ProgramError.self) {
            try NetworkOptions.parse(["--proxy", "p:1"]).resolved(settings)
        }
        #expect(error?.subject == file && error?.line.contains("no colon") == false)
    }

    @Test func dataDefaultsToAllOfFashionMNIST() throws {
        let resolved = try DatasetOptions.parse([]).resolved(try Settings(read: nil, environment: [:]))
        #expect(resolved.dataset == "fashion-mnist")
        #expect(resolved.part == PartOption(index: 0, count: 1))
    }
}
