// SPDX-License-Identifier: MIT
#ifndef SUMMAND_CLONES_H
#define SUMMAND_CLONES_H

// CLONED: one body, compiled for several instruction sets, chosen when the program is loaded. Where the platform has no
// such thing the plain version is the only one; under the thread sanitizer too, which instruments the functions that
// choose, and they run before the sanitizer has started.
#if defined(__has_feature)
#if __has_feature(thread_sanitizer)
#define THREAD_SANITIZER 1
#endif
#endif
#if defined(__x86_64__) && defined(__linux__) && defined(__has_attribute) && !defined(THREAD_SANITIZER)
#if __has_attribute(target_clones)
#define CLONED __attribute__((target_clones("default", "arch=x86-64-v3", "arch=x86-64-v4")))
#define HAS_LEVELS 1
#endif
#endif
#ifndef CLONED
#define CLONED
#endif

#endif
