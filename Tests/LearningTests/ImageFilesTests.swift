// SPDX-License-Identifier: MIT

import Learning
import Testing

@Suite struct ImageFilesTests {
    static func load(_ files: IDXFiles, part: PartSelector = .whole) throws -> LocalData {
        let source = try DatasetSource(parsing: "fashion-mnist", directory: files.path)
        return try DatasetLoader(source, runSeed: 1).load(part: part)
    }

    /// What a load of the files throws, and the check before it as well.
    static func error(_ files: IDXFiles) throws -> DataError? {
        let error = #expect(throws: DataError.self) { try load(files) }
        let checked = #expect(throws: DataError.self) { try check(files) }
        #expect(error == checked)
        return error
    }

    static func check(_ files: IDXFiles) throws {
        try DatasetLoader(DatasetSource(parsing: "fashion-mnist", directory: files.path), runSeed: 1)
            .check(partition: .iid, parts: 2)
    }

    static func scaled(_ pixel: Float) -> Float { (pixel / 255 - 0.286) / 0.353 }

    @Test(arguments: [false, true])
    func readsImagesAndLabels(gzip: Bool) throws {
        let files = try IDXFiles(gzip: gzip)
        try Self.check(files)
        let data = try Self.load(files)
        #expect(data.training.count == 6 && data.trainingTotal == 6)
        #expect(data.featureCount == 4 && data.classCount == 3)
        #expect(data.test.labels == [2, 1, 0])
        #expect(
            data.test.features
                == [0, 1, 2, 255, 10, 11, 12, 255, 20, 21, 22, 255].map(Self.scaled))
        // Image i of the training set has class i mod 3 and begins with pixel 10·i.
        for (place, label) in data.training.labels.enumerated() {
            let first = data.training.features[4 * place]
            let image = (0..<6).first { Self.scaled(Float(10 * $0)) == first }
            #expect(image.map { Int32($0 % 3) } == label)
        }
    }

    @Test func partsAreDisjointAndTogetherTheWhole() throws {
        let files = try IDXFiles()
        let parts = try (0..<3).map { try Self.load(files, part: PartSelector(index: $0, count: 3)) }
        let firsts = parts.flatMap { part in (0..<part.training.count).map { part.training.features[4 * $0] } }
        #expect(firsts.sorted() == (0..<6).map { Self.scaled(Float(10 * $0)) })
        #expect(parts.map(\.test.labels) == [[2], [1], [0]])
    }

    @Test func wrongKindOfFileIsNamed() throws {
        let files = try IDXFiles()
        try files.write(IDXFiles.labels([1, 2, 3, 4, 5, 6, 7, 8]), to: "train-images-idx3-ubyte")
        #expect(
            try Self.error(files)
                == .idxMagic(file: files.path + "/train-images-idx3-ubyte", expected: 2051, actual: 2049))
    }

    @Test func truncationIsFoundAtEveryLength() throws {
        let files = try IDXFiles()
        let whole = IDXFiles.images(6)
        for length in 0..<whole.count {
            try files.write(Array(whole[..<length]), to: "train-images-idx3-ubyte")
            let expected = length < 16 ? 16 : whole.count
            #expect(
                try Self.error(files)
                    == .truncated(
                        file: files.path + "/train-images-idx3-ubyte", expected: expected, actual: length))
        }
    }

    @Test func truncatedAndCorruptedCompressionIsFound() throws {
        let files = try IDXFiles(gzip: true)
        let name = "train-labels-idx1-ubyte.gz"
        let whole = try files.directory.read(name)
        try files.directory.write(Array(whole.dropLast(5)), to: name)
        #expect(
            try Self.error(files) == .read(file: files.path + "/" + name, reason: "the compressed data is cut off"))
        var damaged = whole
        damaged[whole.count - 6] ^= 1
        try files.directory.write(damaged, to: name)
        guard case .read(_, let reason) = try Self.error(files) else { throw Unexpected() }
        #expect(reason.contains("incorrect data check"))
    }

    @Test func surplusBytesAreFound() throws {
        let files = try IDXFiles()
        try files.write(IDXFiles.labels([0, 1, 2, 0, 1, 2]) + [0], to: "train-labels-idx1-ubyte")
        #expect(try Self.error(files) == .trailing(file: files.path + "/train-labels-idx1-ubyte"))
    }

    @Test(arguments: ["00000000 00000002 00000002", "00000006 00000000 00000002", "ffffffff ffffffff ffffffff"])
    func impossibleDimensionsAreRefused(dimensions: String) throws {
        let files = try IDXFiles()
        try files.write(bytes("00000803" + dimensions), to: "train-images-idx3-ubyte")
        guard case .idxSize = try Self.error(files) else { throw Unexpected() }
    }

    @Test func imagesAndLabelsMustBeAsMany() throws {
        let files = try IDXFiles()
        try files.write(IDXFiles.images(5), to: "train-images-idx3-ubyte")
        #expect(
            try Self.error(files)
                == .mismatch(
                    file: files.path + "/train-images-idx3-ubyte", what: "images", expected: 6, actual: 5))
    }

    @Test func testLabelOutsideTheClassesIsRefused() throws {
        let files = try IDXFiles()
        try files.write(IDXFiles.labels([2, 3, 0]), to: "t10k-labels-idx1-ubyte")
        #expect(try Self.error(files) == .labelRange(source: files.path, label: 3, classes: 3))
    }

    @Test func missingFileSaysHowToGetIt() throws {
        let source = try DatasetSource(parsing: "fashion-mnist", directory: "/nowhere")
        let error = #expect(throws: DataError.self) { try DatasetLoader(source, runSeed: 1).load() }
        #expect(error == .imagesNotFound(file: "/nowhere/train-labels-idx1-ubyte.gz"))
        #expect(error?.description.contains("name the directory of the four IDX files with --data") == true)
        let system = DataError.imagesNotFound(file: "/usr/share/datasets/fashion-mnist/train-labels-idx1-ubyte.gz")
        #expect(system.description.contains("apt-get install dataset-fashion-mnist"))
    }

    struct Unexpected: Error {}
}
