// SPDX-License-Identifier: MIT
#define _POSIX_C_SOURCE 200809L
#include "CReference.h"

#include <gmp.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

// As in Sources/CFieldKernels/clones.h: the compiler has the same choice for both.
#if defined(__x86_64__) && defined(__linux__) && defined(__has_attribute)
#if __has_attribute(target_clones)
#define CLONED __attribute__((target_clones("default", "arch=x86-64-v3", "arch=x86-64-v4")))
#endif
#endif
#ifndef CLONED
#define CLONED
#endif

CLONED void reference_wrapping_add(uint64_t *restrict accumulator, const uint64_t *restrict words, size_t count) {
    for (size_t i = 0; i < count; i++) {
        accumulator[i] += words[i];
    }
}

CLONED void reference_wrapping_multiply(uint64_t *restrict accumulator, const uint64_t *restrict words, size_t count) {
    for (size_t i = 0; i < count; i++) {
        accumulator[i] *= words[i];
    }
}

CLONED uint64_t reference_wrapping_inner_product(const uint64_t *a, const uint64_t *b, size_t count) {
    uint64_t sum = 0;
    for (size_t i = 0; i < count; i++) {
        sum += a[i] * b[i];
    }
    return sum;
}

void reference_mpn_add(uint64_t *accumulator, const uint64_t *limbs, size_t count) {
    mpn_add_n((mp_ptr)accumulator, (mp_srcptr)accumulator, (mp_srcptr)limbs, (mp_size_t)count);
}

void reference_copy(float *target, const float *source, size_t count) {
    memcpy(target, source, count * sizeof(float));
    // Otherwise the compiler may leave out a copy that nobody reads.
    __asm__ volatile("" : : "r"(target) : "memory");
}

// Zeros in, key stream out: both stay in the first-level cache, and nothing else is done.
#define PIECE 16384

struct reference_stream {
    EVP_CIPHER *cipher;
    EVP_CIPHER_CTX *context;
    _Alignas(64) unsigned char zeros[PIECE];
    _Alignas(64) unsigned char output[PIECE];
};

reference_stream *reference_stream_new(void) {
    static const unsigned char key[16] = {1, 2, 3}, iv[16] = {4, 5, 6};
    reference_stream *stream = aligned_alloc(64, sizeof *stream);
    if (stream == NULL) {
        return NULL;
    }
    memset(stream, 0, sizeof *stream);
    stream->cipher = EVP_CIPHER_fetch(NULL, "AES-128-CTR", NULL);
    stream->context = EVP_CIPHER_CTX_new();
    if (stream->cipher == NULL || stream->context == NULL ||
        EVP_EncryptInit_ex2(stream->context, stream->cipher, key, iv, NULL) != 1) {
        reference_stream_free(stream);
        return NULL;
    }
    return stream;
}

int reference_stream_run(reference_stream *stream, size_t count) {
    size_t last = 0;
    for (size_t offset = 0; offset < count; offset += last) {
        last = count - offset < PIECE ? count - offset : PIECE;
        int written = 0;
        if (EVP_EncryptUpdate(stream->context, stream->output, &written, stream->zeros, (int)last) != 1) {
            return -1;
        }
    }
    return last == 0 ? 0 : stream->output[last - 1];
}

void reference_stream_free(reference_stream *stream) {
    if (stream != NULL) {
        EVP_CIPHER_CTX_free(stream->context);
        EVP_CIPHER_free(stream->cipher);
        free(stream);
    }
}

int reference_sha256(const uint64_t *words, size_t count) {
    unsigned char digest[32];
    size_t length = 0;
    int succeeded = EVP_Q_digest(NULL, "SHA256", NULL, words, count * sizeof *words, digest, &length);
    return succeeded == 1 && length == sizeof digest ? digest[0] : -1;
}

int allocation_count_sees_libcrypto(void) {
    allocation_count_start();
    EVP_CIPHER_CTX *context = EVP_CIPHER_CTX_new();
    uint64_t count = allocation_count_stop();
    EVP_CIPHER_CTX_free(context);
    return count > 0;
}

static uint64_t nanoseconds(clockid_t clock) {
    struct timespec now;
    clock_gettime(clock, &now);
    return (uint64_t)now.tv_sec * UINT64_C(1000000000) + (uint64_t)now.tv_nsec;
}

uint64_t monotonic_nanoseconds(void) { return nanoseconds(CLOCK_MONOTONIC); }

uint64_t processor_nanoseconds(void) { return nanoseconds(CLOCK_PROCESS_CPUTIME_ID); }

#define TEXT(x) #x
#define VERSION(major, minor) "Clang " TEXT(major) "." TEXT(minor)

const char *reference_compiler_version(void) {
#ifdef __clang__
    return VERSION(__clang_major__, __clang_minor__);
#else
    return __VERSION__;
#endif
}

const char *reference_openssl_version(void) { return OpenSSL_version(OPENSSL_VERSION); }

const char *reference_gmp_version(void) { return gmp_version; }
