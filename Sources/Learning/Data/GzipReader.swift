// SPDX-License-Identifier: MIT

import CZlib
import Glibc

/// Reads a gzip'd or plain file from its beginning to its end; the checksums of a gzip'd one are checked.
final class GzipReader {
    let path: String
    private let file: gzFile
    private static let bufferBytes: UInt32 = 1 << 17

    /// - Throws: `DataError.notFound` or `.read`.
    init(path: String) throws(DataError) {
        guard let file = gzopen(path, "rb") else {
            let code = errno
            throw code == ENOENT ? .notFound(file: path) : .read(file: path, reason: String(cString: strerror(code)))
        }
        gzbuffer(file, Self.bufferBytes)
        self.path = path
        self.file = file
    }

    deinit {
        gzclose(file)
    }

    /// Fills the buffer from its beginning with as many bytes as there are, fewer only at the end of the file.
    ///
    /// - Throws: `DataError.read`, also when a gzip'd file is cut off or its checksum is wrong.
    func read(into buffer: inout [UInt8]) throws(DataError) -> Int {
        let count = gzread(file, &buffer, UInt32(buffer.count))
        var code: Int32 = 0
        let message = gzerror(file, &code).map { String(cString: $0) } ?? ""
        guard count >= 0, code == Z_OK || code == Z_STREAM_END else {
            throw .read(file: path, reason: code == Z_BUF_ERROR ? "the compressed data is cut off" : message)
        }
        return Int(count)
    }

    /// The size that a gzip'd file announces for its content, modulo 2^32, in its last four bytes (RFC 1952, section 2.3.1);
    /// the size of the file if it is plain. Nil if that cannot be told.
    static func announcedSize(_ path: String) -> UInt32? {
        let file = open(path, O_RDONLY | O_CLOEXEC)
        guard file >= 0 else { return nil }
        defer { close(file) }
        var magic: [UInt8] = [0, 0]
        guard pread(file, &magic, 2, 0) == 2 else { return nil }
        let end = lseek(file, 0, SEEK_END)
        guard magic == [0x1f, 0x8b] else { return UInt32(truncatingIfNeeded: end) }
        var last = [UInt8](repeating: 0, count: 4)
        guard end >= 4, pread(file, &last, 4, end - 4) == 4 else { return nil }
        return last.reversed().reduce(0) { $0 << 8 | UInt32($1) }
    }

    /// Whether the file exists and can be opened for reading.
    static func isReadable(_ path: String) -> Bool {
        access(path, R_OK) == 0
    }
}
