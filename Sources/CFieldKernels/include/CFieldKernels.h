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

/// Adds lazy words to lazy ones; the result is lazy.
void field64_add_lazy(uint64_t *accumulator, const uint64_t *words, size_t count);

/// Subtracts lazy words from lazy ones; the result is lazy.
void field64_subtract_lazy(uint64_t *accumulator, const uint64_t *words, size_t count);

/// Negates lazy words; the result is lazy.
void field64_negate(uint64_t *words, size_t count);

/// Makes lazy words canonical.
void field64_canonicalize(uint64_t *words, size_t count);

/// Multiplies lazy words by lazy words, element by element; the result is lazy.
void field64_multiply(uint64_t *accumulator, const uint64_t *words, size_t count);

/// Multiplies lazy words by one canonical word; the result is lazy.
void field64_scale(uint64_t *words, uint64_t factor, size_t count);

/// Computes Σ a[k]·b[k], canonical, of lazy words. The two vectors may be the same one.
uint64_t field64_inner_product(const uint64_t *a, const uint64_t *b, size_t count);

/// An element of F_p[w]/(w² − 7), canonical parts.
typedef struct {
    uint64_t one, w;
} field64_extension;

/// Continues acc ← (acc + words[k])·z over lazy words, from `acc` on.
field64_extension field64_extension_absorb(
    field64_extension acc, field64_extension z, const uint64_t *words, size_t count);

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

/// Maps lazy words to the signed integers of least magnitude, in ±(p − 1)/2.
void field64_to_signed(int64_t *values, const uint64_t *words, size_t count);

/// Whether lazy words stand for the same elements as others; the vectors may be the same one.
int field64_are_equal(const uint64_t *a, const uint64_t *b, size_t count);

/// Reads 8·count little-endian bytes.
void field64_load(uint64_t *words, const uint8_t *bytes, size_t count);

/// Writes 8·count little-endian bytes, canonical, of lazy words.
void field64_store(uint8_t *bytes, const uint64_t *words, size_t count);
