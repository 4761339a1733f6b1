//! ngx_http_log_module: the access log.

use super::kind::Special;

rows! { "log": "ngx_http_log_module: the access log";
    LOG_FORMAT "log_format" in HTTP, MORE2, Special(Special::LogFormat) = "combined \"...\"", Own,
        Differs("escape=none leaves everything as it is but control bytes, which would forge lines; $sent_http_connection is what was sent, where nginx says close in every line"),
        "Names a format of log lines.";
    ACCESS_LOG "access_log" in HTTP | SERVER | LOCATION | LIF | LMT,
        MORE1, Special(Special::AccessLog) = "logs/access.log combined", Nearest,
        Differs("lines are written within milliseconds whatever buffer= and flush= say, unless gzip= has them gathered; a path that variables make climb (..) is not opened; where the default log cannot be opened a warning says so, and nothing is logged"),
        "Where requests are logged, and how.";
    OPEN_LOG_FILE_CACHE "open_log_file_cache" in HTTP | SERVER | LOCATION,
        TAKE1234, Special(Special::OpenLogFileCache) = "off", Nearest,
        Honoured, "Keeps log files with variable names open.";
}
