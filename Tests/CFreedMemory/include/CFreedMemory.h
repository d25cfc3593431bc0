// SPDX-License-Identifier: MIT
//
// Looks for secrets in memory at the moment when it is freed. The functions of the C library that free memory are
// interposed in the whole test program: whoever frees, Swift's runtime and libcrypto included, passes through here.
#pragma once

#include <stddef.h>
#include <stdint.h>

/// Bytes of what is looked for.
#define FREED_MEMORY_NEEDLE_BYTES 16

/// Whether this program can look: not under a sanitizer, which has an allocator of its own.
int freed_memory_can_be_watched(void);

/// Forgets all needles, and from here on overwrites whatever is freed, so that nothing old can be found later.
void freed_memory_prepare(void);

/// Adds 16 bytes to look for; returns their number, or −1 when there is no more room.
int freed_memory_look_for(const uint8_t *needle);

/// Looks at whatever is freed from here on; nothing is overwritten any more.
void freed_memory_watch(void);

/// Stops looking.
void freed_memory_stop(void);

/// How often a needle lay in memory that was freed.
uint64_t freed_memory_findings(int needle);

/// How many blocks were looked at.
uint64_t freed_memory_blocks(void);
