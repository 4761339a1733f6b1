//! ngx_http_referer_module and ngx_http_secure_link_module.

use super::kind::Special;

rows! { "referer": "ngx_http_referer_module and ngx_http_secure_link_module";
    VALID_REFERERS "valid_referers" in SERVER | LOCATION,
        MORE1, Special(Special::ValidReferers), Nearest,
        Honoured, "Referers that leave $invalid_referer empty.";
    REFERER_HASH_MAX_SIZE "referer_hash_max_size" in SERVER | LOCATION,
        TAKE1, Number = "2048", Nearest,
        Accepted("hash tables size themselves"), "Largest size of the hash table of referers.";
    REFERER_HASH_BUCKET_SIZE "referer_hash_bucket_size" in SERVER | LOCATION,
        TAKE1, Number = "64", Nearest,
        Accepted("hash tables size themselves"), "Bucket size of the hash table of referers.";
    SECURE_LINK "secure_link" in HTTP | SERVER | LOCATION, TAKE1, Complex, Nearest,
        Honoured, "Where a link carries its checksum and lifetime.";
    SECURE_LINK_MD5 "secure_link_md5" in HTTP | SERVER | LOCATION, TAKE1, Complex, Nearest,
        Honoured, "Text whose MD5 the checksum must be.";
    SECURE_LINK_SECRET "secure_link_secret" in HTTP | SERVER | LOCATION, TAKE1, Text, Nearest,
        Honoured, "Secret word of simple links.";
}
