// SPDX-License-Identifier: MIT
//
// Single numbers modulo a prime, by GMP's functions for secrets.
#pragma once

#include "shim.h"

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
