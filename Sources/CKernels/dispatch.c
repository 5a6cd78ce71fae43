// The one place that asks what the machine can do.

#include "CKernels.h"

extern const kern_table kern_portable;

#if defined(__x86_64__)

extern const kern_table kern_avx2, kern_avx512;

const kern_table *kern_table_for(kern_isa isa) {
    __builtin_cpu_init();
    switch (isa) {
    case kern_isa_portable: return &kern_portable;
    case kern_isa_avx2: return __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma") ? &kern_avx2 : NULL;
    case kern_isa_avx512:
        return __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw")
                && __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512vl")
            ? &kern_avx512
            : NULL;
    default: return NULL;
    }
}

#elif defined(__aarch64__)

extern const kern_table kern_neon;

const kern_table *kern_table_for(kern_isa isa) {
    switch (isa) {
    case kern_isa_portable: return &kern_portable;
    case kern_isa_neon: return &kern_neon;
    default: return NULL;
    }
}

#else

const kern_table *kern_table_for(kern_isa isa) { return isa == kern_isa_portable ? &kern_portable : NULL; }

#endif

const kern_table *kern_table_best(void) {
    static const kern_isa fastest_first[] = {kern_isa_avx512, kern_isa_avx2, kern_isa_neon};
    for (size_t i = 0; i < sizeof fastest_first / sizeof *fastest_first; i++) {
        const kern_table *table = kern_table_for(fastest_first[i]);
        if (table) return table;
    }
    return &kern_portable;
}
