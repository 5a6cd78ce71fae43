// Filters of system calls in classic BPF (https://docs.kernel.org/userspace-api/seccomp_filter.html), written out by
// hand: a list of comparisons, the first that holds decides.
#define _GNU_SOURCE
#include "CSandbox.h"

#include <errno.h>
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sched.h>
#include <signal.h>
#include <stddef.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#if defined(__x86_64__)
#define ARCHITECTURE AUDIT_ARCH_X86_64
#elif defined(__aarch64__)
#define ARCHITECTURE AUDIT_ARCH_AARCH64
#else
#error "There is no filter for this processor yet."
#endif

#define ALLOW SECCOMP_RET_ALLOW
#define KILL SECCOMP_RET_KILL_PROCESS
#define FAIL(number) (SECCOMP_RET_ERRNO | (number))
/// Calls that came after those of Linux 6.1 answer as there: they are not there.
#define NEWEST_CALL 450
#define COUNT(list) (sizeof list / sizeof *list)

/// Nothing that reads a document has any business with these.
static const int hostile[] = {
    SYS_ptrace, SYS_process_vm_readv, SYS_process_vm_writev, SYS_bpf, SYS_init_module, SYS_finit_module,
    SYS_delete_module, SYS_kexec_load, SYS_reboot, SYS_swapon, SYS_swapoff, SYS_mount, SYS_umount2, SYS_pivot_root,
    SYS_chroot, SYS_move_mount, SYS_open_tree, SYS_fsopen, SYS_fsmount, SYS_fspick, SYS_fsconfig, SYS_mount_setattr,
    SYS_acct, SYS_quotactl, SYS_settimeofday, SYS_clock_settime, SYS_sethostname, SYS_setdomainname,
    SYS_open_by_handle_at, SYS_userfaultfd, SYS_kcmp, SYS_perf_event_open,
#ifdef SYS_kexec_file_load
    SYS_kexec_file_load,
#endif
#ifdef SYS_iopl
    SYS_iopl, SYS_ioperm, SYS_modify_ldt,
#endif
};

/// Libraries may try these and go on without.
static const int refused[] = {
    SYS_connect, SYS_bind, SYS_listen, SYS_accept, SYS_accept4, SYS_keyctl, SYS_add_key, SYS_request_key,
    SYS_io_uring_setup, SYS_io_uring_enter, SYS_io_uring_register, SYS_unshare, SYS_setns, SYS_pidfd_open,
    SYS_pidfd_getfd, SYS_pidfd_send_signal, SYS_rt_sigqueueinfo, SYS_rt_tgsigqueueinfo, SYS_name_to_handle_at,
    SYS_fanotify_init, SYS_syslog, SYS_adjtimex, SYS_clock_adjtime, SYS_personality, SYS_mknodat, SYS_vhangup,
    SYS_setpriority, SYS_ioprio_set, SYS_sched_setscheduler, SYS_sched_setparam, SYS_sched_setattr, SYS_migrate_pages,
    SYS_move_pages, SYS_process_madvise, SYS_process_mrelease,
#ifdef SYS_mknod
    SYS_mknod,
#endif
};

/// Enough to compute and to speak over what is open.
static const int computing[] = {
    SYS_read, SYS_write, SYS_readv, SYS_writev, SYS_pread64, SYS_lseek, SYS_close, SYS_fstat, SYS_munmap, SYS_mremap,
    SYS_madvise, SYS_brk, SYS_futex, SYS_clock_gettime, SYS_clock_getres, SYS_clock_nanosleep, SYS_nanosleep,
    SYS_gettimeofday, SYS_getpid, SYS_gettid, SYS_getuid, SYS_geteuid, SYS_getgid, SYS_getegid, SYS_getrandom, SYS_exit,
    SYS_exit_group, SYS_rt_sigaction, SYS_rt_sigprocmask, SYS_rt_sigreturn, SYS_sigaltstack, SYS_sched_yield,
    SYS_sched_getaffinity, SYS_set_robust_list, SYS_set_tid_address, SYS_membarrier, SYS_restart_syscall, SYS_getrusage,
    SYS_sysinfo, SYS_uname, SYS_ppoll, SYS_eventfd2, SYS_epoll_create1, SYS_epoll_ctl, SYS_epoll_pwait, SYS_getcpu,
#ifdef SYS_poll
    SYS_poll, SYS_epoll_wait, SYS_time,
#endif
#ifdef SYS_rseq
    SYS_rseq,
#endif
};

struct program {
    struct sock_filter code[512];
    unsigned short length;
};

static void add(struct program *program, struct sock_filter step) { program->code[program->length++] = step; }

static void load(struct program *program, size_t offset) {
    add(program, (struct sock_filter)BPF_STMT(BPF_LD | BPF_W | BPF_ABS, (uint32_t)offset));
}

static void answer(struct program *program, uint32_t action) {
    add(program, (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, action));
}

/// Answers with `action` where what is loaded compares so with `value`, else goes on.
static void when(struct program *program, unsigned short comparison, uint32_t value, uint32_t action) {
    add(program, (struct sock_filter)BPF_JUMP((unsigned short)(BPF_JMP | BPF_K | comparison), value, 0, 1));
    answer(program, action);
}

static void when_any(struct program *program, const int *calls, size_t count, uint32_t action) {
    for (size_t index = 0; index < count; index++) when(program, BPF_JEQ, (uint32_t)calls[index], action);
}

/// Decides one call by an argument: `action` where it compares so with `value`, else `otherwise`. Arguments that matter
/// here have 32 bits: the kernel looks at no more of them.
static void when_argument(
    struct program *program, int call, unsigned argument, unsigned short comparison, uint32_t value, uint32_t action,
    uint32_t otherwise
) {
    add(program, (struct sock_filter)BPF_JUMP(BPF_JMP | BPF_K | BPF_JEQ, (uint32_t)call, 0, 4));
    // Both processors are little-endian: the low half comes first.
    load(program, offsetof(struct seccomp_data, args) + argument * sizeof(uint64_t));
    when(program, comparison, value, action);
    answer(program, otherwise);
}

static void begin(struct program *program) {
    program->length = 0;
    load(program, offsetof(struct seccomp_data, arch));
    add(program, (struct sock_filter)BPF_JUMP(BPF_JMP | BPF_K | BPF_JEQ, ARCHITECTURE, 1, 0));
    answer(program, KILL);
    load(program, offsetof(struct seccomp_data, nr));
    // Also the calls of the x32 convention, which have a high bit set.
    when(program, BPF_JGT, NEWEST_CALL, FAIL(ENOSYS));
}

/// Signals go to the process itself and to those that it started, which are younger. Ids that are negative stand for
/// groups, whose ids are those of their oldest members.
static void leave_others_alone(struct program *program, int call) {
    const uint32_t own = (uint32_t)getpid();
    add(program, (struct sock_filter)BPF_JUMP(BPF_JMP | BPF_K | BPF_JEQ, (uint32_t)call, 0, 8));
    load(program, offsetof(struct seccomp_data, args));
    when(program, BPF_JGT, 0U - own, FAIL(EPERM));
    when(program, BPF_JGT, INT32_MAX, ALLOW);
    when(program, BPF_JGE, own, ALLOW);
    answer(program, FAIL(EPERM));
}

static void allow_programs(struct program *program, bool has_local_sockets) {
    const uint32_t namespaces =
        CLONE_NEWNS | CLONE_NEWCGROUP | CLONE_NEWUTS | CLONE_NEWIPC | CLONE_NEWUSER | CLONE_NEWPID | CLONE_NEWNET;
    when_any(program, hostile, COUNT(hostile), KILL);
    when_argument(program, SYS_clone, 0, BPF_JSET, namespaces, FAIL(EPERM), ALLOW);
    // Its flags lie in memory, where no filter can look; the C library then uses clone.
    when(program, BPF_JEQ, SYS_clone3, FAIL(ENOSYS));
    // Nobody leaves the session, by which everybody is found at the deadline. Programs that always ask for one of their
    // own believe they have it.
    when(program, BPF_JEQ, SYS_setsid, FAIL(0));
    leave_others_alone(program, SYS_kill);
    leave_others_alone(program, SYS_tkill);
    leave_others_alone(program, SYS_tgkill);
    when_argument(program, SYS_prlimit64, 0, BPF_JEQ, 0, ALLOW, FAIL(EPERM));
    if (has_local_sockets) {
        when_argument(program, SYS_socket, 0, BPF_JEQ, AF_UNIX, ALLOW, FAIL(EPERM));
        // All but the first five, which are about sockets.
        when_any(program, refused + 5, COUNT(refused) - 5, FAIL(EPERM));
    } else {
        when(program, BPF_JEQ, SYS_socket, FAIL(EPERM));
        when(program, BPF_JEQ, SYS_socketpair, FAIL(EPERM));
        when_any(program, refused, COUNT(refused), FAIL(EPERM));
    }
    answer(program, ALLOW);
}

static void allow_computing(struct program *program) {
    when_any(program, computing, COUNT(computing), ALLOW);
    when_argument(program, SYS_mmap, 2, BPF_JSET, PROT_EXEC, FAIL(EPERM), ALLOW);
    when_argument(program, SYS_mprotect, 2, BPF_JSET, PROT_EXEC, FAIL(EPERM), ALLOW);
    when_argument(program, SYS_clone, 0, BPF_JSET, CLONE_THREAD, ALLOW, FAIL(EPERM));
    when(program, BPF_JEQ, SYS_clone3, FAIL(ENOSYS));
    when_argument(program, SYS_tgkill, 0, BPF_JEQ, (uint32_t)getpid(), ALLOW, FAIL(EPERM));
    when_argument(program, SYS_prlimit64, 2, BPF_JEQ, 0, ALLOW, FAIL(EPERM));
    when_argument(program, SYS_prctl, 0, BPF_JEQ, PR_SET_NAME, ALLOW, FAIL(EPERM));
    answer(program, FAIL(EPERM));
}

bool sandbox_has_filters(void) {
    const uint32_t action = KILL;
    return syscall(SYS_seccomp, SECCOMP_GET_ACTION_AVAIL, 0, &action) == 0;
}

int sandbox_confine_calls(enum sandbox_calls calls) {
    struct program program;
    begin(&program);
    switch (calls) {
        case SANDBOX_PROGRAMS: allow_programs(&program, false); break;
        case SANDBOX_CONVERTERS: allow_programs(&program, true); break;
        case SANDBOX_COMPUTING: allow_computing(&program); break;
    }
    const struct sock_fprog filter = {.len = program.length, .filter = program.code};
    const long result = syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, SECCOMP_FILTER_FLAG_TSYNC, &filter);
    // A positive result is the id of a thread that could not be brought in.
    return result == 0 ? 0 : result < 0 ? errno : EBUSY;
}
