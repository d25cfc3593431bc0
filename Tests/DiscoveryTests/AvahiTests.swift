// SPDX-License-Identifier: MIT

import Testing

@testable import Discovery

extension LoopbackTests {
    /// Another implementation of the same standards, on the loopback interface.
    @Suite(
        .enabled(if: Avahi.isUsable, "needs avahi-daemon, avahi-utils, dbus and mount namespaces"),
        .timeLimit(.minutes(5)))
    struct AvahiTests {
        @Test func avahiSeesUsComeAndGoAndWeSeeAvahi() async throws {
            let federation = freshFederation()
            let avahi = try Avahi(federation: federation)
            let advertisement = try ServiceAdvertisement(
                federation: federation, role: .party, id: "0123456789abcdef", port: 7443)
            let service = DiscoveryService(advertising: advertisement, interfaces: .loopback)
            try await service.start()
            let instance = try #require(await service.instance)

            func line(_ event: String) -> [String]? {
                avahi.lines.first { $0.count > 3 && $0[0] == event && $0[3] == instance }
            }
            #expect(try await holds(within: .seconds(10)) { line("=") != nil })
            let seen = line("=") ?? []
            #expect(seen.count == 10)
            if seen.count == 10 {
                #expect(seen[4] == "_smpc._tcp")
                #expect(seen[6].hasPrefix("summand-") && seen[6].hasSuffix(".local"))
                #expect(seen[7] == "127.0.0.1")
                #expect(seen[8] == "7443")
                for text in ["v=1", "fed=\(federation)", "role=party", "id=0123456789abcdef"] {
                    #expect(seen[9].contains("\"\(text)\""))
                }
            }

            let filter = DiscoveryFilter(federation: federation)
            #expect(try await holds(within: .seconds(10)) { await !service.services(matching: filter).isEmpty })
            let theirs = await service.services(matching: filter)
            #expect(theirs.map(\.role) == [.coordinator])
            #expect(theirs.map(\.id) == ["feedface"])
            #expect(theirs.map(\.port) == [7999])
            #expect(theirs.first?.addresses.contains("127.0.0.1") == true)

            await service.stop()
            #expect(try await holds(within: .seconds(5)) { line("-") != nil }, "Avahi did not hear our goodbye")
            try avahi.stop()
        }
    }
}
