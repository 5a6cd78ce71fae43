#include "CAssets.h"

static const unsigned char sqlite_0001_initial[] = {
#embed "../../Migrations/sqlite/0001_initial.sql"
};

static const struct asset sqlite_migrations[] = {
    {"0001_initial.sql", sqlite_0001_initial, sizeof sqlite_0001_initial},
};

size_t asset_sqlite_migration_count(void) {
    return sizeof sqlite_migrations / sizeof sqlite_migrations[0];
}

struct asset asset_sqlite_migration(size_t index) {
    return sqlite_migrations[index];
}
