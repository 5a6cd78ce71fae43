// Index kernels for 64-bit ARM. Without the dot product instructions, so that one version serves every such machine:
// nibbles times digits are at most 1905, and 16 of them fit into 16 bits.
#if defined(__aarch64__)

#include <arm_neon.h>

#include "CIndexKernels.h"
#include "index_rows.h"

static inline int16x8_t multiply_add(int16x8_t sum, uint8x16_t nibbles, const int8_t *digits) {
    int8x16_t x = vreinterpretq_s8_u8(nibbles), y = vld1q_s8(digits);
    return vmlal_high_s8(vmlal_s8(sum, vget_low_s8(x), vget_low_s8(y)), x, y);
}

/// Adds the products of 128 dimensions: eight multiplications, two products each in a lane.
static inline int32x4_t add_products(int32x4_t sum, const uint8_t *nibbles, const int8_t *digits) {
    int16x8_t products = vdupq_n_s16(0);
    for (size_t j = 0; j < 64; j += 16) {
        uint8x16_t bytes = vld1q_u8(nibbles + j);
        products = multiply_add(products, vandq_u8(bytes, vdupq_n_u8(15)), digits + j);
        products = multiply_add(products, vshrq_n_u8(bytes, 4), digits + j + 64);
    }
    return vpadalq_s16(sum, products);
}

static void scan_nibbles(const kern_index_query *query, const uint8_t *rows, size_t count, int32_t *sums) {
    for (size_t row = 0; row < count; row++, rows += query->padded / 2) {
        int32x4_t sum = vdupq_n_s32(0);
        for (size_t dim = 0; dim < query->padded; dim += 128)
            sum = add_products(sum, rows + dim / 2, query->upper + dim);
        sums[row] = vaddvq_s32(sum);
    }
}

static void scan_signs(const kern_index_query *query, const uint64_t *blocks, size_t count, int32_t *sums) {
    size_t words = query->padded / 64;
    for (size_t pair = 0; pair < 4 * count; pair++) {
        const uint64_t *place = blocks + pair / 4 * 8 * words + pair % 4 * 2;
        uint64x2_t plane[4] = {vdupq_n_u64(0), vdupq_n_u64(0), vdupq_n_u64(0), vdupq_n_u64(0)};
        for (size_t word = 0; word < words; word++) {
            uint64x2_t rows = vld1q_u64(place + word * 8);
            for (size_t p = 0; p < 4; p++) {
                uint64x2_t both = vandq_u64(rows, vdupq_n_u64(query->planes[p * words + word]));
                uint8x16_t bits = vcntq_u8(vreinterpretq_u8_u64(both));
                plane[p] = vpadalq_u32(plane[p], vpaddlq_u16(vpaddlq_u8(bits)));
            }
        }
        for (size_t row = 0; row < 2; row++)
            sums[pair * 2 + row] =
                (int32_t)plane[0][row] + 2 * (int32_t)plane[1][row] + 4 * (int32_t)plane[2][row] - 8 * (int32_t)plane[3][row];
    }
}

static inline void dot_row(const kern_index_query *query, const uint8_t *high, const uint8_t *low,
                           int32_t *sums) {
    int32x4_t a = vdupq_n_s32(0), b = a, c = a, d = a;
    for (size_t dim = 0; dim < query->padded; dim += 128) {
        a = add_products(a, high + dim / 2, query->upper + dim);
        b = add_products(b, low + dim / 2, query->upper + dim);
        c = add_products(c, high + dim / 2, query->lower + dim);
        d = add_products(d, low + dim / 2, query->lower + dim);
    }
    sums[0] = 16 * vaddvq_s32(a) + vaddvq_s32(b);
    sums[1] = 16 * vaddvq_s32(c) + vaddvq_s32(d);
}

static void dot_bytes(const kern_index_query *query, const uint8_t *high, const uint8_t *low, const uint32_t *rows,
                      size_t count, int32_t *sums) {
    size_t half = query->padded / 2;
    for (size_t i = 0; i < count; i++) {
        index_fetch(high, low, half, rows + i, count - i);
        dot_row(query, high + rows[i] * half, low + rows[i] * half, sums + 2 * i);
    }
}

const kern_index_table kern_index_neon = {
    .name = "neon",
    .scan_nibbles = scan_nibbles,
    .scan_signs = scan_signs,
    .dot_bytes = dot_bytes,
    .select = index_select,
};

#endif
