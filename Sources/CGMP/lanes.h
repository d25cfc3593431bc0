// SPDX-License-Identifier: MIT
//
// Vectors over GF(p) in lanes: element i lies in limbs i·lane … (i + 1)·lane − 1. Additions and subtractions run GMP's `mpn`
// over whole vectors, everything else lane by lane. Nothing here allocates, but for GMP itself with operands of many thousand
// bits. `prime` has `width` ≤ SUMMAND_LIMBS_MAX limbs, the top one not zero, and width ≤ lane ≤ SUMMAND_LANE_MAX. Reductions
// take a time that may depend on values.
#pragma once

#include "shim.h"

/// The widest lane: the largest modulus and two limbs of guard bits.
#define SUMMAND_LANE_MAX (SUMMAND_LIMBS_MAX + 2)
/// What is worked on at a time where a vector needs preparation; it lies on the stack and stays in the first-level cache.
#define SUMMAND_TILE_LIMBS 1024

/// Copies `limbs` limbs; short loops of a known length are faster than a call.
static inline void summand_copy_limbs(uint64_t *target, const uint64_t *source, size_t limbs) {
    for (size_t i = 0; i < limbs; i++) {
        target[i] = source[i];
    }
}

/// Whether a number is below another of as many limbs.
static inline int summand_is_below(const uint64_t *a, const uint64_t *b, size_t limbs) {
    size_t i = limbs;
    while (i > 1 && a[i - 1] == b[i - 1]) {
        i--;
    }
    return a[i - 1] < b[i - 1];
}

/// Copies the first `limbs` limbs of each of `count` lanes into lanes of another width; other limbs stay.
static inline void summand_copy_lanes(
    uint64_t *target, size_t targetLane, const uint64_t *source, size_t sourceLane, size_t limbs, size_t count) {
    if (limbs == 1) {
        for (size_t i = 0; i < count; i++) {
            target[i * targetLane] = source[i * sourceLane];
        }
        return;
    }
    for (size_t i = 0; i < count; i++) {
        summand_copy_limbs(target + i * targetLane, source + i * sourceLane, limbs);
    }
}

/// Reduces a number of `limbs` limbs, at least `width`, into its first `width`.
static inline void summand_reduce(uint64_t *number, size_t limbs, const uint64_t *prime, size_t width) {
    uint64_t quotient[2 * SUMMAND_LANE_MAX + 2];
    // GMP allows the remainder to be written over the numerator.
    __gmpn_tdiv_qr(
        (mp_ptr)quotient, (mp_ptr)number, 0, (mp_srcptr)number, (mp_size_t)limbs, (mp_srcptr)prime,
        (mp_size_t)width);
}

/// Reduces `count` lanes in place.
static inline void summand_lanes_reduce(
    uint64_t *lanes, size_t count, size_t lane, const uint64_t *prime, size_t width) {
    for (size_t i = 0; i < count; i++) {
        summand_reduce(lanes + i * lane, lane, prime, width);
        for (size_t k = width; k < lane; k++) {
            lanes[i * lane + k] = 0;
        }
    }
}

/// The second operand of an addition or subtraction, lane by lane.
typedef struct {
    const uint64_t *limbs;
    /// Limbs of one of its lanes, at most as many as the first operand's lanes have.
    size_t lane;
    /// Whether its elements are reduced before they are used.
    int reduced;
} summand_operand;

/// Lends lanes first … first + count − 1 of an operand in lanes of `lane` limbs: its own, or a copy in `tile`.
static inline const uint64_t *summand_operand_tile(
    uint64_t *tile, summand_operand operand, size_t first, size_t count, size_t lane, const uint64_t *prime,
    size_t width) {
    const uint64_t *source = operand.limbs + first * operand.lane;
    if (operand.lane == lane && !operand.reduced) {
        return source;
    }
    if (operand.lane < lane) {
        memset(tile, 0, count * lane * sizeof(uint64_t));
    }
    summand_copy_lanes(tile, lane, source, operand.lane, operand.lane, count);
    if (operand.reduced) {
        summand_lanes_reduce(tile, count, lane, prime, width);
    }
    return tile;
}

/// Adds an operand to `count` lanes, whose sums fit.
static inline void summand_lanes_add(
    uint64_t *lanes, size_t count, size_t lane, summand_operand operand, const uint64_t *prime, size_t width) {
    if (operand.lane == lane && !operand.reduced) {
        mpn_add_n(lanes, lanes, operand.limbs, count * lane);
        return;
    }
    uint64_t tile[SUMMAND_TILE_LIMBS];
    size_t step = SUMMAND_TILE_LIMBS / lane;
    for (size_t first = 0; first < count; first += step) {
        size_t lanesNow = count - first < step ? count - first : step;
        const uint64_t *source = summand_operand_tile(tile, operand, first, lanesNow, lane, prime, width);
        mpn_add_n(lanes + first * lane, lanes + first * lane, source, lanesNow * lane);
    }
    summand_wipe(tile, SUMMAND_TILE_LIMBS);
}

/// Adds those of `words` that are below `modulus` to lanes of two limbs, one behind the other, and skips the rest; returns
/// how many were added. No lane may overflow.
static inline size_t summand_mpn_add_accepted(
    uint64_t *lanes, const uint64_t *words, size_t count, uint64_t modulus) {
    enum { part = 64 };
    uint64_t wide[2 * part] = {0};
    size_t accepted = 0;
    for (size_t next = 0; next < count;) {
        size_t kept = 0;
        for (; next < count && kept < part; next++) {
            wide[2 * kept] = words[next];
            kept += words[next] < modulus;
        }
        mpn_add_n(lanes + 2 * accepted, lanes + 2 * accepted, wide, 2 * kept);
        accepted += kept;
    }
    // The words may be secret: nothing of them stays on the stack.
    summand_wipe(wide, 2 * part);
    return accepted;
}

/// Fills `count` lanes with multiple·prime, which fits a lane.
static inline void summand_lanes_fill(
    uint64_t *lanes, size_t count, size_t lane, uint64_t multiple, const uint64_t *prime, size_t width) {
    if (count == 0) {
        return;
    }
    memset(lanes, 0, lane * sizeof(uint64_t));
    uint64_t high = __gmpn_mul_1((mp_ptr)lanes, (mp_srcptr)prime, (mp_size_t)width, multiple);
    if (width < lane) {
        lanes[width] = high;
    }
    for (size_t i = 1; i < count; i++) {
        summand_copy_limbs(lanes + i * lane, lanes, lane);
    }
}

/// Subtracts an operand from `count` lanes. GMP borrows across lanes, so every lane is first raised by multiple·prime, which
/// is not below any element of the operand; the raised lanes fit.
static inline void summand_lanes_subtract(
    uint64_t *lanes, size_t count, size_t lane, summand_operand operand, uint64_t multiple, const uint64_t *prime,
    size_t width) {
    uint64_t bias[SUMMAND_TILE_LIMBS], tile[SUMMAND_TILE_LIMBS];
    size_t step = SUMMAND_TILE_LIMBS / lane;
    summand_lanes_fill(bias, count < step ? count : step, lane, multiple, prime, width);
    for (size_t first = 0; first < count; first += step) {
        size_t lanesNow = count - first < step ? count - first : step;
        uint64_t *target = lanes + first * lane;
        const uint64_t *source = summand_operand_tile(tile, operand, first, lanesNow, lane, prime, width);
        mpn_add_n(target, target, bias, lanesNow * lane);
        mpn_sub_n(target, target, source, lanesNow * lane);
    }
    summand_wipe(tile, SUMMAND_TILE_LIMBS);
}

/// Replaces each of `count` lanes by multiple·prime minus it, which is not negative.
static inline void summand_lanes_negate(
    uint64_t *lanes, size_t count, size_t lane, uint64_t multiple, const uint64_t *prime, size_t width) {
    uint64_t bias[SUMMAND_TILE_LIMBS];
    size_t step = SUMMAND_TILE_LIMBS / lane;
    summand_lanes_fill(bias, count < step ? count : step, lane, multiple, prime, width);
    for (size_t first = 0; first < count; first += step) {
        size_t lanesNow = count - first < step ? count - first : step;
        mpn_sub_n(lanes + first * lane, bias, lanes + first * lane, lanesNow * lane);
    }
}

// Lanes without a guard bit hold elements below the prime and are reduced with every operation.

/// Adds `count` elements below the prime to as many, in lanes of `width` limbs.
static inline void summand_tight_add(
    uint64_t *lanes, const uint64_t *other, size_t count, const uint64_t *prime, size_t width) {
    for (size_t i = 0; i < count; i++) {
        uint64_t *lane = lanes + i * width;
        uint64_t carry = mpn_add_n(lane, lane, other + i * width, width);
        uint64_t excess = carry | (uint64_t)!summand_is_below(lane, prime, width);
        __gmpn_cnd_sub_n(excess, (mp_ptr)lane, (mp_srcptr)lane, (mp_srcptr)prime, (mp_size_t)width);
    }
}

/// Subtracts `count` elements below the prime from as many, in lanes of `width` limbs.
static inline void summand_tight_subtract(
    uint64_t *lanes, const uint64_t *other, size_t count, const uint64_t *prime, size_t width) {
    for (size_t i = 0; i < count; i++) {
        uint64_t *lane = lanes + i * width;
        uint64_t borrow = mpn_sub_n(lane, lane, other + i * width, width);
        __gmpn_cnd_add_n(borrow, (mp_ptr)lane, (mp_srcptr)lane, (mp_srcptr)prime, (mp_size_t)width);
    }
}

/// Negates `count` elements below the prime in lanes of `width` limbs.
static inline void summand_tight_negate(uint64_t *lanes, size_t count, const uint64_t *prime, size_t width) {
    uint64_t negative[SUMMAND_LIMBS_MAX];
    for (size_t i = 0; i < count; i++) {
        uint64_t *lane = lanes + i * width;
        memset(negative, 0, width * sizeof(uint64_t));
        summand_tight_subtract(negative, lane, 1, prime, width);
        summand_copy_limbs(lane, negative, width);
    }
}

/// Computes a·b modulo the prime into `width` limbs of `result`, which may be an operand; a has at least as many limbs as b, and
/// both together at least `width`.
static inline void summand_multiply(
    uint64_t *result, const uint64_t *a, size_t aLimbs, const uint64_t *b, size_t bLimbs, const uint64_t *prime,
    size_t width) {
    uint64_t product[2 * SUMMAND_LANE_MAX];
    __gmpn_mul((mp_ptr)product, (mp_srcptr)a, (mp_size_t)aLimbs, (mp_srcptr)b, (mp_size_t)bLimbs);
    summand_reduce(product, aLimbs + bLimbs, prime, width);
    summand_copy_limbs(result, product, width);
}

/// Multiplies `count` lanes by those of `other`, `otherStep` limbs apart (0 for one factor), and reduces them; `limbs` of each
/// element of both count.
static inline void summand_lanes_multiply(
    uint64_t *lanes, size_t count, size_t lane, const uint64_t *other, size_t otherStep, size_t limbs,
    const uint64_t *prime, size_t width) {
    for (size_t i = 0; i < count; i++) {
        uint64_t *target = lanes + i * lane;
        summand_multiply(target, target, limbs, other + i * otherStep, limbs, prime, width);
        for (size_t k = width; k < lane; k++) {
            target[k] = 0;
        }
    }
}

/// Computes Σ a[i]·b[i] over `count` lanes into `width` limbs, with one reduction at the end; `limbs` of each element count.
static inline void summand_lanes_inner_product(
    uint64_t *result, const uint64_t *a, const uint64_t *b, size_t count, size_t lane, size_t limbs,
    const uint64_t *prime, size_t width) {
    // 2^64 products of 2·limbs limbs fit one limb more.
    uint64_t sum[2 * SUMMAND_LANE_MAX + 1] = {0}, product[2 * SUMMAND_LANE_MAX];
    for (size_t i = 0; i < count; i++) {
        __gmpn_mul_n((mp_ptr)product, (mp_srcptr)(a + i * lane), (mp_srcptr)(b + i * lane), (mp_size_t)limbs);
        sum[2 * limbs] += mpn_add_n(sum, sum, product, 2 * limbs);
    }
    summand_reduce(sum, 2 * limbs + 1, prime, width);
    summand_copy_limbs(result, sum, width);
}

/// Finds the first of `count` lanes whose `limbs` limbs are all zero; `count` when there is none.
static inline size_t summand_lanes_first_zero(const uint64_t *lanes, size_t count, size_t lane, size_t limbs) {
    for (size_t i = 0; i < count; i++) {
        uint64_t any = 0;
        for (size_t k = 0; k < limbs; k++) {
            any |= lanes[i * lane + k];
        }
        if (any == 0) {
            return i;
        }
    }
    return count;
}

/// Writes the products of the lanes before each lane, `width` limbs apart, and that of all `count` behind them: count + 1
/// numbers. The lanes are below the prime.
static inline void summand_lanes_products(
    uint64_t *products, const uint64_t *lanes, size_t count, size_t lane, const uint64_t *prime, size_t width) {
    memset(products, 0, width * sizeof(uint64_t));
    products[0] = 1;
    for (size_t i = 0; i < count; i++) {
        summand_multiply(
            products + (i + 1) * width, products + i * width, width, lanes + i * lane, width, prime, width);
    }
}

/// Replaces `count` lanes by their inverses, given what `summand_lanes_products` wrote and the inverse of the product of all,
/// which is overwritten.
static inline void summand_lanes_invert(
    uint64_t *lanes, size_t count, size_t lane, const uint64_t *products, uint64_t *inverse, const uint64_t *prime,
    size_t width) {
    uint64_t element[SUMMAND_LIMBS_MAX];
    for (size_t i = count; i-- > 0;) {
        // Here `inverse` is 1/(lane 0 · … · lane i).
        summand_copy_limbs(element, lanes + i * lane, width);
        summand_multiply(lanes + i * lane, inverse, width, products + i * width, width, prime, width);
        summand_multiply(inverse, inverse, width, element, width, prime, width);
    }
}

/// Finds the first of `count` lanes, of which `width` limbs count, that is not below the prime; `count` when there is none.
static inline size_t summand_lanes_first_noncanonical(
    const uint64_t *lanes, size_t count, size_t lane, const uint64_t *prime, size_t width) {
    size_t i = 0;
    while (i < count && summand_is_below(lanes + i * lane, prime, width)) {
        i++;
    }
    return i;
}

/// Writes the element in a lane, reduced, into `width` limbs.
static inline void summand_canonical(
    uint64_t *result, const uint64_t *element, size_t lane, const uint64_t *prime, size_t width) {
    uint64_t number[SUMMAND_LANE_MAX];
    summand_copy_limbs(number, element, lane);
    summand_reduce(number, lane, prime, width);
    summand_copy_limbs(result, number, width);
}

/// Whether `count` lanes hold the same elements modulo the prime as those of another width.
static inline int summand_lanes_are_equal(
    const uint64_t *a, size_t aLane, const uint64_t *b, size_t bLane, size_t count, const uint64_t *prime,
    size_t width) {
    uint64_t x[SUMMAND_LIMBS_MAX], y[SUMMAND_LIMBS_MAX], different = 0;
    for (size_t i = 0; i < count; i++) {
        summand_canonical(x, a + i * aLane, aLane, prime, width);
        summand_canonical(y, b + i * bLane, bLane, prime, width);
        for (size_t k = 0; k < width; k++) {
            different |= x[k] ^ y[k];
        }
    }
    return different == 0;
}

/// Reads `count` little-endian numbers of `bytes` bytes into lanes, zeros above.
static inline void summand_lanes_load(
    uint64_t *lanes, size_t lane, const uint8_t *source, size_t bytes, size_t count) {
    for (size_t i = 0; i < count; i++) {
        for (size_t k = 0; k < lane; k++) {
            uint64_t limb = 0;
            size_t rest = 8 * k < bytes ? bytes - 8 * k : 0;
            memcpy(&limb, source + i * bytes + 8 * k, rest < 8 ? rest : 8);
#if __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__
            limb = __builtin_bswap64(limb);
#endif
            lanes[i * lane + k] = limb;
        }
    }
}

/// Writes the low `bytes` bytes of `count` lanes, little-endian.
static inline void summand_lanes_store(
    uint8_t *target, size_t bytes, const uint64_t *lanes, size_t lane, size_t count) {
    for (size_t i = 0; i < count; i++) {
        for (size_t k = 0; 8 * k < bytes; k++) {
            uint64_t limb = lanes[i * lane + k];
#if __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__
            limb = __builtin_bswap64(limb);
#endif
            memcpy(target + i * bytes + 8 * k, &limb, bytes - 8 * k < 8 ? bytes - 8 * k : 8);
        }
    }
}
