// SPDX-License-Identifier: MIT

import Identity
import Programs

/// Checks where the key of the federation's authority is, and what waits for it.
enum AuthorityKeyCheck {
    static func run(directory: String) -> Check {
        do {
            let issuer = try CertificateIssuer.load(directory: directory)
            guard issuer.signsElsewhere else { return own(isEncrypted: issuer.isLocked) }
            let name = issuer.authority.subjectCommonName
            let waiting = try RequestFolder(directory: directory).waiting().count
            let found =
                "the key of \(name.isEmpty ? "the institution's authority" : name) is elsewhere, \(waiting) requests wait"
            let figures = ["requests": Double(waiting)]
            return waiting == 0
                ? .ok(.authorityKey, found, figures: figures)
                : .warning(
                    .authorityKey, found,
                    remedy: "have them signed (smpc-server requests --state \(directory)), then smpc-server certify",
                    figures: figures)
        } catch {
            return .failed(.authorityKey, error: error, otherwise: "restore the file from a copy")
        }
    }

    private static func own(isEncrypted: Bool) -> Check {
        isEncrypted
            ? .ok(.authorityKey, "it is here, encrypted; run needs --ca-passphrase-file to let sites in")
            : .ok(.authorityKey, "it is here, without a passphrase")
    }
}
