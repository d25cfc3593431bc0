// SPDX-License-Identifier: MIT
#pragma once

#include <cblas.h>
#include <stdbool.h>
#include <stddef.h>

/// One OpenBLAS thread per process: two on a busy host are several times slower than one, and the order of additions
/// inside a product depends on the number of threads.
static inline void summand_blas_single_thread(void) {
    openblas_set_num_threads(1);
}

/// C ← op(A)·op(B) + beta·C for dense row-major matrices: op(A) is m × k, op(B) is k × n, C is m × n.
///
/// Each matrix begins at its offset, in elements, so that Swift passes whole arrays and holds no pointer.
static inline void summand_sgemm(
    bool transposeA, bool transposeB, int m, int n, int k, const float *a, size_t aOffset, const float *b,
    size_t bOffset, float beta, float *c, size_t cOffset) {
    cblas_sgemm(
        CblasRowMajor, transposeA ? CblasTrans : CblasNoTrans, transposeB ? CblasTrans : CblasNoTrans, m, n, k, 1.0f,
        a + aOffset, transposeA ? m : k, b + bOffset, transposeB ? k : n, beta, c + cOffset, n);
}
