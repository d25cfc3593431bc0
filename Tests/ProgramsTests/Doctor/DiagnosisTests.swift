// SPDX-License-Identifier: MIT

import FoundationEssentials
import Testing

@testable import Programs

@Suite struct DiagnosisTests {
    private let checks: [Check] = [
        .ok(.keys, "only their owner can read them"),
        .warning(.peer, of: "b", "no direct path", remedy: "open the firewall", figures: ["round_trip_ms": 1.5]),
        .notChecked(.model, "no run is known", remedy: "name one"),
    ]

    private func failure() -> Check { .failed(.diskSpace, "0 B free", remedy: "make room") }

    @Test func eachCheckIsALineWithItsRemedy() throws {
        let recorder = Recorder()
        try Diagnosis(checks).end(on: Progress(style: .text, console: recorder.console()))
        #expect(
            recorder.output == """
                ok          keys: only their owner can read them
                warning     peer b: no direct path; open the firewall
                not checked model: no run is known; name one

                """)
    }

    @Test func aFailureIsAnExitCodeAndTheRestIsNot() {
        let recorder = Recorder()
        let progress = Progress(style: .text, console: recorder.console())
        #expect(throws: Never.self) { try Diagnosis(checks).end(on: progress) }
        let error = #expect(throws: ProgramError.self) { try Diagnosis(checks + [failure()]).end(on: progress) }
        #expect(error?.exit == .failed)
        #expect(error?.what == "1 of 4 checks failed")
        #expect(recorder.output.contains("failed      disk space: 0 B free; make room\n"))
    }

    @Test func quietShowsWhatIsNotAsItShouldBe() {
        let recorder = Recorder()
        let progress = Progress(style: .quiet, console: recorder.console())
        #expect(throws: Never.self) { try Diagnosis([checks[0], checks[2]]).end(on: progress) }
        #expect(recorder.output.isEmpty)
        #expect(throws: ProgramError.self) { try Diagnosis(checks + [failure()]).end(on: progress) }
        #expect(recorder.output.split(separator: "\n").count == 2)
    }

    @Test func theDocumentIsOneObjectOnOneLine() throws {
        let recorder = Recorder()
        try Diagnosis(checks).end(on: Progress(style: .json, console: recorder.console()))
        #expect(
            recorder.output == #"{"checks":[{"found":"only their owner can read them","name":"keys","state":"ok"},"#
                + #"{"figures":{"round_trip_ms":1.5},"found":"no direct path","name":"peer","#
                + #""remedy":"open the firewall","state":"warning","subject":"b"},"#
                + #"{"found":"no run is known","name":"model","remedy":"name one","state":"not_checked"}],"#
                + #""event":"result","failed":0,"not_checked":1,"ok":1,"version":1,"warning":1}"# + "\n")
    }

    /// What comes from elsewhere cannot forge a line.
    @Test func lineEndsAreTakenOut() {
        let check = Check.ok(.discovery, of: "a\nok", "found\n\u{1B}[31mok          coordinator: fine")
        #expect(check.line == "ok          discovery a ok: found [31mok          coordinator: fine")
    }

    /// Scripts rely on the names: docs/DOCTOR.md explains each.
    @Test func everyNameAndStateIsDocumented() throws {
        let root = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
            .deletingLastPathComponent().deletingLastPathComponent()
        let text = String(decoding: try Data(contentsOf: root.appending(path: "docs/DOCTOR.md")), as: UTF8.self)
        for name in Check.Name.allCases { #expect(text.contains("\n| `\(name.rawValue)` |"), "\(name)") }
        for state in Check.State.allCases { #expect(text.contains("`\(state.rawValue)`"), "\(state)") }
    }
}
