// SPDX-License-Identifier: MIT

/// Reads MNIST-like image sets: four IDX files in one directory, gzip'd or not.
struct ImageFiles {
    /// Where Debian's package `dataset-fashion-mnist` puts its files.
    static let fashionDirectory = "/usr/share/datasets/fashion-mnist"

    let directory: String

    /// Names the files of one of the two sets.
    enum Section: String {
        case train = "train"
        case test = "t10k"
    }

    /// Opens the gzip'd file of this name, or the plain one where only that exists.
    private func open(_ name: String, magic: UInt32) throws(DataError) -> IDXReader {
        let plain = "\(directory)/\(name)"
        let compressed = plain + ".gz"
        let path = GzipReader.isReadable(plain) && !GzipReader.isReadable(compressed) ? plain : compressed
        do {
            return try IDXReader(path: path, magic: magic)
        } catch .notFound(let file) {
            throw .imagesNotFound(file: file)
        }
    }

    /// Reads the labels of a set.
    ///
    /// - Throws: `DataError`.
    func labels(_ section: Section) throws(DataError) -> [Int32] {
        var reader = try open("\(section.rawValue)-labels-idx1-ubyte", magic: IDXReader.labelsMagic)
        var labels: [Int32] = []
        labels.reserveCapacity(min(reader.count, 1 << 20))
        var byte: [UInt8] = [0]
        for _ in 0..<reader.count {
            try reader.next(into: &byte)
            labels.append(Int32(byte[0]))
        }
        try reader.finish()
        return labels
    }

    /// Checks that the images of a set are there, without keeping any.
    ///
    /// - Parameter count: The number of labels, which must be the number of images.
    /// - Returns: The number of pixels of an image.
    /// - Throws: `DataError`.
    func check(_ section: Section, count: Int) throws(DataError) -> Int {
        var reader = try openImages(section, count: count)
        try reader.check()
        return reader.sampleBytes
    }

    private func openImages(_ section: Section, count: Int) throws(DataError) -> IDXReader {
        let reader = try open("\(section.rawValue)-images-idx3-ubyte", magic: IDXReader.imagesMagic)
        guard reader.count == count else {
            throw .mismatch(file: reader.path, what: "images", expected: count, actual: reader.count)
        }
        return reader
    }

    /// Reads the selected images, in the order of the selection, and keeps no other in memory.
    ///
    /// - Parameters:
    ///   - selected: Different indices below `count`.
    ///   - count: The number of labels, which must be the number of images.
    /// - Throws: `DataError`.
    func images(_ section: Section, selected: [Int32], count: Int) throws(DataError) -> (values: [Float], size: Int) {
        var reader = try openImages(section, count: count)
        let size = reader.sampleBytes
        var places = [Int32](repeating: -1, count: count)
        for (place, index) in selected.enumerated() {
            places[Int(index)] = Int32(place)
        }
        var values = [Float](repeating: 0, count: selected.count * size)
        var pixels = [UInt8](repeating: 0, count: size)
        for place in places {
            try reader.next(into: &pixels)
            guard place >= 0 else { continue }
            for (offset, pixel) in pixels.enumerated() {
                values[Int(place) * size + offset] = Self.scaled[Int(pixel)]
            }
        }
        try reader.finish()
        return (values, size)
    }

    /// (x/255 − 0.286)/0.353 in Float32 for every value of a pixel: public constants, alike for every participant.
    private static let scaled: [Float] = (0...255).map { (Float($0) / 255 - 0.286) / 0.353 }
}
