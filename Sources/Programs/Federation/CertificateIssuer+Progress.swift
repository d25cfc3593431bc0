// SPDX-License-Identifier: MIT

public import Identity

extension CertificateIssuer {
    /// Tells the operator of a server that starts what will become of sites that join.
    public func tell(_ progress: Progress) {
        if isLocked {
            progress.warning(
                "the authority is locked: sites that join have to come again; give --ca-passphrase-file to let them in")
        } else if signsElsewhere {
            progress.note(
                "the authority's key is elsewhere: sites that join wait until smpc-server certify has their certificates"
            )
        }
    }
}
