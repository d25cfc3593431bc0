// SPDX-License-Identifier: MIT

import Glibc
import Primitives
import Programs

/// Looks for signs that the server's clock is wrong. It has nobody to compare with: the sites compare theirs with it.
enum OwnClockCheck {
    /// What a file may be newer than the clock without being a sign.
    static let toleranceSeconds: Int64 = 60

    /// Compares the clock with the newest file in the state directory and with the own certificate's beginning.
    static func run(now: Int64, certificate: Certificate, directory: String) -> Check {
        let files = ["federation.sqlite", "federation.sqlite-wal", "certificate.pem", "lock", "model.safetensors"]
        return judge(
            now: now, newest: files.compactMap { modified("\(directory)/\($0)") }.max(), begin: certificate.notBefore)
    }

    static func judge(now: Int64, newest: Int64?, begin: Int64) -> Check {
        let remedy = "set the clock of this machine (with NTP): certificates and tokens are judged by it"
        if let newest, newest - now > toleranceSeconds {
            return .failed(
                .clock,
                "the clock says \(UTCTime(now)), and a file of this directory was written at \(UTCTime(newest))",
                remedy: remedy, figures: ["behind_s": Double(newest - now)])
        }
        guard now >= begin else {
            return .failed(
                .clock, "the clock says \(UTCTime(now)), and the own certificate begins at \(UTCTime(begin))",
                remedy: remedy, figures: ["behind_s": Double(begin - now)])
        }
        return .ok(.clock, "the clock says \(UTCTime(now)), later than everything that was written here")
    }

    private static func modified(_ path: String) -> Int64? {
        var status = stat()
        return stat(path, &status) == 0 ? Int64(status.st_mtim.tv_sec) : nil
    }
}
