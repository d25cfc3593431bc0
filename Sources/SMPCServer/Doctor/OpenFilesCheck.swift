// SPDX-License-Identifier: MIT

import Glibc
import Programs

/// Compares the limit of open files with the connections that the sites make.
enum OpenFilesCheck {
    /// Files, sockets of discovery and the like.
    static let ownFiles = 64
    /// Connections of a site at one time: its own, the one that replaces it, enrolment, and a question.
    static let perSite = 4

    /// Checks the limit of this process, which has raised it as a run does.
    static func run(sites: Int) -> Check {
        var limit = rlimit()
        guard getrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit) == 0 else {
            return .notChecked(.openFiles, String(cString: strerror(errno)), remedy: "see ulimit -n")
        }
        return judge(limit: Int(clamping: limit.rlim_cur), sites: sites)
    }

    static func judge(limit: Int, sites: Int) -> Check {
        let needed = ownFiles + perSite * max(0, min(sites, 1_000_000))
        let found = "up to \(limit) open files, \(needed) needed for \(sites) sites"
        let figures = ["limit": Double(limit), "needed": Double(needed)]
        guard limit >= needed else {
            return .failed(
                .openFiles, found, remedy: "raise the hard limit (ulimit -Hn, LimitNOFILE of systemd)", figures: figures
            )
        }
        return .ok(.openFiles, found, figures: figures)
    }
}
