// 64-bit ARM: 32 registers of 4 floats, a tile of 6 x 4 with four columns and a broadcast beside it.

#include <arm_neon.h>
#include <stdint.h>

enum { LANES = 4, TILE_ROWS = 6, TILE_VECTORS = 4 };
typedef float32x4_t vec;
typedef int32x4_t vec_int;

static inline vec vec_load(const float *p) { return vld1q_f32(p); }

static inline void vec_store(float *p, vec x) { vst1q_f32(p, x); }

static inline vec vec_fma(vec a, vec b, vec c) { return vfmaq_f32(c, a, b); }

static inline vec vec_max(vec a, vec b) { return vmaxq_f32(a, b); }

static inline vec vec_min(vec a, vec b) { return vminq_f32(a, b); }

static inline float vec_largest(vec x) { return vmaxvq_f32(x); }

static inline float vec_sum(vec x) {
    float32x2_t half = vadd_f32(vget_low_f32(x), vget_high_f32(x));
    return vget_lane_f32(half, 0) + vget_lane_f32(half, 1);
}
