// SPDX-License-Identifier: MIT
#include "CFieldKernels.h"
#include "clones.h"

#include <string.h>

typedef unsigned __int128 uint128_t;

#define P UINT64_C(0xFFFFFFFF00000001)
// 2^64 ≡ EPSILON and 2^96 ≡ −1 (mod p).
#define EPSILON UINT64_C(0xFFFFFFFF)

// For lazy a and canonical x. A carry means a + x − 2^64 ≤ p − 2, so that adding EPSILON ≡ 2^64 stays below 2^64 − 1.
static inline uint64_t add_lazy(uint64_t a, uint64_t x) {
    uint64_t sum = a + x;
    return sum + (sum < x ? EPSILON : 0);
}

// For lazy a and canonical x. A borrow means a − x + 2^64 ≥ 2^64 − (p − 1) = 2^32 > EPSILON.
static inline uint64_t subtract_lazy(uint64_t a, uint64_t x) {
    uint64_t difference = a - x;
    return difference - (a < x ? EPSILON : 0);
}

// A lazy word is below 2p, so one conditional subtraction suffices.
static inline uint64_t canonical(uint64_t a) { return a >= P ? a - P : a; }

// Reduces high·2^64 + low to a lazy word. With high = h1·2^32 + h0 it is ≡ low − h1 + h0·EPSILON.
// A borrow of low − h1 leaves at least 2^64 − EPSILON, which EPSILON may be taken from. h0·EPSILON ≤ (2^32 − 1)^2 < p.
static inline uint64_t reduce(uint64_t high, uint64_t low) {
    uint64_t h1 = high >> 32;
    uint64_t h0 = high & EPSILON;
    uint64_t difference = low - h1;
    difference -= low < h1 ? EPSILON : 0;
    return add_lazy(difference, (h0 << 32) - h0);
}

static inline uint64_t multiply_lazy(uint64_t a, uint64_t b) {
    uint128_t product = (uint128_t)a * b;
    return reduce((uint64_t)(product >> 64), (uint64_t)product);
}

// The same by halves of 32 bits, which vectorises. `middle` cannot overflow: (2^32 − 1)^2 + 2·(2^32 − 1) < 2^64.
static inline uint64_t multiply_by_halves(uint64_t a, uint64_t b) {
    uint64_t a0 = a & EPSILON, a1 = a >> 32, b0 = b & EPSILON, b1 = b >> 32;
    uint64_t low = a0 * b0;
    uint64_t middle = a1 * b0 + (low >> 32);
    uint64_t cross = a0 * b1 + (middle & EPSILON);
    uint64_t high = a1 * b1 + (middle >> 32) + (cross >> 32);
    return reduce(high, (cross << 32) | (low & EPSILON));
}

CLONED void field64_add(uint64_t *restrict accumulator, const uint64_t *restrict words, size_t count) {
    for (size_t i = 0; i < count; i++) {
        accumulator[i] = add_lazy(accumulator[i], words[i]);
    }
}

CLONED void field64_subtract(uint64_t *restrict accumulator, const uint64_t *restrict words, size_t count) {
    for (size_t i = 0; i < count; i++) {
        accumulator[i] = subtract_lazy(accumulator[i], words[i]);
    }
}

CLONED void field64_add_lazy(uint64_t *restrict accumulator, const uint64_t *restrict words, size_t count) {
    for (size_t i = 0; i < count; i++) {
        accumulator[i] = add_lazy(accumulator[i], canonical(words[i]));
    }
}

CLONED void field64_subtract_lazy(uint64_t *restrict accumulator, const uint64_t *restrict words, size_t count) {
    for (size_t i = 0; i < count; i++) {
        accumulator[i] = subtract_lazy(accumulator[i], canonical(words[i]));
    }
}

CLONED void field64_negate(uint64_t *words, size_t count) {
    for (size_t i = 0; i < count; i++) {
        words[i] = subtract_lazy(0, canonical(words[i]));
    }
}

CLONED void field64_canonicalize(uint64_t *words, size_t count) {
    for (size_t i = 0; i < count; i++) {
        words[i] = canonical(words[i]);
    }
}

CLONED void field64_multiply(uint64_t *restrict accumulator, const uint64_t *restrict words, size_t count) {
    for (size_t i = 0; i < count; i++) {
        accumulator[i] = multiply_by_halves(accumulator[i], words[i]);
    }
}

CLONED void field64_scale(uint64_t *words, uint64_t factor, size_t count) {
    for (size_t i = 0; i < count; i++) {
        words[i] = multiply_by_halves(words[i], factor);
    }
}

// A sum of products kept as two sums of words, low and high: Σ a·b = low + high·2^64. Neither can overflow 128 bits
// before 2^64 terms.
typedef struct {
    uint128_t low, high;
} product_sum;

static inline void add_product(product_sum *sum, uint64_t a, uint64_t b) {
    uint128_t product = (uint128_t)a * b;
    sum->low += (uint64_t)product;
    sum->high += (uint64_t)(product >> 64);
}

static inline uint64_t reduce_sum(product_sum sum) {
    uint64_t low = canonical(reduce((uint64_t)(sum.low >> 64), (uint64_t)sum.low));
    uint64_t high = reduce((uint64_t)(sum.high >> 64), (uint64_t)sum.high);
    return canonical(add_lazy(multiply_lazy(high, EPSILON), low));
}

uint64_t field64_inner_product(const uint64_t *a, const uint64_t *b, size_t count) {
    product_sum sum = {0, 0};
    for (size_t i = 0; i < count; i++) {
        add_product(&sum, a[i], b[i]);
    }
    return reduce_sum(sum);
}

typedef field64_extension extension;

// (a + b·w)(c + d·w) = ac + 7bd + (ad + bc)·w.
static inline extension multiply_extension(extension x, extension y) {
    product_sum one = {0, 0}, w = {0, 0};
    add_product(&one, x.one, y.one);
    add_product(&one, canonical(multiply_lazy(x.w, 7)), y.w);
    add_product(&w, x.one, y.w);
    add_product(&w, x.w, y.one);
    return (extension){reduce_sum(one), reduce_sum(w)};
}

// Horner's rule word by word: acc ← (acc + words[j])·z.
static extension absorb_words(extension acc, extension z, const uint64_t *words, size_t count) {
    for (size_t i = 0; i < count; i++) {
        acc.one = canonical(add_lazy(words[i], acc.one));
        acc = multiply_extension(acc, z);
    }
    return acc;
}

// How many words one step of the evaluation takes, and how many bits a piece of a power has: a half of a word times a piece is
// below 2^54, and BLOCK such products below 2^64.
#define BLOCK 256
#define PIECE 22
#define PIECE_MASK ((UINT64_C(1) << PIECE) - 1)
_Static_assert(BLOCK <= (UINT64_C(1) << (64 - 32 - PIECE)), "sums of products of pieces fit a word");

// One coordinate of z^BLOCK, …, z^1 in pieces: piece[k][j] holds bits 22k … 22k + 21 of that of z^(BLOCK − j).
typedef struct {
    uint32_t piece[3][BLOCK];
} power_pieces;

static inline void cut(power_pieces *pieces, size_t j, uint64_t power) {
    pieces->piece[0][j] = (uint32_t)(power & PIECE_MASK);
    pieces->piece[1][j] = (uint32_t)(power >> PIECE & PIECE_MASK);
    pieces->piece[2][j] = (uint32_t)(power >> 2 * PIECE);
}

// Σ halves·pieces, by the place of the piece.
typedef struct {
    uint64_t low[3], high[3];
} piece_sums;

// sums[0] + sums[1]·2^22 + sums[2]·2^44 is below 2^109.
static inline uint64_t join(const uint64_t sums[3]) {
    uint128_t sum = sums[0] + ((uint128_t)sums[1] << PIECE) + ((uint128_t)sums[2] << 2 * PIECE);
    return canonical(reduce((uint64_t)(sum >> 64), (uint64_t)sum));
}

static inline uint64_t join_halves(const piece_sums *sums) {
    return canonical(add_lazy(multiply_lazy(join(sums->high), UINT64_C(1) << 32), join(sums->low)));
}

// Computes Σ words[j]·power(j) over a block: six sums of products of 32 by 22 bits, none of which needs a carry.
CLONED static void sum_block(piece_sums *result, const uint64_t *restrict words, const power_pieces *restrict powers) {
    uint64_t l0 = 0, l1 = 0, l2 = 0, h0 = 0, h1 = 0, h2 = 0;
    for (size_t j = 0; j < BLOCK; j++) {
        uint64_t low = words[j] & EPSILON, high = words[j] >> 32;
        uint64_t p0 = powers->piece[0][j], p1 = powers->piece[1][j], p2 = powers->piece[2][j];
        l0 += low * p0;
        l1 += low * p1;
        l2 += low * p2;
        h0 += high * p0;
        h1 += high * p1;
        h2 += high * p2;
    }
    *result = (piece_sums){{l0, l1, l2}, {h0, h1, h2}};
}

extension field64_extension_absorb(extension acc, extension z, const uint64_t *words, size_t count) {
    size_t i = 0;
    // Horner's rule in steps of a block: acc ← acc·z^BLOCK + Σ words[j]·z^(BLOCK − j). The table pays from two blocks on.
    if (count >= 2 * BLOCK) {
        power_pieces one, w;
        extension power = {1, 0};
        for (size_t j = BLOCK; j-- > 0;) {
            power = multiply_extension(power, z);
            cut(&one, j, power.one);
            cut(&w, j, power.w);
        }
        for (; count - i >= BLOCK; i += BLOCK) {
            piece_sums sums;
            acc = multiply_extension(acc, power);
            sum_block(&sums, words + i, &one);
            acc.one = canonical(add_lazy(join_halves(&sums), acc.one));
            sum_block(&sums, words + i, &w);
            acc.w = canonical(add_lazy(join_halves(&sums), acc.w));
        }
    }
    return absorb_words(acc, z, words + i, count - i);
}

CLONED static uint64_t largest(const uint64_t *words, size_t count) {
    uint64_t most = 0;
    for (size_t i = 0; i < count; i++) {
        most = words[i] > most ? words[i] : most;
    }
    return most;
}

size_t field64_first_noncanonical(const uint64_t *words, size_t count) {
    if (largest(words, count) < P) {
        return count;
    }
    size_t i = 0;
    while (words[i] < P) {
        i++;
    }
    return i;
}

// Adds each canonical word to the element across from it, and zero for any other; returns zero when all were canonical.
// One pass over both vectors is a quarter faster than a look at the words before the sum.
CLONED static uint64_t add_canonical(uint64_t *restrict accumulator, const uint64_t *restrict words, size_t count) {
    uint64_t rejected = 0;
    for (size_t i = 0; i < count; i++) {
        uint64_t word = words[i] < P ? words[i] : 0;
        rejected |= words[i] ^ word;
        accumulator[i] = add_lazy(accumulator[i], word);
    }
    return rejected;
}

CLONED static uint64_t subtract_canonical(
    uint64_t *restrict accumulator, const uint64_t *restrict words, size_t count) {
    uint64_t rejected = 0;
    for (size_t i = 0; i < count; i++) {
        uint64_t word = words[i] < P ? words[i] : 0;
        rejected |= words[i] ^ word;
        accumulator[i] = subtract_lazy(accumulator[i], word);
    }
    return rejected;
}

// A word is rejected once in 2^32. Those behind it then went to the wrong elements: all are taken back, which is exact
// modulo p, and added one behind the other.
size_t field64_add_accepted(uint64_t *accumulator, const uint64_t *words, size_t count) {
    if (add_canonical(accumulator, words, count) == 0) {
        return count;
    }
    subtract_canonical(accumulator, words, count);
    size_t accepted = 0;
    for (size_t i = 0; i < count; i++) {
        if (words[i] < P) {
            accumulator[accepted] = add_lazy(accumulator[accepted], words[i]);
            accepted++;
        }
    }
    return accepted;
}

size_t field64_subtract_accepted(uint64_t *accumulator, const uint64_t *words, size_t count) {
    if (subtract_canonical(accumulator, words, count) == 0) {
        return count;
    }
    add_canonical(accumulator, words, count);
    size_t accepted = 0;
    for (size_t i = 0; i < count; i++) {
        if (words[i] < P) {
            accumulator[accepted] = subtract_lazy(accumulator[accepted], words[i]);
            accepted++;
        }
    }
    return accepted;
}

void field64_wipe(uint64_t *words, size_t count) {
    memset(words, 0, count * sizeof(uint64_t));
    // The compiler must take the zeros to be read here, so that it cannot leave them out.
    __asm__ volatile("" : : "r"(words) : "memory");
}

// A negative value v stands for p + v: adding 2^64 happens by itself, EPSILON more has to go.
CLONED void field64_from_signed(uint64_t *restrict words, const int64_t *restrict values, size_t count) {
    for (size_t i = 0; i < count; i++) {
        words[i] = (uint64_t)values[i] - (values[i] < 0 ? EPSILON : 0);
    }
}

// (p − 1)/2 < 2^63, so that every result fits.
CLONED void field64_to_signed(int64_t *restrict values, const uint64_t *restrict words, size_t count) {
    for (size_t i = 0; i < count; i++) {
        uint64_t word = canonical(words[i]);
        values[i] = (int64_t)(word > (P - 1) / 2 ? word - P : word);
    }
}

CLONED int field64_are_equal(const uint64_t *a, const uint64_t *b, size_t count) {
    uint64_t different = 0;
    for (size_t i = 0; i < count; i++) {
        different |= canonical(a[i]) ^ canonical(b[i]);
    }
    return different == 0;
}

void field64_load(uint64_t *words, const uint8_t *bytes, size_t count) {
    memcpy(words, bytes, count * sizeof(uint64_t));
#if __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__
    for (size_t i = 0; i < count; i++) {
        words[i] = __builtin_bswap64(words[i]);
    }
#endif
}

CLONED void field64_store(uint8_t *restrict bytes, const uint64_t *restrict words, size_t count) {
    for (size_t i = 0; i < count; i++) {
        uint64_t word = canonical(words[i]);
#if __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__
        word = __builtin_bswap64(word);
#endif
        memcpy(bytes + 8 * i, &word, sizeof word);
    }
}
