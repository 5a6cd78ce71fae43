// All kernels, written once over vectors of LANES floats. Every instruction set's file says what LANES is, how large a
// register tile may be and how to do the few things that differ, then includes this. No include guards on purpose.
//
// Needed before: LANES, TILE_ROWS (at most 8), TILE_VECTORS (at most 4), `vec` (LANES floats), `vec_int` (LANES int32),
// vec_load, vec_store (any alignment), vec_fma(a, b, c) = a * b + c, vec_sum (upper half onto lower half, down to one),
// vec_max, vec_min, vec_largest of all lanes.
//
// And how words of 32 bits are multiplied and added up, lane by lane:
// dot_bfloat(sums, a, b) for two bfloat16 a word, vec_bfloat(x) to make LANES of them, and whether it is HAS_BFLOAT16
// fast;
// dot_bytes(sums, a, b) for INT8_WORD numbers a word, of type `byte_cell` in memory; those of `a` are 0...255 less
// INT8_ZERO, those of `b` -127...127. Sums of integers are exact in every instruction set, and therefore equal.
//
// Where the macro AMX is defined, products are made by amx.h as far as they are made of whole tiles.

#include "CKernels.h"

#include <string.h>

#define INLINE static inline __attribute__((always_inline))
#define UNROLL _Pragma("clang loop unroll(full)")

enum { PANEL = LANES * TILE_VECTORS };

typedef byte_cell vec_cell __attribute__((vector_size(sizeof(byte_cell) * LANES)));

#include "functions.h"
#include "words.h"
#include "products.h"
#include "attention.h"
#include "rows.h"
#include "table.h"
