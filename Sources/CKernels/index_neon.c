// Index kernels for 64-bit ARM without the dot product instructions: nibbles times digits are at most 1905, and 16 of
// them fit into 16 bits.
#if defined(__aarch64__)

#include <arm_neon.h>

#include "CIndexKernels.h"
#include "index_rows.h"

static inline int16x8_t multiply_add(int16x8_t sum, uint8x16_t nibbles, const int8_t *digits) {
    int8x16_t x = vreinterpretq_s8_u8(nibbles), y = vld1q_s8(digits);
    return vmlal_high_s8(vmlal_s8(sum, vget_low_s8(x), vget_low_s8(y)), x, y);
}

/// Eight multiplications, two products each in a lane.
static inline int32x4_t add_products(int32x4_t sum, const uint8_t *nibbles, const int8_t *digits) {
    int16x8_t products = vdupq_n_s16(0);
    for (size_t j = 0; j < 64; j += 16) {
        uint8x16_t bytes = vld1q_u8(nibbles + j);
        products = multiply_add(products, vandq_u8(bytes, vdupq_n_u8(15)), digits + j);
        products = multiply_add(products, vshrq_n_u8(bytes, 4), digits + j + 64);
    }
    return vpadalq_s16(sum, products);
}

#include "index_neon.h"

const kern_index_table kern_index_neon = {
    .name = "neon",
    .scan_nibbles = scan_nibbles,
    .scan_signs = scan_signs,
    .dot_bytes = dot_bytes,
    .select = index_select,
};

#endif
