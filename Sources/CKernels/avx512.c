// AVX-512 as Skylake-X has it.
#if defined(__x86_64__)

#include <immintrin.h>
#include <stdint.h>

#pragma clang attribute push(__attribute__((target("avx512f,avx512bw,avx512dq,avx512vl,fma"))), apply_to = function)

enum { TILE_VECTORS = 3 };

#include "avx512.h"
#include "generic.h"
#include "pairs.h"

static inline vec_int dot_bytes(vec_int sums, vec_int a, vec_int b) {
    return sums + (vec_int)_mm512_madd_epi16((__m512i)a, (__m512i)b);
}

#define KERNELS avx512
#include "body.h"

#pragma clang attribute pop

#endif
