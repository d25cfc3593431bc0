// SPDX-License-Identifier: MIT

import Foundation
import Reporting
import Testing

@testable import Compare

struct RunFolderTests {
    @Test func aReportBelongsWhereAllRunsAre() throws {
        #expect(try RunFolder.common(["/m/latest/normal", "/m/latest/smpc/"]) == "/m/latest")
        #expect(try RunFolder.common(["/m/a/normal", "/m/b/smpc", "/m/b/normal"]) == "/m")
        #expect(try RunFolder.common(["/m/latest/../latest/normal", "/m/./latest/smpc"]) == "/m/latest")
        #expect(throws: RunFolder.Failure.nothingInCommon) { try RunFolder.common(["/a/normal", "/b/smpc"]) }
    }

    @Test func labelsLieBesideTheRunsOrInThem() async throws {
        try await TestRuns.with { runs in
            #expect(try RunFolder.labels(of: runs.plain) == nil)
            try LabelCounts([[1, 2]]).csv.write(
                toFile: runs.directory + "/labels.csv", atomically: true, encoding: .utf8)
            #expect(try RunFolder.labels(of: runs.plain) == LabelCounts([[1, 2]]))
            try LabelCounts([[3]]).csv.write(toFile: runs.plain + "/labels.csv", atomically: true, encoding: .utf8)
            #expect(try RunFolder.labels(of: runs.plain) == LabelCounts([[3]]))
        }
    }

    @Test func oneRunIsNotEnough() {
        #expect(throws: (any Error).self) { try Compare.parse(["a"]) }
        #expect(throws: (any Error).self) { try Compare.parse(["a", "b", "--report", "c", "--no-report"]) }
        #expect(throws: (any Error).self) { try Compare.parse(["a", "b", "--report", ""]) }
        #expect(throws: Never.self) { try Compare.parse(["a", "b", "c"]) }
    }

    @Test(arguments: [(0.001, 0), (0.03, 3)]) func aBrokenBoundEndsWithExitCode3(error: Double, code: Int32)
        async throws
    {
        try await TestRuns.with { runs in
            var record = try RunReader.read(directory: runs.secure).rounds[0]
            (record.encoding, record.errorBound, record.errorMeasured) = ("9", 0.02, error)
            var (plain, secure) = (
                try RunReader.read(directory: runs.plain), try RunReader.read(directory: runs.secure)
            )
            plain = RunRecords(directory: runs.plain, summary: plain.summary, rounds: [record])
            var summary = secure.summary
            summary.description.encoding = "9"
            secure = RunRecords(directory: runs.secure, summary: summary, rounds: [record])
            #expect(Compare.worstCode(RunReport([plain, secure])) == code)
        }
    }

    @Test func picturesNeedARenderer() async throws {
        #expect(PictureRenderer.installed(path: "/nonexistent:") == nil)
        #expect(PictureRenderer.installed(path: nil) == nil)
        try await TestRuns.with { runs in
            let program = runs.directory + "/rsvg-convert"
            try "#!/bin/sh\necho \"$*\" >\"$4\"\n[ -s \"$5\" ]\n".write(
                toFile: program, atomically: true, encoding: .utf8)
            try FileManager.default.setAttributes([.posixPermissions: 0o755], ofItemAtPath: program)
            let renderer = try #require(PictureRenderer.installed(path: "/nonexistent:" + runs.directory))
            let (svg, png) = (runs.plain + "/summary.json", runs.directory + "/a.png")
            try renderer.render(svg: svg, png: png)
            #expect(try String(contentsOfFile: png, encoding: .utf8) == "--zoom 2 --output \(png) \(svg)\n")
            #expect(throws: PictureRenderer.Failure(svg: "/nonexistent", code: 1)) {
                try renderer.render(svg: "/nonexistent", png: png)
            }
        }
    }
}
