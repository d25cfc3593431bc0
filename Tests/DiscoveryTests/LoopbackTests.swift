// SPDX-License-Identifier: MIT

import Testing

/// Everything that uses the real multicast group, on the loopback interface, one test after the other: what one of them
/// floods the group with must not disturb the next.
///
/// Where multicast does not work, these tests fail: run them in a network namespace of their own (`unshare -rn`, then
/// `ip link set lo up`).
@Suite(.serialized)
enum LoopbackTests {}
