// Self-attention of one sequence: float32, or bfloat16 with float32 scores. Included by body.h.

/// Rows whose scores are worked out at a time.
enum { ATTENTION_ROWS = AMX_BLOCK > TILE_ROWS ? AMX_BLOCK : TILE_ROWS };
_Static_assert(ATTENTION_ROWS <= kern_attention_rows, "scratch memory has room for fewer rows");

/// Turns a row of scores into weights that want dividing by their sum. Writes up to `padded`. Returns 1 / sum.
///
/// `bias` is what to add to the first `count` scores, or NULL.
INLINE float softmax_row(kern_precision precision, float *scores, const float *bias, size_t count, size_t padded,
                         void *weights) {
    if (bias)
        for (size_t i = 0; i < count; i++) scores[i] += bias[i];
    for (size_t i = count; i < padded; i++) scores[i] = -__builtin_inff();
    vec largest = vec_all(-__builtin_inff());
    for (size_t i = 0; i < padded; i += LANES) largest = vec_max(largest, vec_load(scores + i));
    float top = vec_largest(largest);
    vec sum = vec_all(0);
    const float log2e = 1.44269504088896341f;
    for (size_t i = 0; i < padded; i += LANES) {
        vec x = vec_load(scores + i);
        if (precision == kern_bfloat16) {
            vec weight = vec_exp2_coarse(vec_fma(x, vec_all(log2e), vec_all(-top * log2e)));
            store_bfloats((uint16_t *)weights + i, weight);
            sum += weight;
        } else {
            vec weight = vec_exp(x - top);
            vec_store((float *)weights + i, weight);
            sum += weight;
        }
    }
    return 1 / vec_sum(sum);
}

/// Keys as columns: panel after panel, each `depth` rows of PANEL words; columns beyond the last key are zero.
static void pack_keys(const int32_t *keys, size_t stride, size_t count, size_t depth, int32_t *packed) {
    for (size_t first = 0; first < count; first += PANEL, packed += PANEL * depth) {
        size_t columns = count - first < PANEL ? count - first : PANEL;
        for (size_t j = 0; j < columns; j++)
            for (size_t k = 0; k < depth; k++) packed[k * PANEL + j] = keys[(first + j) * stride + k];
        for (size_t j = columns; j < PANEL; j++)
            for (size_t k = 0; k < depth; k++) packed[k * PANEL + j] = 0;
    }
}

/// Values of two neighbouring tokens in one word; tokens after the last, up to `padded`, have zeros.
static void pair_values(const uint16_t *values, size_t stride, size_t count, size_t padded, size_t size,
                        uint16_t *pairs) {
    for (size_t j = 0; j < count; j += 2, pairs += 2 * size) {
        const uint16_t *first = values + j * stride, *second = first + stride;
        if (j + 1 < count)
            for (size_t i = 0; i < size; i++) {
                pairs[2 * i] = first[i];
                pairs[2 * i + 1] = second[i];
            }
        else
            for (size_t i = 0; i < size; i++) {
                pairs[2 * i] = first[i];
                pairs[2 * i + 1] = 0;
            }
    }
    size_t left = padded / 2 - (count + 1) / 2;
    memset(pairs, 0, left * 2 * size * sizeof *pairs);
}

/// Where a head's numbers are, in words, and the scratch memory that heads share.
typedef struct head_work {
    const int32_t *queries, *keys, *values;
    /// From token to token.
    size_t stride;
    /// Words of a query or key.
    size_t depth;
    int32_t *packed_keys, *pairs, *weights;
    float *scores;
} head_work;

INLINE void attend_rows(kern_precision precision, const kern_attention *work, const head_work *head, size_t first,
                        const float *bias, float *output) {
    size_t rows = work->tokens - first < ATTENTION_ROWS ? work->tokens - first : ATTENTION_ROWS;
    size_t used = (work->tokens + LANES - 1) / LANES * LANES, padded = (work->tokens + PANEL - 1) / PANEL * PANEL;
    // What is multiplied by whole tiles has weights of zero behind the last token.
    size_t weighted = AMX_BLOCK > 0 ? padded : used;
    tile_factors factors = {
        head->queries + first * head->stride, head->stride, head->packed_keys, PANEL, head->depth,
    };
    for (size_t key = 0; key < used; key += PANEL, factors.b += PANEL * head->depth) {
        tile_end plain = {.output = head->scores + key, .stride = padded};
        size_t vectors = (used - key < PANEL ? used - key : PANEL) / LANES;
        precision == kern_bfloat16 ? product_bfloat16(factors, rows, vectors, plain)
                                   : product_float32(factors, rows, vectors, plain);
    }
    float inverse[ATTENTION_ROWS];
    for (size_t r = 0; r < rows; r++)
        inverse[r] = softmax_row(precision, head->scores + r * padded, bias ? bias - first - r : NULL, work->tokens,
                                 weighted, head->weights + r * padded);
    for (size_t column = 0; column < work->head_size; column += PANEL) {
        tile_factors values = {head->weights, padded, head->values + column, head->stride, work->tokens};
        if (precision == kern_bfloat16) {
            values.b = head->pairs + column;
            values.b_stride = work->head_size;
            values.depth = AMX_BLOCK > 0 ? padded / 2 : (work->tokens + 1) / 2;
        }
        size_t left = work->head_size - column, vectors = (left < PANEL ? left : PANEL) / LANES;
        tile_end scaled = {.row_scale = inverse, .output = output + column, .stride = work->heads * work->head_size};
        precision == kern_bfloat16 ? product_bfloat16(values, rows, vectors, scaled)
                                   : product_float32(values, rows, vectors, scaled);
    }
}

INLINE void attend(kern_precision precision, const kern_attention *work) {
    size_t hidden = work->heads * work->head_size, word = precision == kern_bfloat16 ? 2 : 1;
    size_t padded = (work->tokens + PANEL - 1) / PANEL * PANEL;
    const int32_t *qkv = work->qkv;
    int32_t *scratch = work->scratch;
    head_work head = {
        .stride = 3 * hidden / word,
        .depth = work->head_size / word,
        .packed_keys = scratch,
        .pairs = scratch + padded * work->head_size,
        .scores = (float *)scratch + 2 * padded * work->head_size,
        .weights = scratch + padded * (2 * work->head_size + ATTENTION_ROWS),
    };
    for (size_t h = 0; h < work->heads; h++) {
        head.queries = qkv + h * head.depth;
        head.keys = head.queries + hidden / word;
        head.values = head.keys + hidden / word;
        pack_keys(head.keys, head.stride, work->tokens, head.depth, head.packed_keys);
        if (precision == kern_bfloat16)
            pair_values((const uint16_t *)head.values, 3 * hidden, work->tokens, padded, work->head_size,
                        (uint16_t *)head.pairs);
        const float *bias = work->bias ? work->bias + h * work->bias_stride : NULL;
        for (size_t first = 0; first < work->tokens; first += ATTENTION_ROWS)
            attend_rows(precision, work, &head, first, bias, work->output + first * hidden + h * work->head_size);
    }
}

static void attention(const kern_attention *work) {
    work->precision == kern_bfloat16 ? attend(kern_bfloat16, work) : attend(kern_float32, work);
    amx_release();
}
