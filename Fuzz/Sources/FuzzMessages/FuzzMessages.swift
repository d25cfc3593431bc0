// SPDX-License-Identifier: MIT

import FuzzSupport

@main
enum FuzzMessages {
    static func main() { Fuzzing.run(["messages": fuzzMessages, "vectors": fuzzVectors]) }
}
