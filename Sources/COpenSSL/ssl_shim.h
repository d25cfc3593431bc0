// SPDX-License-Identifier: MIT
#pragma once

// libssl's macros as functions, because Swift imports no macro with arguments. Only TLS uses this header.

#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <openssl/x509.h>
#include <openssl/x509_vfy.h>

/// Allows TLS 1.3 and nothing else; 1 on success.
static inline int summand_tls_require_1_3(SSL_CTX *ctx) {
    return SSL_CTX_set_min_proto_version(ctx, TLS1_3_VERSION) == 1
        && SSL_CTX_set_max_proto_version(ctx, TLS1_3_VERSION) == 1;
}

static inline void summand_tls_set_mode(SSL_CTX *ctx, long mode) {
    SSL_CTX_set_mode(ctx, mode);
}

static inline void summand_tls_disable_session_cache(SSL_CTX *ctx) {
    SSL_CTX_set_session_cache_mode(ctx, SSL_SESS_CACHE_OFF);
}

static inline int summand_tls_set_groups(SSL_CTX *ctx, const char *list) {
    return (int)SSL_CTX_set1_groups_list(ctx, list);
}

/// The signature algorithms offered and accepted, for both sides' certificates; 1 on success.
static inline int summand_tls_set_signature_algorithms(SSL_CTX *ctx, const char *list) {
    return SSL_CTX_set1_sigalgs_list(ctx, list) == 1 && SSL_CTX_set1_client_sigalgs_list(ctx, list) == 1;
}

/// Appends a certificate to the chain that is sent, taking a reference of its own; 1 on success.
static inline int summand_tls_add_chain_certificate(SSL_CTX *ctx, X509 *certificate) {
    return (int)SSL_CTX_add1_chain_cert(ctx, certificate);
}

/// As `summand_tls_add_chain_certificate`, in one connection.
static inline int summand_tls_add_session_chain_certificate(SSL *ssl, X509 *certificate) {
    return (int)SSL_add1_chain_cert(ssl, certificate);
}

static inline int summand_tls_error_library(unsigned long code) {
    return ERR_GET_LIB(code);
}

static inline int summand_tls_error_reason(unsigned long code) {
    return ERR_GET_REASON(code);
}

static inline int summand_tls_stack_count(const STACK_OF(X509) *stack) {
    return stack == NULL ? 0 : sk_X509_num(stack);
}

static inline X509 *summand_tls_stack_element(const STACK_OF(X509) *stack, int index) {
    return sk_X509_value(stack, index);
}

/// A new stack that borrows one certificate, or NULL; freed with `summand_tls_stack_free`.
static inline STACK_OF(X509) *summand_tls_stack_of(X509 *certificate) {
    STACK_OF(X509) *stack = sk_X509_new_null();
    if (stack != NULL && sk_X509_push(stack, certificate) == 0) {
        sk_X509_free(stack);
        return NULL;
    }
    return stack;
}

/// Frees the stack, not what it borrows.
static inline void summand_tls_stack_free(STACK_OF(X509) *stack) {
    sk_X509_free(stack);
}
