// 64-bit ARM as version 8.0 has it.
#if defined(__aarch64__)

#include "neon.h"
#include "generic.h"
#include "pairs.h"

static inline vec_int dot_bytes(vec_int sums, vec_int a, vec_int b) {
    int16x8_t first = vreinterpretq_s16_s32(a), second = vreinterpretq_s16_s32(b);
    int32x4_t low = vmull_s16(vget_low_s16(first), vget_low_s16(second));
    return vaddq_s32(sums, vpaddq_s32(low, vmull_high_s16(first, second)));
}

#define KERNELS neon
#include "body.h"

#endif
