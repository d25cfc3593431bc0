// SPDX-License-Identifier: MIT

/// Reads the IDX files of MNIST and its successors: a big-endian number for the kind, one per dimension, then a byte
/// per element (yann.lecun.com/exdb/mnist; the number of dimensions is the kind's lowest byte).
struct IDXReader {
    static let imagesMagic: UInt32 = 2051
    static let labelsMagic: UInt32 = 2049
    private static let pixelsMax = 1 << 24
    private static let bytesMax = 1 << 36

    /// The number of samples.
    let count: Int
    /// The number of bytes of a sample: rows × columns of an image, 1 of a label.
    let sampleBytes: Int
    var path: String { reader.path }
    private let reader: GzipReader
    private let headerBytes: Int
    private var samplesRead = 0

    /// Opens a file and reads its header.
    ///
    /// - Throws: `DataError.idxMagic`, `.idxSize`, `.truncated` and the errors of reading.
    init(path: String, magic: UInt32) throws(DataError) {
        reader = try GzipReader(path: path)
        headerBytes = 4 + 4 * Int(magic & 0xff)
        var header = [UInt8](repeating: 0, count: headerBytes)
        let read = try reader.read(into: &header)
        let numbers = stride(from: 0, to: headerBytes, by: 4).map { offset in
            header[offset..<offset + 4].reduce(UInt32(0)) { $0 << 8 | UInt32($1) }
        }
        guard read < 4 || numbers[0] == magic else {
            throw .idxMagic(file: path, expected: magic, actual: numbers[0])
        }
        guard read == headerBytes else { throw .truncated(file: path, expected: headerBytes, actual: read) }
        let dimensions = numbers.dropFirst().map(Int.init)
        // Three 32-bit dimensions at most, and the first two factors are bounded before the third is multiplied in.
        let sample = dimensions.dropFirst().reduce(1) { min($0 * $1, Self.pixelsMax + 1) }
        guard dimensions[0] > 0, dimensions[0] <= Dataset.samplesMax, (1...Self.pixelsMax).contains(sample),
            dimensions[0] * sample <= Self.bytesMax
        else { throw .idxSize(file: path, dimensions: dimensions) }
        count = dimensions[0]
        sampleBytes = sample
    }

    /// Reads the bytes of the next sample into a buffer of `sampleBytes`.
    ///
    /// - Throws: `DataError.truncated` and the errors of reading.
    mutating func next(into buffer: inout [UInt8]) throws(DataError) {
        let read = try reader.read(into: &buffer)
        guard read == sampleBytes else {
            throw .truncated(
                file: reader.path, expected: headerBytes + count * sampleBytes,
                actual: headerBytes + samplesRead * sampleBytes + read)
        }
        samplesRead += 1
    }

    /// Checks the samples without keeping any: by the size that the file announces, and where that does not fit by reading
    /// them all, which finds the place.
    ///
    /// - Throws: `DataError.truncated`, `.trailing` and the errors of reading.
    mutating func check() throws(DataError) {
        let size = headerBytes + count * sampleBytes
        guard GzipReader.announcedSize(path) != UInt32(truncatingIfNeeded: size) else { return }
        var buffer = [UInt8](repeating: 0, count: sampleBytes)
        for _ in 0..<count { try next(into: &buffer) }
        try finish()
    }

    /// Checks that nothing follows the last sample, and with it the checksum of a gzip'd file.
    ///
    /// - Throws: `DataError.trailing` and the errors of reading.
    func finish() throws(DataError) {
        var byte: [UInt8] = [0]
        guard try reader.read(into: &byte) == 0 else { throw .trailing(file: reader.path) }
    }
}
