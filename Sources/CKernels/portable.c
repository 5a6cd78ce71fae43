// For any machine: vectors of four floats, which clang turns into whatever the baseline has.

#include <stdint.h>
#include <string.h>

enum { LANES = 4, TILE_ROWS = 4, TILE_VECTORS = 4 };
typedef float vec __attribute__((vector_size(4 * LANES)));
typedef int vec_int __attribute__((vector_size(4 * LANES)));

static inline vec vec_load(const float *p) {
    vec x;
    memcpy(&x, p, sizeof x);
    return x;
}

static inline void vec_store(float *p, vec x) { memcpy(p, &x, sizeof x); }

static inline vec vec_fma(vec a, vec b, vec c) { return a * b + c; }

static inline vec vec_max(vec a, vec b) { return __builtin_elementwise_max(a, b); }

static inline vec vec_min(vec a, vec b) { return __builtin_elementwise_min(a, b); }

static inline float vec_larger(float a, float b) { return a > b ? a : b; }

static inline float vec_largest(vec x) { return vec_larger(vec_larger(x[0], x[2]), vec_larger(x[1], x[3])); }

static inline float vec_sum(vec x) { return (x[0] + x[2]) + (x[1] + x[3]); }

#include "generic.h"
#include "pairs.h"

static inline vec_int dot_bytes(vec_int sums, vec_int a, vec_int b) {
    return sums + (a << 16 >> 16) * (b << 16 >> 16) + (a >> 16) * (b >> 16);
}

#define KERNELS portable
#include "body.h"
