// SPDX-License-Identifier: MIT

import Glibc

/// Writes a report to a directory: the page, and beside it its pictures and tables as files of their own.
public struct ReportFiles: Sendable {
    /// The name of the page.
    public static let page = "report.html"
    /// The name of the directory with pictures and tables.
    public static let directory = "report"

    /// Turns an SVG file into a PNG file.
    public typealias Renderer = (_ svg: String, _ png: String) throws -> Void

    private let report: RunReport

    /// Takes the report to write.
    public init(_ report: RunReport) { self.report = report }

    /// Writes `report.html` and `report/…` into a directory, which is made if need be, and returns the page's path.
    ///
    /// Pictures of an earlier report that this one does not have are removed.
    ///
    /// - Parameter renderer: makes the PNG pictures; nil leaves them out.
    public func write(to parent: String, renderer: Renderer? = nil) throws -> String {
        let directory = RunReader.path(parent, Self.directory)
        try DurableFile.makeDirectory(directory)
        try removePictures(in: directory)
        let pictures = report.pictures
        var files: [String] = []
        func write(_ name: String, _ text: String) throws {
            try DurableFile.replace("\(directory)/\(name)", with: [UInt8](text.utf8))
            files.append("\(Self.directory)/\(name)")
        }
        for picture in pictures {
            try write("\(picture.name).svg", picture.file())
            guard let renderer else { continue }
            try render(picture, in: directory, renderer)
            files.append("\(Self.directory)/\(picture.name).png")
        }
        try write("rounds.csv", report.roundsCSV)
        try write("runs.csv", report.runsCSV)
        let page = RunReader.path(parent, Self.page)
        let html = ReportPage(report, pictures: pictures, files: files).html
        try DurableFile.replace(page, with: [UInt8](html.utf8))
        return page
    }

    /// Renders through a file of its own that has the colors for light surroundings alone.
    private func render(_ picture: Picture, in directory: String, _ renderer: Renderer) throws {
        let light = "\(directory)/\(picture.name).light.svg"
        try DurableFile.replace(light, with: [UInt8](picture.file(css: ChartTheme.lightCSS).utf8))
        defer { unlink(light) }
        try renderer(light, "\(directory)/\(picture.name).png")
    }

    private func removePictures(in directory: String) throws(ReportingError) {
        for name in RunReport.pictureNames.flatMap({ ["\($0).svg", "\($0).png"] }) {
            let path = "\(directory)/\(name)"
            guard unlink(path) == 0 || errno == ENOENT else { throw DurableFile.failure("remove", path) }
        }
    }
}
