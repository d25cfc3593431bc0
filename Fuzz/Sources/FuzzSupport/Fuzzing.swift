// SPDX-License-Identifier: MIT

import Glibc

/// Feeds one input to one decoder; ends the process where something is demanded that does not hold.
public typealias FuzzTarget = @Sendable (FuzzInput) -> Void

/// Hands libFuzzer's inputs to one of a program's decoders.
public enum Fuzzing {
    // libFuzzer calls a C function, which can carry nothing along. Written once, before the one thread that calls it begins to.
    private nonisolated(unsafe) static var target: FuzzTarget = { _ in }

    /// Runs libFuzzer with the options of the command line, and ends the process.
    ///
    /// - Parameter targets: the decoders, by the names that scripts/fuzz.sh has for them; `FUZZ_TARGET` in the environment
    ///   names the one to feed.
    public static func run(_ targets: [String: FuzzTarget]) -> Never {
        let name = getenv("FUZZ_TARGET").map { String(cString: $0) } ?? ""
        guard let target = targets[name] else {
            preconditionFailure("FUZZ_TARGET is \"\(name)\", which is none of \(targets.keys.sorted())")
        }
        self.target = target
        var count = CommandLine.argc
        var arguments = CommandLine.unsafeArgv
        exit(
            runLibFuzzer(&count, &arguments) { start, count in
                Fuzzing.target(FuzzInput(bytes: UnsafeBufferPointer(start: start, count: start == nil ? 0 : count)))
                return 0
            })
    }
}

/// libFuzzer as a function, which takes its options and whom to call with an input; there is no header for it.
@_silgen_name("LLVMFuzzerRunDriver")
private func runLibFuzzer(
    _ count: UnsafeMutablePointer<CInt>,
    _ arguments: UnsafeMutablePointer<UnsafeMutablePointer<UnsafeMutablePointer<CChar>?>>,
    _ receive: @convention(c) (UnsafePointer<UInt8>?, Int) -> CInt
) -> CInt
