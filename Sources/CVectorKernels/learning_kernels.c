// SPDX-License-Identifier: MIT
#include "learning_kernels.h"
#include "clones.h"

#include <math.h>
#include <string.h>

#pragma STDC FP_CONTRACT OFF

void summand_gather_rows(
    float *out, const float *matrix, const int32_t *indices, size_t first, size_t rows, size_t columns) {
    for (size_t r = 0; r < rows; r++) {
        memcpy(out + r * columns, matrix + (size_t)indices[first + r] * columns, columns * sizeof(float));
    }
}

void summand_gather_labels(
    int32_t *out, const int32_t *labels, const int32_t *indices, size_t first, size_t rows) {
    for (size_t r = 0; r < rows; r++) {
        out[r] = labels[indices[first + r]];
    }
}

void summand_repeat_row(float *out, const float *values, size_t offset, size_t rows, size_t columns) {
    for (size_t r = 0; r < rows; r++) {
        memcpy(out + r * columns, values + offset, columns * sizeof(float));
    }
}

CLONED
void summand_column_sums(float *out, size_t offset, const float *matrix, size_t rows, size_t columns) {
    float *sums = out + offset;
    memset(sums, 0, columns * sizeof(float));
    for (size_t r = 0; r < rows; r++) {
        const float *row = matrix + r * columns;
        for (size_t c = 0; c < columns; c++) {
            sums[c] += row[c];
        }
    }
}

CLONED
void summand_relu(float *x, size_t count) {
    for (size_t i = 0; i < count; i++) {
        x[i] = x[i] < 0.0f ? 0.0f : x[i];
    }
}

CLONED
void summand_relu_backward(float *delta, const float *output, size_t count) {
    for (size_t i = 0; i < count; i++) {
        delta[i] = output[i] > 0.0f ? delta[i] : 0.0f;
    }
}

struct summand_loss summand_softmax_cross_entropy(
    float *logits, const int32_t *labels, size_t rows, size_t classes, float scale) {
    struct summand_loss loss = {0.0, 0};
    for (size_t r = 0; r < rows; r++) {
        float *row = logits + r * classes;
        size_t best = 0;
        for (size_t c = 1; c < classes; c++) {
            best = row[c] > row[best] ? c : best;
        }
        // Every exponent is at most 0 and one of them is 0, so the sum lies in [1, classes].
        double maximum = row[best], sum = 0.0;
        for (size_t c = 0; c < classes; c++) {
            sum += exp((double)row[c] - maximum);
        }
        size_t label = (size_t)labels[r];
        loss.sum += log(sum) - ((double)row[label] - maximum);
        loss.correct += best == label;
        for (size_t c = 0; c < classes; c++) {
            double probability = exp((double)row[c] - maximum) / sum;
            row[c] = (float)(probability - (c == label ? 1.0 : 0.0)) * scale;
        }
    }
    return loss;
}

CLONED
void summand_momentum_step(
    float *weights, float *velocity, const float *gradient, size_t count, float rate, float momentum) {
    for (size_t i = 0; i < count; i++) {
        float v = momentum * velocity[i] + gradient[i];
        velocity[i] = v;
        weights[i] -= rate * v;
    }
}

CLONED
void summand_adam_step(
    float *weights, float *first, float *second, const float *gradient, size_t count, float rate, float beta1,
    float beta2, float epsilon, float correction1, float correction2) {
    for (size_t i = 0; i < count; i++) {
        float g = gradient[i];
        float m = beta1 * first[i] + (1.0f - beta1) * g;
        float v = beta2 * second[i] + (1.0f - beta2) * (g * g);
        first[i] = m;
        second[i] = v;
        weights[i] -= rate * (m / correction1) / (__builtin_elementwise_sqrt(v / correction2) + epsilon);
    }
}

size_t summand_first_nonfinite(const float *x, size_t count) {
    for (size_t i = 0; i < count; i++) {
        if (!isfinite(x[i])) {
            return i;
        }
    }
    return count;
}
