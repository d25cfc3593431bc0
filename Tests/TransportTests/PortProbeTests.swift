// SPDX-License-Identifier: MIT

import Testing

@testable import Transport

@Suite(.timeLimit(.minutes(5))) struct PortProbeTests {
    @Test func aPortIsFreeOrHeldAndAProbeHoldsNone() async throws {
        let federation = try TestFederation()
        let listener = try await federation.listen()
        #expect(PortProbe(host: "127.0.0.1", port: listener.port) == .held)
        await listener.close()
        for _ in 0..<3 { #expect(PortProbe(host: "127.0.0.1", port: listener.port) == .free) }
        let again = try await Listener.bind(host: "127.0.0.1", port: listener.port, identity: federation.coordinator)
        await again.close()
    }

    @Test func anAddressOfAnotherHostIsRefused() {
        // RFC 5737: no host has it.
        #expect(PortProbe(host: "192.0.2.1", port: 7443) == .refused(reason: "Cannot assign requested address"))
        #expect(
            PortProbe(host: "no-such-host.invalid", port: 7443)
                == .refused(reason: "no address for no-such-host.invalid"))
    }
}
