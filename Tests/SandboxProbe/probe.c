// A program for tests: confines itself as told, tries what it is told to try, and prints a line for each trial: its name
// and 0, or the error.
//
//     SandboxProbe limits|programs|converters|computing|files FOLDER TRIAL…
#define _GNU_SOURCE
#include "CSandbox.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

static const char *folder;

static bool opens(const char *path, int flags) { return open(path, flags, 0600) >= 0; }

static bool maps(size_t size, int protection) {
    return mmap(NULL, size, protection, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0) != MAP_FAILED;
}

static bool inet(void) { return socket(AF_INET, SOCK_STREAM, 0) >= 0; }
static bool local(void) { return socket(AF_UNIX, SOCK_STREAM, 0) >= 0; }
static bool read_file(void) { return opens("/etc/passwd", O_RDONLY); }
static bool read_program(void) { return opens("/usr/bin/env", O_RDONLY); }

static bool write_file(void) {
    char path[4096];
    snprintf(path, sizeof path, "%s/made", folder);
    return opens(path, O_CREAT | O_WRONLY);
}

static bool write_much(void) {
    char path[4096];
    snprintf(path, sizeof path, "%s/large", folder);
    signal(SIGXFSZ, SIG_IGN);
    const int file = open(path, O_CREAT | O_RDWR, 0600);
    return file >= 0 && ftruncate(file, 2 << 20) == 0;
}

static bool start_program(void) {
    pid_t process;
    int status;
    char *const arguments[] = {"true", NULL};
    errno = posix_spawn(&process, "/bin/true", NULL, NULL, arguments, NULL);
    return errno == 0 && waitpid(process, &status, 0) == process && status == 0;
}

static void *nothing(void *argument) { return argument; }

static bool start_thread(void) {
    pthread_t thread;
    errno = pthread_create(&thread, NULL, nothing, NULL);
    return errno == 0 && pthread_join(thread, NULL) == 0;
}

static bool memory(void) { return maps(4096, PROT_READ | PROT_WRITE); }
static bool much_memory(void) { return maps(1 << 30, PROT_READ | PROT_WRITE); }
static bool code(void) { return maps(4096, PROT_READ | PROT_EXEC); }
static bool kill_parent(void) { return kill(getppid(), 0) == 0; }
static bool kill_all(void) { return kill(-1, 0) == 0; }
static bool kill_self(void) { return syscall(SYS_tgkill, getpid(), gettid(), 0) == 0; }

static bool leave_session(void) {
    const pid_t child = fork();
    if (child == 0) {
        const pid_t session = getsid(0);
        setsid();
        _exit(getsid(0) == session);
    }
    int status;
    return waitpid(child, &status, 0) == child && status == 0;
}

static bool kill_own_group(void) {
    const pid_t child = fork();
    if (child == 0) {
        pause();
        _exit(0);
    }
    setpgid(child, child);
    int status;
    return kill(-child, SIGKILL) == 0 && waitpid(child, &status, 0) == child;
}

static bool new_namespace(void) { return unshare(CLONE_NEWUSER) == 0; }
static bool no_new_rights(void) { return prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0) == 1; }
static bool secret(void) { return prctl(PR_GET_DUMPABLE, 0, 0, 0, 0) == 0; }
static bool inherited(void) { return fcntl(3, F_GETFD) >= 0; }
static bool unknown_call(void) { return syscall(600) == 0; }
static bool mount_folder(void) { return mount("none", folder, "tmpfs", 0, NULL) == 0; }
static bool trace(void) { return ptrace(PTRACE_TRACEME, 0, 0, 0) == 0; }

static bool spin(void) {
    for (volatile int turn = 0;; turn = !turn) {}
}

static const struct {
    const char *name;
    bool (*run)(void);
} trials[] = {
    {"inet", inet}, {"local", local}, {"read file", read_file}, {"read program", read_program},
    {"write file", write_file}, {"write much", write_much}, {"start program", start_program},
    {"start thread", start_thread}, {"memory", memory}, {"much memory", much_memory}, {"code", code},
    {"kill parent", kill_parent},
    {"kill all", kill_all}, {"kill self", kill_self}, {"leave session", leave_session},
    {"kill own group", kill_own_group},
    {"new namespace", new_namespace}, {"no new rights", no_new_rights}, {"secret", secret}, {"inherited", inherited},
    {"unknown call", unknown_call}, {"mount", mount_folder}, {"trace", trace}, {"spin", spin},
};

static int confine(const char *way) {
    const struct sandbox_limits limits = {
        .memory_bytes = 512 << 20, .cpu_seconds = 1, .file_bytes = 1 << 20, .open_files = 64};
    int failure = sandbox_close_inherited();
    if (!failure) failure = sandbox_limit(&limits);
    if (failure || strcmp(way, "limits") == 0) return failure;
    if (strcmp(way, "files") == 0) return sandbox_confine_files(folder);
    if (strcmp(way, "programs") == 0) return sandbox_confine_calls(SANDBOX_PROGRAMS);
    if (strcmp(way, "converters") == 0) return sandbox_confine_calls(SANDBOX_CONVERTERS);
    return sandbox_confine_calls(SANDBOX_COMPUTING);
}

int main(int count, char **arguments) {
    if (count < 3) return 64;
    folder = arguments[2];
    setvbuf(stdout, NULL, _IOLBF, 0);
    const int failure = confine(arguments[1]);
    if (failure) {
        printf("confine %d\n", failure);
        return 71;
    }
    for (int index = 3; index < count; index++) {
        for (size_t trial = 0; trial < sizeof trials / sizeof *trials; trial++) {
            if (strcmp(arguments[index], trials[trial].name) != 0) continue;
            errno = 0;
            const bool works = trials[trial].run();
            printf("%s %d\n", arguments[index], works ? 0 : errno ? errno : -1);
        }
    }
    return 0;
}
