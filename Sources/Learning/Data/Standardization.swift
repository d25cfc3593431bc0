// SPDX-License-Identifier: MIT

/// Maps a feature x to (x − mean)/deviation with declared constants, alike for every participant: constants measured
/// on local data would differ between sites and say something about them.
public struct Standardization: Sendable, Hashable {
    /// One mean per feature, or one for all; none leaves the features as they are.
    public let means: [Float]
    /// As many deviations as means, none of them zero.
    public let deviations: [Float]

    /// Leaves the features as they are.
    public static let none = Standardization(means: [], deviations: [])

    private init(means: [Float], deviations: [Float]) {
        self.means = means
        self.deviations = deviations
    }

    /// Reads `none`, or `MEAN/DEVIATION` for all features, or a list of such pairs separated by commas, one for each
    /// feature in the order of the columns.
    ///
    /// - Throws: `DataError.option`.
    public init(parsing text: String) throws(DataError) {
        guard text != "none" else {
            self = .none
            return
        }
        let error = DataError.option(
            "--standardize", value: text,
            expected: "none, or MEAN/DEVIATION for all features or for each, such as 2.5/0.4")
        var (means, deviations): ([Float], [Float]) = ([], [])
        for pair in text.split(separator: ",", omittingEmptySubsequences: false) {
            let numbers = pair.split(separator: "/", omittingEmptySubsequences: false).compactMap { Float($0) }
            guard numbers.count == 2, pair.filter({ $0 == "/" }).count == 1, numbers.allSatisfy(\.isFinite),
                numbers[1] > 0
            else { throw error }
            means.append(numbers[0])
            deviations.append(numbers[1])
        }
        self.init(means: means, deviations: deviations)
    }

    /// Maps the rows of a matrix in place.
    ///
    /// - Throws: `DataError.option` if there are constants for another number of features.
    func apply(to features: inout [Float], featureCount: Int) throws(DataError) {
        guard !means.isEmpty else { return }
        guard means.count == 1 || means.count == featureCount else {
            throw .option(
                "--standardize", value: "\(means.count) pairs",
                expected: "one pair, or \(featureCount) for \(featureCount) features")
        }
        for index in features.indices {
            let column = means.count == 1 ? 0 : index % featureCount
            features[index] = (features[index] - means[column]) / deviations[column]
        }
    }
}
