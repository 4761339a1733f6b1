//! ngx_http_gzip_module, ngx_http_gzip_static_module and ngx_http_gunzip_module.

use super::kind::SizeRule;
use super::words;

rows! { "gzip": "ngx_http_gzip_module, ngx_http_gzip_static_module and ngx_http_gunzip_module";
    GZIP "gzip" in HTTP | SERVER | LOCATION | LIF, FLAG, Flag = "off", Nearest,
        Differs("static text is compressed once and kept, then sent with its length"),
        "Whether answers are compressed.";
    GZIP_BUFFERS "gzip_buffers" in HTTP | SERVER | LOCATION, TAKE2, Buffers = "32 4k", Nearest,
        Accepted("output buffers grow as needed"), "Buffers for compressed output.";
    GZIP_TYPES "gzip_types" in HTTP | SERVER | LOCATION, MORE1, MimeTypes = "text/html", Nearest,
        Differs("parameters of a type do not count; nginx sees past the charset only"),
        "Media types that are compressed, besides text/html.";
    GZIP_COMP_LEVEL "gzip_comp_level" in HTTP | SERVER | LOCATION,
        TAKE1, NumberIn(1, 9) = "1", Nearest,
        Honoured, "How hard to compress, 1 to 9.";
    GZIP_WINDOW "gzip_window" in HTTP | SERVER | LOCATION,
        TAKE1, SizeWith(SizeRule::GzipWindow), Nearest,
        Honoured, "Window of the compressor.";
    GZIP_HASH "gzip_hash" in HTTP | SERVER | LOCATION, TAKE1, SizeWith(SizeRule::GzipHash), Nearest,
        Accepted("the memory of the compressor is chosen by level"),
        "Hash table of the compressor.";
    POSTPONE_GZIPPING "postpone_gzipping" in HTTP | SERVER | LOCATION, TAKE1, Size = "0", Nearest,
        Accepted("compression starts with the first byte"),
        "How much is gathered before compression starts.";
    GZIP_NO_BUFFER "gzip_no_buffer" in HTTP | SERVER | LOCATION, FLAG, Flag = "off", Nearest,
        Accepted("compressed output is flushed when its input was"),
        "Whether compressed output is sent at once.";
    GZIP_MIN_LENGTH "gzip_min_length" in HTTP | SERVER | LOCATION, TAKE1, Size = "20", Nearest,
        Honoured, "Shortest answer that is compressed.";
    GZIP_STATIC "gzip_static" in HTTP | SERVER | LOCATION,
        TAKE1, Enumeration(words::OFF_ON_ALWAYS) = "off", Nearest,
        Differs("ranges of it are served, as by newer nginx"),
        "Whether a ready-made \".gz\" file is sent.";
    GUNZIP "gunzip" in HTTP | SERVER | LOCATION, FLAG, Flag = "off", Nearest,
        Honoured, "Whether answers are decompressed for clients that need it.";
    GUNZIP_BUFFERS "gunzip_buffers" in HTTP | SERVER | LOCATION, TAKE2, Buffers = "32 4k", Nearest,
        Accepted("output buffers grow as needed"), "Buffers for decompressed output.";
}
