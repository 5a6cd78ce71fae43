// x86-64 with AVX-512: 32 registers of 16 floats, a tile of 8 x 3 with three columns and a broadcast beside it. The includer
// says how many columns, in TILE_VECTORS.

enum { LANES = 16, TILE_ROWS = 8 };
typedef __m512 vec;
typedef int vec_int __attribute__((vector_size(4 * LANES)));

static inline vec vec_load(const float *p) { return _mm512_loadu_ps(p); }

static inline void vec_store(float *p, vec x) { _mm512_storeu_ps(p, x); }

static inline vec vec_fma(vec a, vec b, vec c) { return _mm512_fmadd_ps(a, b, c); }

static inline vec vec_max(vec a, vec b) { return _mm512_max_ps(a, b); }

static inline vec vec_min(vec a, vec b) { return _mm512_min_ps(a, b); }

static inline float vec_largest(vec x) { return _mm512_reduce_max_ps(x); }

static inline float vec_sum(vec x) { return _mm512_reduce_add_ps(x); }
