// SPDX-License-Identifier: MIT

import FoundationEssentials

/// Reads how much memory this process has used at most.
public enum PeakMemory {
    /// Gives the largest resident set so far in bytes (`VmHWM` of proc(5)); 0 where the system does not tell.
    public static func bytes() -> Int {
        guard let data = FileManager.default.contents(atPath: "/proc/self/status") else { return 0 }
        return bytes(inStatus: String(decoding: data, as: UTF8.self))
    }

    /// Finds `VmHWM:   1234 kB` in the text of a status file.
    static func bytes(inStatus text: String) -> Int {
        for line in text.split(separator: "\n") where line.hasPrefix("VmHWM:") {
            let fields = line.split(whereSeparator: \.isWhitespace)
            guard fields.count == 3, fields[2] == "kB", let kilobytes = Int(fields[1]) else { return 0 }
            return kilobytes * 1024
        }
        return 0
    }
}
