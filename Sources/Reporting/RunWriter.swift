// SPDX-License-Identifier: MIT

import Glibc
import Synchronization

/// Writes the records of one run: a durable line per round, then the summary.
///
/// One writer per directory at a time; the state directory's lock sees to that. Safe to use from several tasks.
public final class RunWriter: Sendable {
    /// The directory of the run.
    public let directory: String
    private let roundsPath: String
    private let descriptor: Int32
    private let written: Mutex<Written>

    private struct Written {
        var records: [RoundRecord]
        /// Counts the bytes of whole lines: what a failed append is cut back to.
        var bytes: Int
    }

    /// Opens the directory of a run, which is made if need be.
    ///
    /// With `resume` earlier lines stay and a last line torn by a crash is cut off; without it the run starts empty and
    /// an earlier summary is removed.
    public init(directory: String, resume: Bool) throws(ReportingError) {
        self.directory = directory
        roundsPath = RunReader.path(directory, RunReader.roundsFile)
        try DurableFile.makeDirectory(directory)
        let flags = O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC
        let earlier =
            resume ? try RunReader.parseRounds(try DurableFile.read(roundsPath) ?? [], file: roundsPath) : ([], 0)
        if !resume { try Self.remove(RunReader.path(directory, RunReader.summaryFile)) }
        descriptor = open(roundsPath, flags, 0o644)
        guard descriptor >= 0 else { throw DurableFile.failure("open", roundsPath) }
        written = Mutex(Written(records: earlier.0, bytes: earlier.1))
        guard ftruncate(descriptor, earlier.1) == 0, fsync(descriptor) == 0 else {
            throw DurableFile.failure("truncate", roundsPath)
        }
        try DurableFile.synchronizeDirectory(of: roundsPath)
    }

    deinit {
        close(descriptor)
    }

    /// Makes the directory of a run if need be, and checks that files can be made there; changes no record.
    public static func check(directory: String) throws(ReportingError) {
        try DurableFile.makeDirectory(directory)
        guard access(directory, W_OK | X_OK) == 0 else { throw DurableFile.failure("write there", directory) }
    }

    /// Gives the records written so far, those of before a resumption included.
    public var records: [RoundRecord] {
        written.withLock { $0.records }
    }

    /// Appends one round and returns when its line is on disk.
    ///
    /// A round that is already there with the same `paramsHash`, repeated after a crash, is not written again; with
    /// another one it is an error.
    public func append(_ record: RoundRecord) throws {
        let line = try RecordCoding.line(record) + [UInt8(ascii: "\n")]
        try written.withLock { written in
            let next = written.records.count + 1
            if record.round >= 1, record.round < next {
                let recorded = written.records[record.round - 1].paramsHash
                guard recorded == record.paramsHash else {
                    throw ReportingError.conflictingRound(
                        file: roundsPath, round: record.round, recorded: recorded, appended: record.paramsHash)
                }
                return
            }
            guard record.round == next else {
                throw ReportingError.outOfOrder(
                    file: roundsPath, line: next, expected: next, actual: record.round)
            }
            do {
                try DurableFile.write(line, to: descriptor, path: roundsPath)
            } catch {
                _ = ftruncate(descriptor, written.bytes)
                throw error
            }
            written.records.append(record)
            written.bytes += line.count
        }
    }

    /// Writes `summary.json` from the records and returns it; a reader sees the old one or the new one, never a part.
    @discardableResult
    public func finish(
        _ description: RunDescription, outcome: RunOutcome, reason: String? = nil, seconds: Double,
        peakMemoryBytes: Int, counters: [String: Int] = [:]
    ) throws -> RunSummary {
        let summary = RunSummary(
            description: description, records: records, outcome: outcome, reason: reason, seconds: seconds,
            peakMemoryBytes: peakMemoryBytes, counters: counters)
        try DurableFile.replace(
            RunReader.path(directory, RunReader.summaryFile), with: try RecordCoding.document(summary))
        return summary
    }

    /// Replaces the rounds of a run that has ended, in one step: what is found out about them later joins the records.
    public static func replaceRounds(_ records: [RoundRecord], directory: String) throws {
        let newline = UInt8(ascii: "\n")
        let lines = try records.flatMap { try RecordCoding.line($0) + [newline] }
        try DurableFile.replace(RunReader.path(directory, RunReader.roundsFile), with: lines)
    }

    private static func remove(_ path: String) throws(ReportingError) {
        guard unlink(path) == 0 || errno == ENOENT else { throw DurableFile.failure("remove", path) }
    }
}
