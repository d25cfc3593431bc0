// SPDX-License-Identifier: MIT

import ArgumentParser
import Learning
import Reporting
import Testing

@testable import Programs

private struct Tool: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "tool", abstract: "Does things.", version: "1.2.3", subcommands: [Run.self, Fail.self])
}

private struct Run: AsyncParsableCommand {
    @Option(help: ArgumentHelp("How often.", valueName: "count")) var rounds = 1

    func run() async throws {}
}

private struct Fail: ParsableCommand {
    @Argument var how: String
    @OptionGroup var output: OutputOptions

    func run() throws {
        switch how {
        case "unreachable":
            throw ProgramError(
                .unreachable, "no answer", subject: "host:1", remedy: "start it", details: ["connection refused"])
        case "disk": _ = try ModelFile(path: "/").read()
        case "report": throw ReportingError.notFound(path: "x")
        case "cancel": throw CancellationError()
        case "code": throw ExitCode(3)
        case "validation": throw ValidationError("this and that")
        default: throw Unexpected()
        }
    }

    struct Unexpected: Error, CustomStringConvertible {
        var description: String { "two\nlines" }
    }
}

struct ProgramRunnerTests {
    private func run(_ arguments: String...) async -> (code: Int32, output: String, error: String) {
        let recorder = Recorder()
        let code = await ProgramRunner.outcome(of: Tool.self, arguments: arguments, console: recorder.console())
        return (code, recorder.output, recorder.error)
    }

    @Test func successSaysNothing() async {
        #expect(await run("run") == (0, "", ""))
    }

    @Test func aMistypedOptionIsOneLineWithAHint() async {
        let (code, output, error) = await run("run", "--ruonds", "3")
        #expect(code == 64)
        #expect(output.isEmpty)
        #expect(
            error == "tool: Unknown option '--ruonds'. Did you mean '--rounds'?; see tool run --help\n"
                || error == "tool: Unknown option '--ruonds'; see tool run --help\n")
    }

    @Test func aMistypedSubcommandIsNamed() async {
        #expect(
            await run("rnu", "--rounds", "3")
                == (64, "", "tool: there is no subcommand \"rnu\"; did you mean run? see tool --help\n"))
        #expect(await run("frobnicate").error == "tool: there is no subcommand \"frobnicate\"; see tool --help\n")
        #expect(await run("help", "run").code == 0)
    }

    @Test func aWrongValueIsOneLine() async {
        let (code, _, error) = await run("run", "--rounds", "many")
        #expect(code == 64)
        #expect(
            error.hasPrefix("tool: --rounds: \"many\" is not valid, expected a whole number; see tool run --help"))
        #expect(error.filter { $0 == "\n" }.count == 1)
    }

    @Test func helpAndVersionsAreResults() async {
        let help = await run("run", "--help")
        #expect(help.code == 0 && help.output.contains("--rounds <count>") && help.error.isEmpty)
        #expect(await run("--version") == (0, "1.2.3\n", ""))
    }

    @Test func aProgramErrorIsOneLineAndItsCode() async {
        #expect(await run("fail", "unreachable") == (69, "", "tool: host:1: no answer; start it\n"))
    }

    @Test func verboseAddsTheDetails() async {
        #expect(
            await run("fail", "unreachable", "--verbose") == (
                69, "", "tool: host:1: no answer; start it\n  connection refused\n"
            ))
    }

    /// Of whatever the system refuses, a flush among it, people are told what to do.
    @Test func aModelFileThatTheSystemRefusesComesWithARemedy() async {
        let (code, _, error) = await run("fail", "disk")
        #expect(code == 1)
        #expect(error.hasSuffix("; see to its disk and permissions, then run again\n"), "\(error)")
    }

    @Test func otherErrorsHaveTheirCodes() async {
        #expect(
            await run("fail", "report") == (
                1, "", "tool: x: no such file or directory; name the --metrics directory of a finished run\n"
            ))
        #expect(await run("fail", "cancel").code == 2)
        #expect(await run("fail", "code") == (3, "", ""))
        #expect(await run("fail", "validation").code == 64)
        #expect(await run("fail", "otherwise") == (1, "", "tool: two lines\n"))
    }
}
