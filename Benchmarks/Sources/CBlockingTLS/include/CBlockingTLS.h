// SPDX-License-Identifier: MIT
#ifndef C_BLOCKING_TLS_H
#define C_BLOCKING_TLS_H

#include <stddef.h>

/// What both ends show: a leaf and its key, in PEM.
typedef struct {
    const char *certificate;
    const char *key;
} blocking_tls_identity;

/// Sends `total` bytes in writes of `piece` from one thread to another over loopback, with blocking sockets, SSL_write and
/// SSL_read, TLS 1.3 and TLS_AES_128_GCM_SHA256. Returns the seconds from the first write to the last byte read; negative
/// when anything fails.
double blocking_tls_transfer(blocking_tls_identity identity, size_t total, size_t piece);

#endif
