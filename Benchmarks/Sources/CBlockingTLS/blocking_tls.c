// SPDX-License-Identifier: MIT
// clock_gettime is not in the C standard.
#define _GNU_SOURCE
#include "CBlockingTLS.h"

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

typedef struct {
    SSL_CTX *context;
    int socket;
    size_t total;
    size_t piece;
    double finished;
    int succeeded;
} side;

static double now(void) {
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return (double)time.tv_sec + 1e-9 * (double)time.tv_nsec;
}

static SSL_CTX *make_context(const SSL_METHOD *method, blocking_tls_identity identity) {
    SSL_CTX *context = SSL_CTX_new(method);
    if (context == NULL) return NULL;
    BIO *certificate_bio = BIO_new_mem_buf(identity.certificate, -1);
    BIO *key_bio = BIO_new_mem_buf(identity.key, -1);
    X509 *certificate = PEM_read_bio_X509(certificate_bio, NULL, NULL, NULL);
    EVP_PKEY *key = PEM_read_bio_PrivateKey(key_bio, NULL, NULL, NULL);
    int is_ready = SSL_CTX_set_min_proto_version(context, TLS1_3_VERSION) == 1 &&
                   SSL_CTX_set_ciphersuites(context, "TLS_AES_128_GCM_SHA256") == 1 &&
                   SSL_CTX_set_num_tickets(context, 0) == 1 && SSL_CTX_use_certificate(context, certificate) == 1 &&
                   SSL_CTX_use_PrivateKey(context, key) == 1;
    X509_free(certificate);
    EVP_PKEY_free(key);
    BIO_free(certificate_bio);
    BIO_free(key_bio);
    if (is_ready) return context;
    SSL_CTX_free(context);
    return NULL;
}

static void *receive(void *argument) {
    side *self = argument;
    SSL *ssl = SSL_new(self->context);
    unsigned char *buffer = malloc(self->piece);
    size_t received = 0;
    if (ssl != NULL && buffer != NULL && SSL_set_fd(ssl, self->socket) == 1 && SSL_accept(ssl) == 1) {
        int count;
        while (received < self->total && (count = SSL_read(ssl, buffer, (int)self->piece)) > 0) received += (size_t)count;
    }
    self->finished = now();
    self->succeeded = received == self->total;
    SSL_free(ssl);
    free(buffer);
    close(self->socket);
    return NULL;
}

/// Two connected sockets over loopback.
static int connect_pair(int *first, int *second) {
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t length = sizeof address;
    int listener = socket(AF_INET, SOCK_STREAM, 0);
    *first = socket(AF_INET, SOCK_STREAM, 0);
    int one = 1;
    int is_connected = bind(listener, (struct sockaddr *)&address, length) == 0 && listen(listener, 1) == 0 &&
                       getsockname(listener, (struct sockaddr *)&address, &length) == 0 &&
                       connect(*first, (struct sockaddr *)&address, length) == 0;
    *second = is_connected ? accept(listener, NULL, NULL) : -1;
    close(listener);
    return *second >= 0 && setsockopt(*first, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one) == 0 ? 0 : -1;
}

double blocking_tls_transfer(blocking_tls_identity identity, size_t total, size_t piece) {
    side reader = {.context = make_context(TLS_server_method(), identity), .total = total, .piece = piece};
    SSL_CTX *context = make_context(TLS_client_method(), identity);
    unsigned char *bytes = calloc(1, piece);
    int socket = -1;
    double seconds = -1;
    pthread_t thread;
    if (reader.context != NULL && context != NULL && bytes != NULL && connect_pair(&socket, &reader.socket) == 0 &&
        pthread_create(&thread, NULL, receive, &reader) == 0) {
        SSL *ssl = SSL_new(context);
        double began = -1;
        if (ssl != NULL && SSL_set_fd(ssl, socket) == 1 && SSL_connect(ssl) == 1) {
            began = now();
            for (size_t sent = 0; sent < total; sent += piece)
                if (SSL_write(ssl, bytes, (int)piece) <= 0) break;
        }
        pthread_join(thread, NULL);
        if (began >= 0 && reader.succeeded) seconds = reader.finished - began;
        SSL_free(ssl);
    }
    if (socket >= 0) close(socket);
    SSL_CTX_free(reader.context);
    SSL_CTX_free(context);
    free(bytes);
    return seconds;
}
