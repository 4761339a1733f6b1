//! Brotli and zstd beside gzip, in the style of the gzip directives; not part of nginx.

use super::words;

rows! { "compression": "Brotli and zstd; not part of nginx, named after its third-party modules";
    BROTLI "brotli" in HTTP | SERVER | LOCATION | LIF, FLAG, Flag = "off", Nearest,
        Differs("static text is compressed once and kept, then sent with its length"), "Whether answers are compressed with Brotli where the client takes it.";
    BROTLI_STATIC "brotli_static" in HTTP | SERVER | LOCATION,
        TAKE1, Enumeration(words::OFF_ON_ALWAYS) = "off", Nearest,
        Honoured, "Whether a ready-made \".br\" file is sent.";
    BROTLI_TYPES "brotli_types" in HTTP | SERVER | LOCATION, MORE1, MimeTypes = "text/html", Nearest,
        Honoured, "Media types that are compressed, besides text/html.";
    BROTLI_COMP_LEVEL "brotli_comp_level" in HTTP | SERVER | LOCATION,
        TAKE1, NumberIn(0, 11) = "6", Nearest,
        Differs("an answer on its way takes 4 MiB at most, with the default window: levels 7 to 9 are 6, and so are 10 and 11 unless the answer is known to have at most 32k; static text is compressed as hard as is reasonable, once"), "How hard to compress, 0 to 11.";
    BROTLI_MIN_LENGTH "brotli_min_length" in HTTP | SERVER | LOCATION, TAKE1, Size = "20", Nearest,
        Honoured, "Shortest answer that is compressed.";
    BROTLI_WINDOW "brotli_window" in HTTP | SERVER | LOCATION, TAKE1, Size = "512k", Nearest,
        Honoured, "Window of the compressor.";
    BROTLI_BUFFERS "brotli_buffers" in HTTP | SERVER | LOCATION,
        TAKE2, Buffers = "32 4k", Nearest,
        Accepted("output buffers grow as needed"), "Buffers for compressed output.";
    ZSTD "zstd" in HTTP | SERVER | LOCATION | LIF, FLAG, Flag = "off", Nearest,
        Differs("static text is compressed once and kept, then sent with its length"), "Whether answers are compressed with zstd where the client takes it.";
    ZSTD_STATIC "zstd_static" in HTTP | SERVER | LOCATION,
        TAKE1, Enumeration(words::OFF_ON_ALWAYS) = "off", Nearest,
        Honoured, "Whether a ready-made \".zst\" file is sent.";
    ZSTD_TYPES "zstd_types" in HTTP | SERVER | LOCATION, MORE1, MimeTypes = "text/html", Nearest,
        Honoured, "Media types that are compressed, besides text/html.";
    ZSTD_COMP_LEVEL "zstd_comp_level" in HTTP | SERVER | LOCATION,
        TAKE1, NumberIn(1, 22) = "3", Nearest,
        Differs("levels above 19 are 19"), "How hard to compress, 1 to 22.";
    ZSTD_MIN_LENGTH "zstd_min_length" in HTTP | SERVER | LOCATION, TAKE1, Size = "20", Nearest,
        Honoured, "Shortest answer that is compressed.";
    ZSTD_BUFFERS "zstd_buffers" in HTTP | SERVER | LOCATION, TAKE2, Buffers = "32 4k", Nearest,
        Accepted("output buffers grow as needed"), "Buffers for compressed output.";
}
