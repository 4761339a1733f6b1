//! ngx_http_map_module, ngx_http_geo_module, ngx_http_split_clients_module: variables from variables.

use super::kind::Special;

rows! { "map": "ngx_http_map_module, ngx_http_geo_module, ngx_http_split_clients_module: variables from variables";
    MAP "map" in HTTP, TAKE2 block, Special(Special::Map), Own,
        Differs("a text with captures and maps is read from left to right; nginx looks up all maps in it before it takes the captures"), "A variable whose value depends on other variables.";
    MAP_HASH_MAX_SIZE "map_hash_max_size" in HTTP, TAKE1, Number = "2048", Own,
        Accepted("hash tables size themselves"), "Largest size of the hash tables of maps.";
    MAP_HASH_BUCKET_SIZE "map_hash_bucket_size" in HTTP, TAKE1, Number = "64", Own,
        Accepted("hash tables size themselves"), "Bucket size of the hash tables of maps.";
    GEO "geo" in HTTP, TAKE12 block, Special(Special::Geo), Own,
        Honoured, "A variable whose value depends on a client address.";
    SPLIT_CLIENTS "split_clients" in HTTP, TAKE2 block, Special(Special::SplitClients), Own,
        Honoured, "A variable that splits clients into shares.";
}
