// Index kernels for x86-64 with AVX2.
#if defined(__x86_64__)

#include <immintrin.h>

#include "CIndexKernels.h"

#pragma clang attribute push(__attribute__((target("avx2"))), apply_to = function)

#include "index_rows.h"

static inline __m256i low_halves(__m256i bytes) { return _mm256_and_si256(bytes, _mm256_set1_epi8(15)); }

static inline __m256i high_halves(__m256i bytes) { return low_halves(_mm256_srli_epi16(bytes, 4)); }

static inline __m256i load(const void *place) { return _mm256_loadu_si256((const __m256i *)place); }

static inline int32_t sum_lanes(__m256i x) {
    __m128i half = _mm_add_epi32(_mm256_castsi256_si128(x), _mm256_extracti128_si256(x, 1));
    half = _mm_add_epi32(half, _mm_shuffle_epi32(half, 0x4E));
    return _mm_cvtsi128_si32(_mm_add_epi32(half, _mm_shuffle_epi32(half, 0xB1)));
}

/// Adds the products of 128 dimensions. Four pairs of them, at most 4 * 2 * 15 * 127, stay in 16 bits.
static inline __m256i add_products(__m256i sum, const uint8_t *nibbles, const int8_t *digits) {
    __m256i one = load(nibbles), other = load(nibbles + 32);
    __m256i a = _mm256_add_epi16(_mm256_maddubs_epi16(low_halves(one), load(digits)),
                                 _mm256_maddubs_epi16(low_halves(other), load(digits + 32)));
    __m256i b = _mm256_add_epi16(_mm256_maddubs_epi16(high_halves(one), load(digits + 64)),
                                 _mm256_maddubs_epi16(high_halves(other), load(digits + 96)));
    return _mm256_add_epi32(sum, _mm256_madd_epi16(_mm256_add_epi16(a, b), _mm256_set1_epi16(1)));
}

static void scan_nibbles(const kern_index_query *query, const uint8_t *rows, size_t count, int32_t *sums) {
    for (size_t row = 0; row < count; row++, rows += query->padded / 2) {
        __m256i sum = _mm256_setzero_si256();
        for (size_t dim = 0; dim < query->padded; dim += 128)
            sum = add_products(sum, rows + dim / 2, query->upper + dim);
        sums[row] = sum_lanes(sum);
    }
}

/// How many bits are set in each of four words.
static inline __m256i count_bits(__m256i words) {
    const __m256i counts = _mm256_setr_epi8(0, 1, 1, 2, 1, 2, 2, 3, 1, 2, 2, 3, 2, 3, 3, 4, 0, 1, 1, 2, 1, 2, 2, 3, 1,
                                            2, 2, 3, 2, 3, 3, 4);
    __m256i bytes = _mm256_add_epi8(_mm256_shuffle_epi8(counts, low_halves(words)),
                                    _mm256_shuffle_epi8(counts, high_halves(words)));
    return _mm256_sad_epu8(bytes, _mm256_setzero_si256());
}

static void scan_signs(const kern_index_query *query, const uint64_t *blocks, size_t count, int32_t *sums) {
    size_t words = query->padded / 64;
    for (size_t half = 0; half < 2 * count; half++) {
        const uint64_t *place = blocks + half / 2 * 8 * words + half % 2 * 4;
        __m256i plane[4] = {};
        for (size_t word = 0; word < words; word++) {
            __m256i rows = load(place + word * 8);
            for (size_t p = 0; p < 4; p++) {
                __m256i digit = _mm256_set1_epi64x((int64_t)query->planes[p * words + word]);
                plane[p] = _mm256_add_epi64(plane[p], count_bits(_mm256_and_si256(rows, digit)));
            }
        }
        __m256i sum = _mm256_add_epi64(plane[0], _mm256_slli_epi64(plane[1], 1));
        sum = _mm256_add_epi64(sum, _mm256_slli_epi64(plane[2], 2));
        sum = _mm256_sub_epi64(sum, _mm256_slli_epi64(plane[3], 3));
        int64_t wide[4];
        _mm256_storeu_si256((__m256i *)wide, sum);
        for (size_t row = 0; row < 4; row++) sums[half * 4 + row] = (int32_t)wide[row];
    }
}

static inline void dot_row(const kern_index_query *query, const uint8_t *high, const uint8_t *low,
                           int32_t *sums) {
    __m256i a = _mm256_setzero_si256(), b = a, c = a, d = a;
    for (size_t dim = 0; dim < query->padded; dim += 128) {
        a = add_products(a, high + dim / 2, query->upper + dim);
        b = add_products(b, low + dim / 2, query->upper + dim);
        c = add_products(c, high + dim / 2, query->lower + dim);
        d = add_products(d, low + dim / 2, query->lower + dim);
    }
    sums[0] = 16 * sum_lanes(a) + sum_lanes(b);
    sums[1] = 16 * sum_lanes(c) + sum_lanes(d);
}

static void dot_bytes(const kern_index_query *query, const uint8_t *high, const uint8_t *low, const uint32_t *rows,
                      size_t count, int32_t *sums) {
    size_t half = query->padded / 2;
    for (size_t i = 0; i < count; i++) {
        index_fetch(high, low, half, rows + i, count - i);
        dot_row(query, high + rows[i] * half, low + rows[i] * half, sums + 2 * i);
    }
}

#pragma clang attribute pop

const kern_index_table kern_index_avx2 = {
    .name = "avx2",
    .scan_nibbles = scan_nibbles,
    .scan_signs = scan_signs,
    .dot_bytes = dot_bytes,
    .select = index_select,
};

#endif
