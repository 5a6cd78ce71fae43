// 64-bit ARM with products of bytes: both factors have a sign, so that rows are shifted to -128...127.
#if defined(__aarch64__)

#include <arm_neon.h>

#pragma clang attribute push(__attribute__((target("dotprod"))), apply_to = function)

#include "neon.h"
#include "generic.h"

enum { INT8_WORD = 4, INT8_ZERO = 128 };
typedef int8_t byte_cell;

static inline vec_int dot_bytes(vec_int sums, vec_int a, vec_int b) {
    return vdotq_s32(sums, vreinterpretq_s8_s32(a), vreinterpretq_s8_s32(b));
}

#define KERNELS neon_dot
#include "body.h"

#pragma clang attribute pop

#endif
