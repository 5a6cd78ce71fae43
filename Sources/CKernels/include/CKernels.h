#ifndef ALMANAC_CKERNELS_H
#define ALMANAC_CKERNELS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/// What a linear layer does to its sums before it stores them.
typedef enum kern_activation : uint32_t {
    kern_activation_none,
    /// x/2 * (1 + erf(x / sqrt 2)), to about 1e-7.
    kern_activation_gelu,
    /// x/2 * (1 + tanh(sqrt(2 / pi) * (x + 0.044715 x^3))): "gelu_new" and "gelu_pytorch_tanh".
    kern_activation_gelu_tanh,
    kern_activation_relu,
    /// x / (1 + e^-x), also called swish.
    kern_activation_silu,
} kern_activation;

/// What products multiply. Their sums are float32 in any case.
typedef enum kern_precision : uint32_t {
    kern_float32,
    /// Float32 with 16 bits less of fraction.
    kern_bfloat16,
    /// Integers of 8 bits. `kern_group` neighbouring inputs share a scale: of weights, one for each output; of rows,
    /// one for each row, and an offset, so that rows use all 256 values. Whole groups of both are turned by a Hadamard
    /// matrix before, which leaves the product as it is.
    kern_int8,
} kern_precision;

enum { kern_group = 128 };

/// Turns rows of floats into what a product takes.
typedef struct kern_quantise {
    kern_precision precision;
    /// `count` rows of `size` floats, a multiple of 16.
    const float *_Nonnull rows;
    size_t count;
    size_t size;
    /// int8: what to multiply a row with first, number by number; weights must be divided by the same. NULL: nothing.
    const float *_Nullable factors;
    /// Rows of `row_words` words of 32 bits.
    void *_Nonnull output;
} kern_quantise;

/// Turns a matrix into what a product takes for its second factor.
typedef struct kern_pack {
    kern_precision precision;
    /// `outputs` rows of `inputs` floats.
    const float *_Nonnull weights;
    size_t outputs;
    size_t inputs;
    /// int8: what the other factor's rows are multiplied with; weights are divided by it. NULL: nothing.
    const float *_Nullable factors;
    /// `packed_words` words of 32 bits.
    void *_Nonnull output;
} kern_pack;

/// output = activation(input * weights^T + bias) + residual, for `rows` rows.
typedef struct kern_linear {
    kern_precision precision;
    /// Made by `quantise` of the same table, or float32 as it is.
    const void *_Nonnull input;
    size_t rows;
    /// Made by `pack` of the same table.
    const void *_Nonnull weights;
    const float *_Nonnull bias;
    /// Numbers in a row of the input: a multiple of 16, or anything in float32.
    size_t inputs;
    /// Numbers in a row of the output: a multiple of 16.
    size_t outputs;
    /// With one, the output must be float32, and there must be no residual.
    kern_activation activation;
    /// Added at the end, laid out as the output, which it may be. NULL: nothing.
    const float *_Nullable residual;
    /// kern_float32 or kern_bfloat16.
    kern_precision output_precision;
    /// `rows` rows of `outputs` numbers.
    void *_Nonnull output;
} kern_linear;

/// Self-attention of one sequence. Queries must be scaled already.
typedef struct kern_attention {
    /// kern_float32 or kern_bfloat16: of `qkv`, and what is multiplied.
    kern_precision precision;
    /// `tokens` rows of queries, keys and values, `heads * head_size` numbers each.
    const void *_Nonnull qkv;
    size_t tokens;
    size_t heads;
    /// A multiple of 16.
    size_t head_size;
    /// What is added to the score of query i and key j, at `bias[head * bias_stride + j - i]`: the pointer stands at
    /// distance 0 of the first head. NULL: nothing.
    const float *_Nullable bias;
    size_t bias_stride;
    /// `tokens` rows of `heads * head_size` floats.
    float *_Nonnull output;
    /// `kern_attention_scratch` words of 32 bits.
    void *_Nonnull scratch;
} kern_attention;

/// y = (x - mean) / sqrt(variance + epsilon) * gain + shift, row by row, in place. `size` is a multiple of 16.
typedef struct kern_layer_norm {
    const float *_Nonnull gain;
    const float *_Nonnull shift;
    size_t size;
    /// Floats from one row to the next.
    size_t stride;
    float epsilon;
} kern_layer_norm;

/// output = activation(one half of the input's row) * the other half.
typedef struct kern_gate {
    /// `rows` rows of 2 * `size` floats.
    const float *_Nonnull input;
    size_t rows;
    /// A multiple of 16.
    size_t size;
    kern_activation activation;
    /// Which half the activation is for: 0 the first, 1 the second.
    uint32_t activated;
    /// `rows` rows of `size` floats. May be where the input is.
    float *_Nonnull output;
} kern_gate;

/// The kernels of one instruction set. Tables are constant; any thread may use them. No kernel allocates or keeps
/// anything.
typedef struct kern_table {
    const char *_Nonnull name;
    /// Columns of a panel of packed weights.
    size_t panel;
    /// Whether bfloat16 is multiplied faster than float32.
    bool has_bfloat16;

    /// Words of 32 bits of a row for a product.
    size_t (*_Nonnull row_words)(kern_precision precision, size_t inputs);
    void (*_Nonnull quantise)(const kern_quantise *_Nonnull work);

    /// Words of 32 bits that `pack` writes.
    size_t (*_Nonnull packed_words)(kern_precision precision, size_t outputs, size_t inputs);
    /// Lays out weights for products, rounding them to the precision.
    void (*_Nonnull pack)(const kern_pack *_Nonnull work);
    /// sums[i] += rows[r][i]^2 over `count` rows of `size` floats, a multiple of 16.
    void (*_Nonnull squares)(const float *_Nonnull rows, size_t count, size_t size, float *_Nonnull sums);
    void (*_Nonnull linear)(const kern_linear *_Nonnull layer);
    void (*_Nonnull attention)(const kern_attention *_Nonnull work);
    void (*_Nonnull layer_norm)(const kern_layer_norm *_Nonnull norm, float *_Nonnull rows, size_t count);

    void (*_Nonnull gate)(const kern_gate *_Nonnull gate);

    /// sums[i] = words[ids[i]] + positions[i] + type, rows of `size` floats, a multiple of 16. NULL: without.
    void (*_Nonnull embed)(const int32_t *_Nonnull ids, size_t count, size_t size, const float *_Nonnull words,
                           const float *_Nullable positions, const float *_Nullable type, float *_Nonnull sums);
    /// The mean of `count` rows, then scaled to unit length; all zeros stay zeros. `size` is a multiple of 16.
    void (*_Nonnull mean_unit)(const float *_Nonnull rows, size_t count, size_t size, float *_Nonnull unit);

    /// Dot products of one query with `rows` vectors stored back to back, any alignment, any `dim`.
    ///
    /// A row's result does not depend on which other rows are asked for with it. `scores` must not overlap the inputs.
    void (*_Nonnull dot_rows)(const float *_Nonnull query, const float *_Nonnull matrix, size_t rows, size_t dim,
                              float *_Nonnull scores);
} kern_table;

typedef enum kern_isa : uint32_t {
    kern_isa_portable,
    kern_isa_avx2,
    kern_isa_avx512,
    /// AVX-512 with products of bytes (VNNI).
    kern_isa_avx512_vnni,
    /// AVX-512 with products of bytes and of bfloat16.
    kern_isa_avx512_bf16,
    /// The same, with AMX for matrix products.
    kern_isa_avx512_amx,
    kern_isa_neon,
    /// NEON with products of bytes.
    kern_isa_neon_dot,
} kern_isa;

/// The kernels for an instruction set, or NULL where this machine does not have it.
const kern_table *_Nullable kern_table_for(kern_isa isa);

/// The fastest kernels that this machine can run.
const kern_table *_Nonnull kern_table_best(void);

/// The most rows whose scores attention works out at a time.
enum { kern_attention_rows = 32 };

/// Words of 32 bits of scratch memory that attention over a sequence needs: keys and values, and of
/// `kern_attention_rows` rows the scores and the weights.
static inline size_t kern_attention_scratch(const kern_table *_Nonnull table, size_t tokens, size_t head_size) {
    size_t padded = (tokens + table->panel - 1) / table->panel * table->panel;
    return 2 * padded * (head_size + kern_attention_rows);
}

// MARK: - What BERT's normaliser does with a code point (tables in unicode.c)

enum {
    kern_unicode_keep = 0,
    /// Control characters and non-spacing marks: gone without a trace.
    kern_unicode_drop = 1,
    kern_unicode_space = 2,
    /// A dropped mark of combining class 0: gone, but marks before and after it do not change places.
    kern_unicode_block = 3,
    /// A word of its own.
    kern_unicode_punctuation = 4,
    /// A word of its own.
    kern_unicode_ideograph = 5,
    /// Decomposes by arithmetic into two or three jamo.
    kern_unicode_hangul = 6,
    /// From here on: replaced by the elements from index `value - kern_unicode_first_map`.
    kern_unicode_first_map = 8,
};

enum : uint32_t {
    kern_unicode_map_scalar = 0x1FFFFF,
    kern_unicode_map_punctuation = 1u << 21,
    kern_unicode_map_ideograph = 1u << 22,
    kern_unicode_map_class_shift = 23,
    kern_unicode_map_last = 1u << 31,
};

/// What becomes of every code point, in pages of 128.
typedef struct kern_unicode_table {
    const uint8_t *_Nonnull pages;
    const uint16_t *_Nonnull values;
} kern_unicode_table;

extern const kern_unicode_table kern_unicode_tables[4];
extern const uint32_t kern_unicode_maps[];

/// The table of a normaliser that lower-cases or not, and takes accents away or not.
static inline kern_unicode_table kern_unicode_table_for(bool lowercases, bool strips_accents) {
    return kern_unicode_tables[(lowercases ? 2 : 0) + (strips_accents ? 1 : 0)];
}

/// One of the values above. `scalar` is below 0x110000.
static inline uint32_t kern_unicode_value(kern_unicode_table table, uint32_t scalar) {
    return table.values[table.pages[scalar >> 7] << 7 | (scalar & 127)];
}

/// An element of a replacement: scalar, flags, canonical combining class, and whether it is the last.
static inline uint32_t kern_unicode_map(uint32_t index) { return kern_unicode_maps[index]; }

#endif
