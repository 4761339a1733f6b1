//! ngx_http_dav_module: WebDAV, refused.

use super::words;

rows! { "dav": "ngx_http_dav_module: WebDAV, refused";
    DAV_METHODS "dav_methods" in HTTP | SERVER | LOCATION,
        MORE1, Bits(words::DAV_METHODS) = "off", Nearest,
        Unsupported, "WebDAV methods that are allowed.";
    CREATE_FULL_PUT_PATH "create_full_put_path" in HTTP | SERVER | LOCATION,
        FLAG, Flag = "off", Nearest,
        Unsupported, "Whether missing directories are created.";
    MIN_DELETE_DEPTH "min_delete_depth" in HTTP | SERVER | LOCATION, TAKE1, Number = "0", Nearest,
        Unsupported, "How deep a path must be to be deleted.";
    DAV_ACCESS "dav_access" in HTTP | SERVER | LOCATION, TAKE123, AccessRights = "user:rw", Nearest,
        Unsupported, "Access rights of new files.";
}
