// SPDX-License-Identifier: MIT

import Foundation
import Identity
import Programs
import Storage
import Testing

/// `smpc-client doctor` as a site's engineer calls it.
@Suite(.timeLimit(.minutes(10))) struct SiteDoctorTests {
    static let data = ["--dataset", "synthetic:600,8,3", "--part", "0/3"]
    /// A port where nobody listens: the one for discarding is taken nowhere by now.
    static let nobody = ["--server", "127.0.0.1:9", "--discovery", "off"]

    /// Calls it and takes its document apart.
    static func call(
        _ bench: Workbench, _ arguments: [String], program: String = "smpc-client", prefix: [String] = []
    ) async throws -> (code: Int32?, report: DoctorReport) {
        let answer = try await bench.call(program, ["doctor", "--json"] + arguments, prefix: prefix)
        let line = answer.lines.first { $0.hasPrefix("{") }
        return (answer.code, try DoctorReport(String(try #require(line, "\(answer.output)"))))
    }

    @Test func withoutAServerEverythingElseIsChecked() async throws {
        let bench = try await Workbench()
        let (code, report) = try await Self.call(bench, ["--state", "@site"] + Self.nobody + Self.data)
        #expect(code == 1)
        #expect(report.failed.map(\.name) == ["coordinator"])
        let coordinator = try #require(report["coordinator"])
        #expect(coordinator.subject == "127.0.0.1:9")
        #expect(coordinator.found.contains("Connection refused"))
        #expect(coordinator.remedy?.contains("start the coordinator") == true)
        for name in ["state", "in_use", "keys", "certificate", "authority", "record", "data", "disk_space"] {
            #expect(report[name]?.state == "ok", "\(name): \(report[name]?.found ?? "")")
        }
        for name in ["model", "multicast", "discovery", "clock", "peer"] {
            #expect(report[name]?.state == "not_checked", "\(name)")
            #expect(report[name]?.remedy?.isEmpty == false, "\(name)")
        }
    }

    @Test func linesForPeopleSayTheSame() async throws {
        let bench = try await Workbench()
        let answer = try await bench.call(
            "smpc-client", ["doctor", "--state", "@site"] + Self.nobody + Self.data)
        #expect(answer.code == 1)
        #expect(answer.lines.contains { $0.hasPrefix("ok          keys: ") }, "\(answer.output)")
        #expect(answer.lines.contains { $0.hasPrefix("failed      coordinator 127.0.0.1:9: cannot connect") })
        #expect(
            answer.lines.contains {
                $0 == "smpc-client: 1 of 15 checks failed; do what their lines say, and call it again"
            })
    }

    @Test func nothingChangesInTheStateDirectory() async throws {
        let bench = try await Workbench()
        let (before, facts) = (try Self.contents(of: bench.path("site")), try Self.facts(of: bench.path("site")))
        for _ in 0..<2 { _ = try await Self.call(bench, ["--state", "@site"] + Self.nobody + Self.data) }
        #expect(try Self.contents(of: bench.path("site")) == before)
        #expect(try Self.facts(of: bench.path("site")) == facts)
        #expect(before.count > 3)
    }

    /// The bytes of every file but the database, by path: SQLite counts there how often it was opened.
    private static func contents(of directory: String) throws -> [String: Data] {
        var contents: [String: Data] = [:]
        for path in try FileManager.default.subpathsOfDirectory(atPath: directory)
        where !path.hasPrefix(MemberStore.fileName) {
            contents[path] = FileManager.default.contents(atPath: "\(directory)/\(path)")
        }
        return contents
    }

    /// What the database says.
    private static func facts(of directory: String) throws -> [[UInt8]?] {
        let store = try MemberStore(path: "\(directory)/\(MemberStore.fileName)")
        defer { try? store.close() }
        return try store.facts().map(\.body) + [
            store.memberRecord(), store.instance(), store.value("coordinator_address"),
        ]
    }

    @Test func aCertificateThatHasExpiredFails() async throws {
        let bench = try await Workbench(joinedAt: Int64(Date.now.timeIntervalSince1970) - 366 * 86_400)
        let (code, report) = try await Self.call(bench, ["--state", "@site"] + Self.nobody + Self.data)
        #expect(code == 1)
        #expect(report["certificate"]?.state == "failed")
        #expect(report["certificate"]?.found.hasPrefix("expired on ") == true)
        #expect(report["certificate"]?.remedy?.contains("in the same directory: key and records stay") == true)
        #expect(report["authority"]?.state == "ok")
    }

    @Test func aCertificateThatEndsSoonIsWarnedAbout() async throws {
        let bench = try await Workbench(joinedAt: Int64(Date.now.timeIntervalSince1970) - 345 * 86_400)
        let (_, report) = try await Self.call(bench, ["--state", "@site"] + Self.nobody + Self.data)
        #expect(report["certificate"]?.state == "warning")
        #expect(report["certificate"]?.figures?["days_left"].map { (18...20).contains($0) } == true)
    }

    @Test func aModelThatTheDataDoNotFitFails() async throws {
        let bench = try await Workbench()
        let site = ["--state", "@site"] + Self.nobody + Self.data
        let (_, wrong) = try await Self.call(bench, site + ["--model", "softmax:9-3"])
        #expect(wrong["model"]?.state == "failed")
        #expect(
            wrong["model"]?.found == "the data have 8 features and 3 classes, the model takes 9 and tells 3 apart")
        let (_, few) = try await Self.call(bench, site + ["--model", "softmax:8-2"])
        #expect(few["model"]?.state == "failed")
        let (_, right) = try await Self.call(bench, site + ["--model", "mlp:8-5-3"])
        #expect(right["model"]?.state == "ok")
        #expect(right["model"]?.figures?["parameters"] == 63)
    }

    @Test func dataThatCannotBeUsedFail() async throws {
        let bench = try await Workbench()
        try bench.write("a,b,y\n1,2,0\n3,nan,1\n4,5,0\n", to: "holes.csv")
        try bench.write("a,b,y\n1,2,0\n3,1e60,1\n4,5,0\n1,1,0\n2,1,1\n", to: "huge.csv")
        let site = ["--state", "@site"] + Self.nobody + ["--label", "y"]
        for (name, words) in [
            ("holes.csv", "is not a finite number"), ("huge.csv", "finite number"), ("none.csv", "does not exist"),
        ] {
            let (code, report) = try await Self.call(bench, site + ["--dataset", "csv:\(bench.path(name))"])
            #expect(code == 1)
            #expect(report["data"]?.state == "failed", "\(name)")
            #expect(report["data"]?.found.contains(words) == true, "\(report["data"]?.found ?? "")")
        }
    }

    @Test func aKeyThatOthersCanReadFails() async throws {
        let bench = try await Workbench()
        chmod(bench.path("site/key.pem"), 0o644)
        let (_, report) = try await Self.call(bench, ["--state", "@site"] + Self.nobody + Self.data)
        #expect(report["keys"]?.state == "failed")
        #expect(report["keys"]?.remedy?.contains("chmod 600") == true)
    }

    @Test func whoHasNotJoinedIsToldTo() async throws {
        let bench = try await Workbench()
        try FileManager.default.createDirectory(atPath: bench.path("new"), withIntermediateDirectories: true)
        let (code, report) = try await Self.call(bench, ["--state", "@new"] + Self.nobody + Self.data)
        #expect(code == 1)
        #expect(report["certificate"]?.remedy?.hasPrefix("join first") == true)
        #expect(report["data"]?.state == "ok")
        let answer = try await bench.call("smpc-client", ["doctor", "--state", "@none"])
        #expect(answer.code == 64)
        #expect(answer.output.contains("@none: no such directory"))
    }

    @Test func anOlderCopyOfTheRecordFails() async throws {
        let bench = try await Workbench()
        try FileManager.default.removeItem(atPath: bench.path("site/keys/record.seal"))
        let (code, report) = try await Self.call(bench, ["--state", "@site"] + Self.nobody + Self.data)
        #expect(code == 1)
        #expect(report["record"]?.state == "failed")
        #expect(report["record"]?.found.contains("cannot be told from an older copy") == true)
    }
}

/// The document that `doctor --json` prints.
struct DoctorReport: Decodable {
    struct Entry: Decodable {
        let name: String
        let subject: String?
        let state: String
        let found: String
        let remedy: String?
        let figures: [String: Double]?
    }

    let version: Int
    let checks: [Entry]

    init(_ line: String) throws { self = try JSONDecoder().decode(Self.self, from: Data(line.utf8)) }

    subscript(name: String) -> Entry? { checks.first { $0.name == name } }

    var failed: [Entry] { checks.filter { $0.state == "failed" } }
}
