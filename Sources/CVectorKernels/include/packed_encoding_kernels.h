// SPDX-License-Identifier: MIT
//
// The loops of the packed encodings (protocol section 8). Every result is the same on every processor: one order of
// operations, no contraction into fused multiply-adds. Lengths and offsets are in elements; vectors of one call do not
// overlap. Streams of the key generator are passed as the 64-bit words that their bytes make, lowest first.
#pragma once

#include <stddef.h>
#include <stdint.h>

/// Coordinates of a tile: what the loops take at a time, so that it stays in the first-level cache.
#define PACKED_TILE 4096
/// Floats of the room for a block of up to 2^16 coordinates: 16 tiles, each with 16 floats of room behind it.
#define PACKED_BLOCK 65792

/// Transforms one block of 256…65536 coordinates, a power of two: signs, then butterflies of distance 1, 2, 4, ….
///
/// block[k] starts as ±(update[offset + k]·scale) for k < count and as ±0 behind; bit k of `signs`, set, means minus.
/// Returns how many of the `count` coordinates are infinite or not a number; the block is of no use then.
size_t packed_forward(
    float *block, size_t length, const float *update, size_t offset, size_t count, const uint64_t *signs, float scale);

/// Applies the butterflies of distance 1, 2, 4, …, length/2 to a block of 256…65536, a power of two.
void packed_butterflies(float *block, size_t length);

/// Rounds stochastically: digits[at + k] ← ⌊(rint(v·2^16) + u)/2^16⌋ with v = block[offset + k]·factor and u the k-th
/// 16 bits of `random`. What lies outside ±(2^31 − 1) becomes ±(2^31 − 1); returns how many do. No v may be NaN.
size_t packed_round(
    int32_t *digits, size_t at, const float *block, size_t offset, size_t count, const uint64_t *random, float factor);

/// Clamps digits to ±bound; returns how many were beyond it.
size_t packed_clamp(int32_t *digits, size_t at, size_t count, int32_t bound);

/// Packs count·⌊64/bits⌋ digits into words[at…]: Σ 2^(bits·j)·z_j mod p, canonical. Digits lie in ±(2^(bits − 1) − 1).
void packed_pack(
    uint64_t *words, size_t at, const int32_t *digits, size_t offset, size_t count, int bits);

/// Reads `count` canonical words as count·⌊64/bits⌋ balanced digits in −2^(bits − 1)…2^(bits − 1) − 1. Returns 0 unless some
/// word leaves a rest behind the last digit or has a digit −2^(bits − 1): no sum in range does either.
size_t packed_unpack(
    int32_t *digits, size_t at, const uint64_t *words, size_t offset, size_t count, int bits);

/// Computes Σ c_j·z_j over at most 2^14 digits, c_j the 16-bit words of the stream from word `first` on, OR 1.
int64_t packed_guard_sum(
    const int32_t *digits, size_t offset, size_t count, const uint64_t *coefficients, size_t first);

/// Adds Σ z² over at most 2^16 digits of `bits` bits to two sums, worth sums[0] + sums[1]·2^32 together.
void packed_squares(uint64_t sums[2], const int32_t *digits, size_t offset, size_t count, int bits);

/// block[at + k] ← Float(Double(digits[offset + k])·factor).
void packed_dequantize(
    float *block, size_t at, const int32_t *digits, size_t offset, size_t count, double factor);

/// parameters[offset + k] ← Float(Double(parameter) + Double(±(block[k]·scale))) for k < count, the sign by bit k of
/// `signs`.
void packed_apply(
    float *parameters, size_t offset, size_t count, const float *block, const uint64_t *signs, float scale);

/// Runs the forward transform and the rounding of one block as compiled for one instruction set: 1, 3 and 4 are the levels of
/// x86-64. Every tile of 4096 digits takes the same random words. Returns 0, having done nothing, where there is no such
/// variant or this processor cannot run it.
int packed_encode_block_at_level(
    int level, int32_t *digits, float *block, size_t length, const float *update, size_t count,
    const uint64_t *signs, const uint64_t *random, float factor);

/// Runs dequantizing, the inverse transform and the application of one block, like `packed_encode_block_at_level`.
int packed_decode_block_at_level(
    int level, float *parameters, float *block, size_t length, const int32_t *digits, size_t count,
    const uint64_t *signs, double factor, float scale);
