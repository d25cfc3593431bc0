// SPDX-License-Identifier: MIT

import Learning
import Testing

@Suite struct SafetensorsTests {
    /// What the Python package `safetensors` writes for {"b": [2], "a": [[1, -0.0]]} with metadata {"k": "v\"ü"}:
    /// tensors sorted by name, header padded with spaces.
    static let header =
        #"{"__metadata__":{"k":"v\"ü"},"a":{"dtype":"F32","shape":[1,2],"data_offsets":[0,8]},"b":{"dtype":"F32","shape":[1],"data_offsets":[8,12]}}"#
    static let data = bytes("0000803f 00000080 00000040")

    static func file(_ header: String, _ data: [UInt8] = data) -> [UInt8] {
        let padded = Array(header.utf8) + repeatElement(0x20, count: (8 - header.utf8.count % 8) % 8)
        return [UInt8(padded.count % 256), UInt8(padded.count / 256)] + [UInt8](repeating: 0, count: 6) + padded + data
    }

    static func stored() throws -> StoredModel {
        let layout = try ModelLayout(tensors: [
            TensorShape(name: "a", dimensions: [1, 2]), TensorShape(name: "b", dimensions: [1]),
        ])
        return StoredModel(
            parameters: try Parameters(layout: layout, values: [1, -0.0, 2]), metadata: ["k": "v\"ü"])
    }

    @Test func readsAndWritesTheBytesOfTheFormat() throws {
        #expect(try Safetensors.decode(Self.file(Self.header)) == Self.stored())
        #expect(Safetensors.encode(try Self.stored()) == Self.file(Self.header))
    }

    @Test func dataBeginsAtAMultipleOfEight() throws {
        for length in 1...9 {
            let name = String(repeating: "n", count: length)
            let layout = try ModelLayout(tensors: [TensorShape(name: name, dimensions: [])])
            let model = StoredModel(parameters: try Parameters(layout: layout, values: [3]))
            let bytes = Safetensors.encode(model)
            #expect((bytes.count - 4) % 8 == 0)
            #expect(try Safetensors.decode(bytes) == model)
        }
    }

    @Test func everyCharacterOfNamesAndTextsSurvives() throws {
        let text = "\u{0}\u{1f}\"\\/\u{7f}ü\u{2028}🧮"
        let layout = try ModelLayout(tensors: [TensorShape(name: text, dimensions: [1])])
        let model = StoredModel(parameters: try Parameters(layout: layout, values: [.nan]), metadata: [text: text])
        #expect(try Safetensors.decode(Safetensors.encode(model)) == model)
    }

    @Test func escapesAndSpacesOfJSONAreUnderstood() throws {
        let header =
            #" { "\u0061\n\ud83e\uddee\/" : { "shape" : [ ] , "data_offsets" : [ 0 , 4 ] , "dtype" : "F32" } } "#
        let model = try Safetensors.decode(Self.file(header, bytes("0000803f")))
        #expect(model.parameters.layout.tensors == [TensorShape(name: "a\n🧮/", dimensions: [])])
    }

    @Test func tensorsAreFoundByTheirNames() throws {
        let layout = try ModelLayout(tensors: [
            TensorShape(name: "b", dimensions: [1]), TensorShape(name: "a", dimensions: [1, 2]),
        ])
        #expect(try Self.stored().parameters(as: layout).values == [2, 1, -0.0])
    }

    @Test func otherModelIsRefusedByTensor() throws {
        func arranged(_ tensors: [TensorShape]) throws -> Parameters {
            try Self.stored().parameters(as: ModelLayout(tensors: tensors))
        }
        let (a, b) = (TensorShape(name: "a", dimensions: [1, 2]), TensorShape(name: "b", dimensions: [1]))
        #expect(throws: SafetensorsError.missing(tensor: "c")) {
            try arranged([a, b, TensorShape(name: "c", dimensions: [1])])
        }
        #expect(throws: SafetensorsError.unexpected(tensor: "b")) { try arranged([a]) }
        #expect(throws: SafetensorsError.shape(tensor: "a", expected: [2, 1], actual: [1, 2])) {
            try arranged([TensorShape(name: "a", dimensions: [2, 1]), b])
        }
    }

    @Test func truncationIsFoundAtEveryLength() {
        let whole = Self.file(Self.header)
        for length in 0..<whole.count {
            #expect(throws: SafetensorsError.self) { try Safetensors.decode(Array(whole[..<length])) }
        }
        #expect(throws: SafetensorsError.trailing(bytes: 1)) { try Safetensors.decode(whole + [0]) }
    }

    @Test func headerLengthIsBounded() {
        let whole = Self.file(Self.header)
        #expect(throws: SafetensorsError.headerLength(actual: .max, available: whole.count)) {
            try Safetensors.decode([UInt8](repeating: 0xff, count: 8) + whole)
        }
    }

    static let f32 = #""dtype":"F32""#

    @Test(arguments: [
        (
            #"{"a":{"dtype":"F16","shape":[6],"data_offsets":[0,12]}}"#,
            SafetensorsError.dataType(tensor: "a", actual: "F16")
        ),
        (
            #"{"a":{\#(f32),"shape":[1],"data_offsets":[0,4]},"a":{\#(f32),"shape":[2],"data_offsets":[4,12]}}"#,
            .duplicate("a")
        ),
        (#"{"a":{\#(f32),"shape":[1],"shape":[1],"data_offsets":[0,4]}}"#, .duplicate("a.shape")),
        (#"{"__metadata__":{"x":"","x":""}}"#, .duplicate("x")),
        (#"{"a":{\#(f32),"shape":[2],"data_offsets":[0,12]}}"#, .offsets(tensor: "a", begin: 0, end: 12)),
        (#"{"a":{\#(f32),"shape":[2],"data_offsets":[4,12]}}"#, .offsets(tensor: "a", begin: 4, end: 12)),
        (#"{"a":{\#(f32),"shape":[4],"data_offsets":[0,16]}}"#, .offsets(tensor: "a", begin: 0, end: 16)),
        (
            #"{"a":{\#(f32),"shape":[2],"data_offsets":[0,8]},"b":{\#(f32),"shape":[2],"data_offsets":[4,12]}}"#,
            .offsets(tensor: "b", begin: 4, end: 12)
        ),
        (
            #"{"a":{\#(f32),"shape":[1],"data_offsets":[0,4]},"b":{\#(f32),"shape":[1],"data_offsets":[8,12]}}"#,
            .offsets(tensor: "b", begin: 8, end: 12)
        ),
        (#"{"a":{\#(f32),"shape":[2],"data_offsets":[0,8]}}"#, .trailing(bytes: 4)),
        (#"{"a":{\#(f32),"shape":[0],"data_offsets":[0,0]}}"#, .layout(.layoutShape(name: "a"))),
        (#"{"a":{\#(f32),"shape":[9999999999,9999999999,9999999999],"data_offsets":[0,12]}}"#, .layout(.layoutSize)),
        ("{}", .layout(.layoutSize)),
    ])
    func faultyHeaderIsRefused(header: String, error: SafetensorsError) {
        #expect(throws: error) { try Safetensors.decode(Self.file(header)) }
    }

    @Test(arguments: [
        "", "[]", "{", "{}}", #"{"a"}"#, #"{"a":1}"#, #"{,}"#, #"{"a":{}}"#, #"{"a":{"dtype":"F32"}}"#,
        #"{"a":{"dtype":"F32","shape":[-1],"data_offsets":[0,12]}}"#,
        #"{"a":{"dtype":"F32","shape":[3.0],"data_offsets":[0,12]}}"#,
        #"{"a":{"dtype":"F32","shape":[03],"data_offsets":[0,12]}}"#,
        #"{"a":{"dtype":"F32","shape":[3],"data_offsets":[0,12,12]}}"#,
        #"{"a":{"dtype":"F32","shape":[3],"data_offsets":[0,99999999999999999999]}}"#,
        #"{"a":{"dtype":"F32","shape":[3],"data_offsets":[0,12],"x":"y"}}"#,
        #"{"a":{"dtype":"F32","shape":[3,],"data_offsets":[0,12]}}"#,
        #"{"a":{"dtype":"F32","shape":[1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,3],"data_offsets":[0,12]}}"#,
        #"{"__metadata__":{"x":1}}"#, #"{"\ud800":{}}"#, #"{"\ud800\u0041":{}}"#, #"{"\udc00":{}}"#, #"{"\x":{}}"#,
        "{\"a\u{1}\":{}}", "{\"a", "{\"\\u00",
    ])
    func headerThatIsNotItsJSONIsRefused(header: String) {
        #expect {
            try Safetensors.decode(Self.file(header))
        } throws: { error in
            guard case SafetensorsError.header = error else { return false }
            return true
        }
    }
}
