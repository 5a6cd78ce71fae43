// How a process gives up what it does not need before it touches bytes from strangers, and how such a process is started.
//
// Linux only. Every function returns 0 or an `errno`, prints nothing and allocates nothing. What is given up stays given
// up, also in every program that the process starts.
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

/// What a process may use. Each program that it starts has the same bounds for itself.
struct sandbox_limits {
    /// Private memory. Mappings of all kinds may take 4 GiB more of addresses.
    uint64_t memory_bytes;
    /// Time on a processor; the process gets SIGXCPU when it is used up.
    uint64_t cpu_seconds;
    /// The size of one file that it writes; pipes do not count.
    uint64_t file_bytes;
    uint64_t open_files;
};

/// Sets the bounds, ends core dumps, and lets the process die with the thread that started it, gain no rights by what it
/// executes, and be looked into by nobody.
int sandbox_limit(const struct sandbox_limits *_Nonnull limits);

/// Closes every descriptor but 0, 1 and 2.
int sandbox_close_inherited(void);

/// The version of Landlock that this kernel offers, 0 where it has none.
int sandbox_landlock_version(void);

/// Leaves of the file system what programs and fonts are made of, to read, and one folder to write, and no network where
/// the kernel can say so. Needs `sandbox_limit` before it. ENOSYS where the kernel has no Landlock.
///
/// @param writable  A folder, or null.
int sandbox_confine_files(const char *_Nullable writable);

/// Which system calls are left.
enum sandbox_calls {
    /// What programs that read files and write to pipes need, and to start such programs: no sockets, no debugging, no
    /// mounting, no namespaces, no signals to older processes.
    SANDBOX_PROGRAMS,
    /// The same, but with sockets between processes of this machine, which office programs will not start without.
    SANDBOX_CONVERTERS,
    /// To compute, and to read and write what is open already: no files, no programs, no processes.
    SANDBOX_COMPUTING,
};

/// Whether this kernel filters system calls.
bool sandbox_has_filters(void);

/// Filters the system calls of all threads from now on. Filters add up. Needs `sandbox_limit` before it.
int sandbox_confine_calls(enum sandbox_calls calls);

/// A program to start, with three descriptors and nothing else of ours.
struct sandbox_command {
    /// A path, not looked up in PATH.
    const char *_Nonnull program;
    /// Ends with null; the first is the program's name for itself.
    char *_Nullable const *_Nullable arguments;
    /// Ends with null.
    char *_Nullable const *_Nullable environment;
    /// Where it runs, null for our own place.
    const char *_Nullable folder;
    /// Its descriptors 0, 1 and 2. All must be above 2.
    int input, output, errors;
};

/// Starts the program as the leader of a session of its own, so that its process group has its id, with every signal at its
/// default.
int sandbox_start(const struct sandbox_command *_Nonnull command, pid_t *_Nonnull process);
