#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Recomputes packed encodings in exact rationals and checks what was encoded and decoded against them.

Usage: exact_rationals.py FILE, a JSON file that ExactRationalTests writes. Prints one line for each property that does
not hold and ends with status 1; prints what was measured otherwise. It shares no code with the library: floats become
fractions, the transform, clipping, rounding bounds, scales and error bounds are computed here again.
"""
import json
import math
import struct
import sys
from fractions import Fraction

failures = []


def check(holds, what):
    if not holds:
        failures.append(what)


def float32(bits):
    return Fraction(struct.unpack(">f", bytes.fromhex(bits))[0])


def float64(bits):
    return struct.unpack(">d", bytes.fromhex(bits))[0]


def power(exponent):
    return Fraction(2) ** exponent


def square_root(value):
    """A rational within 2^-200 relative of the square root."""
    shift = 400
    scaled = (value.numerator << (2 * shift)) // value.denominator
    return Fraction(math.isqrt(scaled), 1 << shift)


def hadamard(values):
    values = list(values)
    distance = 1
    while distance < len(values):
        for start in range(0, len(values), 2 * distance):
            for k in range(start, start + distance):
                a, b = values[k], values[k + distance]
                values[k], values[k + distance] = a + b, a - b
        distance *= 2
    return values


def signs_of(words, length):
    bits = bytes.fromhex(words)
    return [-1 if bits[k // 8] >> (k % 8) & 1 else 1 for k in range(length)]


def clipped(update, clip):
    if clip == 0:
        return update
    norm = square_root(sum(x * x for x in update))
    return [x * clip / norm for x in update] if norm > clip else update


def transformed(update, blocks, signs, exponents, weight):
    """v of every transformed coordinate: what a digit is the rounding of."""
    result, offset = [], 0
    for length, sign, exponent in zip(blocks, signs, exponents):
        part = update[offset:offset + length]
        part = part + [Fraction(0)] * (length - len(part))
        scale = weight * power(-math.ceil(math.log2(length) / 2) - exponent)
        result += [v * scale for v in hadamard([x * s for x, s in zip(part, sign)])]
        offset += length
    return result


def by_block(values, blocks):
    offset = 0
    for length in blocks:
        yield values[offset:offset + length]
        offset += length


def check_round(data):
    name = data["name"]
    blocks, exponents = data["blocks"], data["exponents"]
    signs = [signs_of(words, length) for words, length in zip(data["signs"], blocks)]
    weight_max, clip = Fraction(float64(data["weightMax"])), Fraction(float64(data["clip"]))
    updates, sums = [], [0] * sum(blocks)
    for index, member in enumerate(data["participants"]):
        update = clipped([float32(x) for x in member["x"]], clip)
        updates.append((member["weight"], update))
        values = transformed(update, blocks, signs, exponents, Fraction(member["weight"]) / weight_max)
        digits = member["digits"]
        check(len(digits) == len(values), f"{name}: number of digits")
        check(member["clamped"] == 0, f"{name}: participant {index} clamped digits")
        for z, v in zip(digits, values):
            check(abs(z) <= data["digitBound"], f"{name}: a digit is beyond the bound")
            if data["exactFloats"]:
                check(z in (math.floor(v), math.ceil(v)), f"{name}: {z} is no rounding of {float(v)}")
        for length, z, v in zip(blocks, by_block(digits, blocks), by_block(values, blocks)):
            k = length.bit_length() - 1
            norm = square_root(sum(x * x for x in v))
            slack = Fraction(k + 5, 2**24) * norm
            for one, exact in zip(z, v):
                check(abs(one - exact) < 1 + slack, f"{name}: digit {one} for {float(exact)}")
        sums = [a + z for a, z in zip(sums, digits)]
    check(sums == data["sums"], f"{name}: the sums of the digits")

    total = sum(weight for weight, _ in updates)
    check(total == data["totalWeight"], f"{name}: the total weight")
    count = len(updates[0][1])
    mean = [sum(weight * update[k] for weight, update in updates) / total for k in range(count)]
    model, applied = [float32(x) for x in data["model"]], [float32(x) for x in data["applied"]]
    offset = 0
    squares_of_errors, worst = [], 0.0
    for index, length in enumerate(blocks):
        k = length.bit_length() - 1
        digits = sums[sum(blocks[:index]):sum(blocks[:index + 1])]
        stretch = 1 if k % 2 == 0 else math.sqrt(2)
        unit = stretch * 2.0 ** exponents[index] * float(weight_max / total)

        # The stated bound, computed again.
        largest = math.sqrt(length) * (data["digitBound"] + 1)
        if clip > 0:
            largest = min(largest, float(clip) / stretch / 2.0 ** exponents[index])
        squares = sum(s * s for s in digits)
        bound = unit * (len(updates) * (math.sqrt(length) + (k + 5) * 2.0**-24 * largest)
                        + (k + 3) * 2.0**-24 * math.sqrt(squares))
        stated = float64(data["bounds"][index])
        check(abs(stated / bound - 1) < 1e-9, f"{name}: bound {stated}, not {bound}")
        expected = unit * math.sqrt(len(updates)) / 2
        check(abs(float64(data["expected"][index]) / expected - 1) < 1e-9, f"{name}: expected error")

        # The errors of this block; the last rounding, of the parameter, comes on top of the bound.
        here = range(offset, min(offset + length, count))
        errors = [applied[j] - model[j] - mean[j] for j in here]
        last = [abs(applied[j]) * Fraction(1, 2**24) for j in here]
        norm = square_root(sum(e * e for e in errors))
        room = Fraction(stated) + square_root(sum(e * e for e in last))
        check(norm <= room, f"{name}: error {float(norm)} beyond {float(room)}")
        worst = max(worst, float(norm / room))
        for e, rounding in zip(errors, last):
            check(abs(e) <= Fraction(stated) + rounding, f"{name}: error of a coordinate")
        if len(errors) == length and data["rounding"]:
            mean_square = math.sqrt(sum(float(e) ** 2 for e in errors) / length)
            check(mean_square <= 1.25 * expected, f"{name}: mean square error {mean_square}, expected {expected}")
            squares_of_errors.append(mean_square / expected)

        # The next exponent, by its definition.
        room = length * (2 ** (data["nextBits"] - 1) - 1) ** 2
        low, high = data["range"]
        e = exponents[index]
        if squares:
            while Fraction(256 * squares) * power(2 * (exponents[index] - e)) > room:
                e += 1
            while Fraction(256 * squares) * power(2 * (exponents[index] - e + 1)) <= room:
                e -= 1
            e = min(max(e, low), high)
        check(data["nextExponents"][index] == e, f"{name}: next exponent {data['nextExponents'][index]}, not {e}")
        offset += length
    ratios = ", ".join(f"{r:.2f}" for r in squares_of_errors)
    print(f"{name}: error at most {worst:.3f} of the bound; root mean square by block, of the expected: {ratios}")


def check_mean(data):
    """The mean of many roundings of one update against the exact value, by its variance."""
    blocks, exponents = data["blocks"], data["exponents"]
    signs = [signs_of(words, length) for words, length in zip(data["signs"], blocks)]
    values = transformed([float32(x) for x in data["x"]], blocks, signs, exponents, Fraction(1))
    seeds = data["seeds"]
    scores, bias, spread = [], Fraction(0), Fraction(0)
    for total, v in zip(data["totals"], values):
        fraction = v - math.floor(v)
        variance = fraction * (1 - fraction) / seeds
        error = Fraction(total, seeds) - v
        if variance == 0:
            check(error == 0, f"mean: an integer {v} was changed")
            continue
        bias += error
        spread += variance
        # Resolution 2^-16: the probability may be wrong by 2^-17.
        check(abs(error) <= 6 * square_root(variance) + Fraction(1, 2**17), f"mean: {float(error)} off at {float(v)}")
        scores.append(float(error * error / variance))
    count = len(scores)
    check(count > 200, "mean: too few fractions")
    chi = sum(scores)
    check(abs(chi - count) < 6 * math.sqrt(2 * count), f"mean: chi-square {chi} of {count}")
    z = float(bias) / math.sqrt(float(spread))
    check(abs(z) < 5, f"mean: bias of {z} standard deviations")
    print(f"mean of {seeds} roundings: chi-square {chi:.0f} of {count}, bias {z:.2f} standard deviations")


def main():
    with open(sys.argv[1], encoding="utf-8") as file:
        data = json.load(file)
    for one in data["rounds"]:
        check_round(one)
    check_mean(data["mean"])
    for failure in failures[:20]:
        print("FAILED " + failure)
    if failures:
        print(f"FAILED {len(failures)} checks")
        sys.exit(1)


main()
