// The one place that asks what the machine can do.

#if defined(__linux__)
#define _GNU_SOURCE // syscall
#endif

#include "CKernels.h"

extern const kern_table kern_portable;

#if defined(__x86_64__)

#if defined(__linux__)
#include <sys/syscall.h>
#include <unistd.h>
#endif

extern const kern_table kern_avx2, kern_avx512, kern_avx512_vnni, kern_avx512_bf16, kern_avx512_amx;

static bool has_avx512(void) {
    return __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw")
        && __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512vl");
}

/// AMX, and the system's leave to use it: the first question asks for the process, and those after it get the same answer.
static bool has_amx(void) {
#if defined(__linux__)
    enum { request_permission = 0x1023, tile_data = 18 };
    return __builtin_cpu_supports("amx-int8") && __builtin_cpu_supports("amx-bf16")
        && syscall(SYS_arch_prctl, request_permission, tile_data) == 0;
#else
    return false;
#endif
}

const kern_table *kern_table_for(kern_isa isa) {
    __builtin_cpu_init();
    bool has_bytes = has_avx512() && __builtin_cpu_supports("avx512vnni");
    bool has_bfloats = __builtin_cpu_supports("avx512bf16");
    switch (isa) {
    case kern_isa_portable: return &kern_portable;
    case kern_isa_avx2: return __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma") ? &kern_avx2 : NULL;
    case kern_isa_avx512: return has_avx512() ? &kern_avx512 : NULL;
    case kern_isa_avx512_vnni: return has_bytes ? &kern_avx512_vnni : NULL;
    case kern_isa_avx512_bf16: return has_bytes && has_bfloats ? &kern_avx512_bf16 : NULL;
    case kern_isa_avx512_amx: return has_bytes && has_bfloats && has_amx() ? &kern_avx512_amx : NULL;
    default: return NULL;
    }
}

#elif defined(__aarch64__)

#if defined(__linux__)
#include <sys/auxv.h>

/// Bit 20 of the kernel's hardware capabilities: dot products of bytes.
static bool has_bytes(void) { return getauxval(AT_HWCAP) >> 20 & 1; }
#elif defined(__APPLE__)
static bool has_bytes(void) { return true; }
#else
static bool has_bytes(void) { return false; }
#endif

extern const kern_table kern_neon, kern_neon_dot;

const kern_table *kern_table_for(kern_isa isa) {
    switch (isa) {
    case kern_isa_portable: return &kern_portable;
    case kern_isa_neon: return &kern_neon;
    case kern_isa_neon_dot: return has_bytes() ? &kern_neon_dot : NULL;
    default: return NULL;
    }
}

#else

const kern_table *kern_table_for(kern_isa isa) { return isa == kern_isa_portable ? &kern_portable : NULL; }

#endif

/// Whether a smaller instruction set's kernels are faster on this processor: Intel's product of bfloat16 without AMX takes so
/// long (a fifth of the speed of bytes, measured on Sapphire Rapids) that all in bytes is 2.4 times as fast.
static bool is_slower(kern_isa isa) {
#if defined(__x86_64__)
    return isa == kern_isa_avx512_bf16 && __builtin_cpu_is("intel");
#else
    return false;
#endif
}

const kern_table *kern_table_best(void) {
    static const kern_isa fastest_first[] = {
        kern_isa_avx512_amx, kern_isa_avx512_bf16, kern_isa_avx512_vnni, kern_isa_avx512, kern_isa_avx2,
        kern_isa_neon_dot,   kern_isa_neon,
    };
    for (size_t i = 0; i < sizeof fastest_first / sizeof *fastest_first; i++) {
        const kern_table *table = kern_table_for(fastest_first[i]);
        if (table && !is_slower(fastest_first[i])) return table;
    }
    return &kern_portable;
}
