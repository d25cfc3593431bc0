// SPDX-License-Identifier: MIT

import Testing

@testable import Reporting

struct RecordCodingTests {
    @Test func roundRecordHasOneSpelling() throws {
        let line = String(decoding: try RecordCoding.line(Samples.record(3)), as: UTF8.self)
        #expect(
            line == """
                {"accuracy":0.875,"aggregation_seconds":3,"bytes_down":{"result":2000},\
                "bytes_up":{"epoch":500,"upload":1000},"clipped":2,"cohort":10,"dropouts":1,"encoding":"exact",\
                "epoch":1,"loss":0.5,"members":11,"model_hash":"\(Samples.hash("b"))",\
                "params_hash":"\(Samples.hash("a"))","round":3,"seconds":2.5}
                """)
    }

    @Test func whatWasFoundOutLaterJoinsTheRecords() throws {
        try Samples.withDirectory { directory in
            let writer = try RunWriter(directory: directory, resume: false)
            for round in 1...3 { try writer.append(Samples.record(round)) }
            var records = writer.records
            (records[1].absent, records[1].errorBound) = (["site-2"], 0.5)
            (records[1].errorMeasured, records[1].clampedDigits) = (0.25, 0)
            let line = String(decoding: try RecordCoding.line(records[1]), as: UTF8.self)
            #expect(line.contains(#""absent":["site-2"],"#) && line.contains(#""clamped_digits":0,"#))
            #expect(line.contains(#""error_bound":0.5,"error_measured":0.25,"#))
            try RunWriter.replaceRounds(records, directory: directory)
            let file = "\(directory)/rounds.jsonl"
            #expect(try RunReader.readRounds(file: file) == records)
            let text = String(decoding: try #require(try DurableFile.read(file)), as: UTF8.self)
            #expect(text.hasSuffix("}\n") && text.filter { $0 == "\n" }.count == 3)
        }
    }

    @Test func summaryHasAllPromisedKeysAtTheTopLevel() throws {
        let text = String(decoding: try RecordCoding.line(Samples.summary([Samples.record(1)])), as: UTF8.self)
        for key in [
            "arm", "encoding", "discovery", "clients", "rounds", "accuracy", "loss", "parameters",
            "bytes_up_per_client_round", "bytes_down_per_client_round", "aggregation_seconds_per_round",
            "peak_memory_bytes", "params_hashes", "dataset", "model", "partition", "seed", "outcome", "started_at",
            "seconds",
        ] {
            #expect(text.contains("\"\(key)\":"), "\(key)")
        }
        #expect(text.contains("\"params_hashes\":[\"\(Samples.hash("a"))\"]"))
        #expect(!text.contains("description"))
        #expect(!text.contains("protection"), "only where there is one")
    }

    @Test func theProtectionOfASecureRunIsKept() throws {
        var description = Samples.description(arm: .smpc)
        description.protection = "3 sites."
        let line = try RecordCoding.line(Samples.summary([Samples.record(1)], description))
        #expect(String(decoding: line, as: UTF8.self).contains("\"protection\":\"3 sites.\""))
        let back = try RecordCoding.decode(RunSummary.self, from: line, file: "f", line: 1)
        #expect(back.description.protection == "3 sites.")
    }

    @Test(arguments: [Double.infinity, -.infinity]) func infiniteLossSurvivesTheRoundTrip(loss: Double) throws {
        let line = try RecordCoding.line(Samples.record(1, loss: loss))
        let back = try RecordCoding.decode(RoundRecord.self, from: line, file: "f", line: 1)
        #expect(back.loss == loss)
    }

    @Test func lossThatIsNotANumberSurvivesTheRoundTrip() throws {
        let line = try RecordCoding.line(Samples.record(1, loss: .nan))
        let back = try RecordCoding.decode(RoundRecord.self, from: line, file: "f", line: 1)
        #expect(back.loss.isNaN)
    }

    @Test func summaryTakesMeansOfBytesAndTheMedianOfTimes() {
        let summary = Samples.summary([
            Samples.record(1, up: 4000), Samples.record(2, up: 1000), Samples.record(10, up: 1000),
        ])
        #expect(summary.bytesUpPerClientRound == 2500)
        #expect(summary.bytesDownPerClientRound == 2000)
        #expect(summary.aggregationSecondsPerRound == 2)
        #expect(summary.rounds == 3)
    }

    @Test func medianOfAnEvenCountIsTheMeanOfTheMiddleTwo() {
        #expect(median([4, 1, 3, 2]) == 2.5)
        #expect(median([]) == 0)
    }
}
