// SPDX-License-Identifier: MIT

import Foundation
import Testing

/// What an operator may get wrong: each mistake ends the program with one line that says what, where and what to do,
/// and with the exit code of its kind.
@Suite struct MistakeTests {
    /// A mistake: the command line, the exit code, and what the line must hold; `@` stands for the directory.
    private typealias Mistake = (arguments: String, code: Int32, line: String)

    private func expect(_ mistakes: [Mistake], of program: String, in bench: Workbench) async throws {
        for mistake in mistakes {
            let arguments = mistake.arguments.split(separator: " ").map(String.init)
            expect(mistake, try await bench.call(program, arguments), program)
        }
    }

    private func expect(_ mistake: Mistake, _ answer: Workbench.Answer, _ program: String) {
        let comment: Comment = "\(program) \(mistake.arguments)\n\(answer.output)"
        #expect(answer.code == mistake.code, comment)
        #expect(answer.lines.count == 1, comment)
        #expect(answer.output.hasPrefix("\(program): "), comment)
        #expect(answer.output.contains(mistake.line), comment)
    }

    @Test func commandLines() async throws {
        let bench = try await Workbench()
        try await expect(
            [
                ("rnu", 64, "there is no subcommand \"rnu\"; did you mean run?"),
                ("run --state @fed --ruonds 3", 64, "--ruonds"),
                ("run --ruonds 3", 64, "--ruonds"),
                ("run --state @none", 64, "@none: no federation lies here; make it with smpc-server init --state"),
                ("run --state @site", 64, "@site: is the state of a site, not of a server; name the directory"),
                (
                    "run --state @fed --rounds x", 64,
                    "--rounds: \"x\" is not valid, expected a whole number; see smpc-server run --help"
                ),
                ("run --state @fed --rounds 0", 64, "--rounds: 0 is not in 1…"),
                ("run --state @fed --rounds -1", 64, "--rounds: -1 is not in 1…"),
                ("run --state @fed --learning-rate -1", 64, "--learning-rate: expected a number above 0"),
                ("run --state @fed --cohort -3", 64, "--cohort"),
                ("run --state @fed --cohort-wait 10", 64, "expected a duration such as 120s"),
                ("run --state @fed --listen 7443", 64, "--listen: \"7443\" is not valid, expected host:port"),
                (
                    "run --state @fed --optimizer adamm", 64,
                    "\"adamm\" is not valid, expected one of adam, momentum or sgd"
                ),
                ("run --state @fed --model mlp:10", 64, "--model: model 'mlp:10': 1 layer widths instead of"),
                (
                    "run --state @fed --interface none0", 64,
                    "--interface: no network interface is named \"none0\"; use lo"
                ),
                (
                    "run --state @fed --encoding packed", 64,
                    "no encoding is named \"packed\"; use exact or one of 7, 8, 9, 12, 16, 21, 32"
                ),
                ("run --state @fed --slots half", 64, "--slots: no slot mode is named \"half\"; there are all, pinned"),
                ("run --state @fed --slots pinned", 64, "--slots pinned: names no slots; add --pinned"),
                ("run --state @fed --pinned a+b,c+d", 64, "--pinned: is for --slots pinned; leave it out"),
                ("run --state @fed --slots pinned --pinned a+b", 64, "--pinned a: no member that has joined has this"),
                ("run --state @fed --slots pinned --pinned a", 64, "--pinned: \"a\" is not primary+standby"),
                ("run --state @fed --resume", 64, "@fed: there is no unfinished or aborted run; leave --resume out"),
                ("run --state @fed --init @none", 64, "@none: there is no such file; correct --init"),
                (
                    "run --state @fed --listen 192.0.2.1:7443", 1,
                    "192.0.2.1:7443: Cannot assign requested address; choose"
                ),
                ("run --state @fed --metrics @fed/ca.pem", 1, "@fed/ca.pem: cannot"),
                ("init --state @fed --federation test", 64, "@fed: holds a federation already; name another directory"),
                (
                    "init --state @fed/ca.pem/x --federation test", 1,
                    "cannot be written: Not a directory; name another place"
                ),
                ("init --state @new --federation a.b", 64, "\"a.b\" is not a name: use 1 to 63 letters"),
                ("invite a b --state @fed", 64, "several names need --out DIR"),
                ("invite a\u{202e}b --state @fed", 64, "is not a name: use 1 to 64 bytes of printable text"),
                ("invite a --state @fed --expires 1y", 64, "--expires: \"1y\" is not valid, expected a duration"),
                (
                    "revoke a --state @fed", 64,
                    "a: no member and no invitation has this name or ID; see smpc-server members"
                ),
            ], of: "smpc-server", in: bench)
        try await expect(
            [
                ("--state @none", 64, "@none: no such directory; join first: smpc-client join --state"),
                ("--state @fed", 64, "@fed: holds the identity of a coordinator, not of a site; name the site's"),
                ("run --state @site --server 7443", 64, "--server: \"7443\" is not valid, expected host:port"),
                ("run --state @site --part 3/3", 64, "--part: \"3/3\" is not valid, expected a part i/N"),
                ("run --state @site --discovery off", 64, "needed; give it with --server host:port"),
                ("members confirm a --state @site", 64, "a: no member has this name or ID; see: smpc-client members"),
                (
                    "run --state @site --dataset synthetic --server 127.0.0.1:1 --discovery off --wait 200ms --quiet",
                    69,
                    "127.0.0.1:1: not reached within 200ms: cannot connect to 127.0.0.1:1: Connection refused; start the server"
                ),
                (
                    "run --state @site --dataset synthetic --init @none", 64,
                    "@none: there is no such file; correct --init"
                ),
                ("run --state @site --dataset synthetic --metrics @fed/ca.pem", 1, "@fed/ca.pem: cannot"),
            ], of: "smpc-client", in: bench)
        try await expect(
            [
                ("server --state @none", 64, "@none: no federation lies here; make it with smpc-server init"),
                (
                    "server --state @fed --plain quantised --encoding exact", 64,
                    "choose the bits with --encoding, such as 16, or use --plain exact"
                ),
                ("server --state @fed --resume", 64, "@fed: no unfinished plain run lies here; leave --resume out"),
                ("client --state @none", 64, "@none: holds no identity; join first: smpc-client join"),
            ], of: "fedavg", in: bench)
        try await expect(
            [
                ("@none @none", 1, "@none/summary.json: no such file or directory; name the --metrics directory"),
                ("@none", 64, "see smpc-compare --help"),
            ], of: "smpc-compare", in: bench)
    }

    @Test func settings() async throws {
        let bench = try await Workbench()
        let run = ["run", "--state", "@fed"]
        for (variable, value, line) in [
            ("SUMMAND_RUONDS", "3", "SUMMAND_RUONDS: no setting has this name; did you mean SUMMAND_ROUNDS?"),
            ("SUMMAND_ROUNDS", "x", "SUMMAND_ROUNDS: \"x\" is not valid, expected a whole number"),
        ] {
            let answer = try await bench.call("smpc-server", run, environment: [variable: value])
            expect(("\(variable)=\(value)", 64, line), answer, "smpc-server")
        }
        for (text, line) in [
            ("# none\nruonds = 3\n", "@fed/config.toml:2: unknown key \"ruonds\"; did you mean \"rounds\"?"),
            ("rounds = \"x\"\n", "@fed/config.toml:1: rounds: \"x\" is not valid, expected a whole number"),
            ("rounds =\n", "@fed/config.toml:1: not valid TOML"),
            (
                "[run]\nrounds = 3\n",
                "@fed/config.toml:2: unknown key \"run.rounds\"; keys stand in no table: leave [run] out"
            ),
        ] {
            try bench.write(text, to: "fed/config.toml")
            expect((text, 64, line), try await bench.call("smpc-server", run), "smpc-server")
        }
        try bench.write("new_membres = \"ask\"\n", to: "site/policy.toml")
        try await expect(
            [
                (
                    "run --state @site --dataset synthetic", 64,
                    "@site/policy.toml:1: unknown key \"new_membres\"; did you mean"
                )
            ],
            of: "smpc-client", in: bench)
    }

    @Test func tokens() async throws {
        let bench = try await Workbench()
        let token = try await bench.call("smpc-server", ["invite", "a", "--state", "@fed"]).output
        let late = try await bench.call("smpc-server", ["invite", "b", "--state", "@fed", "--expires", "1s"])
        for (name, text) in [
            ("garbage", "garbage"), ("empty", ""), ("cut", String(token.prefix(60))), ("two", token + token),
            ("late", late.output),
        ] { try bench.write(text, to: name) }
        // A token's end counts in whole seconds.
        try await Task.sleep(for: .seconds(2))
        try await expect(
            [
                ("join --state @new --token-file @none", 64, "@none: no such file; correct --token-file"),
                (
                    "join --state @new --token-file @fed", 64,
                    "@fed: cannot be read: Is a directory; correct --token-file"
                ),
                (
                    "join --state @new --token-file @garbage", 64,
                    "@garbage: this is no token: it does not begin with summand1."
                ),
                ("join --state @new --token-file @empty", 64, "@empty: no token there; smpc-client join --state"),
                (
                    "join --state @new --token-file @cut", 64,
                    "copy all of it; the operator makes one with: smpc-server invite"
                ),
                (
                    "join --state @new --token-file @two", 64,
                    "@two: holds more than one token; give it one token, in one line"
                ),
                ("join --state @new --token-file @late", 1, "@late: the token expired on 20"),
                (
                    "join --state @site --token-file @late", 64,
                    "@site: holds an identity already, which is not overwritten"
                ),
            ], of: "smpc-client", in: bench)
        #expect(!FileManager.default.fileExists(atPath: bench.path("new")), "nothing is made for a token that is none")
    }

    @Test func certificates() async throws {
        let year: Int64 = 366 * 86_400
        let now = Int64(Date.now.timeIntervalSince1970)
        let past = try await Workbench(joinedAt: now - 2 * year)
        let future = try await Workbench(joinedAt: now + year)
        for (program, command) in [("smpc-client", "run"), ("fedavg", "client")] {
            let call = "\(command) --state @site --dataset synthetic"
            try await expect(
                [(call, 1, "@site/certificate.pem: the certificate expired on 20")], of: program, in: past)
            try await expect(
                [(call, 1, "@site/certificate.pem: the certificate is valid only from 20")], of: program, in: future)
        }
    }

    @Test func whatIsTaken() async throws {
        let bench = try await Workbench()
        let server = try bench.start(
            "smpc-server",
            ["run", "--state", "@fed", "--listen", "127.0.0.1:0", "--discovery", "off", "--port-file", "@port"])
        let isUp = await eventually(within: .seconds(30)) {
            FileManager.default.fileExists(atPath: bench.path("port"))
        }
        try #require(isUp, "\(server.output)")
        let port = try String(contentsOfFile: bench.path("port"), encoding: .utf8).trimmingCharacters(in: .newlines)
        let other = try await bench.call("smpc-server", ["init", "--state", "@other", "--federation", "other"])
        #expect(other.code == 0)
        let foreign = try await bench.call("smpc-server", ["invite", "a", "--state", "@other"])
        try bench.write(foreign.output, to: "foreign")
        try await expect(
            [
                (
                    "run --state @fed", 1,
                    "@fed: in use by process \(server.process.processIdentifier); end that process first"
                ),
                (
                    "run --state @other --listen 127.0.0.1:\(port)", 1,
                    "127.0.0.1:\(port) is taken by another program; end that"
                ),
            ], of: "smpc-server", in: bench)
        #expect(try await bench.call("smpc-server", ["status", "--state", "@other"]).output.contains("no run yet"))
        try await expect(
            [
                (
                    "join --state @new --token-file @foreign --server 127.0.0.1:\(port) --discovery off --wait 5s", 1,
                    "127.0.0.1:\(port): peer not accepted: no authority with fingerprint"
                )
            ], of: "smpc-client", in: bench)
        #expect(kill(server.process.processIdentifier, SIGTERM) == 0)
        #expect(await server.end(within: .seconds(20)) == 143)
        #expect(server.output.hasSuffix("stopping; run it again to go on\n"))
        try bench.write("no safetensors", to: "text")
        try await expect(
            [
                (
                    "run --state @fed --listen 127.0.0.1:0 --init @fed/model.safetensors", 64,
                    "@fed/model.safetensors: the unfinished run began with other parameters; leave --init out to go on"
                ),
                (
                    "run --state @fed --listen 127.0.0.1:0 --init @fed/model.safetensors --new-run --model softmax:4-2",
                    64, "name a safetensors file of the run's --model"
                ),
                (
                    "run --state @fed --listen 127.0.0.1:0 --init @text --new-run", 64,
                    "@text: not a complete safetensors file"
                ),
            ], of: "smpc-server", in: bench)
    }
}
