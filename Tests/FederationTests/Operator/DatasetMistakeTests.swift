// SPDX-License-Identifier: MIT

import Foundation
import Testing

/// Data that cannot be trained on: a client says so before it dials anybody, in both arms alike.
@Suite struct DatasetMistakeTests {
    private static func word(_ number: UInt32) -> Data {
        Data((0..<4).map { UInt8(truncatingIfNeeded: number >> (24 - 8 * $0)) })
    }

    /// An IDX file of images of two by two pixels.
    private static func images(_ count: UInt32, magic: UInt32 = 2051, side: UInt32 = 2) -> Data {
        [magic, count, side, side].map(word).reduce(Data(), +) + Data(count: Int(count * side * side))
    }

    private static func labels(_ labels: [UInt8], magic: UInt32 = 2049) -> Data {
        word(magic) + word(UInt32(labels.count)) + Data(labels)
    }

    /// Writes the four files of an image set, some of them as given instead; nil leaves a file out.
    private func makeImages(_ name: String, in bench: Workbench, _ others: [String: Data?] = [:]) throws {
        let classes: [UInt8] = [0, 1, 0, 1, 0, 1]
        let files: [String: Data?] = [
            "train-images-idx3-ubyte": Self.images(6), "train-labels-idx1-ubyte": Self.labels(classes),
            "t10k-images-idx3-ubyte": Self.images(2), "t10k-labels-idx1-ubyte": Self.labels([0, 1]),
        ]
        for (file, bytes) in files.merging(others, uniquingKeysWith: { $1 }) {
            if let bytes { try bench.write(bytes, to: "\(name)/\(file)") }
        }
    }

    /// What a client says; without data at fault it would say that there is nobody at that port.
    private func complaint(
        _ program: String, _ options: [String], in bench: Workbench
    ) async throws -> Workbench.Answer {
        let command = program == "fedavg" ? "client" : "run"
        return try await bench.call(
            program,
            [command, "--state", "@site", "--server", "127.0.0.1:1", "--discovery", "off", "--wait", "100ms"] + options)
    }

    @Test func imageSets() async throws {
        let bench = try await Workbench()
        let (images, labels) = ("train-images-idx3-ubyte", "train-labels-idx1-ubyte")
        let cases: [(name: String, files: [String: Data?], line: String)] = [
            (
                "missing", [images: Data?.none],
                "@missing/\(images).gz is missing; name the directory of the four IDX files"
            ),
            (
                "cut", [images: Self.images(6).dropLast(5)],
                "@cut/\(images) ends after 35 of 40 bytes: incomplete download"
            ),
            ("magic", [images: Self.images(6, magic: 2050)], "@magic/\(images) begins with 2050 instead of 2051"),
            ("count", [labels: Self.labels([0, 1, 0, 1, 0])], "@count/\(images) has 6 images, not 5"),
            ("size", ["t10k-images-idx3-ubyte": Self.images(2, side: 3)], "@size has 9 pixels in a test image, not 4"),
            ("class", ["t10k-labels-idx1-ubyte": Self.labels([0, 7])], "@class: label 7 is not in 0…1"),
        ]
        for (name, files, line) in cases {
            try makeImages(name, in: bench, files)
            let answer = try await complaint("smpc-client", ["--dataset", "mnist", "--data", "@\(name)"], in: bench)
            #expect(answer.code == 64, "\(name): \(answer.output)")
            #expect(answer.lines.count == 1 && answer.output.contains(line), "\(name): \(answer.output)")
        }
        try makeImages("whole", in: bench)
        let whole = try await complaint("smpc-client", ["--dataset", "mnist", "--data", "@whole"], in: bench)
        #expect(whole.code == 69, "\(whole.output)")
        let plain = try await complaint("fedavg", ["--dataset", "mnist", "--data", "@cut"], in: bench)
        #expect(plain.code == 64 && plain.output.contains("incomplete download"), "\(plain.output)")
        let none = try await complaint("smpc-client", ["--dataset", "mnist", "--data", "@none"], in: bench)
        #expect(none.code == 64 && none.output.contains("is missing; name the directory"), "\(none.output)")
    }

    @Test func tables() async throws {
        let bench = try await Workbench()
        let cases: [(text: String, line: String)] = [
            ("", "@table.csv has no samples"),
            ("a,b\n1,2\n", "@table.csv has no column 'y'; its columns are 'a', 'b'; choose one with --label"),
            ("a,y\n1,0\nx,1\n", "@table.csv, line 3, column 'a': 'x' is not a finite number"),
            ("a,y\n1,0\nnan,1\n", "@table.csv, line 3, column 'a': 'nan' is not a finite number"),
            ("a,y\n1,0\n1\n", "@table.csv, line 3: 1 fields, the header has 2"),
            ("a,y\n1,0\n1,-1\n", "@table.csv, line 3: '-1' is no label of this dataset: labels are whole numbers"),
        ]
        for (text, line) in cases {
            try bench.write(text, to: "table.csv")
            let options = ["--dataset", "csv:\(bench.path("table.csv"))", "--label", "y"]
            let answer = try await complaint("smpc-client", options, in: bench)
            #expect(answer.code == 64, "\(text): \(answer.output)")
            #expect(answer.lines.count == 1 && answer.output.contains(line), "\(text): \(answer.output)")
        }
    }

    @Test func options() async throws {
        let bench = try await Workbench()
        for (options, line) in [
            (["--dataset", "foo"], "--dataset 'foo': expected fashion-mnist, mnist, csv:PATH, synthetic"),
            (["--dataset", "mnist"], "expected --data DIRECTORY with its four IDX files as well"),
            (["--dataset", "csv:@none.csv"], "expected --label COLUMN as well"),
            (["--dataset", "csv:/none.csv", "--label", "y"], "/none.csv does not exist"),
            (["--dataset", "synthetic:1,2"], "expected synthetic:SAMPLES,FEATURES,CLASSES of at least 10,1,2"),
            (["--dataset", "synthetic", "--partition", "dirichlet:0"], "expected dirichlet:ALPHA with ALPHA from"),
            (
                ["--dataset", "synthetic", "--partition", "thirds"],
                "'thirds': expected iid, dirichlet:ALPHA or shards:K"
            ),
            (["--dataset", "synthetic:10,2,2", "--part", "0/20"], "8 samples cannot be cut into 20 parts by 'iid'"),
        ] {
            let answer = try await complaint("smpc-client", options, in: bench)
            #expect(answer.code == 64, "\(options): \(answer.output)")
            #expect(answer.lines.count == 1 && answer.output.contains(line), "\(options): \(answer.output)")
        }
    }
}
