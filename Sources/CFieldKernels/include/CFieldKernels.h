// SPDX-License-Identifier: MIT
//
// Loops over vectors of Field64, p = 2^64 − 2^32 + 1, one 64-bit word an element. A word is *canonical* when it is below p;
// a *lazy* word is any representative in [0, 2^64). Vectors of one call do not overlap unless a comment says so.
#pragma once

#include <stddef.h>
#include <stdint.h>

/// Adds canonical words to lazy ones; the result is lazy.
void field64_add(uint64_t *accumulator, const uint64_t *canonical, size_t count);

/// Subtracts canonical words from lazy ones; the result is lazy.
void field64_subtract(uint64_t *accumulator, const uint64_t *canonical, size_t count);

/// Makes lazy words canonical.
void field64_canonicalize(uint64_t *words, size_t count);

/// Multiplies lazy words by lazy words, element by element; the result is lazy.
void field64_multiply(uint64_t *accumulator, const uint64_t *words, size_t count);

/// Multiplies lazy words by one canonical word; the result is lazy.
void field64_scale(uint64_t *words, uint64_t factor, size_t count);

/// Computes Σ a[k]·b[k], canonical, of lazy words. The two vectors may be the same one.
uint64_t field64_inner_product(const uint64_t *a, const uint64_t *b, size_t count);

/// Continues acc ← (acc + words[k])·z in F_p[w]/(w² − 7) over lazy words. `state` and `point` hold (1-part, w-part),
/// canonical before and after.
void field64_extension_absorb(uint64_t state[2], const uint64_t point[2], const uint64_t *words, size_t count);

/// Finds the first word that is not canonical; `count` when there is none.
size_t field64_first_noncanonical(const uint64_t *words, size_t count);

/// Adds those of `words` that are canonical to lazy ones, one behind the other, and skips the rest (rejection sampling of
/// protocol section 2); returns how many were added.
size_t field64_add_accepted(uint64_t *accumulator, const uint64_t *words, size_t count);

/// Subtracts those of `words` that are canonical, as `field64_add_accepted` adds them.
size_t field64_subtract_accepted(uint64_t *accumulator, const uint64_t *words, size_t count);

/// Writes zeros that no optimization leaves out.
void field64_wipe(uint64_t *words, size_t count);

/// Maps signed integers to canonical words.
void field64_from_signed(uint64_t *words, const int64_t *values, size_t count);

/// Maps canonical words to the signed integers of least magnitude, in ±(p − 1)/2.
void field64_to_signed(int64_t *values, const uint64_t *canonical, size_t count);

/// Reads 8·count little-endian bytes.
void field64_load(uint64_t *words, const uint8_t *bytes, size_t count);

/// Writes 8·count little-endian bytes.
void field64_store(uint8_t *bytes, const uint64_t *words, size_t count);
