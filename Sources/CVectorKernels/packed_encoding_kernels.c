// SPDX-License-Identifier: MIT
#include "packed_encoding_kernels.h"

#include <string.h>

#include "clones.h"

// The result of every expression is rounded by itself, whatever instructions there are.
#pragma STDC FP_CONTRACT OFF

#ifdef HAS_LEVELS
#define LEVEL3 __attribute__((target("arch=x86-64-v3")))
#define LEVEL4 __attribute__((target("arch=x86-64-v4")))
#endif
// `WIDE` also asks for registers of 512 bits where there are any: a pass over 16 rows then lives in registers.
#if defined(__has_attribute)
#if __has_attribute(min_vector_width)
#define WIDE __attribute__((min_vector_width(512)))
#endif
#endif
#ifndef WIDE
#define WIDE
#endif

// A body is inlined into each of its variants and compiled for that one's instruction set.
#define BODY static inline __attribute__((always_inline))
#define UNROLLED _Pragma("clang loop unroll(full)")

#define LANES 16
typedef float row __attribute__((vector_size(4 * LANES)));
typedef uint32_t mask __attribute__((vector_size(4 * LANES)));

// The same in memory, aligned like a float. No row is passed to or returned from a function: how depends on the processor.
typedef float stored __attribute__((vector_size(4 * LANES), aligned(4), may_alias));
#define AT(p) (*(stored *)(p))
#define FROM(p) (*(const stored *)(p))

// MARK: Butterflies

#define MINUS 0x80000000u
#define SHUFFLED(x, d)                                                                                       \
    __builtin_shufflevector(x, x, 0 ^ d, 1 ^ d, 2 ^ d, 3 ^ d, 4 ^ d, 5 ^ d, 6 ^ d, 7 ^ d, 8 ^ d, 9 ^ d, 10 ^ d, \
                            11 ^ d, 12 ^ d, 13 ^ d, 14 ^ d, 15 ^ d)
#define SIGN(i, d) ((i) & (d) ? MINUS : 0)
#define SIGNS(d)                                                                                               \
    {SIGN(0, d), SIGN(1, d), SIGN(2, d),  SIGN(3, d),  SIGN(4, d),  SIGN(5, d),  SIGN(6, d),  SIGN(7, d),      \
     SIGN(8, d), SIGN(9, d), SIGN(10, d), SIGN(11, d), SIGN(12, d), SIGN(13, d), SIGN(14, d), SIGN(15, d)}

// Butterflies within a row: of each pair (a, b) the first becomes b + a, the second a + (−b), which are a + b and a − b to
// the bit.
#define WITHIN(x, d)                                             \
    do {                                                         \
        const mask signs_##d = SIGNS(d);                         \
        row swapped_##d = SHUFFLED(x, d);                        \
        x = swapped_##d + (row)((mask)(x) ^ signs_##d);          \
    } while (0)

// Butterflies between `rows` rows, of distance 1, 2, 4, … rows. All loops have constant bounds, so that r lies in registers.
#define BETWEEN(r, rows)                                         \
    do {                                                         \
        UNROLLED for (int d = 1; d < (rows); d *= 2) {           \
            UNROLLED for (int i = 0; i < (rows); i++) {          \
                if ((i & d) == 0) {                              \
                    row a = r[i], b = r[i + d];                  \
                    r[i] = a + b;                                \
                    r[i + d] = a - b;                            \
                }                                                \
            }                                                    \
        }                                                        \
    } while (0)

#define CHUNK (LANES * LANES)
#define TILE PACKED_TILE
// A tile and a row of room: the same place of all tiles would otherwise fall into the same set of the first-level cache.
#define PITCH (TILE + LANES)
_Static_assert(TILE == LANES * CHUNK && PITCH * (65536 / TILE) == PACKED_BLOCK, "the header agrees");

// Where coordinate k of a block lies.
BODY size_t place(size_t k) { return k / TILE * PITCH + k % TILE; }

// Distances 1…128 of 256 coordinates.
BODY void chunk_butterflies(float *p) {
    row r[LANES];
    UNROLLED for (int i = 0; i < LANES; i++) {
        row x = FROM(p + i * LANES);
        WITHIN(x, 1);
        WITHIN(x, 2);
        WITHIN(x, 4);
        WITHIN(x, 8);
        r[i] = x;
    }
    BETWEEN(r, LANES);
    UNROLLED for (int i = 0; i < LANES; i++) { AT(p + i * LANES) = r[i]; }
}

// Butterflies between `rows` rows of `width` coordinates, `stride` apart.
#define STRIDED(p, width, stride, rows)                                                            \
    do {                                                                                           \
        for (size_t j = 0; j < (width); j += LANES) {                                             \
            row r[rows];                                                                           \
            UNROLLED for (int i = 0; i < (rows); i++) { r[i] = FROM((p) + i * (stride) + j); }     \
            BETWEEN(r, rows);                                                                      \
            UNROLLED for (int i = 0; i < (rows); i++) { AT((p) + i * (stride) + j) = r[i]; }     \
        }                                                                                          \
    } while (0)

BODY void strided_butterflies(float *p, size_t width, size_t stride, size_t rows) {
    switch (rows) {
    case 16: STRIDED(p, width, stride, 16); break;
    case 8: STRIDED(p, width, stride, 8); break;
    case 4: STRIDED(p, width, stride, 4); break;
    case 2: STRIDED(p, width, stride, 2); break;
    default: break;
    }
}

// A tile of up to 4096 coordinates: it stays in the first-level cache.
BODY void tile_butterflies(float *p, size_t length) {
    for (size_t i = 0; i < length; i += CHUNK) {
        chunk_butterflies(p + i);
    }
    strided_butterflies(p, CHUNK, CHUNK, length / CHUNK);
}

BODY size_t at_most(size_t a, size_t b) { return a < b ? a : b; }

BODY void butterflies(float *block, size_t length) {
    size_t tile = at_most(length, TILE);
    for (size_t i = 0; i < length; i += tile) {
        tile_butterflies(block + place(i), tile);
    }
    strided_butterflies(block, TILE, PITCH, length / tile);
}

CLONED WIDE void packed_butterflies(float *block, size_t length) { butterflies(block, length); }

// MARK: Signs

// Flips the sign of each lane k whose bit k is set in the 16 bits of the stream that begin at bit `at`.
BODY void flip_signs(row *x, const uint64_t *signs, size_t at) {
    const mask lane = {1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 1024, 2048, 4096, 8192, 16384, 32768};
    const mask none = {0};
    mask bits = none + (uint32_t)((signs[at / 64] >> (at % 64)) & 0xFFFF);
    mask chosen = (mask)((bits & lane) == lane);
    *x = (row)((mask)*x ^ (chosen & MINUS));
}

// One row of the update: scaled, signed, and each lane that is infinite or not a number counted.
BODY void enter(float *block, size_t k, const float *x, const uint64_t *signs, float scale, mask *unusable) {
    row v = FROM(x);
    // All exponent bits are set: −1 in two's complement.
    *unusable -= (mask)(((mask)v & 0x7F800000u) == 0x7F800000u);
    v *= scale;
    flip_signs(&v, signs, k);
    AT(block + place(k)) = v;
}

BODY size_t forward(
    float *block, size_t length, const float *update, size_t offset, size_t count, const uint64_t *signs, float scale) {
    const float *x = update + offset;
    size_t tile = at_most(length, TILE), whole = count - count % LANES;
    mask unusable = {0};
    for (size_t start = 0; start < length; start += tile) {
        size_t end = start + tile, k = start;
        for (; k < at_most(end, whole); k += LANES) {
            // The next tile comes from memory while this one is transformed.
            __builtin_prefetch(x + at_most(k + TILE, count), 0, 2);
            enter(block, k, x + k, signs, scale, &unusable);
        }
        for (; k < end; k += LANES) {
            float rest[LANES] = {0};
            for (size_t i = 0; k + i < count && i < LANES; i++) {
                rest[i] = x[k + i];
            }
            enter(block, k, rest, signs, scale, &unusable);
        }
        tile_butterflies(block + place(start), tile);
    }
    strided_butterflies(block, TILE, PITCH, length / tile);
    size_t refused = 0;
    for (size_t i = 0; i < LANES; i++) {
        refused += unusable[i];
    }
    return refused;
}

CLONED WIDE size_t packed_forward(
    float *block, size_t length, const float *update, size_t offset, size_t count, const uint64_t *signs, float scale) {
    return forward(block, length, update, offset, count, signs, scale);
}

// One row of means, signed and scaled, is added to the parameters.
BODY void leave(float *p, const float *block, size_t k, const uint64_t *signs, float scale) {
    row v = FROM(block + place(k)) * scale;
    flip_signs(&v, signs, k);
    float mean[LANES];
    AT(mean) = v;
    for (size_t i = 0; i < LANES; i++) {
        p[i] = (float)((double)p[i] + (double)mean[i]);
    }
}

BODY void apply(
    float *parameters, size_t offset, size_t count, const float *block, const uint64_t *signs, float scale) {
    float *p = parameters + offset;
    size_t k = 0;
    for (; k + LANES <= count; k += LANES) {
        leave(p + k, block, k, signs, scale);
    }
    if (k < count) {
        float rest[LANES] = {0};
        for (size_t i = 0; k + i < count; i++) {
            rest[i] = p[k + i];
        }
        leave(rest, block, k, signs, scale);
        for (size_t i = 0; k + i < count; i++) {
            p[k + i] = rest[i];
        }
    }
}

CLONED WIDE void packed_apply(
    float *parameters, size_t offset, size_t count, const float *block, const uint64_t *signs, float scale) {
    apply(parameters, offset, count, block, signs, scale);
}

// MARK: Digits

// 16-bit words of a key stream that is held in 64-bit words.
typedef uint16_t stream16 __attribute__((may_alias));
#if __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__
#define STREAM16(words, i) ((const stream16 *)(words))[(i) ^ 3]
#else
#define STREAM16(words, i) ((const stream16 *)(words))[i]
#endif

// The largest Float32 below 2^31.
#define INSIDE 2147483520.0f

BODY size_t round_digits(
    int32_t *digits, size_t at, const float *block, size_t offset, size_t count, const uint64_t *random, float factor) {
    int32_t *restrict result = digits + at;
    const float *restrict source = block + place(offset);
    uint32_t outside = 0;
    for (size_t k = 0; k < count; k++) {
        float v = source[k] * factor;
        float inside = v > INSIDE ? INSIDE : v < -INSIDE ? -INSIDE : v;
        int32_t whole = (int32_t)inside;
        whole -= (float)whole > inside ? 1 : 0;
        // The fraction lies in [0, 1] and is exact but for v in (−1/2, 0), where it is rounded to 24 bits. Where
        // |v| ≥ 2^7 it has at most 16 bits, so that rounding to a multiple of 2^-16 changes nothing either.
        float fraction = inside - (float)whole;
        int32_t units = (int32_t)(fraction * 65536.0f + 0.5f);
        int32_t digit = whole + ((units + (int32_t)STREAM16(random, k)) >> 16);
        digit = v > INSIDE ? INT32_MAX : digit;
        digit = v < -INSIDE ? -INT32_MAX : digit;
        result[k] = digit;
        outside += v > INSIDE || v < -INSIDE ? 1 : 0;
    }
    return outside;
}

CLONED size_t packed_round(
    int32_t *digits, size_t at, const float *block, size_t offset, size_t count, const uint64_t *random, float factor) {
    return round_digits(digits, at, block, offset, count, random, factor);
}

CLONED size_t packed_clamp(int32_t *digits, size_t at, size_t count, int32_t bound) {
    int32_t *z = digits + at;
    uint32_t beyond = 0;
    for (size_t k = 0; k < count; k++) {
        int32_t clamped = z[k] > bound ? bound : z[k] < -bound ? -bound : z[k];
        beyond += clamped != z[k] ? 1 : 0;
        z[k] = clamped;
    }
    return beyond;
}

// MARK: Packing
//
// With H = 2^(b−1) and B = Σ_j H·2^(bj), Z + B = Σ_j (z_j + H)·2^(bj), whose digits are not negative: packing is putting
// b-bit fields side by side and taking B away, and unpacking is adding B and cutting the fields out again.

#define EPSILON UINT64_C(0xFFFFFFFF)
#define P UINT64_C(0xFFFFFFFF00000001)

// Z mod p for |Z| < p/2: a negative one misses p = 2^64 − EPSILON, of which 2^64 adds itself.
BODY uint64_t element(uint64_t z) { return z - ((int64_t)z < 0 ? EPSILON : 0); }
// The integer of least magnitude, as 64 bits in two's complement.
BODY uint64_t integer(uint64_t word) { return word > (P - 1) / 2 ? word - P : word; }

BODY uint64_t offset_of(int bits, int digits) {
    uint64_t sum = 0;
    for (int j = 0; j < digits; j++) {
        sum |= UINT64_C(1) << (bits * j + bits - 1);
    }
    return sum;
}

BODY void pack(uint64_t *restrict words, const int32_t *restrict z, size_t count, int bits, int digits) {
    const uint64_t all = offset_of(bits, digits);
    const uint64_t half = UINT64_C(1) << (bits - 1);
    for (size_t i = 0; i < count; i++) {
        uint64_t fields = 0;
        for (int j = 0; j < digits; j++) {
            fields |= ((uint64_t)(int64_t)z[i * (size_t)digits + (size_t)j] + half) << (bits * j);
        }
        words[i] = element(fields - all);
    }
}

#if __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
// The fields of b = 16 are the 16-bit parts of a word in memory, which narrowing instructions write at once.
typedef uint16_t field16 __attribute__((may_alias));

BODY void pack16(uint64_t *words, const int32_t *z, size_t count) {
    field16 *fields = (field16 *)words;
    for (size_t k = 0; k < 4 * count; k++) {
        fields[k] = (uint16_t)((uint32_t)z[k] + 0x8000);
    }
    for (size_t i = 0; i < count; i++) {
        words[i] = element(words[i] - offset_of(16, 4));
    }
}
#else
#define pack16(words, z, count) pack(words, z, count, 16, 4)
#endif

CLONED void packed_pack(
    uint64_t *words, size_t at, const int32_t *digits, size_t offset, size_t count, int bits) {
    switch (bits) {
    // Constants where the table of protocol section 8 has a row, for the sake of vectors.
    case 8: pack(words + at, digits + offset, count, 8, 8); break;
    case 9: pack(words + at, digits + offset, count, 9, 7); break;
    case 12: pack(words + at, digits + offset, count, 12, 5); break;
    case 16: pack16(words + at, digits + offset, count); break;
    case 21: pack(words + at, digits + offset, count, 21, 3); break;
    case 32: pack(words + at, digits + offset, count, 32, 2); break;
    default: pack(words + at, digits + offset, count, bits, 64 / bits); break;
    }
}

BODY size_t unpack(int32_t *restrict z, const uint64_t *restrict words, size_t count, int bits, int digits) {
    const uint64_t all = offset_of(bits, digits);
    const uint64_t field = (UINT64_C(1) << bits) - 1;
    const uint32_t half = UINT32_C(1) << (bits - 1);
    const int used = bits * digits;
    uint64_t refused = 0;
    for (size_t i = 0; i < count; i++) {
        uint64_t value = integer(words[i]);
        uint64_t fields = value + all;
        // 0 ≤ Z + B < 2^(bL) is wanted. With less than 64 bits, too large and negative both leave bits above, as
        // |Z| + B < 2^64. With 64, |Z| < 2^63 ≤ B, so that it can only be too large; it has then wrapped to less than
        // B − 2^63 < 2^(64−b), whose highest digit is 0, that is −2^(b−1).
        uint64_t bad = used == 64 ? 0 : (fields >> (used & 63)) != 0;
        for (int j = 0; j < digits; j++) {
            uint64_t d = (fields >> (bits * j)) & field;
            bad |= d == 0;
            z[i * (size_t)digits + (size_t)j] = (int32_t)((uint32_t)d - half);
        }
        refused += bad;
    }
    return (size_t)refused;
}

#if __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
#define STEP 256

BODY size_t unpack16(int32_t *restrict z, const uint64_t *restrict words, size_t count) {
    const uint64_t all = offset_of(16, 4);
    uint64_t refused = 0;
    for (size_t start = 0; start < count; start += STEP) {
        size_t n = count - start < STEP ? count - start : STEP;
        uint64_t fields[STEP];
        for (size_t i = 0; i < n; i += 8) {
            __builtin_prefetch((const void *)((uintptr_t)(words + start + i) + 8192), 0, 2);
        }
        for (size_t i = 0; i < n; i++) {
            fields[i] = integer(words[start + i]) + all;
        }
        const field16 *parts = (const field16 *)fields;
        uint32_t lowest = 0;
        for (size_t k = 0; k < 4 * n; k++) {
            z[4 * start + k] = (int32_t)parts[k] - 0x8000;
            lowest += parts[k] == 0 ? 1 : 0;
        }
        refused += lowest;
    }
    return (size_t)refused;
}
#else
#define unpack16(z, words, count) unpack(z, words, count, 16, 4)
#endif

CLONED size_t packed_unpack(
    int32_t *digits, size_t at, const uint64_t *words, size_t offset, size_t count, int bits) {
    switch (bits) {
    case 8: return unpack(digits + at, words + offset, count, 8, 8);
    case 9: return unpack(digits + at, words + offset, count, 9, 7);
    case 12: return unpack(digits + at, words + offset, count, 12, 5);
    case 16: return unpack16(digits + at, words + offset, count);
    case 21: return unpack(digits + at, words + offset, count, 21, 3);
    case 32: return unpack(digits + at, words + offset, count, 32, 2);
    default: return unpack(digits + at, words + offset, count, bits, 64 / bits);
    }
}

// MARK: Sums

// |c·z| < 2^16·2^31, of which 2^14 fit an Int64.
CLONED int64_t packed_guard_sum(
    const int32_t *digits, size_t offset, size_t count, const uint64_t *coefficients, size_t first) {
    const int32_t *z = digits + offset;
    int64_t sum = 0;
    for (size_t k = 0; k < count; k++) {
        int32_t c = STREAM16(coefficients, first + k) | 1;
        sum += (int64_t)z[k] * c;
    }
    return sum;
}

CLONED void packed_squares(uint64_t sums[2], const int32_t *digits, size_t offset, size_t count, int bits) {
    const int32_t *z = digits + offset;
    uint64_t low = 0, high = 0;
    if (bits <= 24) {
        // Squares below 2^46: a block of them stays below 2^62.
        for (size_t k = 0; k < count; k++) {
            low += (uint64_t)((int64_t)z[k] * z[k]);
        }
    } else {
        for (size_t k = 0; k < count; k++) {
            uint64_t square = (uint64_t)((int64_t)z[k] * z[k]);
            low += square & EPSILON;
            high += square >> 32;
        }
    }
    sums[0] += low;
    sums[1] += high;
}

BODY void dequantize(
    float *block, size_t at, const int32_t *digits, size_t offset, size_t count, double factor) {
    float *restrict y = block + place(at);
    const int32_t *restrict z = digits + offset;
    for (size_t k = 0; k < count; k++) {
        y[k] = (float)((double)z[k] * factor);
    }
}

CLONED void packed_dequantize(
    float *block, size_t at, const int32_t *digits, size_t offset, size_t count, double factor) {
    dequantize(block, at, digits, offset, count, factor);
}

// MARK: Variants, for tests

// All of a block's arithmetic in floating point, there and back.
BODY void encode_block(
    int32_t *digits, float *block, size_t length, const float *update, size_t count, const uint64_t *signs,
    const uint64_t *random, float factor) {
    forward(block, length, update, 0, count, signs, 1);
    for (size_t i = 0; i < length; i += TILE) {
        round_digits(digits, i, block, i, at_most(length - i, TILE), random, factor);
    }
}

BODY void decode_block(
    float *parameters, float *block, size_t length, const int32_t *digits, size_t count, const uint64_t *signs,
    double factor, float scale) {
    for (size_t i = 0; i < length; i += TILE) {
        dequantize(block, i, digits, i, at_most(length - i, TILE), factor);
    }
    butterflies(block, length);
    apply(parameters, 0, count, block, signs, scale);
}

#ifdef HAS_LEVELS
static int runs_level(int level) {
    __builtin_cpu_init();
    return level == 3 ? __builtin_cpu_supports("x86-64-v3") != 0
                      : level == 4 && __builtin_cpu_supports("x86-64-v4") != 0;
}
#define AT_LEVELS(name, parameters, arguments)                       \
    LEVEL3 static void name##_level3 parameters { name arguments; }  \
    LEVEL4 WIDE static void name##_level4 parameters { name arguments; }
#else
static int runs_level(int level) { return (void)level, 0; }
#define AT_LEVELS(name, parameters, arguments)                       \
    static void name##_level3 parameters { name arguments; }         \
    static void name##_level4 parameters { name arguments; }
#endif

AT_LEVELS(
    encode_block,
    (int32_t * digits, float *block, size_t length, const float *update, size_t count, const uint64_t *signs,
     const uint64_t *random, float factor),
    (digits, block, length, update, count, signs, random, factor))
AT_LEVELS(
    decode_block,
    (float *parameters, float *block, size_t length, const int32_t *digits, size_t count, const uint64_t *signs,
     double factor, float scale),
    (parameters, block, length, digits, count, signs, factor, scale))

int packed_encode_block_at_level(
    int level, int32_t *digits, float *block, size_t length, const float *update, size_t count,
    const uint64_t *signs, const uint64_t *random, float factor) {
    if (level == 1) {
        encode_block(digits, block, length, update, count, signs, random, factor);
    } else if (!runs_level(level)) {
        return 0;
    } else if (level == 3) {
        encode_block_level3(digits, block, length, update, count, signs, random, factor);
    } else {
        encode_block_level4(digits, block, length, update, count, signs, random, factor);
    }
    return 1;
}

int packed_decode_block_at_level(
    int level, float *parameters, float *block, size_t length, const int32_t *digits, size_t count,
    const uint64_t *signs, double factor, float scale) {
    if (level == 1) {
        decode_block(parameters, block, length, digits, count, signs, factor, scale);
    } else if (!runs_level(level)) {
        return 0;
    } else if (level == 3) {
        decode_block_level3(parameters, block, length, digits, count, signs, factor, scale);
    } else {
        decode_block_level4(parameters, block, length, digits, count, signs, factor, scale);
    }
    return 1;
}
