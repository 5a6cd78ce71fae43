// Landlock (https://docs.kernel.org/userspace-api/landlock.html), by its system calls: the C library has no functions
// for it, and the numbers of newer versions are missing from older headers.
#define _GNU_SOURCE
#include "CSandbox.h"

#include <errno.h>
#include <fcntl.h>
#include <stddef.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

enum { CREATE_RULESET = 444, ADD_RULE = 445, RESTRICT_SELF = 446 };
enum { RULESET_VERSION = 1, RULE_PATH_BENEATH = 1 };

#define EXECUTE (1ULL << 0)
#define WRITE_FILE (1ULL << 1)
#define READ_FILE (1ULL << 2)
#define READ_FOLDER (1ULL << 3)
#define TRUNCATE (1ULL << 14)
#define REFER (1ULL << 13)
#define DEVICE_CONTROL (1ULL << 15)
#define ALL_OF_VERSION_1 ((1ULL << 13) - 1)
#define READING (EXECUTE | READ_FILE | READ_FOLDER)
/// Connecting and listening over TCP.
#define NETWORK 3ULL
/// Abstract sockets and signals of processes outside.
#define SCOPES 3ULL
/// Rights that a rule on something other than a folder may name.
#define FILE_RIGHTS (EXECUTE | WRITE_FILE | READ_FILE | TRUNCATE | DEVICE_CONTROL)

struct ruleset {
    uint64_t files, network, scopes;
};

struct rule {
    uint64_t rights;
    int32_t folder;
} __attribute__((packed));

int sandbox_landlock_version(void) {
    const long version = syscall(CREATE_RULESET, NULL, (size_t)0, RULESET_VERSION);
    return version > 0 ? (int)version : 0;
}

/// Everything that the version knows to refuse is refused unless a rule allows it.
static struct ruleset everything(int version) {
    struct ruleset rules = {.files = ALL_OF_VERSION_1};
    if (version >= 2) rules.files |= REFER;
    if (version >= 3) rules.files |= TRUNCATE;
    if (version >= 4) rules.network = NETWORK;
    if (version >= 5) rules.files |= DEVICE_CONTROL;
    if (version >= 6) rules.scopes = SCOPES;
    return rules;
}

/// Allows the rights below a path; a path that is not there needs none.
static int allow(int rules, const char *path, uint64_t rights) {
    const int place = open(path, O_PATH | O_CLOEXEC);
    if (place < 0) return errno == ENOENT ? 0 : errno;
    struct stat kind;
    if (fstat(place, &kind) == 0 && !S_ISDIR(kind.st_mode)) rights &= FILE_RIGHTS;
    const struct rule rule = {.rights = rights, .folder = place};
    const int failure = syscall(ADD_RULE, rules, RULE_PATH_BENEATH, &rule, 0) == 0 ? 0 : errno;
    close(place);
    return failure;
}

static int allow_places(int rules, uint64_t known, const char *writable) {
    static const char *const readable[] = {
        "/usr", "/lib", "/lib64", "/bin", "/etc/ld.so.cache", "/etc/fonts", "/etc/alternatives", "/etc/localtime",
        "/var/cache/fontconfig", "/dev/urandom", "/dev/zero", "/sys/devices/system/cpu",
    };
    for (size_t place = 0; place < sizeof readable / sizeof *readable; place++) {
        const int failure = allow(rules, readable[place], READING);
        if (failure) return failure;
    }
    const int failure = allow(rules, "/dev/null", (READ_FILE | WRITE_FILE | TRUNCATE) & known);
    if (failure) return failure;
    // Nothing that was written may be executed.
    return writable ? allow(rules, writable, known & ~EXECUTE & ~DEVICE_CONTROL) : 0;
}

int sandbox_confine_files(const char *writable) {
    const int version = sandbox_landlock_version();
    if (version == 0) return ENOSYS;
    const struct ruleset rights = everything(version);
    const size_t before_scopes = version >= 4 ? offsetof(struct ruleset, scopes) : sizeof rights.files;
    const size_t size = version >= 6 ? sizeof rights : before_scopes;
    const int rules = (int)syscall(CREATE_RULESET, &rights, size, 0);
    if (rules < 0) return errno;
    int failure = allow_places(rules, rights.files, writable);
    if (!failure && syscall(RESTRICT_SELF, rules, 0) != 0) failure = errno;
    close(rules);
    return failure;
}
