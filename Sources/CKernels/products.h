// Matrix products of rows with packed weights. Included by body.h.
//
// `precision`, `rows` and `vectors` are constants wherever these are inlined, so that a tile's sums stay in registers.

/// Both factors of a product, in words: `depth` of them in a row of `a` and in a column of `b`, whose rows are
/// neighbours.
typedef struct tile_factors {
    const int32_t *a;
    size_t a_stride;
    const int32_t *b;
    size_t b_stride;
    size_t depth;
} tile_factors;

/// What to do with a finished tile. Absent pointers do nothing.
typedef struct tile_end {
    const float *bias;
    const float *residual;
    /// One factor a row.
    const float *row_scale;
    kern_activation activation;
    /// Whether the precision is so low that activations need not be exact.
    bool is_coarse;
    /// Whether the output is bfloat16.
    bool is_bfloat;
    void *output;
    size_t stride;
} tile_end;

/// sums[r][v] = sum over k of a[r][k] * b[k][v].
INLINE void tile_sums(kern_precision precision, const tile_factors *factors, const size_t rows, const size_t vectors,
                      vec sums[TILE_ROWS][TILE_VECTORS]) {
    const int32_t *a = factors->a, *b = factors->b;
    size_t a_stride = factors->a_stride, b_stride = factors->b_stride;
    UNROLL for (size_t r = 0; r < rows; r++)
        UNROLL for (size_t v = 0; v < vectors; v++) sums[r][v] = vec_all(0);
    for (size_t k = 0; k < factors->depth; k++, b += b_stride) {
        vec_int column[TILE_VECTORS];
        UNROLL for (size_t v = 0; v < vectors; v++) column[v] = vec_load_words(b + v * LANES);
        UNROLL for (size_t r = 0; r < rows; r++) {
            vec_int x = a[r * a_stride + k] - (vec_int){};
            UNROLL for (size_t v = 0; v < vectors; v++)
                sums[r][v] = precision == kern_bfloat16 ? dot_bfloat(sums[r][v], x, column[v])
                                                        : vec_fma((vec)x, (vec)column[v], sums[r][v]);
        }
    }
}

/// One group of inputs of an int8 product: exact sums first, then both scales. `scales` are the group's in each row.
INLINE void tile_group(const tile_factors *factors, const row_group *scales, const size_t rows, const size_t vectors,
                       vec sums[TILE_ROWS][TILE_VECTORS]) {
    const int32_t *a = factors->a, *b = factors->b + 2 * PANEL;
    size_t a_stride = factors->a_stride;
    vec_int exact[TILE_ROWS][TILE_VECTORS];
    UNROLL for (size_t r = 0; r < rows; r++)
        UNROLL for (size_t v = 0; v < vectors; v++) exact[r][v] = (vec_int){};
    for (size_t k = 0; k < factors->depth; k++, b += PANEL) {
        vec_int column[TILE_VECTORS];
        UNROLL for (size_t v = 0; v < vectors; v++) column[v] = vec_load_words(b + v * LANES);
        UNROLL for (size_t r = 0; r < rows; r++) {
            vec_int x = a[r * a_stride + k] - (vec_int){};
            UNROLL for (size_t v = 0; v < vectors; v++) exact[r][v] = dot_bytes(exact[r][v], x, column[v]);
        }
    }
    UNROLL for (size_t v = 0; v < vectors; v++) {
        vec scale = (vec)vec_load_words(factors->b + v * LANES);
        vec sum = (vec)vec_load_words(factors->b + PANEL + v * LANES);
        UNROLL for (size_t r = 0; r < rows; r++) {
            const row_group *row = (const row_group *)((const int32_t *)scales + r * a_stride);
            sums[r][v] = vec_fma(sum, vec_all(row->offset), sums[r][v]);
            sums[r][v] = vec_fma(vec_floats(exact[r][v]) * scale, vec_all(row->scale), sums[r][v]);
        }
    }
}

INLINE void tile_int8(const tile_factors *factors, const size_t rows, const size_t vectors,
                      vec sums[TILE_ROWS][TILE_VECTORS]) {
    size_t inputs = factors->depth, groups = groups_of(inputs);
    tile_factors group = *factors;
    group.a += 2 * groups;
    UNROLL for (size_t r = 0; r < rows; r++)
        UNROLL for (size_t v = 0; v < vectors; v++) sums[r][v] = vec_all(0);
    for (size_t g = 0; g < groups; g++) {
        size_t left = inputs - g * kern_group;
        group.depth = (left < kern_group ? left : kern_group) / INT8_WORD;
        tile_group(&group, (const row_group *)factors->a + g, rows, vectors, sums);
        group.a += group.depth;
        group.b += (2 + group.depth) * PANEL;
    }
}

/// Ends `LANES` columns of one row.
INLINE void end_vector(const tile_end *end, size_t r, size_t v, vec x) {
    size_t place = r * end->stride + v * LANES;
    if (end->row_scale) x *= end->row_scale[r];
    if (end->bias) x += vec_load(end->bias + v * LANES);
    if (end->residual) x += vec_load(end->residual + place);
    if (end->is_bfloat)
        store_bfloats((uint16_t *)end->output + place, x);
    else
        vec_store((float *)end->output + place, x);
}

/// The same for the tile so many rows below.
INLINE tile_end tile_below(tile_end end, size_t rows) {
    end.output = (char *)end.output + rows * end.stride * (end.is_bfloat ? 2 : 4);
    if (end.residual) end.residual += rows * end.stride;
    if (end.row_scale) end.row_scale += rows;
    return end;
}

/// Apart from the tile, so that its code is not repeated for every shape of tile.
static __attribute__((noinline)) void activate_tile(const tile_end *end, size_t rows, size_t vectors) {
    for (size_t r = 0; r < rows; r++) {
        float *row = (float *)end->output + r * end->stride;
        for (size_t i = 0; i < vectors * LANES; i += LANES) {
            vec x = vec_load(row + i);
            bool is_coarse = end->is_coarse && end->activation == kern_activation_gelu;
            vec_store(row + i, is_coarse ? vec_gelu_coarse(x) : vec_activate(x, end->activation));
        }
    }
}

INLINE void tile_product(kern_precision precision, const tile_factors *factors, const size_t rows,
                         const size_t vectors, const tile_end *end) {
    vec sums[TILE_ROWS][TILE_VECTORS];
    if (precision == kern_int8)
        tile_int8(factors, rows, vectors, sums);
    else
        tile_sums(precision, factors, rows, vectors, sums);
    UNROLL for (size_t r = 0; r < rows; r++)
        UNROLL for (size_t v = 0; v < vectors; v++) end_vector(end, r, v, sums[r][v]);
    if (end->activation != kern_activation_none) activate_tile(end, rows, vectors);
}

/// A tile of constant rows and up to TILE_VECTORS vectors.
INLINE void tile_columns(kern_precision precision, const tile_factors *factors, const size_t rows, size_t vectors,
                         const tile_end *end) {
    switch (vectors) {
    case 1: tile_product(precision, factors, rows, 1, end); break;
    case 2: tile_product(precision, factors, rows, 2, end); break;
    case 3: tile_product(precision, factors, rows, 3, end); break;
    default: tile_product(precision, factors, rows, TILE_VECTORS, end); break;
    }
}

/// A product of any number of rows and one panel's columns. A row's result does not depend on the rows beside it.
INLINE void panel_product(kern_precision precision, tile_factors factors, size_t rows, size_t vectors, tile_end end) {
    // Widening bfloat16 takes registers that the largest tile does not leave.
    bool has_room = HAS_BFLOAT16 || precision != kern_bfloat16;
    for (size_t step; rows > 0; rows -= step) {
        if (rows >= TILE_ROWS && has_room) {
            step = TILE_ROWS;
            tile_columns(precision, &factors, TILE_ROWS, vectors, &end);
        } else if (rows >= 4) {
            step = 4;
            tile_columns(precision, &factors, 4, vectors, &end);
        } else {
            step = 1;
            tile_columns(precision, &factors, 1, vectors, &end);
        }
        factors.a += step * factors.a_stride;
        end = tile_below(end, step);
    }
}

#ifdef AMX
#include "amx.h"
#else
enum { AMX_BLOCK = 0 };
static bool amx_takes(size_t depth) { return false; }
static void amx_product(kern_precision precision, tile_factors factors, size_t rows, size_t vectors, tile_end end) {}
static void amx_release(void) {}
#endif

static __attribute__((noinline)) void product_float32(tile_factors factors, size_t rows, size_t vectors, tile_end end) {
    panel_product(kern_float32, factors, rows, vectors, end);
}

static __attribute__((noinline)) void product_bfloat16(tile_factors factors, size_t rows, size_t vectors,
                                                       tile_end end) {
    if (amx_takes(factors.depth)) return amx_product(kern_bfloat16, factors, rows, vectors, end);
    panel_product(kern_bfloat16, factors, rows, vectors, end);
}

/// Here `depth` counts inputs, not words.
static __attribute__((noinline)) void product_int8(tile_factors factors, size_t rows, size_t vectors, tile_end end) {
    if (amx_takes(factors.depth / INT8_WORD)) return amx_product(kern_int8, factors, rows, vectors, end);
    panel_product(kern_int8, factors, rows, vectors, end);
}

static void linear(const kern_linear *layer) {
    tile_factors factors = {
        .a = layer->input,
        .a_stride = row_words(layer->precision, layer->inputs),
        .b = layer->weights,
        .b_stride = PANEL,
        .depth = layer->precision == kern_bfloat16 ? layer->inputs / 2 : layer->inputs,
    };
    tile_end end = {
        .activation = layer->activation,
        .is_coarse = layer->precision != kern_float32,
        .is_bfloat = layer->output_precision == kern_bfloat16,
        .stride = layer->outputs,
    };
    for (size_t first = 0; first < layer->outputs; first += PANEL) {
        size_t left = layer->outputs - first, vectors = (left < PANEL ? left : PANEL) / LANES;
        end.bias = layer->bias + first;
        end.residual = layer->residual ? layer->residual + first : NULL;
        end.output = (char *)layer->output + first * (end.is_bfloat ? 2 : 4);
        switch (layer->precision) {
        case kern_bfloat16: product_bfloat16(factors, layer->rows, vectors, end); break;
        case kern_int8: product_int8(factors, layer->rows, vectors, end); break;
        default: product_float32(factors, layer->rows, vectors, end); break;
        }
        factors.b += panel_words(layer->precision, layer->inputs);
    }
    amx_release();
}
