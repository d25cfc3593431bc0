// SPDX-License-Identifier: MIT
//
// What the kernels are measured against, and the count of allocations.
#pragma once

#include <stddef.h>
#include <stdint.h>

/// accumulator[i] ← accumulator[i] + words[i] mod 2^64, compiled for the same instruction sets as the kernels.
void reference_wrapping_add(uint64_t *accumulator, const uint64_t *words, size_t count);

/// accumulator[i] ← accumulator[i]·words[i] mod 2^64, likewise.
void reference_wrapping_multiply(uint64_t *accumulator, const uint64_t *words, size_t count);

/// Computes Σ a[i]·b[i] mod 2^64, likewise.
uint64_t reference_wrapping_inner_product(const uint64_t *a, const uint64_t *b, size_t count);

/// accumulator ← accumulator + limbs by GMP's `mpn_add_n`, one number of `count` > 0 limbs.
void reference_mpn_add(uint64_t *accumulator, const uint64_t *limbs, size_t count);

/// target ← source.
void reference_copy(float *target, const float *source, size_t count);

/// A key stream of AES-128-CTR under a fixed key, as EVP gives it.
typedef struct reference_stream reference_stream;

/// Makes a stream; NULL when libcrypto has none.
reference_stream *reference_stream_new(void);

/// Computes the next `count` bytes, in pieces that stay in the first-level cache, and returns the last of them; −1 when
/// libcrypto fails.
int reference_stream_run(reference_stream *stream, size_t count);

void reference_stream_free(reference_stream *stream);

/// SHA-256 as EVP gives it, of `count` words in one piece; returns its first byte, −1 when libcrypto fails.
int reference_sha256(const uint64_t *words, size_t count);

/// Starts to count the allocations of all threads, from zero.
void allocation_count_start(void);

/// Stops counting; returns how often memory was asked for since the start.
uint64_t allocation_count_stop(void);

/// Whether allocations inside libcrypto are counted like all others.
int allocation_count_sees_libcrypto(void);

/// Nanoseconds of a clock that never goes back.
uint64_t monotonic_nanoseconds(void);

/// Nanoseconds of processor time that this process has had, all threads together.
uint64_t processor_nanoseconds(void);

/// Makes the compiler take every byte of a value for used.
static inline void consume(uint64_t value) { __asm__ volatile("" : : "r"(value) : "memory"); }

/// The version of the compiler of C, and those of the libraries measured against.
const char *reference_compiler_version(void);
const char *reference_openssl_version(void);
const char *reference_gmp_version(void);
