//! ngx_http_index_module, ngx_http_try_files_module, ngx_http_empty_gif_module, ngx_http_mirror_module, ngx_http_stub_status_module.

use super::kind::Special;

rows! { "index": "ngx_http_index_module, ngx_http_try_files_module, ngx_http_empty_gif_module, ngx_http_mirror_module, ngx_http_stub_status_module";
    INDEX "index" in HTTP | SERVER | LOCATION,
        MORE1, Special(Special::Index) = "index.html", Nearest,
        Honoured, "Files that answer for a directory.";
    TRY_FILES "try_files" in SERVER | LOCATION, MORE2, Special(Special::TryFiles), Own,
        Differs("below an alias the last name keeps the prefix of the location where nothing with a slash in front would be left of it"), "Files to look for in turn, and what to do when there is none.";
    EMPTY_GIF "empty_gif" in LOCATION, NOARGS, Special(Special::EmptyGif), Location,
        Honoured, "Answers with a one-pixel image.";
    MIRROR "mirror" in HTTP | SERVER | LOCATION, TAKE1, Special(Special::Mirror) = "off", Nearest,
        Differs("the connection does not wait for the answers to the copies"), "Sends a copy of every request to another location.";
    MIRROR_REQUEST_BODY "mirror_request_body" in HTTP | SERVER | LOCATION,
        FLAG, Flag = "on", Nearest,
        Honoured, "Whether the copies carry the body.";
    STUB_STATUS "stub_status" in SERVER | LOCATION, TAKE01, Special(Special::StubStatus), Location,
        Honoured, "Answers with the counters of connections and requests.";
}
