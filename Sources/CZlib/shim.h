#include <zlib.h>

/// Begins to inflate a raw stream, as ZIP archives have them. `inflateInit2` is a macro, which Swift cannot call.
static inline int czlib_inflate_init(z_stream *_Nonnull stream) { return inflateInit2(stream, -MAX_WBITS); }

/// Begins to deflate into a raw stream.
static inline int czlib_deflate_init(z_stream *_Nonnull stream) {
    return deflateInit2(stream, Z_DEFAULT_COMPRESSION, Z_DEFLATED, -MAX_WBITS, 8, Z_DEFAULT_STRATEGY);
}
