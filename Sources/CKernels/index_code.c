// How vectors become codes: the same bytes on every machine, so that codes can be checked by making them again.
// Sums run in eight lanes of a fixed order, and nothing is contracted into fused multiply-adds.

#include <math.h>
#include <string.h>

#include "CIndexKernels.h"

#pragma STDC FP_CONTRACT OFF

enum { LANES = 8, ROUNDS = 4 };

/// A fixed sign for every dimension and round: a bit of SplitMix64.
static inline uint64_t sign_bits(size_t round, size_t word) {
    uint64_t z = (round * 4096 + word + 1) * 0x9E3779B97F4A7C15u;
    z = (z ^ z >> 30) * 0xBF58476D1CE4E5B9u;
    z = (z ^ z >> 27) * 0x94D049BB133111EBu;
    return z ^ z >> 31;
}

static void flip_signs(float *x, size_t count, size_t round) {
    for (size_t word = 0; word * 64 < count; word++) {
        uint64_t bits = sign_bits(round, word);
        for (size_t i = 0; i < 64; i++) {
            uint32_t value;
            memcpy(&value, x + word * 64 + i, 4);
            value ^= (uint32_t)(bits >> i & 1) << 31;
            memcpy(x + word * 64 + i, &value, 4);
        }
    }
}

/// The orthonormal Hadamard transform of 2^k numbers, k >= 4.
static void hadamard(float *x, size_t count) {
    for (size_t i = 0; i < count; i += 4) {
        float a = x[i] + x[i + 1], b = x[i] - x[i + 1], c = x[i + 2] + x[i + 3], d = x[i + 2] - x[i + 3];
        x[i] = a + c, x[i + 1] = b + d, x[i + 2] = a - c, x[i + 3] = b - d;
    }
    for (size_t half = 4; half < count; half *= 2)
        for (size_t start = 0; start < count; start += 2 * half)
            for (size_t i = start; i < start + half; i += 4)
                for (size_t j = i; j < i + 4; j++) {
                    float a = x[j], b = x[j + half];
                    x[j] = a + b;
                    x[j + half] = a - b;
                }
    float scale = (float)(1 / sqrt((double)count));
    for (size_t i = 0; i < count; i++) x[i] *= scale;
}

void kern_index_rotate(const float *vector, size_t dim, size_t padded, float *rotated) {
    memcpy(rotated, vector, dim * sizeof *rotated);
    memset(rotated + dim, 0, (padded - dim) * sizeof *rotated);
    size_t block = 128;
    while (block * 2 <= padded) block *= 2;
    for (size_t round = 0; round < ROUNDS; round++) {
        flip_signs(rotated, padded, round);
        hadamard(round % 2 ? rotated + padded - block : rotated, block);
    }
}

/// Up to the next float, so that a bound stays one.
static float round_up(double x) { return nextafterf((float)(x * (1 + 1e-9)), INFINITY); }

static double sum(const double lanes[LANES]) {
    return ((lanes[0] + lanes[1]) + (lanes[2] + lanes[3])) + ((lanes[4] + lanes[5]) + (lanes[6] + lanes[7]));
}

/// Dimension i's byte goes to both planes.
static inline void put(uint8_t byte, size_t i, uint8_t *high, uint8_t *low) {
    size_t place = i / 128 * 64 + i % 64;
    if (i % 128 < 64) {
        high[place] = byte >> 4;
        low[place] = byte & 15;
    } else {
        high[place] |= byte & 0xF0;
        low[place] |= (uint8_t)(byte << 4);
    }
}

void kern_index_encode(const float *rotated, size_t padded, uint8_t *high, uint8_t *low, uint64_t *signs,
                       kern_index_factors *factors) {
    float largest = 0;
    double squares[LANES] = {}, absolutes[LANES] = {};
    for (size_t i = 0; i < padded; i += LANES)
        for (size_t j = 0; j < LANES; j++) {
            double x = rotated[i + j];
            squares[j] += x * x;
            absolutes[j] += fabs(x);
        }
    for (size_t i = 0; i < padded; i++) largest = fabsf(rotated[i]) > largest ? fabsf(rotated[i]) : largest;
    double length = sqrt(sum(squares)), absolute = sum(absolutes);
    memset(signs, 0, padded / 8);
    // Beyond these, floats overflow or lose digits somewhere; such rows are compared as they are.
    bool is_sane = length < 1e15, is_something = is_sane && largest > 1e-25f;
    float scale = is_something ? largest / 128 : 0, inverse = is_something ? 128 / largest : 0;
    double nibble_rest[LANES] = {}, byte_rest[LANES] = {}, nibble_length[LANES] = {}, byte_length[LANES] = {};
    for (size_t i = 0; i < padded; i += LANES)
        for (size_t j = 0; j < LANES; j++) {
            float x = is_sane ? rotated[i + j] : 0;
            int32_t byte = (int32_t)(x * inverse + 128);
            byte = byte > 255 ? 255 : byte < 0 ? 0 : byte;
            put((uint8_t)byte, i + j, high, low);
            double fine = (double)scale * (byte - 127.5), coarse = (double)scale * ((byte & 0xF0) - 120);
            byte_rest[j] += (x - fine) * (x - fine);
            nibble_rest[j] += (x - coarse) * (x - coarse);
            byte_length[j] += fine * fine;
            nibble_length[j] += coarse * coarse;
            signs[(i + j) / 64] |= (uint64_t)(x > 0) << (i + j) % 64;
        }
    double longer = fmax(sum(byte_length), sum(nibble_length));
    double f = is_something ? absolute / (length * sqrt((double)padded)) : 1;
    *factors = (kern_index_factors){
        .scale = scale,
        .nibble_radius = is_sane ? round_up(sqrt(sum(nibble_rest))) : INFINITY,
        .byte_radius = is_sane ? round_up(sqrt(sum(byte_rest))) : INFINITY,
        .sign_scale = is_something ? (float)(length * length / absolute) : 0,
        .sign_radius = is_something ? (float)(length * sqrt(fmax(0, 1 / (f * f) - 1) / (double)(padded - 1)))
            : is_sane              ? round_up(length)
                                   : INFINITY,
        .length = round_up(sqrt(longer)),
    };
}

// MARK: - XXH64

static const uint64_t prime1 = 0x9E3779B185EBCA87u, prime2 = 0xC2B2AE3D27D4EB4Fu, prime3 = 0x165667B19E3779F9u,
                      prime4 = 0x85EBCA77C2B2AE63u, prime5 = 0x27D4EB2F165667C5u;

static inline uint64_t rotate_left(uint64_t x, int bits) { return x << bits | x >> (64 - bits); }

/// Little-endian, wherever it stands.
static inline uint64_t read_bytes(const uint8_t *bytes, size_t count) {
    uint64_t value = 0;
    for (size_t i = 0; i < count; i++) value |= (uint64_t)bytes[i] << 8 * i;
    return value;
}

static inline uint64_t mix(uint64_t lane, uint64_t input) { return rotate_left(lane + input * prime2, 31) * prime1; }

uint64_t kern_hash(const uint8_t *bytes, size_t count) {
    const uint8_t *end = bytes + count;
    uint64_t hash = prime5;
    if (count >= 32) {
        uint64_t lanes[4] = {prime1 + prime2, prime2, 0, -prime1};
        for (; end - bytes >= 32; bytes += 32)
            for (size_t i = 0; i < 4; i++) lanes[i] = mix(lanes[i], read_bytes(bytes + 8 * i, 8));
        hash = rotate_left(lanes[0], 1) + rotate_left(lanes[1], 7) + rotate_left(lanes[2], 12)
            + rotate_left(lanes[3], 18);
        for (size_t i = 0; i < 4; i++) hash = (hash ^ mix(0, lanes[i])) * prime1 + prime4;
    }
    hash += count;
    for (; end - bytes >= 8; bytes += 8) hash = rotate_left(hash ^ mix(0, read_bytes(bytes, 8)), 27) * prime1 + prime4;
    if (end - bytes >= 4) {
        hash = rotate_left(hash ^ read_bytes(bytes, 4) * prime1, 23) * prime2 + prime3;
        bytes += 4;
    }
    for (; bytes < end; bytes++) hash = rotate_left(hash ^ *bytes * prime5, 11) * prime1;
    hash = (hash ^ hash >> 33) * prime2;
    hash = (hash ^ hash >> 29) * prime3;
    return hash ^ hash >> 32;
}
