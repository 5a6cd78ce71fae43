// Index kernels for any machine: the reference for the others. And the one place that chooses among them.

#include "CIndexKernels.h"
#include "index_rows.h"

static void scan_nibbles(const kern_index_query *query, const uint8_t *rows, size_t count, int32_t *sums) {
    for (size_t row = 0; row < count; row++) {
        int32_t sum = 0;
        const int8_t *digits = query->upper;
        for (size_t chunk = 0; chunk < query->padded; chunk += 128, rows += 64, digits += 128)
            for (size_t j = 0; j < 64; j++) sum += (rows[j] & 15) * digits[j] + (rows[j] >> 4) * digits[j + 64];
        sums[row] = sum;
    }
}

static void scan_signs(const kern_index_query *query, const uint64_t *blocks, size_t count, int32_t *sums) {
    size_t words = query->padded / 64;
    for (size_t block = 0; block < count; block++, blocks += 8 * words)
        for (size_t row = 0; row < 8; row++) {
            int32_t sum = 0;
            for (size_t plane = 0; plane < 4; plane++) {
                int32_t bits = 0;
                for (size_t word = 0; word < words; word++)
                    bits += __builtin_popcountll(blocks[word * 8 + row] & query->planes[plane * words + word]);
                sum += plane == 3 ? -8 * bits : bits << plane;
            }
            sums[block * 8 + row] = sum;
        }
}

static inline void dot_row(const kern_index_query *query, const uint8_t *high, const uint8_t *low,
                           int32_t *sums) {
    int32_t upper = 0, lower = 0;
    for (size_t chunk = 0; chunk < query->padded; chunk += 128)
        for (size_t j = 0; j < 64; j++) {
            int32_t first = (high[chunk / 2 + j] & 15) << 4 | (low[chunk / 2 + j] & 15);
            int32_t second = (high[chunk / 2 + j] & 0xF0) | low[chunk / 2 + j] >> 4;
            upper += first * query->upper[chunk + j] + second * query->upper[chunk + 64 + j];
            lower += first * query->lower[chunk + j] + second * query->lower[chunk + 64 + j];
        }
    sums[0] = upper;
    sums[1] = lower;
}

static void dot_bytes(const kern_index_query *query, const uint8_t *high, const uint8_t *low, const uint32_t *rows,
                      size_t count, int32_t *sums) {
    size_t half = query->padded / 2;
    for (size_t i = 0; i < count; i++) {
        index_fetch(high, low, half, rows + i, count - i);
        dot_row(query, high + rows[i] * half, low + rows[i] * half, sums + 2 * i);
    }
}

static const kern_index_table portable = {
    .name = "portable",
    .scan_nibbles = scan_nibbles,
    .scan_signs = scan_signs,
    .dot_bytes = dot_bytes,
    .select = index_select,
};

#if defined(__x86_64__)

extern const kern_index_table kern_index_avx2, kern_index_avx512;

const kern_index_table *kern_index_table_for(kern_isa isa) {
    __builtin_cpu_init();
    switch (isa) {
    case kern_isa_portable: return &portable;
    case kern_isa_avx2: return __builtin_cpu_supports("avx2") ? &kern_index_avx2 : NULL;
    case kern_isa_avx512:
        return __builtin_cpu_supports("avx512bw") && __builtin_cpu_supports("avx512dq")
                && __builtin_cpu_supports("avx512vl") && __builtin_cpu_supports("avx512vnni")
                && __builtin_cpu_supports("avx512vpopcntdq")
            ? &kern_index_avx512
            : NULL;
    default: return NULL;
    }
}

#elif defined(__aarch64__)

extern const kern_index_table kern_index_neon, kern_index_neon_dot;

const kern_index_table *kern_index_table_for(kern_isa isa) {
    switch (isa) {
    case kern_isa_portable: return &portable;
    case kern_isa_neon: return &kern_index_neon;
    case kern_isa_neon_dot: return kern_table_for(isa) ? &kern_index_neon_dot : NULL;
    default: return NULL;
    }
}

#else

const kern_index_table *kern_index_table_for(kern_isa isa) { return isa == kern_isa_portable ? &portable : NULL; }

#endif
