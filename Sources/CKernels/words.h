// Numbers as products take them: words of 32 bits, each one float32, two bfloat16 or INT8_WORD small integers.
// Included by body.h.

static inline vec_int vec_load_words(const int32_t *p) {
    vec_int x;
    memcpy(&x, p, sizeof x);
    return x;
}

static inline vec vec_floats(vec_int x) { return __builtin_convertvector(x, vec); }

/// The nearest integers of numbers between -2^22 and 2^22: adding 1.5 * 2^23 leaves them in the low bits.
static inline vec_int vec_round(vec x) {
    vec shifted = x + 12582912.0f;
    return (vec_int)shifted - 0x4B400000;
}

static inline void store_bfloats(uint16_t *p, vec x) {
    typeof(vec_bfloat(x)) cells = vec_bfloat(x);
    memcpy(p, &cells, sizeof cells);
}

static inline size_t groups_of(size_t inputs) { return (inputs + kern_group - 1) / kern_group; }

// MARK: - Rotation

/// Each number becomes the sum or, in the upper half of a pair, the difference of the two `distance` lanes apart.
INLINE vec vec_butterfly(vec x, const size_t distance) {
    vec other, sign;
    UNROLL for (size_t i = 0; i < LANES; i++) {
        other[i] = x[i ^ distance];
        sign[i] = i & distance ? -1 : 1;
    }
    return vec_fma(x, sign, other);
}

/// Multiplies a whole group with the Hadamard matrix of its size, whose rows have the length sqrt(kern_group).
///
/// A number far off is then spread over all of the group, which needs smaller steps. Both factors of a product are
/// turned alike, so that it stays the same. (Ashkboos et al., QuaRot, 2024.)
static void rotate(float *numbers) {
    enum { COUNT = kern_group / LANES };
    vec x[COUNT];
    UNROLL for (size_t i = 0; i < COUNT; i++) x[i] = vec_load(numbers + i * LANES);
    UNROLL for (size_t distance = COUNT / 2; distance > 0; distance /= 2)
        UNROLL for (size_t i = 0; i < COUNT; i++)
            if (!(i & distance)) {
                vec sum = x[i] + x[i + distance];
                x[i + distance] = x[i] - x[i + distance];
                x[i] = sum;
            }
    UNROLL for (size_t distance = LANES / 2; distance > 0; distance /= 2)
        UNROLL for (size_t i = 0; i < COUNT; i++) x[i] = vec_butterfly(x[i], distance);
    UNROLL for (size_t i = 0; i < COUNT; i++) vec_store(numbers + i * LANES, x[i]);
}

// MARK: - Rows

/// Scale and offset of a group of a row: number = stored * scale + offset.
typedef struct row_group {
    float scale;
    float offset;
} row_group;

static inline size_t row_words(kern_precision precision, size_t inputs) {
    switch (precision) {
    case kern_bfloat16: return inputs / 2;
    case kern_int8: return groups_of(inputs) * 2 + inputs / INT8_WORD;
    default: return inputs;
    }
}

/// One group of an int8 row. Zero is between the ends, so that groups of zeros work.
static row_group quantise_group(const float *row, const float *factors, size_t size, byte_cell *cells) {
    float numbers[kern_group];
    for (size_t i = 0; i < size; i += LANES) {
        vec x = vec_load(row + i);
        if (factors) x *= vec_load(factors + i);
        vec_store(numbers + i, x);
    }
    if (size == kern_group) rotate(numbers);
    vec low = vec_all(0), high = low;
    for (size_t i = 0; i < size; i += LANES) {
        vec x = vec_load(numbers + i);
        low = vec_min(low, x);
        high = vec_max(high, x);
    }
    float bottom = -vec_largest(-low), scale = (vec_largest(high) - bottom) / 255;
    float inverse = scale > 1e-30f ? 1 / scale : 0;
    for (size_t i = 0; i < size; i += LANES) {
        vec x = (vec_load(numbers + i) - bottom) * inverse;
        vec_cell whole = __builtin_convertvector(vec_round(x) - INT8_ZERO, vec_cell);
        memcpy(cells + i, &whole, sizeof whole);
    }
    return (row_group){.scale = scale, .offset = bottom + INT8_ZERO * scale};
}

static void quantise(const kern_quantise *work) {
    size_t words = row_words(work->precision, work->size), groups = groups_of(work->size);
    for (size_t r = 0; r < work->count; r++) {
        const float *row = work->rows + r * work->size;
        int32_t *output = (int32_t *)work->output + r * words;
        if (work->precision == kern_int8) {
            byte_cell *cells = (byte_cell *)(output + 2 * groups);
            for (size_t g = 0; g < groups; g++) {
                size_t first = g * kern_group, left = work->size - first;
                row_group group = quantise_group(row + first, work->factors ? work->factors + first : NULL,
                                                 left < kern_group ? left : kern_group, cells + first);
                memcpy(output + 2 * g, &group, sizeof group);
            }
        } else if (work->precision == kern_bfloat16) {
            for (size_t i = 0; i < work->size; i += LANES)
                store_bfloats((uint16_t *)output + i, vec_load(row + i));
        } else {
            memcpy(output, row, work->size * sizeof *row);
        }
    }
}

// MARK: - Weights

/// Words of a panel of packed weights. An int8 panel has for each group of inputs a row of scales, a row of the sums
/// of the scaled numbers, then the numbers.
static inline size_t panel_words(kern_precision precision, size_t inputs) {
    switch (precision) {
    case kern_bfloat16: return PANEL * (inputs / 2);
    case kern_int8: return PANEL * (groups_of(inputs) * 2 + inputs / INT8_WORD);
    default: return PANEL * inputs;
    }
}

static size_t packed_words(kern_precision precision, size_t outputs, size_t inputs) {
    return (outputs + PANEL - 1) / PANEL * panel_words(precision, inputs);
}

/// One output's numbers of one group, at one column of a panel.
static void pack_group(const float *weights, const float *factors, size_t size, int32_t *column) {
    float numbers[kern_group], largest = 0;
    for (size_t k = 0; k < size; k++) numbers[k] = factors ? weights[k] / factors[k] : weights[k];
    if (size == kern_group) {
        rotate(numbers);
        // Both factors turned, each kern_group's root too long.
        for (size_t k = 0; k < size; k++) numbers[k] /= kern_group;
    }
    for (size_t k = 0; k < size; k++) {
        float x = __builtin_fabsf(numbers[k]);
        largest = x > largest ? x : largest;
    }
    float scale = largest / 127, inverse = scale > 1e-30f ? 1 / scale : 0;
    int sum = 0;
    byte_cell *cells = (byte_cell *)(column + 2 * PANEL);
    for (size_t k = 0; k < size; k += INT8_WORD, cells += PANEL * INT8_WORD)
        for (size_t i = 0; i < INT8_WORD; i++) {
            int number = (int)__builtin_rintf(numbers[k + i] * inverse);
            cells[i] = (byte_cell)number;
            sum += number;
        }
    float scaled = scale * (float)sum;
    memcpy(column, &scale, sizeof scale);
    memcpy(column + PANEL, &scaled, sizeof scaled);
}

/// The weights of one output, at one column of a panel.
static void pack_column(const kern_pack *work, const float *weights, int32_t *column) {
    size_t inputs = work->inputs;
    switch (work->precision) {
    case kern_bfloat16:
        for (size_t k = 0; k < inputs; k += LANES) {
            uint16_t cells[LANES];
            store_bfloats(cells, vec_load(weights + k));
            for (size_t i = 0; i < LANES; i += 2, column += PANEL) memcpy(column, cells + i, sizeof *column);
        }
        break;
    case kern_int8:
        for (size_t k = 0; k < inputs; k += kern_group) {
            size_t size = inputs - k < kern_group ? inputs - k : kern_group;
            pack_group(weights + k, work->factors ? work->factors + k : NULL, size, column);
            column += PANEL * (2 + size / INT8_WORD);
        }
        break;
    default:
        for (size_t k = 0; k < inputs; k++, column += PANEL) memcpy(column, weights + k, sizeof *column);
    }
}

static void pack(const kern_pack *work) {
    int32_t *panel = work->output;
    memset(panel, 0, 4 * packed_words(work->precision, work->outputs, work->inputs));
    for (size_t first = 0; first < work->outputs; first += PANEL) {
        for (size_t j = 0; j < PANEL && first + j < work->outputs; j++)
            pack_column(work, work->weights + (first + j) * work->inputs, panel + j);
        panel += panel_words(work->precision, work->inputs);
    }
}
