// AVX-512 with VNNI, as Cascade Lake and Ice Lake have it.
#if defined(__x86_64__)

#include <immintrin.h>
#include <stdint.h>

#pragma clang attribute push( \
    __attribute__((target("avx512f,avx512bw,avx512dq,avx512vl,avx512vnni,fma"))), apply_to = function)

enum { TILE_VECTORS = 3 };

#include "avx512.h"
#include "generic.h"
#include "vnni.h"

#define KERNELS avx512_vnni
#include "body.h"

#pragma clang attribute pop

#endif
