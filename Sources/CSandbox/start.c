#define _GNU_SOURCE
#include "CSandbox.h"

#include <errno.h>
#include <signal.h>
#include <spawn.h>
#include <time.h>

static int describe(
    const struct sandbox_command *command, posix_spawn_file_actions_t *actions, posix_spawnattr_t *attributes
) {
    int failure = 0;
    if ((failure = posix_spawn_file_actions_adddup2(actions, command->input, 0))) return failure;
    if ((failure = posix_spawn_file_actions_adddup2(actions, command->output, 1))) return failure;
    if ((failure = posix_spawn_file_actions_adddup2(actions, command->errors, 2))) return failure;
    if ((failure = posix_spawn_file_actions_addclosefrom_np(actions, 3))) return failure;
    if (command->folder && (failure = posix_spawn_file_actions_addchdir_np(actions, command->folder))) return failure;
    sigset_t signals;
    sigfillset(&signals);
    if ((failure = posix_spawnattr_setsigdefault(attributes, &signals))) return failure;
    sigemptyset(&signals);
    if ((failure = posix_spawnattr_setsigmask(attributes, &signals))) return failure;
    return posix_spawnattr_setflags(attributes, POSIX_SPAWN_SETSID | POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETSIGMASK);
}

int sandbox_start(const struct sandbox_command *command, pid_t *process) {
    posix_spawn_file_actions_t actions;
    posix_spawnattr_t attributes;
    int failure = posix_spawn_file_actions_init(&actions);
    if (failure) return failure;
    failure = posix_spawnattr_init(&attributes);
    if (!failure) {
        failure = describe(command, &actions, &attributes);
        if (!failure) {
            // A program that was written this moment is busy until every child that was forked meanwhile, and has
            // the writer's descriptor, has come to its own exec.
            const struct timespec pause = {.tv_nsec = 1000000};
            for (int tries = 0; tries == 0 || (failure == ETXTBSY && tries < 100); tries++) {
                if (tries > 0) nanosleep(&pause, NULL);
                failure = posix_spawn(
                    process, command->program, &actions, &attributes, command->arguments, command->environment);
            }
        }
        posix_spawnattr_destroy(&attributes);
    }
    posix_spawn_file_actions_destroy(&actions);
    return failure;
}
