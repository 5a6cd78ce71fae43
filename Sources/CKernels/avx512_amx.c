// AVX-512 with VNNI and bfloat16, and AMX for matrix products, as Sapphire Rapids and later have it.
#if defined(__x86_64__)

#include <immintrin.h>
#include <stdint.h>

#pragma clang attribute push( \
    __attribute__((target("avx512f,avx512bw,avx512dq,avx512vl,avx512vnni,avx512bf16,fma,amx-tile,amx-int8,amx-bf16"))), \
    apply_to = function)

// Two columns of vectors are two of AMX's tiles.
enum { TILE_VECTORS = 2 };

#include "avx512.h"
#include "bf16.h"
#include "vnni.h"

#define AMX
#define KERNELS avx512_amx
#include "body.h"

#pragma clang attribute pop

#endif
