// SPDX-License-Identifier: MIT

import Testing

@testable import Programs

struct ArithmeticOptionTests {
    private func choice(_ option: ArithmeticOption?, _ environment: [String: String], toml: String) throws
        -> ArithmeticOption
    {
        let file = try TOMLFile(toml, path: "config.toml", known: SettingKey.allCases.map(\.rawValue))
        return try Settings(read: file, environment: environment).value(option, .arithmetic, default: .field64)
    }

    @Test func everyLayerCanChooseTheArithmetic() throws {
        let (variable, toml) = (["SUMMAND_ARITHMETIC": "gmp"], "arithmetic = \"gmp\"")
        #expect(try choice(nil, [:], toml: "") == .field64)
        #expect(try choice(nil, [:], toml: toml) == .gmp)
        #expect(try choice(nil, variable, toml: "") == .gmp)
        #expect(try choice(.field64, variable, toml: toml) == .field64)
    }

    @Test func anUnknownArithmeticIsRefusedWithTheKnownOnes() throws {
        let error = #expect(throws: ProgramError.self) {
            try choice(nil, ["SUMMAND_ARITHMETIC": "mpz"], toml: "")
        }
        #expect(error?.line.contains("SUMMAND_ARITHMETIC") == true)
        #expect(error?.line.contains("one of field64, gmp") == true)
    }
}
