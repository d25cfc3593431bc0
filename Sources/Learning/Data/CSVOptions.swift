// SPDX-License-Identifier: MIT

/// Says how a table of comma-separated values becomes samples.
public struct CSVOptions: Sendable, Hashable {
    /// The name of the column that holds the class; all others are features.
    public var label: String
    /// The names of the classes in the order of their numbers, the same at every site.
    ///
    /// Without them integers from 0 are classes as they stand, and names are numbered in the order of their bytes
    /// among those that occur in this file.
    public var classes: [String]
    /// How features are scaled.
    public var standardization: Standardization

    /// Takes the options; what they name is looked for when a table is read.
    public init(label: String, classes: [String] = [], standardization: Standardization = .none) {
        self.label = label
        self.classes = classes
        self.standardization = standardization
    }
}
