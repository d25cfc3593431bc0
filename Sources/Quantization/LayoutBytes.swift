// SPDX-License-Identifier: MIT

/// Reads the layout of a model as protocol section 2 writes it: per tensor its u32-length name, u32 rank, u32 dimensions.
enum LayoutBytes {
    /// More parameters than this are refused.
    static let parametersMax = 1 << 31

    /// Counts the parameters of a model; a tensor of rank 0 has one.
    ///
    /// - Throws: `invalidLayout` with the offset of the tensor that cannot be read or is one too many.
    static func parameterCount(of bytes: [UInt8]) throws(QuantizationError) -> Int {
        var rest = bytes[...]
        var total = 0
        while !rest.isEmpty {
            let start = rest.startIndex
            guard let nameLength = u32(&rest), rest.count >= nameLength else { throw .invalidLayout(offset: start) }
            rest = rest.dropFirst(nameLength)
            guard let rank = u32(&rest), rest.count / 4 >= rank else { throw .invalidLayout(offset: start) }
            var elements = 1
            for _ in 0..<rank {
                let (product, overflows) = elements.multipliedReportingOverflow(by: u32(&rest) ?? 0)
                guard !overflows, product <= parametersMax else { throw .invalidLayout(offset: start) }
                elements = product
            }
            total += elements
            guard total <= parametersMax else { throw .invalidLayout(offset: start) }
        }
        return total
    }

    private static func u32(_ bytes: inout ArraySlice<UInt8>) -> Int? {
        guard bytes.count >= 4 else { return nil }
        defer { bytes = bytes.dropFirst(4) }
        return bytes.prefix(4).reduce(0) { $0 << 8 | Int($1) }
    }
}
