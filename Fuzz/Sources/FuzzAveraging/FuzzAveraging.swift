// SPDX-License-Identifier: MIT

import FuzzSupport

@main
enum FuzzAveraging {
    static func main() { Fuzzing.run(["averaging": fuzzAveraging, "updates": fuzzUpdates]) }
}
