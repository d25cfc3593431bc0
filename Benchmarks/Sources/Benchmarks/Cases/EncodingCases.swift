// SPDX-License-Identifier: MIT

extension Benchmark {
    static var encodingCases: [Benchmark] { [] }
}
