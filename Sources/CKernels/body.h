// All kernels, written once over vectors of LANES floats. Every instruction set's file says what LANES is, how large a
// register tile may be and how to do the few things that differ, then includes this. No include guard on purpose.
//
// Needed before: LANES, TILE_ROWS (at most 8), TILE_VECTORS, `vec` (LANES floats), `vec_int` (LANES int32),
// vec_load, vec_store (any alignment), vec_fma(a, b, c) = a * b + c, vec_sum (upper half onto lower half, down to one).

#include "CKernels.h"

enum { PANEL = LANES * TILE_VECTORS };

/// Minus zero keeps every x, -0 too, so that this is a broadcast and nothing else; plus zero would cost an addition.
static inline vec vec_all(float x) { return x - (vec){}; }

static inline vec vec_max(vec a, vec b) { return __builtin_elementwise_max(a, b); }

static inline float vec_largest(vec x) {
    float part[LANES];
    vec_store(part, x);
    float largest = part[0];
    for (size_t i = 1; i < LANES; i++) largest = part[i] > largest ? part[i] : largest;
    return largest;
}

/// e^x for x <= 88, relative error below 2e-7; results below 1e-38 come out as about 1e-38.
///
/// x = n ln 2 + r with |r| <= ln 2 / 2; e^r by its Taylor polynomial, 2^n by adding n to the exponent's bits.
static inline vec vec_exp(vec x) {
    const float shifter = 12582912.0f; // 1.5 * 2^23: adding it leaves the nearest integer in the low bits
    x = vec_max(x, vec_all(-87.3f));
    vec shifted = vec_fma(x, vec_all(1.44269504088896341f), vec_all(shifter));
    vec n = shifted - shifter;
    vec r = vec_fma(n, vec_all(-0.693145751953125f), x);
    r = vec_fma(n, vec_all(-1.42860682030941723212e-6f), r);
    vec y = vec_all(1.0f / 5040);
    y = vec_fma(y, r, vec_all(1.0f / 720));
    y = vec_fma(y, r, vec_all(1.0f / 120));
    y = vec_fma(y, r, vec_all(1.0f / 24));
    y = vec_fma(y, r, vec_all(1.0f / 6));
    y = vec_fma(y, r, vec_all(0.5f));
    y = vec_fma(y, r, vec_all(1.0f));
    y = vec_fma(y, r, vec_all(1.0f));
    return (vec)((vec_int)y + ((vec_int)shifted << 23));
}

/// x/2 * (1 + erf(x / sqrt 2)) = max(x, 0) - |x| * q(|x|)
/// with q(t) = erfc(t / sqrt 2) / 2 = e^(-t*t/2) * P(1 / (1 + 0.23 t)).
///
/// P is our own least-maximum fit of degree 8 on 0...9: relative error 4e-8 before rounding.
static inline vec vec_gelu(vec x) {
    vec t = vec_max(x, -x);
    vec u = 1.0f / vec_fma(t, vec_all(0.23f), vec_all(1.0f));
    vec p = vec_all(-0.07673519104719162f);
    p = vec_fma(p, u, vec_all(0.2814587950706482f));
    p = vec_fma(p, u, vec_all(-0.25828495621681213f));
    p = vec_fma(p, u, vec_all(0.27689358592033386f));
    p = vec_fma(p, u, vec_all(-0.014324059709906578f));
    p = vec_fma(p, u, vec_all(0.1107245683670044f));
    p = vec_fma(p, u, vec_all(0.08829495310783386f));
    p = vec_fma(p, u, vec_all(0.09197229892015457f));
    vec q = p * u * vec_exp(t * t * -0.5f);
    return vec_max(x, vec_all(0)) - t * q;
}

/// x / (1 + e^-x). Where e^-x would overflow, x is so negative that the result is zero all the same.
static inline vec vec_silu(vec x) {
    vec clipped = vec_max(x, vec_all(-87));
    return clipped / (1.0f + vec_exp(-clipped));
}

/// x/2 * (1 + tanh(z)) = x / (1 + e^(-2z)) with z = sqrt(2 / pi) * (x + 0.044715 x^3).
static inline vec vec_gelu_tanh(vec x) {
    vec z = x * vec_fma(x * x, vec_all(0.044715f), vec_all(1.0f)) * -1.5957691216057308f;
    return x / (1.0f + vec_exp(__builtin_elementwise_min(z, vec_all(87))));
}

static inline vec vec_activate(vec x, kern_activation activation) {
    switch (activation) {
    case kern_activation_gelu: return vec_gelu(x);
    case kern_activation_gelu_tanh: return vec_gelu_tanh(x);
    case kern_activation_relu: return vec_max(x, vec_all(0));
    case kern_activation_silu: return vec_silu(x);
    default: return x;
    }
}

// MARK: - Products

/// A register tile: acc[r][v] = sum over k of a[r][k] * b[k][v]. `rows` and `vectors` are constants wherever inlined.
static inline __attribute__((always_inline)) void tile_accumulate(
    const float *a, size_t a_stride, const float *b, size_t b_stride, size_t depth, const size_t rows,
    const size_t vectors, vec acc[TILE_ROWS][TILE_VECTORS]) {
#pragma clang loop unroll(full)
    for (size_t r = 0; r < rows; r++)
#pragma clang loop unroll(full)
        for (size_t v = 0; v < vectors; v++) acc[r][v] = vec_all(0);
    for (size_t k = 0; k < depth; k++) {
        vec column[TILE_VECTORS];
#pragma clang loop unroll(full)
        for (size_t v = 0; v < vectors; v++) column[v] = vec_load(b + k * b_stride + v * LANES);
#pragma clang loop unroll(full)
        for (size_t r = 0; r < rows; r++) {
            vec x = vec_all(a[r * a_stride + k]);
#pragma clang loop unroll(full)
            for (size_t v = 0; v < vectors; v++) acc[r][v] = vec_fma(x, column[v], acc[r][v]);
        }
    }
}

/// What to do with a finished tile. Absent pointers do nothing.
typedef struct tile_end {
    const float *bias;
    const float *residual;
    /// One factor a row.
    const float *row_scale;
    kern_activation activation;
} tile_end;

static inline __attribute__((always_inline)) void tile_product(
    const float *a, size_t a_stride, const float *b, size_t b_stride, size_t depth, const size_t rows,
    const size_t vectors, const tile_end *end, float *c, size_t c_stride) {
    vec acc[TILE_ROWS][TILE_VECTORS];
    tile_accumulate(a, a_stride, b, b_stride, depth, rows, vectors, acc);
#pragma clang loop unroll(full)
    for (size_t r = 0; r < rows; r++)
#pragma clang loop unroll(full)
        for (size_t v = 0; v < vectors; v++) {
            vec x = acc[r][v];
            if (end->row_scale) x *= end->row_scale[r];
            if (end->bias) x += vec_load(end->bias + v * LANES);
            x = vec_activate(x, end->activation);
            if (end->residual) x += vec_load(end->residual + r * c_stride + v * LANES);
            vec_store(c + r * c_stride + v * LANES, x);
        }
}

/// A tile of constant rows and up to TILE_VECTORS vectors.
static inline __attribute__((always_inline)) void tile_columns(
    const float *a, size_t a_stride, const float *b, size_t b_stride, size_t depth, const size_t rows, size_t vectors,
    const tile_end *end, float *c, size_t c_stride) {
    switch (vectors) {
    case 1: tile_product(a, a_stride, b, b_stride, depth, rows, 1, end, c, c_stride); break;
    case 2: tile_product(a, a_stride, b, b_stride, depth, rows, 2, end, c, c_stride); break;
    case 3: tile_product(a, a_stride, b, b_stride, depth, rows, 3, end, c, c_stride); break;
    default: tile_product(a, a_stride, b, b_stride, depth, rows, TILE_VECTORS, end, c, c_stride); break;
    }
}

/// c = a * b for any number of rows and one panel's columns. A row's result does not depend on the rows beside it.
static void panel_product(const float *a, size_t a_stride, const float *b, size_t b_stride, size_t depth, size_t rows,
                          size_t vectors, const tile_end *end, float *c, size_t c_stride) {
    tile_end here = *end;
    size_t step;
    for (size_t r = 0; r < rows; r += step) {
        size_t left = rows - r;
        if (left >= TILE_ROWS) {
            step = TILE_ROWS;
            tile_columns(a, a_stride, b, b_stride, depth, TILE_ROWS, vectors, &here, c, c_stride);
        } else if (left >= 4) {
            step = 4;
            tile_columns(a, a_stride, b, b_stride, depth, 4, vectors, &here, c, c_stride);
        } else if (left >= 2) {
            step = 2;
            tile_columns(a, a_stride, b, b_stride, depth, 2, vectors, &here, c, c_stride);
        } else {
            step = 1;
            tile_columns(a, a_stride, b, b_stride, depth, 1, vectors, &here, c, c_stride);
        }
        a += step * a_stride;
        c += step * c_stride;
        if (here.residual) here.residual += step * c_stride;
        if (here.row_scale) here.row_scale += step;
    }
}

/// Panel after panel, each `inputs` rows of PANEL columns; columns beyond the last output are zero.
static void pack_strided(const float *weights, size_t stride, size_t outputs, size_t inputs, float *packed) {
    for (size_t first = 0; first < outputs; first += PANEL, packed += PANEL * inputs) {
        size_t columns = outputs - first < PANEL ? outputs - first : PANEL;
        for (size_t j = 0; j < columns; j++)
            for (size_t k = 0; k < inputs; k++) packed[k * PANEL + j] = weights[(first + j) * stride + k];
        for (size_t j = columns; j < PANEL; j++)
            for (size_t k = 0; k < inputs; k++) packed[k * PANEL + j] = 0;
    }
}

static void pack(const float *weights, size_t outputs, size_t inputs, float *packed) {
    pack_strided(weights, inputs, outputs, inputs, packed);
}

static void linear(const kern_linear *layer) {
    for (size_t first = 0; first < layer->outputs; first += PANEL) {
        size_t left = layer->outputs - first;
        tile_end end = {
            .bias = layer->bias + first,
            .residual = layer->residual ? layer->residual + first : NULL,
            .activation = layer->activation,
        };
        panel_product(layer->input, layer->input_stride, layer->weights + first * layer->inputs, PANEL, layer->inputs,
                      layer->rows, (left < PANEL ? left : PANEL) / LANES, &end, layer->output + first,
                      layer->output_stride);
    }
}

// MARK: - Attention

/// Turns a row of scores into weights that want dividing by their sum. Writes up to `padded`. Returns 1 / sum.
///
/// `bias` is what to add to the first `count` scores, or NULL.
static float softmax_row(float *scores, const float *bias, size_t count, size_t padded) {
    if (bias)
        for (size_t i = 0; i < count; i++) scores[i] += bias[i];
    for (size_t i = count; i < padded; i++) scores[i] = -__builtin_inff();
    vec largest = vec_all(-__builtin_inff());
    for (size_t i = 0; i < padded; i += LANES) largest = vec_max(largest, vec_load(scores + i));
    float top = vec_largest(largest);
    vec sum = vec_all(0);
    for (size_t i = 0; i < padded; i += LANES) {
        vec weight = vec_exp(vec_load(scores + i) - top);
        vec_store(scores + i, weight);
        sum += weight;
    }
    return 1 / vec_sum(sum);
}

static void attend_head(const kern_attention *work, size_t head, float *keys, float *scores) {
    size_t hidden = work->heads * work->head_size, stride = 3 * hidden, size = work->head_size;
    const float *q = work->qkv + head * size, *k = q + hidden, *v = k + hidden;
    size_t padded = (work->tokens + PANEL - 1) / PANEL * PANEL;
    size_t used = (work->tokens + LANES - 1) / LANES * LANES;
    const float *bias = work->bias ? work->bias + head * work->bias_stride : NULL;
    pack_strided(k, stride, work->tokens, size, keys);
    for (size_t first = 0; first < work->tokens; first += TILE_ROWS) {
        size_t rows = work->tokens - first < TILE_ROWS ? work->tokens - first : TILE_ROWS;
        tile_end plain = {.activation = kern_activation_none};
        for (size_t key = 0; key < used; key += PANEL)
            panel_product(q + first * stride, stride, keys + key * size, PANEL, size, rows,
                          (used - key < PANEL ? used - key : PANEL) / LANES, &plain, scores + key, padded);
        float inverse[TILE_ROWS];
        for (size_t r = 0; r < rows; r++)
            inverse[r] = softmax_row(scores + r * padded, bias ? bias - first - r : NULL, work->tokens, used);
        tile_end scaled = {.row_scale = inverse, .activation = kern_activation_none};
        for (size_t column = 0; column < size; column += PANEL)
            panel_product(scores, padded, v + column, stride, work->tokens, rows,
                          (size - column < PANEL ? size - column : PANEL) / LANES, &scaled,
                          work->output + first * hidden + head * size + column, hidden);
    }
}

static void attention(const kern_attention *work) {
    size_t padded = (work->tokens + PANEL - 1) / PANEL * PANEL;
    for (size_t head = 0; head < work->heads; head++)
        attend_head(work, head, work->scratch, work->scratch + padded * work->head_size);
}

// MARK: - Rows

static void layer_norm(const kern_layer_norm *norm, float *rows, size_t count) {
    size_t size = norm->size;
    for (float *row = rows; row < rows + count * norm->stride; row += norm->stride) {
        vec sum = vec_all(0);
        for (size_t i = 0; i < size; i += LANES) sum += vec_load(row + i);
        float mean = vec_sum(sum) / (float)size;
        vec squares = vec_all(0);
        for (size_t i = 0; i < size; i += LANES) {
            vec x = vec_load(row + i) - mean;
            squares = vec_fma(x, x, squares);
        }
        float scale = 1 / __builtin_sqrtf(vec_sum(squares) / (float)size + norm->epsilon);
        for (size_t i = 0; i < size; i += LANES) {
            vec x = (vec_load(row + i) - mean) * scale;
            vec_store(row + i, vec_fma(x, vec_load(norm->gain + i), vec_load(norm->shift + i)));
        }
    }
}

static void gate(const kern_gate *gate) {
    size_t size = gate->size;
    for (size_t row = 0; row < gate->rows; row++) {
        const float *activated = gate->input + (2 * row + gate->activated) * size;
        const float *other = gate->input + (2 * row + 1 - gate->activated) * size;
        for (size_t i = 0; i < size; i += LANES)
            vec_store(gate->output + row * size + i,
                      vec_activate(vec_load(activated + i), gate->activation) * vec_load(other + i));
    }
}

static void embed(const int32_t *ids, size_t count, size_t size, const float *words, const float *positions,
                  const float *type, float *sums) {
    for (size_t token = 0; token < count; token++) {
        const float *word = words + (size_t)ids[token] * size;
        for (size_t i = 0; i < size; i += LANES) {
            vec sum = vec_load(word + i);
            if (type) sum += vec_load(type + i);
            if (positions) sum += vec_load(positions + token * size + i);
            vec_store(sums + token * size + i, sum);
        }
    }
}

static void mean_unit(const float *rows, size_t count, size_t size, float *unit) {
    vec squares = vec_all(0);
    for (size_t i = 0; i < size; i += LANES) {
        vec sum = vec_all(0);
        for (size_t row = 0; row < count; row++) sum += vec_load(rows + row * size + i);
        vec mean = sum / (float)count;
        squares = vec_fma(mean, mean, squares);
        vec_store(unit + i, mean);
    }
    float length = __builtin_sqrtf(vec_sum(squares));
    float scale = 1 / (length > 1e-12f ? length : 1e-12f);
    for (size_t i = 0; i < size; i += LANES) vec_store(unit + i, vec_load(unit + i) * scale);
}

// MARK: - Dot products

/// One row after the other with four sums each: memory is then read in one straight run, which the processor foresees
/// (25 GB/s measured, against 12 for four rows at a time).
static void dot_rows(const float *query, const float *matrix, size_t rows, size_t dim, float *scores) {
    size_t vectors = dim / LANES, fours = vectors / 4 * 4;
    for (size_t row = 0; row < rows; row++, matrix += dim) {
        vec a = vec_all(0), b = a, c = a, d = a;
        for (size_t i = 0; i < fours * LANES; i += 4 * LANES) {
            a = vec_fma(vec_load(query + i), vec_load(matrix + i), a);
            b = vec_fma(vec_load(query + i + LANES), vec_load(matrix + i + LANES), b);
            c = vec_fma(vec_load(query + i + 2 * LANES), vec_load(matrix + i + 2 * LANES), c);
            d = vec_fma(vec_load(query + i + 3 * LANES), vec_load(matrix + i + 3 * LANES), d);
        }
        for (size_t i = fours * LANES; i < vectors * LANES; i += LANES)
            a = vec_fma(vec_load(query + i), vec_load(matrix + i), a);
        float sum = vec_sum((a + b) + (c + d));
        for (size_t i = vectors * LANES; i < dim; i++) sum += query[i] * matrix[i];
        scores[row] = sum;
    }
}
