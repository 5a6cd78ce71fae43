// The choice of rows, for instruction sets without a way of their own. Plain C without contraction into fused
// multiply-adds, so that every machine leaves out the same rows.

static inline float index_upper(const kern_index_bound *bound, int32_t sum, float scale, float radius) {
#pragma STDC FP_CONTRACT OFF
    float product = bound->slope * scale * (float)(2 * sum - bound->bias);
    return product + bound->base + bound->reach * radius;
}

/// Rows whose bound is no number stay in.
static size_t index_select(const kern_index_bound *bound, const int32_t *sums, const float *scales, const float *radii,
                           size_t count, uint32_t *selected) {
    size_t found = 0;
    for (size_t i = 0; i < count; i++) {
        selected[found] = (uint32_t)i;
        found += !(index_upper(bound, sums[i], scales[i], radii[i]) < bound->threshold);
    }
    return found;
}
