// bfloat16 without help of the instruction set: widened to float32, and rounded by hand to the nearest, ties to even.

enum { HAS_BFLOAT16 = 0 };

static inline vec dot_bfloat(vec sums, vec_int a, vec_int b) {
    sums = vec_fma((vec)(a << 16), (vec)(b << 16), sums);
    return vec_fma((vec)(a & (int)0xFFFF0000), (vec)(b & (int)0xFFFF0000), sums);
}

typedef uint16_t vec_bfloats __attribute__((vector_size(2 * LANES)));

static inline vec_bfloats vec_bfloat(vec x) {
    typedef uint32_t vec_bits __attribute__((vector_size(4 * LANES)));
    vec_bits bits = (vec_bits)x;
    return __builtin_convertvector((bits + 0x7FFF + (bits >> 16 & 1)) >> 16, vec_bfloats);
}
