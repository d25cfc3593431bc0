// SPDX-License-Identifier: MIT

import Discovery
import Reporting

/// Checks multicast on every interface, with packets of our own.
public enum MulticastCheck {
    /// Sends a packet on each interface and listens for it.
    ///
    /// - Parameter isNeeded: whether nothing else leads to the others, so that it is a failure if none is heard.
    public static func run(_ interfaces: InterfaceOption, isNeeded: Bool) async -> [Check] {
        do {
            return judge(try await MulticastProbe.findings(on: interfaces.selection), isNeeded: isNeeded)
        } catch {
            return [
                isNeeded
                    ? .failed(.multicast, "\(error)", remedy: instead)
                    : .warning(.multicast, "\(error)", remedy: instead)
            ]
        }
    }

    /// What to say where multicast is switched off.
    public static let off = Check.notChecked(.multicast, "switched off", remedy: "leave --discovery off out")

    private static let instead =
        "let UDP port 5353 to 224.0.0.251 and ff02::fb pass the firewall of this host, or do without: sites with "
        + "--server host:port"

    static func judge(_ findings: [MulticastProbe.Finding], isNeeded: Bool) -> [Check] {
        let isDeaf = !findings.contains(where: \.isHeard)
        return findings.map { finding in
            let subject = "\(finding.interface) \(finding.family)"
            if finding.isHeard { return .ok(.multicast, of: subject, "a packet sent to the group was heard") }
            let found = finding.failure ?? "a packet sent to the group was not heard within a second"
            return isDeaf && isNeeded
                ? .failed(.multicast, of: subject, found, remedy: instead)
                : .warning(.multicast, of: subject, found, remedy: instead)
        }
    }
}
