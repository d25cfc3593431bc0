// SPDX-License-Identifier: MIT

import Foundation

/// The processor time that the host of a virtual machine gave to others; 0 where there is no host.
struct StolenTime {
    private let ticks: Int

    /// All of it since the machine started.
    ///
    /// Throws where `/proc/stat` cannot be read.
    static func untilNow() throws -> Self {
        let stat = try String(contentsOfFile: "/proc/stat", encoding: .utf8)
        // cpu, then user, nice, system, idle, iowait, irq, softirq, steal (proc_stat(5)).
        let fields = stat.prefix { $0 != "\n" }.split(separator: " ")
        return Self(ticks: fields.count > 8 ? Int(fields[8]) ?? 0 : 0)
    }

    /// Seconds between `earlier` and this, in steps of usually 10 ms.
    func seconds(since earlier: Self) -> Double {
        Double(ticks - earlier.ticks) / Double(sysconf(Int32(_SC_CLK_TCK)))
    }
}
