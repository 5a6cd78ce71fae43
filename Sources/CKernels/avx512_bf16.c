// AVX-512 with VNNI and products of bfloat16, as Zen 4 has it.
#if defined(__x86_64__)

#include <immintrin.h>
#include <stdint.h>

#pragma clang attribute push( \
    __attribute__((target("avx512f,avx512bw,avx512dq,avx512vl,avx512vnni,avx512bf16,fma"))), apply_to = function)

enum { TILE_VECTORS = 3 };

#include "avx512.h"
#include "bf16.h"
#include "vnni.h"

#define KERNELS avx512_bf16
#include "body.h"

#pragma clang attribute pop

#endif
