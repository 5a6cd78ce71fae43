// What the index kernels of several instruction sets share. No include guard on purpose: each file compiles its own.

/// Rows that are asked of memory before they are needed: a row's two cache misses take as long as computing several.
enum { ROWS_AHEAD = 6 };

/// Has the processor fetch the row that comes some rows later.
static inline void index_fetch(const uint8_t *high, const uint8_t *low, size_t half, const uint32_t *rows, size_t left) {
    if (left <= ROWS_AHEAD) return;
    size_t place = rows[ROWS_AHEAD] * half;
    for (size_t line = 0; line < half; line += 64) {
        __builtin_prefetch(high + place + line);
        __builtin_prefetch(low + place + line);
    }
}

/// Plain C without contraction into fused multiply-adds, so that every machine leaves out the same rows.
static inline float index_upper(const kern_index_bound *bound, int32_t sum, float scale, float radius) {
#pragma STDC FP_CONTRACT OFF
    float product = bound->slope * scale * (float)(2 * sum - bound->bias);
    return product + bound->base + bound->reach * radius;
}

/// Rows whose bound is no number stay in.
[[maybe_unused]] static size_t index_select(const kern_index_bound *bound, const int32_t *sums, const float *scales, const float *radii,
                           size_t count, uint32_t *selected) {
    size_t found = 0;
    for (size_t i = 0; i < count; i++) {
        selected[found] = (uint32_t)i;
        found += !(index_upper(bound, sums[i], scales[i], radii[i]) < bound->threshold);
    }
    return found;
}
