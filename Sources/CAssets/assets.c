#include "CAssets.h"

static const unsigned char sqlite_0001_initial[] = {
#embed "../../Migrations/sqlite/0001_initial.sql"
};

static const unsigned char sqlite_0002_keywords[] = {
#embed "../../Migrations/sqlite/0002_keywords.sql"
};

static const unsigned char sqlite_0003_jobs[] = {
#embed "../../Migrations/sqlite/0003_jobs.sql"
};

static const unsigned char sqlite_0004_search_settings[] = {
#embed "../../Migrations/sqlite/0004_search_settings.sql"
};

static const unsigned char sqlite_0005_index_segments[] = {
#embed "../../Migrations/sqlite/0005_index_segments.sql"
};

static const unsigned char sqlite_0006_batches[] = {
#embed "../../Migrations/sqlite/0006_batches.sql"
};

static const unsigned char sqlite_0007_usage[] = {
#embed "../../Migrations/sqlite/0007_usage.sql"
};

static const unsigned char sqlite_0008_generations[] = {
#embed "../../Migrations/sqlite/0008_generations.sql"
};

static const unsigned char sqlite_0009_batch_keys[] = {
#embed "../../Migrations/sqlite/0009_batch_keys.sql"
};

static const unsigned char sqlite_0010_expiry[] = {
#embed "../../Migrations/sqlite/0010_expiry.sql"
};

static const unsigned char sqlite_0011_edition_by_chunk[] = {
#embed "../../Migrations/sqlite/0011_edition_by_chunk.sql"
};

static const unsigned char sqlite_0012_batch_end_by_removal[] = {
#embed "../../Migrations/sqlite/0012_batch_end_by_removal.sql"
};

static const struct asset sqlite_migrations[] = {
    {"0001_initial.sql", sqlite_0001_initial, sizeof sqlite_0001_initial},
    {"0002_keywords.sql", sqlite_0002_keywords, sizeof sqlite_0002_keywords},
    {"0003_jobs.sql", sqlite_0003_jobs, sizeof sqlite_0003_jobs},
    {"0004_search_settings.sql", sqlite_0004_search_settings, sizeof sqlite_0004_search_settings},
    {"0005_index_segments.sql", sqlite_0005_index_segments, sizeof sqlite_0005_index_segments},
    {"0006_batches.sql", sqlite_0006_batches, sizeof sqlite_0006_batches},
    {"0007_usage.sql", sqlite_0007_usage, sizeof sqlite_0007_usage},
    {"0008_generations.sql", sqlite_0008_generations, sizeof sqlite_0008_generations},
    {"0009_batch_keys.sql", sqlite_0009_batch_keys, sizeof sqlite_0009_batch_keys},
    {"0010_expiry.sql", sqlite_0010_expiry, sizeof sqlite_0010_expiry},
    {"0011_edition_by_chunk.sql", sqlite_0011_edition_by_chunk, sizeof sqlite_0011_edition_by_chunk},
    {"0012_batch_end_by_removal.sql", sqlite_0012_batch_end_by_removal, sizeof sqlite_0012_batch_end_by_removal},
};

static const unsigned char console_index_html[] = {
#embed "web/index.html"
};

static const unsigned char console_app_js[] = {
#embed "web/app.js"
};

static const unsigned char console_style_css[] = {
#embed "web/style.css"
};

static const unsigned char console_docs_html[] = {
#embed "web/docs.html"
};

static const unsigned char console_docs_js[] = {
#embed "web/docs.js"
};

static const unsigned char console_openapi_json[] = {
#embed "web/openapi.json"
};

static const struct asset console_files[] = {
    {"index.html", console_index_html, sizeof console_index_html},
    {"app.js", console_app_js, sizeof console_app_js},
    {"style.css", console_style_css, sizeof console_style_css},
    {"docs.html", console_docs_html, sizeof console_docs_html},
    {"docs.js", console_docs_js, sizeof console_docs_js},
    {"openapi.json", console_openapi_json, sizeof console_openapi_json},
};

size_t asset_sqlite_migration_count(void) {
    return sizeof sqlite_migrations / sizeof sqlite_migrations[0];
}

struct asset asset_sqlite_migration(size_t index) {
    return sqlite_migrations[index];
}

size_t asset_console_file_count(void) {
    return sizeof console_files / sizeof console_files[0];
}

struct asset asset_console_file(size_t index) {
    return console_files[index];
}
