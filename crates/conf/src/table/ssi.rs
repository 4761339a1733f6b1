//! ngx_http_ssi_module and ngx_http_sub_module: changes to text on its way out.

use super::kind::Special;

rows! { "ssi": "ngx_http_ssi_module and ngx_http_sub_module: changes to text on its way out";
    SSI "ssi" in HTTP | SERVER | LOCATION | LIF, FLAG, Flag = "off", Nearest,
        Differs("a page with much text behind an include waits for that include; what looks like the beginning of a command at the very end of a page is sent"), "Whether server-side includes are carried out.";
    SSI_SILENT_ERRORS "ssi_silent_errors" in HTTP | SERVER | LOCATION, FLAG, Flag = "off", Nearest,
        Honoured, "Whether errors leave no trace in the answer.";
    SSI_IGNORE_RECYCLED_BUFFERS "ssi_ignore_recycled_buffers" in HTTP | SERVER | LOCATION,
        FLAG, Flag = "off", Nearest,
        Accepted("there are no recycled buffers"), "Whether recycled buffers are passed over.";
    SSI_MIN_FILE_CHUNK "ssi_min_file_chunk" in HTTP | SERVER | LOCATION,
        TAKE1, Size = "1k", Nearest,
        Accepted("what is looked through is in memory"),
        "Smallest part that is sent straight from a file.";
    SSI_VALUE_LENGTH "ssi_value_length" in HTTP | SERVER | LOCATION, TAKE1, Size = "255", Nearest,
        Honoured, "Longest value of a parameter.";
    SSI_TYPES "ssi_types" in HTTP | SERVER | LOCATION, MORE1, MimeTypes = "text/html", Nearest,
        Honoured, "Media types that are looked through, besides text/html.";
    SSI_LAST_MODIFIED "ssi_last_modified" in HTTP | SERVER | LOCATION, FLAG, Flag = "off", Nearest,
        Honoured, "Whether Last-Modified is kept.";
    SUB_FILTER "sub_filter" in HTTP | SERVER | LOCATION,
        TAKE2, Special(Special::SubFilter), Nearest,
        Honoured, "Replaces a string in answers.";
    SUB_FILTER_TYPES "sub_filter_types" in HTTP | SERVER | LOCATION,
        MORE1, MimeTypes = "text/html", Nearest,
        Honoured, "Media types that are looked through, besides text/html.";
    SUB_FILTER_ONCE "sub_filter_once" in HTTP | SERVER | LOCATION, FLAG, Flag = "on", Nearest,
        Honoured, "Whether only the first match is replaced.";
    SUB_FILTER_LAST_MODIFIED "sub_filter_last_modified" in HTTP | SERVER | LOCATION,
        FLAG, Flag = "off", Nearest,
        Honoured, "Whether Last-Modified is kept.";
}
