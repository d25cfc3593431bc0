// SPDX-License-Identifier: MIT
#ifndef C_BLOCKING_TLS_H
#define C_BLOCKING_TLS_H

#include <stddef.h>

/// What both ends show: a leaf and its key, in PEM.
typedef struct {
    const char *certificate;
    const char *key;
} blocking_tls_identity;

/// Two ends of one connection over loopback: blocking sockets, TLS 1.3 with TLS_AES_128_GCM_SHA256.
typedef struct blocking_tls_connection blocking_tls_connection;

/// Connects both ends; NULL when anything fails.
blocking_tls_connection *blocking_tls_open(blocking_tls_identity identity);

/// Sends `total` bytes in writes of `piece` from one thread to another, with SSL_write and SSL_read. Returns the seconds from
/// the first write to the last byte read; negative when anything fails.
double blocking_tls_transfer(blocking_tls_connection *connection, size_t total, size_t piece);

/// Closes both ends; NULL is nothing to close.
void blocking_tls_close(blocking_tls_connection *connection);

#endif
