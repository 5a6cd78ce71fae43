#ifndef CASSETS_H
#define CASSETS_H

#include <stddef.h>

/// A file that the binary carries. Lives as long as the process.
struct asset {
    /// Its name in the source folder, such as `0001_initial.sql`.
    const char *_Nonnull name;
    const unsigned char *_Nonnull bytes;
    size_t length;
};

/// How many files `Migrations/sqlite` has.
size_t asset_sqlite_migration_count(void);

/// The files of `Migrations/sqlite` in the order of their names.
///
/// @param index  Less than `asset_sqlite_migration_count()`.
struct asset asset_sqlite_migration(size_t index);

/// How many files `web` has.
size_t asset_console_file_count(void);

/// The files of `web`: the console, the description of the API, and the page that shows it.
///
/// @param index  Less than `asset_console_file_count()`.
struct asset asset_console_file(size_t index);

#endif
