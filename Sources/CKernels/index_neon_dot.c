// Index kernels for 64-bit ARM with the dot product instructions (ARMv8.2): four products of bytes at once in a lane.
#if defined(__aarch64__)

#include <arm_neon.h>

#include "CIndexKernels.h"
#include "index_rows.h"

#pragma clang attribute push(__attribute__((target("dotprod"))), apply_to = function)

static inline int32x4_t add_products(int32x4_t sum, const uint8_t *nibbles, const int8_t *digits) {
    for (size_t j = 0; j < 64; j += 16) {
        uint8x16_t bytes = vld1q_u8(nibbles + j);
        sum = vdotq_s32(sum, vreinterpretq_s8_u8(vandq_u8(bytes, vdupq_n_u8(15))), vld1q_s8(digits + j));
        sum = vdotq_s32(sum, vreinterpretq_s8_u8(vshrq_n_u8(bytes, 4)), vld1q_s8(digits + j + 64));
    }
    return sum;
}

#include "index_neon.h"

#pragma clang attribute pop

const kern_index_table kern_index_neon_dot = {
    .name = "neon_dot",
    .scan_nibbles = scan_nibbles,
    .scan_signs = scan_signs,
    .dot_bytes = dot_bytes,
    .select = index_select,
};

#endif
