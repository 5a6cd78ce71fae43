// The table of the kernels that were included before, under the name KERNELS.

#define QUOTED(name) #name
#define NAME_OF(name) QUOTED(name)
#define TABLE_OF(name) kern_##name
#define TABLE(name) TABLE_OF(name)

const kern_table TABLE(KERNELS) = {
    .name = NAME_OF(KERNELS),
    .panel = PANEL,
    .has_bfloat16 = HAS_BFLOAT16,
    .row_words = row_words,
    .quantise = quantise,
    .packed_words = packed_words,
    .pack = pack,
    .squares = squares,
    .linear = linear,
    .attention = attention,
    .layer_norm = layer_norm,
    .gate = gate,
    .embed = embed,
    .mean_unit = mean_unit,
    .dot_rows = dot_rows,
};
