// SPDX-License-Identifier: MIT

import FiniteField
import Primitives

/// What the coordinator and the corrupt parties saw of the honest ones, as linear combinations of unknowns over F_p.
///
/// An upload of honest i is `X_i + Σ_s mask(i, s)`, an aggregate share of slot s is `Σ_{i∈U} mask(i, s)`. The masks whose seeds
/// the adversary knows, and everything of its own parties, it can subtract: they stand in no row. Masks of different rounds
/// are different unknowns; X_i of one base is one unknown, in every round and epoch.
struct LinearView {
    /// One unknown mask: its key, which is fresh for every round, participant and slot.
    typealias MaskKey = [UInt8]

    private struct Round {
        var masks: [MaskKey: Int] = [:]
        var rows: [(updates: [Int: Field64], masks: [Int: Field64])] = []
        let base: Digest
    }

    private var rounds: [Digest: Round] = [:]
    private(set) var order: [Digest] = []
    private var seen: Set<[UInt8]> = []

    /// The vector of one participant, with the keys of the masks that the adversary does not know.
    mutating func sawUpload(ctx: Digest, base: Digest, participant: Int, unknownMasks: [MaskKey]) {
        guard isNew(ctx.bytes + [0, UInt8(participant)] + unknownMasks.flatMap(\.self)) else { return }
        add(ctx, base, updates: [participant: .one], unknownMasks)
    }

    /// An aggregate share: the sum of these masks.
    mutating func sawAnswer(ctx: Digest, base: Digest, unknownMasks: [MaskKey]) {
        guard isNew(ctx.bytes + [1] + unknownMasks.flatMap(\.self)) else { return }
        add(ctx, base, updates: [:], unknownMasks)
    }

    private mutating func isNew(_ row: [UInt8]) -> Bool { seen.insert(row).inserted }

    private mutating func add(_ ctx: Digest, _ base: Digest, updates: [Int: Field64], _ masks: [MaskKey]) {
        if rounds[ctx] == nil {
            rounds[ctx] = Round(base: base)
            order.append(ctx)
        }
        var columns: [Int: Field64] = [:]
        for mask in masks {
            let count = rounds[ctx]?.masks.count ?? 0
            let column = rounds[ctx]?.masks[mask] ?? count
            rounds[ctx]?.masks[mask] = column
            columns[column] = (columns[column] ?? .zero) + .one
        }
        rounds[ctx]?.rows.append((updates, columns))
    }

    /// A basis of the linear functions of honest updates under each base that the rows determine, as coefficients by
    /// participant; and whether an update is in two different ones of those that single rounds determine. The basis alone does
    /// not show that: A + B and A + B + C + D are as good as A + B and C + D.
    func determined() -> [(base: Digest, functions: [[Int: Field64]], isInTwo: Bool)] {
        var bases: [Digest] = []
        var functions: [Digest: [[Int: Field64]]] = [:]
        var opened: [Digest: Set<[Int: Field64]>] = [:]
        for ctx in order {
            guard let round = rounds[ctx] else { continue }
            if functions[round.base] == nil { bases.append(round.base) }
            let left = Self.withoutMasks(round)
            functions[round.base, default: []] += left
            opened[round.base, default: []].formUnion(Self.basis(of: left))
        }
        return bases.map { base in
            let participants = (opened[base] ?? []).flatMap(\.keys)
            return (base, Self.basis(of: functions[base] ?? []), Set(participants).count < participants.count)
        }
    }

    /// Eliminates the masks of one round: what is left speaks of updates alone.
    private static func withoutMasks(_ round: Round) -> [[Int: Field64]] {
        var rows = round.rows
        var used = 0
        // Each mask stands in few rows: the one that is used up is exchanged with the first that is not.
        for column in 0..<round.masks.count {
            guard let pivot = rows.indices.dropFirst(used).first(where: { rows[$0].masks[column] != nil }) else {
                continue
            }
            rows.swapAt(used, pivot)
            guard let inverse = rows[used].masks[column]?.inverse else { continue }
            for index in (used + 1)..<rows.count {
                guard let factor = rows[index].masks[column] else { continue }
                subtract(inverse * factor, rows[used].masks, from: &rows[index].masks)
                subtract(inverse * factor, rows[used].updates, from: &rows[index].updates)
            }
            used += 1
        }
        return rows.dropFirst(used).map(\.updates).filter { !$0.isEmpty }
    }

    private static func basis(of functions: [[Int: Field64]]) -> [[Int: Field64]] {
        var basis: [(pivot: Int, row: [Int: Field64])] = []
        for function in functions {
            var row = function
            for entry in basis {
                guard let factor = row[entry.pivot] else { continue }
                subtract(factor, entry.row, from: &row)
            }
            guard let pivot = row.keys.min(), let inverse = row[pivot]?.inverse else { continue }
            let scaled = row.mapValues { $0 * inverse }
            // Nothing that is in the basis speaks of the pivot any more: it stays fully reduced.
            for index in basis.indices {
                guard let factor = basis[index].row[pivot] else { continue }
                subtract(factor, scaled, from: &basis[index].row)
            }
            basis.append((pivot, scaled))
        }
        return basis.map(\.row)
    }

    private static func subtract(_ factor: Field64, _ other: [Int: Field64], from row: inout [Int: Field64]) {
        for (column, value) in other {
            let difference = (row[column] ?? .zero) - factor * value
            row[column] = difference == .zero ? nil : difference
        }
    }
}
