// SPDX-License-Identifier: MIT
#pragma once

#include <stddef.h>
#include <stdint.h>

// Kernels of local training and evaluation. Matrices are dense and row-major. Offsets are in elements, so that Swift
// passes whole arrays and holds no pointer. No kernel depends on the processor for its result: every element is
// computed by the same operations in the same order, without contraction into fused multiply-adds. (The matrix
// products and `exp` do depend on it; see `Trainer`.)

/// Σ loss in nats and the number of right answers of one batch.
struct summand_loss {
    double sum;
    uint64_t correct;
};

/// out[r] ← matrix[indices[first + r]] for `rows` rows of `columns` elements.
void summand_gather_rows(
    float *out, const float *matrix, const int32_t *indices, size_t first, size_t rows, size_t columns);

/// out[r] ← labels[indices[first + r]].
void summand_gather_labels(
    int32_t *out, const int32_t *labels, const int32_t *indices, size_t first, size_t rows);

/// out[r] ← values[offset ..< offset + columns] in each of `rows` rows.
void summand_repeat_row(float *out, const float *values, size_t offset, size_t rows, size_t columns);

/// out[offset + c] ← Σ_r matrix[r][c].
void summand_column_sums(float *out, size_t offset, const float *matrix, size_t rows, size_t columns);

/// x ← max(x, 0), where NaN stays NaN.
void summand_relu(float *x, size_t count);

/// delta ← 0 wherever the output of the rectifier was not positive.
void summand_relu_backward(float *delta, const float *output, size_t count);

/// Turns logits into the gradient of the softmax cross-entropy, (softmax(logits) − onehot(label))·scale, and returns the
/// loss before that. Labels must lie in 0 ..< classes. The first of equal maxima is the answer.
struct summand_loss summand_softmax_cross_entropy(
    float *logits, const int32_t *labels, size_t rows, size_t classes, float scale);

/// velocity ← momentum·velocity + gradient; weights ← weights − rate·velocity.
void summand_momentum_step(
    float *weights, float *velocity, const float *gradient, size_t count, float rate, float momentum);

/// One step of Adam (Kingma and Ba 2015, algorithm 1); the corrections are 1 − β1^t and 1 − β2^t.
void summand_adam_step(
    float *weights, float *first, float *second, const float *gradient, size_t count, float rate, float beta1,
    float beta2, float epsilon, float correction1, float correction2);

/// The index of the first element that is infinite or not a number, or `count`.
size_t summand_first_nonfinite(const float *x, size_t count);
