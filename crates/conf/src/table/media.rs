//! ngx_http_flv_module, ngx_http_mp4_module, ngx_http_slice_module: streaming of video, refused.

rows! { "media": "ngx_http_flv_module, ngx_http_mp4_module, ngx_http_slice_module: streaming of video, refused";
    FLV "flv" in LOCATION, NOARGS, Words, Location,
        Unsupported, "Serves FLV files from a point in time.";
    MP4 "mp4" in LOCATION, NOARGS, Words, Location,
        Unsupported, "Serves MP4 files from a point in time.";
    MP4_BUFFER_SIZE "mp4_buffer_size" in HTTP | SERVER | LOCATION, TAKE1, Size = "512k", Nearest,
        Unsupported, "Buffer for MP4 files.";
    MP4_MAX_BUFFER_SIZE "mp4_max_buffer_size" in HTTP | SERVER | LOCATION,
        TAKE1, Size = "10m", Nearest,
        Unsupported, "Largest buffer for MP4 metadata.";
    MP4_START_KEY_FRAME "mp4_start_key_frame" in HTTP | SERVER | LOCATION,
        FLAG, Flag = "off", Nearest,
        Unsupported, "Whether output starts at a key frame.";
    SLICE "slice" in HTTP | SERVER | LOCATION, TAKE1, Size = "0", Nearest,
        Unsupported, "Fetches large answers in slices.";
}
