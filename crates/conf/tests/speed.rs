//! How long it takes to read and check a large configuration; the figure is printed (`--nocapture`).

use std::fmt::Write as _;
use std::time::{Duration, Instant};

use portunus_conf::{Config, LoadOptions};

/// Lines that the configuration has at least.
const LINES: usize = 10_000;

/// The bound of optimised builds; others are an order of magnitude slower, and share the machine with other tests.
const MOST: Duration = Duration::from_millis(if cfg!(debug_assertions) { 2_000 } else { 50 });

/// Servers like those of a host with many sites.
fn configuration() -> String {
    let mut text = String::from("events { worker_connections 1024; }\nhttp {\n");
    let mut number = 0;
    while text.lines().count() < LINES {
        number += 1;
        write!(
            text,
            r#"    server {{
        listen 80;
        server_name site{number}.test www.site{number}.test;
        root /var/www/site{number}/public;
        index index.html index.php;
        charset utf-8;
        client_max_body_size 64m;
        add_header X-Frame-Options "SAMEORIGIN";
        add_header X-Content-Type-Options "nosniff" always;

        # Everything that is no file goes to the application.
        location / {{
            try_files $uri $uri/ /index.php?$query_string;
        }}
        location = /favicon.ico {{ access_log off; log_not_found off; }}
        location = /robots.txt {{ access_log off; log_not_found off; }}
        location ~* \.(?:css|js|png|jpe?g|svg|woff2?)$ {{
            expires 30d;
            add_header Cache-Control "public, immutable";
        }}
        location ~ \.php$ {{
            fastcgi_pass 127.0.0.1:9000;
            fastcgi_index index.php;
            fastcgi_param SCRIPT_FILENAME $realpath_root$fastcgi_script_name;
            fastcgi_param DOCUMENT_ROOT $realpath_root;
            fastcgi_read_timeout 60s;
        }}
        if ($host = www.site{number}.test) {{
            return 301 https://site{number}.test$request_uri;
        }}
        location ~ /\.(?!well-known).* {{
            deny all;
        }}
    }}
"#
        )
        .expect("writing to a string");
    }
    text.push_str("}\n");
    text
}

#[test]
fn ten_thousand_lines_are_read_at_once() {
    let folder = tempfile::tempdir().expect("a folder for temporary files");
    let path = folder.path().join("nginx.conf");
    let text = configuration();
    std::fs::write(&path, &text).expect("the file can be written");
    let options = LoadOptions {
        prefix: folder.path().to_owned(),
        globals: None,
        look_up: false,
        regex: None,
    };
    let times = (0..5).map(|_| {
        let begun = Instant::now();
        let loaded = Config::load(&path, &options);
        let time = begun.elapsed();
        assert!(loaded.config.is_some(), "{:?}", loaded.diagnostics);
        time
    });
    // Other tests run beside this one: the quickest of a few is the one that was left alone.
    let best = times.min().expect("there were some");
    println!("| lines | read in | must be below |");
    println!("|---:|---:|---:|");
    println!("| {} | {best:.1?} | {MOST:?} |", text.lines().count());
    assert!(best < MOST, "{best:?}");
}
