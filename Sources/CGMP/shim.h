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
