// SPDX-License-Identifier: MIT
//
// The loops of the exact encoding (protocol section 8). Every result is the same on every processor: one order of
// operations, no contraction into fused multiply-adds. Vectors of one call do not overlap.
#pragma once

#include <stddef.h>
#include <stdint.h>

/// result ← local − global, one rounding.
void exact_difference(float *result, const float *local, const float *global, size_t count);

/// Computes Σ x² in binary64, in eight interleaved partial sums.
double exact_squared_norm(const float *x, size_t count);

/// x ← Float(Double(x)·factor).
void exact_scale(float *x, size_t count, double factor);

/// result ← rint(Double(x)·weight·2^40), ties to even. Where that is not a number or its magnitude exceeds `limit`, which is
/// an integer below 2^62, the result is INT64_MIN; returns how many there are.
size_t exact_quantize(int64_t *result, const float *x, size_t count, double weight, double limit);

/// sum ← sum + values, which must not overflow.
void exact_add(int64_t *sum, const int64_t *values, size_t count);

/// Returns the largest magnitude; of INT64_MIN it is 2^63.
uint64_t exact_largest_magnitude(const int64_t *values, size_t count);

/// result ← Float(Double(parameter) + Double(sum)/2^40·ratio), left to right.
void exact_apply(float *result, const float *parameters, const int64_t *sum, size_t count, double ratio);

/// Runs `exact_apply` as compiled for one instruction set: 1, 3 and 4 are the levels of x86-64. Returns 0, having done
/// nothing, where there is no such variant or this processor cannot run it.
int exact_apply_at_level(
    int level, float *result, const float *parameters, const int64_t *sum, size_t count, double ratio);

/// Runs `exact_quantize` as compiled for one instruction set, like `exact_apply_at_level`.
int exact_quantize_at_level(
    int level, int64_t *result, const float *x, size_t count, double weight, double limit);
