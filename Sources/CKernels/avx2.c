// x86-64 with AVX2 and FMA: 16 registers of 8 floats, a tile of 6 x 2 with two columns and a broadcast beside it.
#if defined(__x86_64__)

#include <immintrin.h>
#include <stdint.h>

#pragma clang attribute push(__attribute__((target("avx2,fma"))), apply_to = function)

enum { LANES = 8, TILE_ROWS = 6, TILE_VECTORS = 2 };
typedef __m256 vec;
typedef int vec_int __attribute__((vector_size(4 * LANES)));

static inline vec vec_load(const float *p) { return _mm256_loadu_ps(p); }

static inline void vec_store(float *p, vec x) { _mm256_storeu_ps(p, x); }

static inline vec vec_fma(vec a, vec b, vec c) { return _mm256_fmadd_ps(a, b, c); }

static inline vec vec_max(vec a, vec b) { return _mm256_max_ps(a, b); }

static inline vec vec_min(vec a, vec b) { return _mm256_min_ps(a, b); }

static inline float vec_largest(vec x) {
    __m128 half = _mm_max_ps(_mm256_castps256_ps128(x), _mm256_extractf128_ps(x, 1));
    half = _mm_max_ps(half, _mm_movehl_ps(half, half));
    return _mm_cvtss_f32(_mm_max_ss(half, _mm_movehdup_ps(half)));
}

static inline float vec_sum(vec x) {
    __m128 half = _mm_add_ps(_mm256_castps256_ps128(x), _mm256_extractf128_ps(x, 1));
    half = _mm_add_ps(half, _mm_movehl_ps(half, half));
    return _mm_cvtss_f32(half) + _mm_cvtss_f32(_mm_movehdup_ps(half));
}

#include "generic.h"
#include "pairs.h"

static inline vec_int dot_bytes(vec_int sums, vec_int a, vec_int b) {
    return sums + (vec_int)_mm256_madd_epi16((__m256i)a, (__m256i)b);
}

#define KERNELS avx2
#include "body.h"

#pragma clang attribute pop

#endif
