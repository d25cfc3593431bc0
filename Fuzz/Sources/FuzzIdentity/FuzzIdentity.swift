// SPDX-License-Identifier: MIT

import FuzzSupport

@main
enum FuzzIdentity {
    static func main() {
        Fuzzing.run(["certificates": fuzzCertificates, "enrolment": fuzzEnrolment, "tokens": fuzzTokens])
    }
}
