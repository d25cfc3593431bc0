// SPDX-License-Identifier: MIT

import Glibc

/// Raises this process's limit of open files as far as the system lets it.
///
/// Many systems begin at 1024, which is fewer than the connections that a listener takes; who opened as many would keep
/// everybody else out.
public func raiseOpenFileLimit() {
    var limit = rlimit()
    guard getrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit) == 0, limit.rlim_cur < limit.rlim_max else {
        return
    }
    limit.rlim_cur = limit.rlim_max
    setrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit)
}
