// SPDX-License-Identifier: MIT

import FoundationEssentials
import Testing

@testable import Programs

struct SettingsTests {
    private let known = SettingKey.allCases.map(\.rawValue)

    private func settings(_ toml: String?, _ environment: [String: String] = [:]) throws -> Settings {
        try Settings(
            read: try toml.map { try TOMLFile($0, path: "config.toml", known: known) }, environment: environment)
    }

    private func usageLine(_ body: () throws -> some Any) -> String? {
        do {
            _ = try body()
            return nil
        } catch let error as ProgramError where error.exit == .usage {
            return error.line
        } catch {
            return "another error: \(error)"
        }
    }

    @Test func theOptionWinsOverTheEnvironmentOverTheFileOverTheDefault() throws {
        let file = "rounds = 3"
        let variable = ["SUMMAND_ROUNDS": "4"]
        #expect(try settings(file, variable).value(5, .rounds, default: 2) == 5)
        #expect(try settings(file, variable).value(nil, .rounds, default: 2) == 4)
        #expect(try settings(file).value(nil, .rounds, default: 2) == 3)
        #expect(try settings(nil).value(nil, .rounds, default: 2) == 2)
    }

    @Test func theFileHoldsEveryTypeOfValue() throws {
        let settings = try settings(
            """
            # a comment
            cohort_wait = "90s"
            seed = 7
            learning_rate = 0.01
            discovery = false
            listen = "[::1]:7443"
            """)
        #expect(try settings.value(nil, .cohortWait, default: DurationOption(.zero)).duration == .seconds(90))
        #expect(try settings.value(UInt64?.none, .seed, default: 1) == 7)
        #expect(try settings.value(Double?.none, .learningRate, default: 1) == 0.01)
        #expect(try settings.value(nil, .discovery, default: SwitchOption.on) == .off)
        #expect(try settings.required(HostPort?.none, .listen) == HostPort(host: "::1", port: 7443))
    }

    @Test func anUnknownKeyIsNamedWithItsLineAndTheNearestKey() {
        #expect(
            usageLine { try settings("seed = 1\n\ncohort_wiat = \"1s\"\n") }
                == "config.toml:3: unknown key \"cohort_wiat\"; did you mean \"cohort_wait\"?")
    }

    @Test func aKeyOfAnUnknownTableIsNamedWithItsLine() {
        #expect(
            usageLine { try settings("[server]\nrounds = 1\n") }?.hasPrefix(
                "config.toml:2: unknown key \"server.rounds\"") == true)
    }

    @Test func anUnknownVariableIsNamed() {
        #expect(
            usageLine { try settings(nil, ["SUMMAND_ROUND": "1"]) }
                == "environment variable SUMMAND_ROUND: no setting has this name; did you mean SUMMAND_ROUNDS?")
        #expect(usageLine { try settings(nil, ["OTHER_ROUND": "1"]) } == nil)
    }

    @Test func aWrongValueIsNamedWithItsOrigin() throws {
        let file = try settings("\nrounds = \"many\"\n")
        #expect(
            usageLine { try file.value(Int?.none, .rounds, default: 1) }
                == "config.toml:2: rounds: \"many\" is not valid, expected a whole number")
        let variable = try settings(nil, ["SUMMAND_COHORT_WAIT": "120"])
        #expect(
            usageLine { try variable.optional(DurationOption?.none, .cohortWait) }
                == "SUMMAND_COHORT_WAIT: \"120\" is not valid, expected a duration such as 120s, 2m or 500ms")
    }

    @Test func aRequiredSettingSaysAllThePlacesToGiveIt() throws {
        let settings = try settings("seed = 1")
        #expect(
            usageLine { try settings.required(String?.none, .federation) }
                == "--federation is required; give it, or set SUMMAND_FEDERATION, or federation in config.toml")
    }

    @Test func textThatIsNotTOMLIsNamedWithItsLine() {
        #expect(usageLine { try settings("seed = 1\nseed 2\n") }?.hasPrefix("config.toml:2: not valid TOML") == true)
        #expect(usageLine { try settings("seed = 1979-05-27\n") }?.hasPrefix("config.toml:1: \"seed\"") == true)
    }

    @Test func aMissingFileIsAnEmptyLayer() throws {
        let settings = try Settings(file: "/nonexistent/config.toml", environment: [:])
        #expect(try settings.value(nil, .rounds, default: 15) == 15)
    }

    @Test func aFileDecodesAsAWhole() throws {
        struct Policy: Decodable, Equatable {
            var floor: Int
            var encodings: [String]
        }
        let known = ["floor", "encodings"]
        let file = try TOMLFile("floor = 3\nencodings = [\"exact\"]", path: "policy.toml", known: known)
        #expect(try file.decode(Policy.self) == Policy(floor: 3, encodings: ["exact"]))
        let wrong = try TOMLFile("floor = \"x\"\nencodings = []", path: "policy.toml", known: known)
        #expect(usageLine { try wrong.decode(Policy.self) } == "policy.toml:1: \"floor\" cannot hold \"x\"")
        let missing = try TOMLFile("floor = 1", path: "policy.toml", known: known)
        #expect(usageLine { try missing.decode(Policy.self) } == "policy.toml: key \"encodings\" is missing")
    }

    @Test func suggestionsAreNearOrAbsent() {
        #expect(Suggestion.nearest(to: "ruonds", among: known) == "rounds")
        #expect(Suggestion.nearest(to: "xyzzy", among: known) == nil)
        #expect(Suggestion.distance("", "abc") == 3)
        #expect(Suggestion.distance("wiat", "wait") == 1)
        #expect(Suggestion.distance("kitten", "sitting") == 3)
    }
}
