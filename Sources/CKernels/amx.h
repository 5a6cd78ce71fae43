// Matrix products by AMX: a tile has up to 16 rows of 16 words, and one instruction adds the product of two to a third.
// Included by products.h.
//
// Tiles 0 to 3 are sums, of two blocks of rows by two of columns, so that whatever is loaded is used twice; 4 and 5 are the
// rows', 6 and 7 the columns' factors. Sums of bytes are the other instruction sets' to the last bit.

enum { AMX_ROWS = 16, AMX_WORDS = 16, AMX_BLOCK = 2 * AMX_ROWS };

/// Rows of both blocks as this thread's tiles are configured, which takes about 200 cycles; zero: not at all.
static _Thread_local uint8_t amx_shape[2];

static void amx_configure(size_t rows) {
    uint8_t upper = rows < AMX_ROWS ? rows : AMX_ROWS, lower = rows - upper;
    if (amx_shape[0] == upper && amx_shape[1] == lower) return;
    struct {
        uint8_t palette, start_row, reserved[14];
        uint16_t row_bytes[16];
        uint8_t rows[16];
    } shapes = {.palette = 1, .rows = {upper, upper, lower, lower, upper, lower, AMX_WORDS, AMX_WORDS}};
    for (size_t i = 0; i < 8; i++) shapes.row_bytes[i] = shapes.rows[i] ? 4 * AMX_WORDS : 0;
    _tile_loadconfig(&shapes);
    amx_shape[0] = upper;
    amx_shape[1] = lower;
}

/// Gives the tiles back, so that switching threads need not save them.
static void amx_release(void) {
    if (!amx_shape[0]) return;
    _tile_release();
    amx_shape[0] = amx_shape[1] = 0;
}

/// Whether a product is made of whole tiles. `depth` is in words.
static bool amx_takes(size_t depth) { return depth % AMX_WORDS == 0; }

/// sums[r][c] = the product of up to AMX_BLOCK rows and PANEL columns: float32 of bfloat16, integers of bytes.
INLINE void amx_multiply(kern_precision precision, const tile_factors *factors, bool has_lower, bool has_right,
                         int32_t sums[AMX_BLOCK][PANEL]) {
    const int32_t *a = factors->a, *b = factors->b;
    size_t a_bytes = 4 * factors->a_stride, b_bytes = 4 * factors->b_stride;
    _tile_zero(0);
    _tile_zero(1);
    if (has_lower) {
        _tile_zero(2);
        _tile_zero(3);
    }
    for (size_t k = 0; k < factors->depth; k += AMX_WORDS, b += AMX_WORDS * factors->b_stride) {
        _tile_loadd(4, a + k, a_bytes);
        _tile_loadd(6, b, b_bytes);
        precision == kern_int8 ? _tile_dpbusd(0, 4, 6) : _tile_dpbf16ps(0, 4, 6);
        if (has_right) {
            _tile_loadd(7, b + LANES, b_bytes);
            precision == kern_int8 ? _tile_dpbusd(1, 4, 7) : _tile_dpbf16ps(1, 4, 7);
        }
        if (has_lower) {
            _tile_loadd(5, a + AMX_ROWS * factors->a_stride + k, a_bytes);
            precision == kern_int8 ? _tile_dpbusd(2, 5, 6) : _tile_dpbf16ps(2, 5, 6);
            if (has_right) precision == kern_int8 ? _tile_dpbusd(3, 5, 7) : _tile_dpbf16ps(3, 5, 7);
        }
    }
    _tile_stored(0, sums, 4 * PANEL);
    if (has_right) _tile_stored(1, *sums + LANES, 4 * PANEL);
    if (has_lower) {
        _tile_stored(2, sums + AMX_ROWS, 4 * PANEL);
        if (has_right) _tile_stored(3, sums[AMX_ROWS] + LANES, 4 * PANEL);
    }
}

/// As `tile_int8`, of any number of rows up to AMX_BLOCK.
INLINE void amx_int8(const tile_factors *factors, size_t rows, size_t vectors, float sums[AMX_BLOCK][PANEL]) {
    size_t inputs = factors->depth, groups = groups_of(inputs), stride = factors->a_stride;
    const row_group *scales = (const row_group *)factors->a;
    tile_factors group = *factors;
    group.a += 2 * groups;
    memset(sums, 0, rows * sizeof *sums);
    for (size_t g = 0; g < groups; g++, scales++) {
        size_t left = inputs - g * kern_group;
        group.depth = (left < kern_group ? left : kern_group) / INT8_WORD;
        const int32_t *ends = group.b;
        group.b += 2 * PANEL;
        int32_t exact[AMX_BLOCK][PANEL] __attribute__((aligned(64)));
        amx_multiply(kern_int8, &group, rows > AMX_ROWS, vectors > 1, exact);
        for (size_t v = 0; v < vectors; v++) {
            vec scale = (vec)vec_load_words(ends + v * LANES), sum = (vec)vec_load_words(ends + PANEL + v * LANES);
            for (size_t r = 0; r < rows; r++) {
                const row_group *row = (const row_group *)((const int32_t *)scales + r * stride);
                float *place = sums[r] + v * LANES;
                vec x = vec_fma(sum, vec_all(row->offset), vec_load(place));
                vec_int whole = vec_load_words(exact[r] + v * LANES);
                vec_store(place, vec_fma(vec_floats(whole) * scale, vec_all(row->scale), x));
            }
        }
        group.a += group.depth;
        group.b += group.depth * PANEL;
    }
}

/// As `panel_product`, where all depths are whole tiles.
INLINE void amx_product(kern_precision precision, tile_factors factors, size_t rows, size_t vectors, tile_end end) {
    for (size_t step; rows > 0; rows -= step) {
        step = rows < AMX_BLOCK ? rows : AMX_BLOCK;
        amx_configure(step);
        float sums[AMX_BLOCK][PANEL] __attribute__((aligned(64)));
        if (precision == kern_int8)
            amx_int8(&factors, step, vectors, sums);
        else
            amx_multiply(precision, &factors, step > AMX_ROWS, vectors > 1, (int32_t(*)[PANEL])sums);
        for (size_t r = 0; r < step; r++)
            for (size_t v = 0; v < vectors; v++) end_vector(&end, r, v, vec_load(sums[r] + v * LANES));
        if (end.activation != kern_activation_none) activate_tile(&end, step, vectors);
        factors.a += step * factors.a_stride;
        end = tile_below(end, step);
    }
}
