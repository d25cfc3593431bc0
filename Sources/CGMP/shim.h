// SPDX-License-Identifier: MIT
//
// The part of GMP that FiniteField uses. Limbs are 64 bits, least significant first. GMP renames its functions by macros,
// which Swift cannot import: each is undefined here and comes back as an inline function of the same name.
#pragma once

#include <gmp.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

_Static_assert(GMP_NUMB_BITS == 64, "Summand needs a GMP with 64-bit limbs and no nails");

/// The limbs of the largest modulus that FiniteField takes; it bounds what lies on the stack.
#define SUMMAND_LIMBS_MAX 64

#undef mpn_add_n
/// Adds whole vectors of limbs, which may be empty (to GMP they may not); returns the carry out of the last limb.
static inline uint64_t mpn_add_n(uint64_t *result, const uint64_t *a, const uint64_t *b, size_t count) {
    return count == 0 ? 0 : __gmpn_add_n((mp_ptr)result, (mp_srcptr)a, (mp_srcptr)b, (mp_size_t)count);
}

#undef mpn_sub_n
/// Subtracts whole vectors of limbs, which may be empty; returns the borrow out of the last limb.
static inline uint64_t mpn_sub_n(uint64_t *result, const uint64_t *a, const uint64_t *b, size_t count) {
    return count == 0 ? 0 : __gmpn_sub_n((mp_ptr)result, (mp_srcptr)a, (mp_srcptr)b, (mp_size_t)count);
}

#undef mpn_cmp
/// Compares two numbers of the same number of limbs.
static inline int mpn_cmp(const uint64_t *a, const uint64_t *b, size_t count) {
    return __gmpn_cmp((mp_srcptr)a, (mp_srcptr)b, (mp_size_t)count);
}

/// Multiplies two numbers of `count` limbs into 2·count limbs, which must not overlap them.
static inline void summand_mpn_mul(uint64_t *result, const uint64_t *a, const uint64_t *b, size_t count) {
    __gmpn_mul_n((mp_ptr)result, (mp_srcptr)a, (mp_srcptr)b, (mp_size_t)count);
}

/// Reduces `count` lanes of `lane` limbs modulo `modulus` in place. `quotient` has lane − modulusLimbs + 1 limbs of scratch;
/// the top limb of the modulus is not zero and modulusLimbs ≤ lane.
static inline void summand_mpn_reduce_lanes(
    uint64_t *lanes, size_t count, size_t lane, const uint64_t *modulus, size_t modulusLimbs, uint64_t *quotient) {
    for (size_t i = 0; i < count; i++) {
        uint64_t *value = lanes + i * lane;
        // GMP allows the remainder to be written over the numerator.
        __gmpn_tdiv_qr(
            (mp_ptr)quotient, (mp_ptr)value, 0, (mp_srcptr)value, (mp_size_t)lane, (mp_srcptr)modulus,
            (mp_size_t)modulusLimbs);
        memset(value + modulusLimbs, 0, (lane - modulusLimbs) * sizeof(uint64_t));
    }
}

/// Overwrites what a compiler would otherwise leave behind, as nobody reads it.
static inline void summand_wipe(uint64_t *limbs, size_t count) {
    memset(limbs, 0, count * sizeof(uint64_t));
    __asm__ __volatile__("" : : "r"(limbs) : "memory");
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

/// Whether `a` is below `b`, in a time that depends on `count` alone; at most SUMMAND_LIMBS_MAX limbs.
static inline int summand_sec_is_below(const uint64_t *a, const uint64_t *b, size_t count) {
    uint64_t difference[SUMMAND_LIMBS_MAX];
    uint64_t borrow = mpn_sub_n(difference, a, b, count);
    summand_wipe(difference, count);
    return borrow != 0;
}

// The functions on scalars below work on numbers of `count` limbs below the modulus, whose top limb is not zero, in a time
// that depends on the modulus and the count alone, and leave nothing of the scalars on the stack. Results may be operands.

/// Computes a + b modulo `modulus`.
static inline void summand_sec_add(
    uint64_t *result, const uint64_t *a, const uint64_t *b, const uint64_t *modulus, size_t count) {
    uint64_t carry = mpn_add_n(result, a, b, count);
    // The sum is below 2·modulus: one modulus has to go when there is a carry or the rest is not below it.
    uint64_t excess = carry | (uint64_t)!summand_sec_is_below(result, modulus, count);
    __gmpn_cnd_sub_n(excess, (mp_ptr)result, (mp_srcptr)result, (mp_srcptr)modulus, (mp_size_t)count);
}

/// Computes a − b modulo `modulus`.
static inline void summand_sec_subtract(
    uint64_t *result, const uint64_t *a, const uint64_t *b, const uint64_t *modulus, size_t count) {
    uint64_t borrow = mpn_sub_n(result, a, b, count);
    __gmpn_cnd_add_n(borrow, (mp_ptr)result, (mp_srcptr)result, (mp_srcptr)modulus, (mp_size_t)count);
}

/// Reduces a number of `numberLimbs` ≥ count limbs, not necessarily below the modulus, in place to its first `count`.
static inline void summand_sec_reduce(uint64_t *number, size_t numberLimbs, const uint64_t *modulus, size_t count) {
    size_t scratchLimbs = (size_t)__gmpn_sec_div_r_itch((mp_size_t)numberLimbs, (mp_size_t)count);
    uint64_t scratch[scratchLimbs];
    __gmpn_sec_div_r(
        (mp_ptr)number, (mp_size_t)numberLimbs, (mp_srcptr)modulus, (mp_size_t)count, (mp_ptr)scratch);
    summand_wipe(scratch, scratchLimbs);
}

/// Computes a·b modulo `modulus`.
static inline void summand_sec_multiply(
    uint64_t *result, const uint64_t *a, const uint64_t *b, const uint64_t *modulus, size_t count) {
    uint64_t product[2 * SUMMAND_LIMBS_MAX];
    size_t scratchLimbs = (size_t)__gmpn_sec_mul_itch((mp_size_t)count, (mp_size_t)count);
    uint64_t scratch[scratchLimbs + 1];
    __gmpn_sec_mul(
        (mp_ptr)product, (mp_srcptr)a, (mp_size_t)count, (mp_srcptr)b, (mp_size_t)count, (mp_ptr)scratch);
    summand_sec_reduce(product, 2 * count, modulus, count);
    memcpy(result, product, count * sizeof(uint64_t));
    summand_wipe(product, 2 * count);
    summand_wipe(scratch, scratchLimbs + 1);
}

/// Computes the inverse of `a` modulo an odd prime of `bits` bits; returns 0 when `a` is zero.
static inline int summand_sec_invert(
    uint64_t *result, const uint64_t *a, const uint64_t *modulus, size_t count, size_t bits) {
    uint64_t number[SUMMAND_LIMBS_MAX];
    size_t scratchLimbs = (size_t)__gmpn_sec_invert_itch((mp_size_t)count);
    uint64_t scratch[scratchLimbs];
    memcpy(number, a, count * sizeof(uint64_t));
    int exists = __gmpn_sec_invert(
        (mp_ptr)result, (mp_ptr)number, (mp_srcptr)modulus, (mp_size_t)count, (mp_bitcnt_t)(2 * bits),
        (mp_ptr)scratch);
    summand_wipe(number, count);
    summand_wipe(scratch, scratchLimbs);
    return exists;
}

/// Copies `width` limbs of each of `count` numbers from lanes of one width to lanes of another; other limbs stay.
static inline void summand_copy_lanes(
    uint64_t *target, size_t targetLane, const uint64_t *source, size_t sourceLane, size_t width, size_t count) {
    for (size_t i = 0; i < count; i++) {
        memcpy(target + i * targetLane, source + i * sourceLane, width * sizeof(uint64_t));
    }
}

/// Finds the first of `count` numbers of `width` limbs that is not below the modulus; `count` when there is none.
static inline size_t summand_mpn_first_noncanonical(
    const uint64_t *numbers, size_t count, const uint64_t *modulus, size_t width) {
    size_t i = 0;
    while (i < count && mpn_cmp(numbers + i * width, modulus, width) < 0) {
        i++;
    }
    return i;
}

/// Whether a number is prime, up to an error below 4^-rounds for a number chosen against the test.
static inline int summand_mpz_is_prime(const uint64_t *limbs, size_t count, int rounds) {
    mpz_t number;
    mpz_roinit_n(number, (mp_srcptr)limbs, (mp_size_t)count);
    return mpz_probab_prime_p(number, rounds) != 0;
}

/// Writes the inverse of `a` modulo `modulus` into `result`, `modulusLimbs` limbs; returns 0 when there is none.
static inline int summand_mpz_invert(
    uint64_t *result, const uint64_t *a, size_t count, const uint64_t *modulus, size_t modulusLimbs) {
    mpz_t number, prime, inverse;
    mpz_roinit_n(number, (mp_srcptr)a, (mp_size_t)count);
    mpz_roinit_n(prime, (mp_srcptr)modulus, (mp_size_t)modulusLimbs);
    mpz_init(inverse);
    int exists = mpz_invert(inverse, number, prime);
    memset(result, 0, modulusLimbs * sizeof(uint64_t));
    if (exists) {
        mpz_export(result, NULL, -1, sizeof(uint64_t), 0, 0, inverse);
    }
    mpz_clear(inverse);
    return exists;
}

/// Reads a number in base 2…62 that has been checked to consist of digits; writes at most `capacity` limbs and returns how
/// many it has, which may be more than were written (then none were).
static inline size_t summand_mpz_parse(uint64_t *limbs, size_t capacity, const char *text, int base) {
    mpz_t number;
    mpz_init(number);
    size_t needed = 0;
    if (mpz_set_str(number, text, base) == 0) {
        needed = mpz_size(number);
        if (needed <= capacity) {
            mpz_export(limbs, NULL, -1, sizeof(uint64_t), 0, 0, number);
        }
    }
    mpz_clear(number);
    return needed;
}
