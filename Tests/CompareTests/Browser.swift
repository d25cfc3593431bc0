// SPDX-License-Identifier: MIT

import Foundation
import Testing

/// Lays pages out in Chromium and brings back what a reader would see.
struct Browser {
    static let program = ["/usr/bin/chromium", "/usr/bin/chromium-browser", "/usr/bin/google-chrome"]
        .first { FileManager.default.isExecutableFile(atPath: $0) }
    static let isInstalled = program != nil

    /// Describes a page as it was laid out.
    struct Layout: Decodable {
        /// The width of what would have to be scrolled sideways, and that of the window.
        let scrollWidth: Double
        let clientWidth: Double
        /// Pairs of texts in one picture that lie on each other.
        let overlaps: [String]
        /// Texts that leave their picture.
        let outside: [String]
        /// How many forms of each picture are to be seen.
        let visibleForms: [String: Int]
        /// The size of the smallest text of a picture, in pixels of the screen.
        let smallestText: Double
        /// What was asked for over the network.
        let requests: [String]
        /// The numbers of the overview by row.
        let overview: [String: [String]]
        /// The rows of the tables under the pictures.
        let tables: [String: [[String]]]
        /// The color of the page's background.
        let background: String
        let scripts: Int
    }

    struct Failed: Error {
        let output: String
    }

    /// Opens a page in a window of this width.
    ///
    /// The page stands in a frame, because Chromium has no window below 500 pixels; the outer page measures it.
    static func layout(of html: String, width: Int, dark: Bool) async throws -> Layout {
        let directory = FileManager.default.temporaryDirectory.appending(path: "browser-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: directory, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(at: directory) }
        let page = directory.appending(path: "page.html")
        try outer(html, width: width).write(to: page, atomically: true, encoding: .utf8)
        let process = Process()
        process.executableURL = URL(filePath: "/usr/bin/env")
        process.arguments = [
            "timeout", "60", program ?? "chromium", "--headless=new", "--no-sandbox", "--disable-gpu",
            "--user-data-dir=\(directory.path)/profile", "--blink-settings=preferredColorScheme=\(dark ? 0 : 1)",
            "--window-size=\(max(width, 600)),1000", "--dump-dom", page.absoluteString,
        ]
        let output = directory.appending(path: "output")
        try Data().write(to: output)
        process.standardOutput = try FileHandle(forWritingTo: output)
        process.standardError = FileHandle.nullDevice
        try process.run()
        while process.isRunning {
            // A process gives no sign of its end that a task could wait for, and Chromium takes seconds, in which no thread of
            // the pool may be held: tests beside this one act on runs that go on meanwhile.
            try await Task.sleep(for: .milliseconds(20))
        }
        let text = try String(contentsOf: output, encoding: .utf8)
        guard let found = text.firstMatch(of: /<pre id="probe">([A-Za-z0-9+\/=]+)<\/pre>/),
            let json = Data(base64Encoded: String(found.1))
        else { throw Failed(output: String(text.suffix(2000))) }
        return try JSONDecoder().decode(Layout.self, from: json)
    }

    private static func outer(_ html: String, width: Int) -> String {
        let quoted = html.replacingOccurrences(of: "&", with: "&amp;").replacingOccurrences(of: "\"", with: "&quot;")
        return """
            <!doctype html><meta charset="utf-8"><body style="margin:0">
            <iframe id="frame" style="width:\(width)px;height:1000px;border:0" srcdoc="\(quoted)"></iframe>
            <pre id="probe"></pre><script>\(probe)</script>
            """
    }

    private static let probe = #"""
        const frame = document.getElementById('frame');
        frame.addEventListener('load', () => {
          const page = frame.contentDocument, view = frame.contentWindow;
          for (const details of page.querySelectorAll('details')) details.open = true;
          const result = {overlaps: [], outside: [], visibleForms: {}, overview: {}, tables: {}, smallestText: 1e9};
          for (const figure of page.querySelectorAll('figure')) {
            const forms = [...figure.querySelectorAll('svg')].filter(svg => svg.getBoundingClientRect().width > 0);
            result.visibleForms[figure.id] = forms.length;
            for (const svg of forms) {
              const whole = svg.getBoundingClientRect();
              const texts = [...svg.querySelectorAll('text')].map(
                text => [text.textContent, text.getBoundingClientRect()]);
              texts.forEach(([name, box], index) => {
                result.smallestText = Math.min(result.smallestText, 13 * whole.width / svg.viewBox.baseVal.width);
                if (box.left < whole.left - 1 || box.right > whole.right + 1 || box.bottom > whole.bottom + 1)
                  result.outside.push(figure.id + ': ' + name);
                for (const [other, place] of texts.slice(index + 1)) {
                  const across = Math.min(box.right, place.right) - Math.max(box.left, place.left);
                  const down = Math.min(box.bottom, place.bottom) - Math.max(box.top, place.top);
                  if (across > 1 && down > 3) result.overlaps.push(figure.id + ': ' + name + ' on ' + other);
                }
              });
            }
            result.tables[figure.id] = [...figure.querySelectorAll('tbody tr')].map(
              row => [...row.cells].map(cell => cell.innerText));
          }
          for (const row of page.querySelectorAll('#overview tbody tr'))
            result.overview[row.cells[0].innerText] =
              [...row.querySelectorAll('td')].map(cell => cell.querySelector('data')?.value ?? cell.innerText);
          result.scrollWidth = page.documentElement.scrollWidth;
          result.clientWidth = page.documentElement.clientWidth;
          result.requests = view.performance.getEntriesByType('resource').map(entry => entry.name);
          result.background = view.getComputedStyle(page.body).backgroundColor;
          result.scripts = page.scripts.length;
          document.getElementById('probe').textContent =
            btoa(Array.from(new TextEncoder().encode(JSON.stringify(result)), byte => String.fromCharCode(byte)).join(""));
        });
        """#
}
