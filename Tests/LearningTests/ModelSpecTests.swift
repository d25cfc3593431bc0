// SPDX-License-Identifier: MIT

import Learning
import Testing

@Suite struct ModelSpecTests {
    @Test(arguments: [
        ("softmax:784-10", [784, 10], 7_850), ("mlp:784-128-10", [784, 128, 10], 101_770),
        ("mlp:4-3-3-2", [4, 3, 3, 2], 4 * 3 + 3 + 3 * 3 + 3 + 3 * 2 + 2),
    ])
    func textNamesAModel(text: String, widths: [Int], parameters: Int) throws {
        let spec = try ModelSpec(parsing: text)
        #expect(spec.widths == widths)
        #expect(spec.layout.count == parameters)
        #expect(spec.description == text)
    }

    @Test(arguments: [
        ("cnn:784-10", ModelError.SpecificationFault.kind("cnn")),
        ("", .kind("")),
        ("softmax", .widthCount(expected: 2...2, actual: 0)),
        ("softmax:784-128-10", .widthCount(expected: 2...2, actual: 3)),
        ("mlp:784-10", .widthCount(expected: 3...10, actual: 2)),
        ("mlp:784-x-10", .width("x")),
        ("mlp:784--10", .width("")),
        ("mlp:784-+5-10", .width("+5")),
        ("mlp:784-0-10", .width("0")),
        ("softmax:99999999999999999999-2", .width("99999999999999999999")),
        ("softmax:1048576-1000", .tooLarge),
    ])
    func faultyTextIsRefused(text: String, fault: ModelError.SpecificationFault) {
        #expect(throws: ModelError.self) { try ModelSpec(parsing: text) }
        do {
            _ = try ModelSpec(parsing: text)
        } catch ModelError.specification(_, let reason) {
            #expect(reason == fault)
        } catch {
            Issue.record("\(error)")
        }
    }

    @Test func errorSaysWhatToWrite() {
        let error = ModelError.specification("mlp:784-10", reason: .widthCount(expected: 3...10, actual: 2))
        #expect(
            "\(error)"
                == "model 'mlp:784-10': 2 layer widths instead of 3 to 10; write softmax:784-10 or mlp:784-128-10")
    }
}
