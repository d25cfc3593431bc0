// SPDX-License-Identifier: MIT

import Foundation
import Identity
import Primitives
import Testing

@Suite struct SitePolicyTests {
    private func policy(_ json: String) throws -> SitePolicy {
        try JSONDecoder().decode(SitePolicy.self, from: Data(json.utf8))
    }

    @Test func anEmptyPolicyHasTheDefaults() throws {
        let policy = try policy("{}")
        #expect(policy == SitePolicy())
        #expect(policy.newMembers == .ask)
        #expect(policy.refusal(cohortMin: 0) == nil)
        #expect(policy.refusal(encodingBits: 63) == nil)
        #expect(policy.refusal(roundsToday: 1_000_000) == nil)
        #expect(policy.refusal(epochsToday: 1_000_000) == nil)
    }

    @Test(arguments: [(0, 0), (1, 1), (2, 2), (3, 2), (4, 3), (9, 6), (10, 7)])
    func membersDefaultToTwoThirdsOfTheLargestEpoch(largest: Int, minimum: Int) {
        #expect(SitePolicy().minMembers(largestEpoch: largest) == minimum)
        #expect(SitePolicy().refusal(members: minimum, largestEpoch: largest) == nil)
        #expect(SitePolicy().refusal(members: minimum - 1, largestEpoch: largest) != nil)
    }

    @Test func everyLineRefusesByName() throws {
        let hash = SHA256.hash([1])
        let policy = try policy(
            """
            {"new_members": "accept", "min_members": 4, "cohort_floor": 3, "gamma_min": 20, "gamma_max": 33,
             "encodings": ["exact", "16"],
             "initial_parameters": "\(hash.hex)", "rounds_per_day": 10, "epochs_per_day": 2}
            """)
        #expect(policy.newMembers == .accept)
        #expect(policy.refusal(members: 4, largestEpoch: 100) == nil)
        #expect(policy.refusal(members: 3, largestEpoch: 3)?.line == "min_members = 4")
        #expect(policy.refusal(cohortMin: 3) == nil)
        #expect(policy.refusal(cohortMin: 2)?.line == "cohort_floor = 3")
        #expect(policy.refusal(gammaPercent: 20) == nil && policy.refusal(gammaPercent: 33) == nil)
        #expect(policy.refusal(gammaPercent: 19)?.line == "gamma_min = 20")
        #expect(policy.refusal(gammaPercent: 34)?.description == "the site's policy refuses γ = 34 %: gamma_max = 33")
        #expect(SitePolicy().refusal(gammaPercent: 0) == nil && SitePolicy().refusal(gammaPercent: 50) == nil)
        #expect(policy.refusal(encodingBits: 63) == nil)
        #expect(policy.refusal(encodingBits: 16) == nil)
        #expect(policy.refusal(encodingBits: 8)?.line == "encodings = [\"exact\", \"16\"]")
        #expect(policy.refusal(encodingBits: 8)?.proposed == "encoding 8")
        #expect(policy.refusal(parametersFromFile: hash) == nil)
        #expect(policy.refusal(parametersFromFile: .zero)?.line == "initial_parameters = \"\(hash.hex)\"")
        #expect(policy.refusal(roundsToday: 9) == nil)
        #expect(policy.refusal(roundsToday: 10)?.line == "rounds_per_day = 10")
        #expect(policy.refusal(epochsToday: 1) == nil)
        #expect(policy.refusal(epochsToday: 2)?.line == "epochs_per_day = 2")
    }

    @Test func slotsAreJudgedByModeAndByPairs() throws {
        let ids = (1...4).map { String(repeating: "0\($0)", count: 16) }
        let pairs = try (1...4).map { try #require(PartyID(bytes: [UInt8](repeating: UInt8($0), count: 16))) }
        let slots = [0, 2].map { PinnedSlot(primary: pairs[$0], standby: pairs[$0 + 1]) }
        for mode in ["all", "sampled"] { #expect(SitePolicy().refusal(slotMode: mode, pinned: []) == nil) }
        #expect(SitePolicy().refusal(slotMode: "pinned", pinned: slots)?.line == "pinned_slots is not set")
        let one = try policy(#"{"slots": ["all"]}"#)
        #expect(one.refusal(slotMode: "all", pinned: []) == nil)
        #expect(
            one.refusal(slotMode: "sampled", pinned: [])?.description
                == "the site's policy refuses slots of mode sampled: slots = [\"all\"]")
        let pinned = try policy(#"{"pinned_slots": [["\#(ids[0])", "\#(ids[1])"], ["\#(ids[2])", "\#(ids[3])"]]}"#)
        #expect(pinned.pinnedSlots == slots)
        #expect(pinned.refusal(slotMode: "pinned", pinned: slots) == nil)
        #expect(pinned.refusal(slotMode: "sampled", pinned: []) == nil)
        #expect(
            pinned.refusal(slotMode: "pinned", pinned: slots.reversed())?.line
                == "pinned_slots = [[\"\(ids[0])\", \"\(ids[1])\"], [\"\(ids[2])\", \"\(ids[3])\"]]")
        let json = try JSONEncoder().encode(pinned)
        #expect(try JSONDecoder().decode(SitePolicy.self, from: json) == pinned)
    }

    @Test func parametersFromAFileMustBeNamed() {
        #expect(SitePolicy().refusal(parametersFromFile: .zero)?.line == "initial_parameters is not set")
    }

    @Test func isReadAsItIsWritten() throws {
        var policy = SitePolicy()
        policy.newMembers = .accept
        policy.minMembers = 5
        policy.gammaMin = 10
        policy.gammaMax = 33
        policy.encodings = ["exact"]
        policy.initialParameters = SHA256.hash([])
        let json = try JSONEncoder().encode(policy)
        #expect(try JSONDecoder().decode(SitePolicy.self, from: json) == policy)
    }

    @Test(arguments: [
        #"{"newmembers": "ask"}"#, #"{"new_members": "yes"}"#, #"{"min_members": -1}"#, #"{"min_members": "4"}"#,
        #"{"encodings": ["float"]}"#, #"{"initial_parameters": "ab"}"#, #"{"rounds_per_day": 1.5}"#, "[]",
        #"{"slots": ["half"]}"#, #"{"slots": "all"}"#, #"{"pinned_slots": [["00", "01"]]}"#,
        #"{"pinned_slots": [["00000000000000000000000000000000"]]}"#,
        #"{"pinned_slots": [["00000000000000000000000000000000", "00000000000000000000000000000000"]]}"#,
        #"{"gamma_min": 51}"#, #"{"gamma_max": -1}"#, #"{"gamma_min": 0.2}"#,
    ])
    func faultyLinesAreErrors(json: String) {
        #expect(throws: DecodingError.self) { try policy(json) }
    }
}
