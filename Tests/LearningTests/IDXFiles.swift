// SPDX-License-Identifier: MIT

import CZlib

/// Makes small MNIST-like files.
struct IDXFiles {
    let directory: TemporaryDirectory

    /// Two by two pixels an image; six training and three test samples in three classes.
    init(gzip: Bool = false) throws {
        directory = try TemporaryDirectory()
        try write(Self.images(6), to: "train-images-idx3-ubyte", gzip: gzip)
        try write(Self.labels([0, 1, 2, 0, 1, 2]), to: "train-labels-idx1-ubyte", gzip: gzip)
        try write(Self.images(3), to: "t10k-images-idx3-ubyte", gzip: gzip)
        try write(Self.labels([2, 1, 0]), to: "t10k-labels-idx1-ubyte", gzip: gzip)
    }

    var path: String { directory.url.path(percentEncoded: false) }

    /// Pixel p of image i is 10·i + p, the last one 255.
    static func images(_ count: UInt8) -> [UInt8] {
        var file = bytes("00000803 000000") + [count] + bytes("00000002 00000002")
        for image in 0..<count {
            file += [10 * image, 10 * image + 1, 10 * image + 2, 255]
        }
        return file
    }

    static func labels(_ labels: [UInt8]) -> [UInt8] {
        bytes("00000801 000000") + [UInt8(labels.count)] + labels
    }

    func write(_ bytes: [UInt8], to name: String, gzip: Bool = false) throws {
        guard gzip else {
            try directory.write(bytes, to: name)
            return
        }
        let file = gzopen(directory.path(name + ".gz"), "wb")
        gzwrite(file, bytes, UInt32(bytes.count))
        gzclose(file)
    }
}
