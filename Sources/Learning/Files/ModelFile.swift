// SPDX-License-Identifier: MIT

import Glibc

/// Reads and replaces `model.safetensors` files.
public struct ModelFile: Sendable {
    /// Where the file is or will be.
    public let path: String

    /// Names a file; nothing is opened yet.
    public init(path: String) {
        self.path = path
    }

    /// Reads and checks the file.
    ///
    /// - Throws: `ModelFileError`.
    public func read() throws(ModelFileError) -> StoredModel {
        let bytes = try contents()
        do {
            return try Safetensors.decode(bytes)
        } catch {
            throw ModelFileError(file: path, reason: .content(error))
        }
    }

    /// Reads the parameters of a given model, whatever the order of the tensors in the file.
    ///
    /// - Throws: `ModelFileError`.
    public func parameters(as layout: ModelLayout) throws(ModelFileError) -> Parameters {
        let stored = try read()
        do {
            return try stored.parameters(as: layout)
        } catch {
            throw ModelFileError(file: path, reason: .content(error))
        }
    }

    /// Replaces the file durably in one step: whoever reads it, at any time and after any crash, finds the old model
    /// or the new one whole.
    ///
    /// One writer at a time: the new file first has the name of this one with `.new` behind it.
    ///
    /// - Throws: `ModelFileError` with the operation that failed. Unless that is `fsync directory`, the old file is
    ///   still there.
    public func write(_ model: StoredModel) throws(ModelFileError) {
        let temporary = path + ".new"
        do {
            try create(temporary, Safetensors.encode(model))
            try check("rename", rename(temporary, path))
        } catch {
            unlink(temporary)
            throw error
        }
        try synchronizeDirectory()
    }

    private func create(_ temporary: String, _ bytes: [UInt8]) throws(ModelFileError) {
        let descriptor = open(temporary, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0o644)
        try check("open", descriptor)
        defer { close(descriptor) }
        var rest = bytes[...]
        while !rest.isEmpty {
            let written = rest.withUnsafeBytes { Glibc.write(descriptor, $0.baseAddress, $0.count) }
            if written < 0, errno == EINTR { continue }
            try check("write", written)
            rest = rest.dropFirst(written)
        }
        try check("fsync", fsync(descriptor))
    }

    /// Makes the new name durable.
    private func synchronizeDirectory() throws(ModelFileError) {
        let directory = path.lastIndex(of: "/").map { String(path[...$0]) } ?? "."
        let descriptor = open(directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
        try check("open directory", descriptor)
        defer { close(descriptor) }
        try check("fsync directory", fsync(descriptor))
    }

    private func contents() throws(ModelFileError) -> [UInt8] {
        let descriptor = open(path, O_RDONLY | O_CLOEXEC)
        try check("open", descriptor)
        defer { close(descriptor) }
        var bytes: [UInt8] = []
        var buffer = [UInt8](repeating: 0, count: 1 << 20)
        while true {
            let count = Glibc.read(descriptor, &buffer, buffer.count)
            if count < 0, errno == EINTR { continue }
            try check("read", count)
            guard count > 0 else { return bytes }
            bytes += buffer[..<count]
            guard bytes.count <= Safetensors.fileBytesMax else {
                throw ModelFileError(file: path, reason: .content(.tooLarge(bytes: bytes.count)))
            }
        }
    }

    /// Throws errno if a system call returned a negative number.
    private func check(_ operation: String, _ result: some BinaryInteger) throws(ModelFileError) {
        guard result < 0 else { return }
        throw ModelFileError(file: path, reason: .system(operation: operation, code: errno))
    }
}
