// SPDX-License-Identifier: MIT

import Foundation
import Testing

@testable import Learning

@Suite struct ModelFileTests {
    @Test func writtenModelIsReadBack() throws {
        let directory = try TemporaryDirectory()
        let file = ModelFile(path: directory.path("model.safetensors"))
        let spec = try ModelSpec(parsing: "mlp:20-10-4")
        let parameters = try Parameters.initial(spec, seed: Array(0..<32))
        try file.write(StoredModel(parameters: parameters, metadata: ["round": "3"]))
        #expect(try file.parameters(as: spec.layout) == parameters)
        #expect(try file.read().metadata == ["round": "3"])
        let other = try Parameters.initial(spec, seed: Array(1..<33))
        try file.write(StoredModel(parameters: other))
        #expect(try file.parameters(as: spec.layout).hash == other.hash)
        #expect(try directory.names == ["model.safetensors"])
    }

    @Test func failedWriteLeavesTheOldModel() throws {
        let directory = try TemporaryDirectory()
        let path = directory.path("model.safetensors")
        try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
        try directory.write([1], to: "model.safetensors/occupied")
        let parameters = try Parameters.initial(ModelSpec(parsing: "softmax:2-2"), seed: Array(0..<32))
        #expect(throws: ModelFileError(file: path, reason: .system(operation: "rename", code: EISDIR))) {
            try ModelFile(path: path).write(StoredModel(parameters: parameters))
        }
        #expect(try directory.names == ["model.safetensors"], "no temporary file is left")
    }

    @Test func errorsNameTheFile() throws {
        let directory = try TemporaryDirectory()
        let missing = directory.path("missing")
        #expect(throws: ModelFileError(file: missing, reason: .system(operation: "open", code: ENOENT))) {
            try ModelFile(path: missing).read()
        }
        let short = try directory.write([1, 2, 3], to: "short")
        let error = #expect(throws: ModelFileError.self) { try ModelFile(path: short).read() }
        #expect(
            error?.description == "\(short): not a complete safetensors file: header of 0 bytes, at most 3 possible")
    }

    static let hasPython = (ProcessInfo.processInfo.environment["PATH"] ?? "").split(separator: ":").contains {
        FileManager.default.isExecutableFile(atPath: "\($0)/python3")
    }

    @Test(.enabled(if: ModelFileTests.hasPython, "python3 is not installed"))
    func anotherLanguageReadsTheModel() throws {
        let script = """
            import json, struct, sys
            f = open(sys.argv[1], "rb").read()
            n = struct.unpack("<Q", f[:8])[0]
            h = json.loads(f[8:8 + n])
            assert n % 8 == 0 and h.pop("__metadata__") == {"round": "7"}
            for name, t in h.items():
                b, e = t["data_offsets"]
                v = struct.unpack("<%df" % ((e - b) // 4), f[8 + n + b:8 + n + e])
                print(name, t["dtype"], t["shape"], v)
            """
        let directory = try TemporaryDirectory()
        let path = directory.path("model.safetensors")
        let layout = try ModelSpec(parsing: "softmax:1-2").layout
        let parameters = try Parameters(layout: layout, values: [0.5, -2, 1, 0])
        try ModelFile(path: path).write(StoredModel(parameters: parameters, metadata: ["round": "7"]))
        let process = Process()
        process.executableURL = URL(filePath: "/usr/bin/env")
        process.arguments = ["python3", "-c", script, path]
        let output = Pipe()
        process.standardOutput = output
        try process.run()
        let text = String(decoding: output.fileHandleForReading.readDataToEndOfFile(), as: UTF8.self)
        process.waitUntilExit()
        #expect(text == "fc1.weight F32 [2, 1] (0.5, -2.0)\nfc1.bias F32 [2] (1.0, 0.0)\n")
    }
}
