// SPDX-License-Identifier: MIT

import FuzzSupport

@main
enum FuzzTransport {
    static func main() { Fuzzing.run(["frames": fuzzFrames, "proxy": fuzzProxy]) }
}
