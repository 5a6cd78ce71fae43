#define _GNU_SOURCE
#include "CSandbox.h"

#include <errno.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

static int set(__rlimit_resource_t resource, uint64_t soft, uint64_t hard) {
    struct rlimit present;
    if (getrlimit(resource, &present) != 0) return errno;
    // Nobody may raise a bound that somebody else set.
    if (hard > present.rlim_max) hard = present.rlim_max;
    const struct rlimit limit = {.rlim_cur = soft < hard ? soft : hard, .rlim_max = hard};
    return setrlimit(resource, &limit) == 0 ? 0 : errno;
}

int sandbox_limit(const struct sandbox_limits *limits) {
    const uint64_t mappings = limits->memory_bytes + (4ULL << 30);
    int failure = 0;
    if ((failure = set(RLIMIT_CORE, 0, 0))) return failure;
    if ((failure = set(RLIMIT_DATA, limits->memory_bytes, limits->memory_bytes))) return failure;
    if ((failure = set(RLIMIT_AS, mappings, mappings))) return failure;
    // SIGXCPU at the first bound, SIGKILL at the second for a program that takes no notice.
    if ((failure = set(RLIMIT_CPU, limits->cpu_seconds, limits->cpu_seconds + 5))) return failure;
    if ((failure = set(RLIMIT_FSIZE, limits->file_bytes, limits->file_bytes))) return failure;
    if ((failure = set(RLIMIT_NOFILE, limits->open_files, limits->open_files))) return failure;
    if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0) return errno;
    if (prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) != 0) return errno;
    if (prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0) != 0) return errno;
    return 0;
}

int sandbox_close_inherited(void) {
#ifdef SYS_close_range
    if (syscall(SYS_close_range, 3U, ~0U, 0U) == 0) return 0;
#endif
    // Before Linux 5.9.
    struct rlimit limit;
    if (getrlimit(RLIMIT_NOFILE, &limit) != 0) return errno;
    const int end = limit.rlim_cur < 65536 ? (int)limit.rlim_cur : 65536;
    for (int descriptor = 3; descriptor < end; descriptor++) close(descriptor);
    return 0;
}
