// AVX-512 with VNNI and products of bfloat16, as Zen 4 and Sapphire Rapids have it.
#if defined(__x86_64__)

#include <immintrin.h>
#include <stdint.h>

#pragma clang attribute push( \
    __attribute__((target("avx512f,avx512bw,avx512dq,avx512vl,avx512vnni,avx512bf16,fma"))), apply_to = function)

#include "avx512.h"
#include "vnni.h"

enum { HAS_BFLOAT16 = 1 };

static inline __m256i vec_bfloat(vec x) { return (__m256i)_mm512_cvtneps_pbh(x); }

static inline vec dot_bfloat(vec sums, vec_int a, vec_int b) {
    return _mm512_dpbf16_ps(sums, (__m512bh)a, (__m512bh)b);
}

#define KERNELS avx512_bf16
#include "body.h"

#pragma clang attribute pop

#endif
