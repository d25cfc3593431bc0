// SPDX-License-Identifier: MIT

import Logging
import Reporting
import Testing

@testable import Programs

struct OutputTests {
    private let record = RoundRecord(
        round: 2, accuracy: 0.8531, loss: 0.42129, paramsHash: "aa", modelHash: "bb", cohort: 10, dropouts: 1,
        members: 11, encoding: "exact", seconds: 3.21, aggregationSeconds: 1, bytesUp: ["upload": 814_000],
        bytesDown: ["result": 1_200_000])

    @Test func aRoundIsOneLine() {
        let recorder = Recorder()
        Progress(style: .text, console: recorder.console()).round(record, of: 15)
        #expect(
            recorder.output == "round 2/15  cohort 10  dropouts 1  loss 0.4213  accuracy 85.31 %  up 814.00 kB  "
                + "down 1.20 MB  3.2 s\n")
    }

    @Test func aRoundIsOneObject() {
        let recorder = Recorder()
        Progress(style: .json, console: recorder.console()).round(record, of: 15)
        #expect(recorder.output.hasPrefix("{\"accuracy\":0.8531,"))
        #expect(recorder.output.contains("\"event\":\"round\""))
        #expect(recorder.output.filter { $0 == "\n" }.count == 1)
    }

    @Test func quietKeepsResultsAndWarningsOnly() {
        let recorder = Recorder()
        let progress = Progress(style: .quiet, console: recorder.console(redraws: true))
        progress.round(record, of: 15)
        progress.note("noted")
        progress.status("waiting")
        progress.warning("careful")
        progress.result("token", ["token": "token"])
        #expect(recorder.output == "token\n")
        #expect(recorder.error == "warning: careful\n")
    }

    @Test func theStatusLineIsRedrawnOnTerminalsOnly() {
        let plain = Recorder()
        plain.console().status("waiting")
        #expect(plain.output.isEmpty)
        let terminal = Recorder()
        let console = terminal.console(redraws: true, columns: 8)
        console.status("waiting for clients")
        console.status("waiting for others")
        console.output("line")
        console.status(nil)
        #expect(terminal.output == "\r\u{1B}[2Kwaiting\r\u{1B}[2Kline\nwaiting\r\u{1B}[2K")
    }

    @Test func logsGoToStandardErrorWithSortedMetadata() {
        let recorder = Recorder()
        var logger = Logger(label: "server") {
            ConsoleLogHandler(label: $0, level: .warning, console: recorder.console())
        }
        logger[metadataKey: "round"] = "3"
        logger.info("not printed")
        logger.warning("upload refused", metadata: ["party": "a b", "code": "4"])
        #expect(recorder.output.isEmpty)
        #expect(recorder.error.hasSuffix(" warning server: upload refused code=4 party=\"a b\" round=3\n"))
    }

    @Test func aLogEntryCannotForgeAnotherLine() {
        let recorder = Recorder()
        let logger = Logger(label: "server") {
            ConsoleLogHandler(label: $0, level: .warning, console: recorder.console())
        }
        logger.warning("refused", metadata: ["peer": "x\nerror: all is lost\u{1B}[2J"])
        #expect(recorder.error.filter { $0 == "\n" }.count == 1)
        #expect(!recorder.error.contains("\u{1B}"))
    }
}
