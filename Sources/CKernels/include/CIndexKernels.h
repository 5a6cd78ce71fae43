#ifndef ALMANAC_CINDEXKERNELS_H
#define ALMANAC_CINDEXKERNELS_H

#include "CKernels.h"

// What the vector index computes with codes. A code stands for a vector of `padded` dimensions, a multiple of 128:
//
//   nibbles   one plane of half bytes a row, padded / 2 bytes. In each 64 bytes: byte j holds dimension j in its low
//             half and dimension j + 64 in its high half.
//   signs     one bit a dimension, in blocks of eight rows: word 0 of the eight rows, word 1 of the eight rows, …
//
// Sums of codes are integers and the same on every machine.

/// A query as the kernels take it.
typedef struct kern_index_query {
    /// `padded` numbers -127…127: the query's upper digits.
    const int8_t *_Nonnull upper;
    /// `padded` numbers -64…64: what they leave over, in 128ths.
    const int8_t *_Nonnull lower;
    /// Four planes of padded / 64 words: numbers -7…7 in two's complement, lowest bits first.
    const uint64_t *_Nonnull planes;
    size_t padded;
} kern_index_query;

/// Turns a row's sum of codes into the most that its similarity can be:
/// slope * scale * (2 * sum - bias) + base + reach * radius.
typedef struct kern_index_bound {
    float slope;
    int32_t bias;
    float base;
    float reach;
    /// Rows that surely stay below this are left out.
    float threshold;
} kern_index_bound;

/// The index kernels of one instruction set.
typedef struct kern_index_table {
    const char *_Nonnull name;

    /// sums[i] = sum over all dimensions of row i's nibble (0…15) times the query's upper digit.
    void (*_Nonnull scan_nibbles)(const kern_index_query *_Nonnull query, const uint8_t *_Nonnull rows, size_t count,
                                  int32_t *_Nonnull sums);

    /// For each block of eight rows: sums[i] = sum of the plane numbers where row i's bit is set.
    void (*_Nonnull scan_signs)(const kern_index_query *_Nonnull query, const uint64_t *_Nonnull blocks, size_t count,
                                int32_t *_Nonnull sums);

    /// For each of `count` rows, by number: its bytes (16 * high nibble + low nibble) times the query's upper digits, and
    /// times its lower ones.
    void (*_Nonnull dot_bytes)(const kern_index_query *_Nonnull query, const uint8_t *_Nonnull high,
                               const uint8_t *_Nonnull low, const uint32_t *_Nonnull rows, size_t count,
                               int32_t *_Nonnull sums);

    /// Writes the numbers of those rows that may reach the threshold. Returns how many there are.
    size_t (*_Nonnull select)(const kern_index_bound *_Nonnull bound, const int32_t *_Nonnull sums,
                              const float *_Nonnull scales, const float *_Nonnull radii, size_t count,
                              uint32_t *_Nonnull selected);
} kern_index_table;

/// The kernels for an instruction set, or NULL where this machine does not have it. AVX-512 means VNNI and VPOPCNTDQ too.
const kern_index_table *_Nullable kern_index_table_for(kern_isa isa);

/// Turns a vector by a fixed rotation of `padded` dimensions, those beyond `dim` being zero.
///
/// Four rounds of random signs and a Hadamard transform, the odd ones over the first 2^k dimensions, the even ones over
/// the last: what RaBitQ's authors use in place of a random matrix. The same on every machine.
void kern_index_rotate(const float *_Nonnull vector, size_t dim, size_t padded, float *_Nonnull rotated);

/// What goes with a row's codes.
typedef struct kern_index_factors {
    /// The row is about scale * (byte - 127.5), or 16 * scale * (high nibble - 7.5). Zero: nothing is known of it.
    float scale;
    /// The length of what the high nibbles leave over; never too small.
    float nibble_radius;
    /// The length of what the bytes leave over; never too small.
    float byte_radius;
    /// sign_scale * (sum of the query over the set bits - the sum over the others) estimates the product with the query.
    float sign_scale;
    /// The standard deviation of that estimate for a query of unit length.
    float sign_radius;
    /// The length of the longer of both approximations; never too small.
    float length;
} kern_index_factors;

/// Encodes a rotated vector. `signs` takes padded / 64 words. The same on every machine.
void kern_index_encode(const float *_Nonnull rotated, size_t padded, uint8_t *_Nonnull high, uint8_t *_Nonnull low,
                       uint64_t *_Nonnull signs, kern_index_factors *_Nonnull factors);

/// XXH64 with seed 0, by its published description: finds any flipped bit, is no protection against intent.
uint64_t kern_hash(const uint8_t *_Nonnull bytes, size_t count);

/// Has the C library give memory that was freed back to the system: glibc keeps it for itself where blocks of many sizes
/// came and went. Takes some milliseconds.
void kern_give_back_memory(void);

#endif
