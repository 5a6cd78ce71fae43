// Bytes as pairs of 16 bits, for instruction sets that cannot multiply bytes without overflow.

enum { INT8_WORD = 2, INT8_ZERO = 0 };
typedef int16_t byte_cell;
