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

#undef mpn_mul_1
/// Multiplies a vector of limbs, which may be empty, by one; returns the limb that follows.
static inline uint64_t mpn_mul_1(uint64_t *result, const uint64_t *a, size_t count, uint64_t factor) {
    return count == 0 ? 0 : __gmpn_mul_1((mp_ptr)result, (mp_srcptr)a, (mp_size_t)count, factor);
}

#undef mpn_divrem_1
/// Divides a vector of limbs, which may be empty, by one; returns the remainder.
static inline uint64_t mpn_divrem_1(uint64_t *quotient, const uint64_t *a, size_t count, uint64_t divisor) {
    return count == 0 ? 0 : __gmpn_divrem_1((mp_ptr)quotient, 0, (mp_srcptr)a, (mp_size_t)count, divisor);
}

#undef mpn_cmp
/// Compares two vectors of limbs of one length, which may be empty: below 0, 0 or above 0.
static inline int mpn_cmp(const uint64_t *a, const uint64_t *b, size_t count) {
    return count == 0 ? 0 : __gmpn_cmp((mp_srcptr)a, (mp_srcptr)b, (mp_size_t)count);
}

/// Overwrites what a compiler would otherwise leave behind, as nobody reads it.
static inline void summand_wipe(uint64_t *limbs, size_t count) {
    memset(limbs, 0, count * sizeof(uint64_t));
    __asm__ __volatile__("" : : "r"(limbs) : "memory");
}

/// Whether a number is prime, up to an error below 4^-rounds for a number chosen against the test.
static inline int summand_mpz_is_prime(const uint64_t *limbs, size_t count, int rounds) {
    mpz_t number;
    mpz_roinit_n(number, (mp_srcptr)limbs, (mp_size_t)count);
    return mpz_probab_prime_p(number, rounds) != 0;
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
