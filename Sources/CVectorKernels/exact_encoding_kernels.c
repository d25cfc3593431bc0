// SPDX-License-Identifier: MIT
#include "exact_encoding_kernels.h"
#include "clones.h"

// The result of every expression is rounded by itself, whatever instructions there are.
#pragma STDC FP_CONTRACT OFF

#ifdef HAS_LEVELS
#define LEVEL3 __attribute__((target("arch=x86-64-v3")))
#define LEVEL4 __attribute__((target("arch=x86-64-v4")))
#endif

// A body is inlined into each of its variants and compiled for that one's instruction set.
#define BODY static inline __attribute__((always_inline))

#define TWO_TO_40 0x1p40
#define TWO_TO_52 0x1p52

CLONED void exact_difference(
    float *restrict result, const float *restrict local, const float *restrict global, size_t count) {
    for (size_t i = 0; i < count; i++) {
        result[i] = local[i] - global[i];
    }
}

#define PARTIAL_SUMS 8

CLONED double exact_squared_norm(const float *x, size_t count) {
    double partial[PARTIAL_SUMS] = {0};
    size_t i = 0;
    for (; i + PARTIAL_SUMS <= count; i += PARTIAL_SUMS) {
        for (size_t j = 0; j < PARTIAL_SUMS; j++) {
            partial[j] += (double)x[i + j] * (double)x[i + j];
        }
    }
    for (size_t j = 0; i + j < count; j++) {
        partial[j] += (double)x[i + j] * (double)x[i + j];
    }
    double sum = 0;
    for (size_t j = 0; j < PARTIAL_SUMS; j++) {
        sum += partial[j];
    }
    return sum;
}

CLONED void exact_scale(float *x, size_t count, double factor) {
    for (size_t i = 0; i < count; i++) {
        x[i] = (float)((double)x[i] * factor);
    }
}

// Rounds to an integer, ties to even: below 2^52 the sum with 2^52 has no place for a fraction, and from there on every
// number is an integer. Not a number stays so.
BODY double round_to_even(double v) {
    double magnitude = __builtin_fabs(v);
    double rounded = (magnitude + TWO_TO_52) - TWO_TO_52;
    return __builtin_copysign(magnitude < TWO_TO_52 ? rounded : magnitude, v);
}

BODY size_t quantize(int64_t *restrict result, const float *restrict x, size_t count, double weight, double limit) {
    size_t refused = 0;
    for (size_t i = 0; i < count; i++) {
        double z = round_to_even((double)x[i] * weight * TWO_TO_40);
        // Also false when z is not a number.
        int fits = __builtin_fabs(z) <= limit;
        int64_t integer = (int64_t)(fits ? z : 0);
        result[i] = fits ? integer : INT64_MIN;
        refused += fits ? 0 : 1;
    }
    return refused;
}

CLONED size_t exact_quantize(int64_t *result, const float *x, size_t count, double weight, double limit) {
    return quantize(result, x, count, weight, limit);
}

CLONED void exact_add(int64_t *restrict sum, const int64_t *restrict values, size_t count) {
    for (size_t i = 0; i < count; i++) {
        sum[i] += values[i];
    }
}

CLONED uint64_t exact_largest_magnitude(const int64_t *values, size_t count) {
    uint64_t largest = 0;
    for (size_t i = 0; i < count; i++) {
        uint64_t magnitude = values[i] < 0 ? 0 - (uint64_t)values[i] : (uint64_t)values[i];
        largest = magnitude > largest ? magnitude : largest;
    }
    return largest;
}

BODY void apply(
    float *restrict result, const float *restrict parameters, const int64_t *restrict sum, size_t count, double ratio) {
    for (size_t i = 0; i < count; i++) {
        double mean = (double)sum[i] / TWO_TO_40 * ratio;
        result[i] = (float)((double)parameters[i] + mean);
    }
}

CLONED void exact_apply(float *result, const float *parameters, const int64_t *sum, size_t count, double ratio) {
    apply(result, parameters, sum, count, ratio);
}

// For tests: each variant by name, where `exact_apply` takes the best for the processor at hand.

#ifdef HAS_LEVELS
LEVEL3 static void apply_level3(
    float *result, const float *parameters, const int64_t *sum, size_t count, double ratio) {
    apply(result, parameters, sum, count, ratio);
}

LEVEL4 static void apply_level4(
    float *result, const float *parameters, const int64_t *sum, size_t count, double ratio) {
    apply(result, parameters, sum, count, ratio);
}

LEVEL3 static void quantize_level3(int64_t *result, const float *x, size_t count, double weight, double limit) {
    quantize(result, x, count, weight, limit);
}

LEVEL4 static void quantize_level4(int64_t *result, const float *x, size_t count, double weight, double limit) {
    quantize(result, x, count, weight, limit);
}

static int runs_level(int level) {
    __builtin_cpu_init();
    return level == 3 ? __builtin_cpu_supports("x86-64-v3") != 0
                      : level == 4 && __builtin_cpu_supports("x86-64-v4") != 0;
}
#else
static int runs_level(int level) { return (void)level, 0; }
#define apply_level3 apply
#define apply_level4 apply
#define quantize_level3 quantize
#define quantize_level4 quantize
#endif

int exact_apply_at_level(
    int level, float *result, const float *parameters, const int64_t *sum, size_t count, double ratio) {
    if (level == 1) {
        apply(result, parameters, sum, count, ratio);
    } else if (!runs_level(level)) {
        return 0;
    } else if (level == 3) {
        apply_level3(result, parameters, sum, count, ratio);
    } else {
        apply_level4(result, parameters, sum, count, ratio);
    }
    return 1;
}

int exact_quantize_at_level(
    int level, int64_t *result, const float *x, size_t count, double weight, double limit) {
    if (level == 1) {
        quantize(result, x, count, weight, limit);
    } else if (!runs_level(level)) {
        return 0;
    } else if (level == 3) {
        quantize_level3(result, x, count, weight, limit);
    } else {
        quantize_level4(result, x, count, weight, limit);
    }
    return 1;
}
