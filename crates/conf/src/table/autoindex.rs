//! ngx_http_autoindex_module and ngx_http_random_index_module: directories.

use super::words;

rows! { "autoindex": "ngx_http_autoindex_module and ngx_http_random_index_module: directories";
    AUTOINDEX "autoindex" in HTTP | SERVER | LOCATION, FLAG, Flag = "off", Nearest,
        Differs("an entry that is removed while the directory is read is left out, where nginx breaks the listing off"), "Whether a directory without an index is listed.";
    AUTOINDEX_FORMAT "autoindex_format" in HTTP | SERVER | LOCATION,
        TAKE1, Enumeration(words::AUTOINDEX_FORMAT) = "html", Nearest,
        Honoured, "Format of listings.";
    AUTOINDEX_LOCALTIME "autoindex_localtime" in HTTP | SERVER | LOCATION,
        FLAG, Flag = "off", Nearest,
        Honoured, "Whether listings show local time.";
    AUTOINDEX_EXACT_SIZE "autoindex_exact_size" in HTTP | SERVER | LOCATION,
        FLAG, Flag = "on", Nearest,
        Honoured, "Whether listings show sizes to the byte.";
    RANDOM_INDEX "random_index" in LOCATION, FLAG, Flag = "off", Nearest,
        Honoured, "Whether a directory answers with a file picked at random.";
}
