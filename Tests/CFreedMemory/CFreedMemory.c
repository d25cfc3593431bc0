// SPDX-License-Identifier: MIT
#define _GNU_SOURCE
#include "CFreedMemory.h"

#include <malloc.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#if defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
#define SANITIZED 1
#endif
#endif

#if defined(__GLIBC__) && !defined(SANITIZED)
#define WATCHED 1
#else
#define WATCHED 0
#endif

enum { needlesMax = 256 };
enum { off, overwriting, watching };

static atomic_int mode = off;
static uint8_t needles[needlesMax][FREED_MEMORY_NEEDLE_BYTES];
static atomic_uint_fast64_t findings[needlesMax];
static atomic_uint_fast64_t blocks;
static int needleCount;

int freed_memory_can_be_watched(void) { return WATCHED; }

void freed_memory_prepare(void) {
    atomic_store(&mode, overwriting);
    needleCount = 0;
    atomic_store(&blocks, 0);
}

int freed_memory_look_for(const uint8_t *needle) {
    if (needleCount == needlesMax) {
        return -1;
    }
    memcpy(needles[needleCount], needle, FREED_MEMORY_NEEDLE_BYTES);
    atomic_store(&findings[needleCount], 0);
    return needleCount++;
}

void freed_memory_watch(void) { atomic_store(&mode, watching); }

void freed_memory_stop(void) { atomic_store(&mode, off); }

uint64_t freed_memory_findings(int needle) { return atomic_load(&findings[needle]); }

uint64_t freed_memory_blocks(void) { return atomic_load(&blocks); }

#if WATCHED
extern void __libc_free(void *memory);
extern void *__libc_malloc(size_t size);
extern void *__libc_realloc(void *memory, size_t size);

static void look_at(void *memory) {
    size_t size = malloc_usable_size(memory);
    int now = atomic_load_explicit(&mode, memory_order_relaxed);
    if (now == overwriting) {
        memset(memory, 0xDD, size);
        // The compiler knows that freed memory is not read.
        __asm__ volatile("" : : "r"(memory) : "memory");
    } else if (now == watching) {
        atomic_fetch_add(&blocks, 1);
        for (int i = 0; i < needleCount; i++) {
            if (memmem(memory, size, needles[i], FREED_MEMORY_NEEDLE_BYTES) != NULL) {
                atomic_fetch_add(&findings[i], 1);
            }
        }
    }
}

void free(void *memory) {
    if (memory != NULL && atomic_load_explicit(&mode, memory_order_relaxed) != off) {
        look_at(memory);
    }
    __libc_free(memory);
}

// While somebody looks, every block that is resized moves, and the old one is freed above.
void *realloc(void *memory, size_t size) {
    if (memory == NULL || size == 0 || atomic_load_explicit(&mode, memory_order_relaxed) == off) {
        return __libc_realloc(memory, size);
    }
    void *moved = __libc_malloc(size);
    if (moved != NULL) {
        size_t old = malloc_usable_size(memory);
        memcpy(moved, memory, old < size ? old : size);
        free(memory);
    }
    return moved;
}
#endif
