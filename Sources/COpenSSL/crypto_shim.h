// SPDX-License-Identifier: MIT
// libcrypto for Swift: its headers, and as functions what they offer only as macros.
#pragma once

#include <openssl/asn1.h>
#include <openssl/bio.h>
#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/crypto.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <openssl/kdf.h>
#include <openssl/params.h>
#include <openssl/pem.h>
#include <openssl/pkcs12.h>
#include <openssl/rand.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>

static inline EVP_PKEY *summand_generate_p256(void) { return EVP_EC_gen("P-256"); }

static inline long summand_bio_memory(BIO *bio, char **contents) { return BIO_get_mem_data(bio, contents); }

/// A context for HMAC-SHA-256 that can be keyed again and again; NULL when there is no memory.
static inline EVP_MAC_CTX *summand_hmac_sha256_new(EVP_MAC *hmac) {
    EVP_MAC_CTX *context = EVP_MAC_CTX_new(hmac);
    char digest[] = "SHA2-256";
    OSSL_PARAM parameters[] = {
        OSSL_PARAM_construct_utf8_string(OSSL_MAC_PARAM_DIGEST, digest, 0), OSSL_PARAM_construct_end()};
    if (context != NULL && EVP_MAC_CTX_set_params(context, parameters) != 1) {
        EVP_MAC_CTX_free(context);
        return NULL;
    }
    return context;
}

/// Appends one extension whose value is written as in an OpenSSL configuration file.
static inline int summand_add_extension(X509 *certificate, X509 *issuer, int nid, const char *value) {
    X509V3_CTX context;
    X509V3_set_ctx_nodb(&context);
    X509V3_set_ctx(&context, issuer, certificate, NULL, NULL, 0);
    X509_EXTENSION *extension = X509V3_EXT_nconf_nid(NULL, &context, nid, value);
    if (extension == NULL) {
        return 0;
    }
    int added = X509_add_ext(certificate, extension, -1);
    X509_EXTENSION_free(extension);
    return added;
}

/// Adds what a request asks for: an extension whose value is written as in an OpenSSL configuration file.
static inline int summand_request_extension(STACK_OF(X509_EXTENSION) **extensions, int nid, const char *value) {
    X509V3_CTX context;
    X509V3_set_ctx_nodb(&context);
    X509V3_set_ctx(&context, NULL, NULL, NULL, NULL, 0);
    X509_EXTENSION *extension = X509V3_EXT_nconf_nid(NULL, &context, nid, value);
    if (extension == NULL) {
        return 0;
    }
    int added = X509v3_add_ext(extensions, extension, -1) != NULL;
    X509_EXTENSION_free(extension);
    return added;
}

static inline void summand_request_extensions_free(STACK_OF(X509_EXTENSION) *extensions) {
    sk_X509_EXTENSION_pop_free(extensions, X509_EXTENSION_free);
}

static inline GENERAL_NAMES *summand_general_names_new(void) { return sk_GENERAL_NAME_new_null(); }

static inline int summand_general_names_count(const GENERAL_NAMES *names) { return sk_GENERAL_NAME_num(names); }

/// Appends a name held as an IA5 string; `type` is GEN_URI or GEN_DNS.
static inline int summand_general_names_add(GENERAL_NAMES *names, int type, const char *text, int count) {
    GENERAL_NAME *name = GENERAL_NAME_new();
    ASN1_IA5STRING *value = ASN1_IA5STRING_new();
    if (name == NULL || value == NULL || !ASN1_STRING_set(value, text, count)) {
        GENERAL_NAME_free(name);
        ASN1_IA5STRING_free(value);
        return 0;
    }
    GENERAL_NAME_set0_value(name, type, value);
    if (!sk_GENERAL_NAME_push(names, name)) {
        GENERAL_NAME_free(name);
        return 0;
    }
    return 1;
}

/// The bytes of name `index` if it is of `type` (GEN_URI or GEN_DNS), NULL otherwise.
static inline const unsigned char *summand_general_names_text(
    const GENERAL_NAMES *names, int index, int type, int *count) {
    int found = 0;
    const GENERAL_NAME *name = sk_GENERAL_NAME_value(names, index);
    const ASN1_STRING *value = (const ASN1_STRING *)GENERAL_NAME_get0_value(name, &found);
    if (found != type) {
        return NULL;
    }
    *count = ASN1_STRING_length(value);
    return ASN1_STRING_get0_data(value);
}
