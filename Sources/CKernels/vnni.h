// Four products of bytes a word in one instruction: those of `a` without, those of `b` with a sign.

enum { INT8_WORD = 4, INT8_ZERO = 0 };
typedef uint8_t byte_cell;

static inline vec_int dot_bytes(vec_int sums, vec_int a, vec_int b) {
    return (vec_int)_mm512_dpbusd_epi32((__m512i)sums, (__m512i)a, (__m512i)b);
}
