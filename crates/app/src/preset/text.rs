//! The text of the preset.
//!
//! Source: Laravel's documentation, "Deployment, Nginx". Beyond it: security headers also on errors, unless the
//! application sends its own; other scripts are refused, not shown; `build/` never wakes PHP; what the build manifest
//! lists is immutable.

use std::fmt::Write as _;

use portunus_static_files::{BuildManifest, media_types};

use super::Preset;

/// What browsers are told unless the application tells them something else.
const SECURITY: &[(&str, &str)] = &[
    ("X-Frame-Options", "SAMEORIGIN"),
    ("X-Content-Type-Options", "nosniff"),
    ("Referrer-Policy", "strict-origin-when-cross-origin"),
];

/// What gets shorter when it is compressed. `text/html` always is among it.
const COMPRESSED: &[&str] = &[
    "application/javascript",
    "application/json",
    "application/ld+json",
    "application/manifest+json",
    "application/rss+xml",
    "application/vnd.ms-fontobject",
    "application/wasm",
    "application/xml",
    "font/otf",
    "font/ttf",
    "image/bmp",
    "image/svg+xml",
    "image/x-icon",
    "text/css",
    "text/csv",
    "text/javascript",
    "text/markdown",
    "text/plain",
    "text/xml",
];

/// What is text in the application's charset.
const TEXT: &str = "text/css text/javascript text/markdown text/plain text/xml";

pub(super) fn write(preset: &Preset, manifest: &BuildManifest) -> String {
    let pid = quoted(&preset.pid.display().to_string());
    let temporary = quoted(&std::env::temp_dir().join("portunus").display().to_string());
    let max_body = quoted(&preset.max_body);
    format!(
        "# A Laravel application, as \"portunus serve\" runs it. nginx takes this, too, without the lines that end in \"# portunus\".

daemon           off;
worker_processes auto;
pid              {pid};
error_log        stderr notice;

events {{
    worker_connections 4096;
}}

http {{
    log_format main '$remote_addr - $remote_user [$time_local] \"$request\" $status '
                    '$body_bytes_sent \"$http_referer\" \"$http_user_agent\" $request_time';
    access_log /dev/stdout main;

    server_tokens         off;
    sendfile              on;
    tcp_nopush            on;
    map_hash_max_size     65536;
    map_hash_bucket_size  512;
    keepalive_timeout     95s;
    client_max_body_size  {max_body};
    client_body_temp_path {temporary};

{compression}
{proxies}
{headers}
{immutable}
{server}
    # Registered media types by file name extension.
    types_hash_max_size 8192;
    default_type        application/octet-stream;
    types {{
{types}    }}
}}
",
        compression = compression(),
        proxies = proxies(&preset.trusted),
        headers = header_maps(),
        immutable = immutable(manifest),
        server = server(preset),
        types = types(),
    )
}

fn compression() -> String {
    let types = COMPRESSED.join(" ");
    let mut text = format!(
        "    gzip            on;
    gzip_vary       on;
    gzip_proxied    any;
    gzip_comp_level 5;
    gzip_min_length 512;
    gzip_types      {types};
"
    );
    for (coding, level) in [("brotli", 4), ("zstd", 3)] {
        let _ = write!(
            text,
            "    {coding} on;  # portunus
    {coding}_comp_level {level};  # portunus
    {coding}_min_length 512;  # portunus
    {coding}_types {types};  # portunus
"
        );
    }
    text
}

/// Who the client is and how it came, by TLS and to which port, if a trusted proxy says so.
fn proxies(trusted: &[String]) -> String {
    if trusted.is_empty() {
        let own = |name| format!("    map $scheme $client_{name} {{ default ${name}; }}\n");
        return ["https", "scheme"].map(own).concat()
            + "    map $scheme $client_port { default $server_port; }\n";
    }
    let mut text = String::new();
    for network in trusted {
        let _ = writeln!(text, "    set_real_ip_from {};", quoted(network));
    }
    text.push_str(
        "    real_ip_header    X-Forwarded-For;
    real_ip_recursive on;
    geo $realip_remote_addr $from_proxy {
        default 0;
",
    );
    for network in trusted {
        let _ = writeln!(text, "        {} 1;", quoted(network));
    }
    text.push_str(
        "    }
    map $from_proxy:$http_x_forwarded_proto $client_https {
        default  $https;
        1:https  on;
        1:wss    on;
        1:http   \"\";
        1:ws     \"\";
    }
    map $from_proxy:$http_x_forwarded_proto $client_scheme {
        default  $scheme;
        1:https  https;
        1:wss    https;
        1:http   http;
        1:ws     http;
    }
    map $from_proxy:$http_x_forwarded_proto:$http_x_forwarded_port $client_port {
        default                          $server_port;
        1:https:                         443;
        1:wss:                           443;
        1:http:                          80;
        1:ws:                            80;
        \"~^1:[a-z]*:(?<told>[0-9]+)$\"  $told;
    }
",
    );
    text
}

/// A variable for each security header: empty where the application has sent its own.
fn header_maps() -> String {
    let map = |(name, value): &(&str, &str)| {
        let (variable, value) = (variable(name), quoted(value));
        format!("    map $upstream_http_{variable} $add_{variable} {{ \"\" {value}; }}\n")
    };
    SECURITY.iter().map(map).collect()
}

fn variable(name: &str) -> String {
    name.to_ascii_lowercase().replace('-', "_")
}

fn immutable(manifest: &BuildManifest) -> String {
    let mut files: Vec<_> = manifest
        .files()
        .filter_map(|file| std::str::from_utf8(file).ok())
        .map(literal)
        .collect();
    files.sort_unstable();
    let mut text = "    # What the build manifest lists has a hash of its content in its name.
    map $uri $immutable {
"
    .to_owned();
    for names in grouped(&files) {
        let uri = quoted(&format!("~^/build/(?:{names})$"));
        let _ = writeln!(
            text,
            "        {uri} \"public, max-age=31536000, immutable\";"
        );
    }
    text.push_str("    }\n");
    text
}

/// Joins names to alternatives of a regular expression, as many as fit into one. Plain strings would not do: a `map`
/// looks them up without regard to case, and a hash in a name is one with regard to it.
fn grouped(names: &[String]) -> Vec<String> {
    let mut groups: Vec<String> = Vec::new();
    for name in names {
        match groups.last_mut() {
            Some(group) if group.len() + name.len() < LONGEST_GROUP => {
                group.push('|');
                group.push_str(name);
            }
            _ => groups.push(name.clone()),
        }
    }
    groups
}

/// nginx takes words of up to 4096 bytes; a backslash is written as two.
const LONGEST_GROUP: usize = 1500;

/// A regular expression that matches just this.
fn literal(name: &str) -> String {
    let mut pattern = String::with_capacity(name.len() + 4);
    for c in name.chars() {
        if r"\.^$|?*+()[]{}".contains(c) {
            pattern.push('\\');
        }
        pattern.push(c);
    }
    pattern
}

fn server(preset: &Preset) -> String {
    let mut listen = String::new();
    for address in &preset.listen {
        let _ = writeln!(
            listen,
            "        listen        {} default_server;",
            quoted(address)
        );
    }
    let mut headers = String::new();
    for (name, _) in SECURITY {
        let _ = writeln!(
            headers,
            "        add_header    {name} $add_{} always;",
            variable(name)
        );
    }
    let root = quoted(&preset.public.display().to_string());
    let fpm = quoted(&preset.fpm);
    let params: String = FASTCGI_PARAMS
        .lines()
        .filter(|line| line.starts_with("fastcgi_param"))
        .map(|line| format!("            {line}\n"))
        .collect();
    format!(
        "    server {{
{listen}        server_name   _;
        root          {root};
        index         index.php;
        charset       utf-8;
        charset_types {TEXT};

{headers}        add_header    Cache-Control $immutable;

        location / {{
            try_files $uri $uri/ /index.php?$query_string;
        }}

        # A missing asset is nobody's page: PHP is not asked.
        location /build/ {{
            try_files $uri =404;
        }}

        location = /favicon.ico {{
            access_log off;
            log_not_found off;
            try_files $uri /index.php?$query_string;
        }}
        location = /robots.txt {{
            access_log off;
            log_not_found off;
            try_files $uri /index.php?$query_string;
        }}

        # The front controller, and no other script.
        location ~ ^/index\\.php(?:/|$) {{
            fastcgi_pass {fpm};
            fastcgi_split_path_info ^(/index\\.php)(/.*)$;
{params}            fastcgi_param HTTPS             $client_https if_not_empty;
            fastcgi_param REQUEST_SCHEME    $client_scheme;
            fastcgi_param SERVER_PORT       $client_port;
            fastcgi_param PATH_INFO         $fastcgi_path_info;
            fastcgi_param SCRIPT_FILENAME   $realpath_root$fastcgi_script_name;
            fastcgi_param DOCUMENT_ROOT     $realpath_root;
            fastcgi_hide_header X-Powered-By;
            fastcgi_buffer_size 16k;
            fastcgi_buffers 16 16k;
            fastcgi_busy_buffers_size 32k;
        }}

        # .env, .git and their like.
        location ~ /\\.(?!well-known(?:/|$)) {{
            deny all;
        }}

        location ~* \\.(?:php[0-9]?|phps|pht|phtml|phar)(?:/|$) {{
            return 404;
        }}
    }}
"
    )
}

/// What the configuration in `config/` sends to PHP, too.
const FASTCGI_PARAMS: &str = include_str!("../../../../config/fastcgi_params");

fn types() -> String {
    let mut text = String::new();
    for (media_type, extensions) in media_types::registered() {
        let extensions: Vec<_> = extensions.iter().map(|word| quoted(word)).collect();
        let _ = writeln!(text, "        {media_type} {};", extensions.join(" "));
    }
    text
}

/// A word that means what it says, whatever is in it.
fn quoted(word: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || "/.:_-[]".contains(c);
    if !word.is_empty() && word.chars().all(plain) {
        return word.to_owned();
    }
    format!("\"{}\"", word.replace('\\', "\\\\").replace('"', "\\\""))
}
