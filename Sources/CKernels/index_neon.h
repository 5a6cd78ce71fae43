// Index kernels for 64-bit ARM, whatever multiplies: whoever includes this has `add_products`, which adds the products of
// 128 dimensions. No include guard on purpose: each file compiles its own.

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
