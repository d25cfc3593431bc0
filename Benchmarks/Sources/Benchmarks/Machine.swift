// SPDX-License-Identifier: MIT

import CReference
import Foundation

/// The machine that the numbers belong to, and what else it did meanwhile.
struct Machine {
    let processor: String
    let cores: Int
    let caches: String
    let system: String
    private let start = Load.now()

    init() {
        let cpu = Self.text("/proc/cpuinfo").split(separator: "\n").first { $0.hasPrefix("model name") }
        processor = cpu?.split(separator: ":").last?.trimmingCharacters(in: .whitespaces) ?? "unknown processor"
        cores = ProcessInfo.processInfo.activeProcessorCount
        caches = (0..<8).compactMap { index in
            let folder = "/sys/devices/system/cpu/cpu0/cache/index\(index)"
            let (level, size) = (Self.line("\(folder)/level"), Self.line("\(folder)/size"))
            return level.isEmpty || Self.line("\(folder)/type") == "Instruction" ? nil : "L\(level) \(size)"
        }.joined(separator: ", ")
        system = "\(Self.line("/proc/sys/kernel/ostype")) \(Self.line("/proc/sys/kernel/osrelease"))"
    }

    /// The load averages over 1, 5 and 15 minutes.
    var loadAverage: String { Self.line("/proc/loadavg").split(separator: " ").prefix(3).joined(separator: ", ") }

    /// The share of the machine's time since the beginning that others had, this machine's other processes or, where it is a virtual
    /// one, its neighbours; between 0 and 1.
    var shareOfOthers: Double {
        let now = Load.now()
        let total = now.total - start.total
        let others = (now.busy - start.busy) - (now.own - start.own)
        return total > 0 ? min(1, max(0, others / total)) : 0
    }

    /// Seconds of all cores together since the machine started.
    private struct Load {
        let total, busy, own: Double

        static func now() -> Load {
            let ticks = Double(sysconf(Int32(_SC_CLK_TCK)))
            // user, nice, system, idle, iowait, irq, softirq, steal
            let times = Machine.line("/proc/stat").split(separator: " ").dropFirst().prefix(8).compactMap { Double($0) }
            let total = times.reduce(0, +)
            let idle = times.dropFirst(3).prefix(2).reduce(0, +)
            return Load(total: total / ticks, busy: (total - idle) / ticks, own: Double(processor_nanoseconds()) / 1e9)
        }
    }

    private static func text(_ path: String) -> String {
        (try? String(contentsOfFile: path, encoding: .utf8)) ?? ""
    }

    private static func line(_ path: String) -> String {
        text(path).split(separator: "\n").first.map(String.init) ?? ""
    }
}
