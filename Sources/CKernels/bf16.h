// Products of bfloat16 in one instruction.

enum { HAS_BFLOAT16 = 1 };

static inline __m256i vec_bfloat(vec x) { return (__m256i)_mm512_cvtneps_pbh(x); }

static inline vec dot_bfloat(vec sums, vec_int a, vec_int b) {
    return _mm512_dpbf16_ps(sums, (__m512bh)a, (__m512bh)b);
}
