//! Advice is given where it is due, and nowhere else.

use std::path::Path;

use portunus_conf::{Config, LoadOptions, MemoryLoader};

fn lints(server: &str) -> Vec<String> {
    let text = format!("events {{}}\nhttp {{ server {{ listen 80;\n{server}\n}} }}");
    let files = MemoryLoader::from([("/c", text)]);
    let loaded = Config::load_with(Path::new("/c"), &LoadOptions::default(), &files);
    assert_eq!(loaded.diagnostics.render(&loaded.sources), "");
    let config = loaded.config.expect("there is no error");
    config
        .lints(&loaded.sources)
        .into_iter()
        .map(|lint| lint.message)
        .collect()
}

#[test]
fn a_missing_semicolon_is_noticed() {
    assert_eq!(
        lints("index index.php\nerror_log logs/x;"),
        ["\"error_log\" is an argument of the \"index\" directive"]
    );
    assert_eq!(lints("gzip_types text/css\n  text/plain;"), [""; 0]);
}

#[test]
fn locations_that_are_never_found_are_noticed() {
    assert_eq!(
        lints("location ~ /a { location /a/b { } location ~ c { } }"),
        ["location \"/a/b\" is never found"]
    );
    assert_eq!(
        lints("location /a { location /a/b { } location ~ c { } }"),
        [""; 0]
    );
}

#[test]
fn headers_that_get_lost_are_noticed() {
    let location = "location / { expires 1h; add_header A 1; }";
    let outer = "add_header X-Frame-Options DENY always;";
    assert_eq!(
        lints(&format!("{outer} {location}")),
        ["\"X-Frame-Options\" of an outer level is not added here"]
    );
    assert_eq!(
        lints(&format!("{outer} add_header_inherit merge; {location}")),
        [""; 0]
    );
    assert_eq!(
        lints("add_header x-frame-options DENY;"),
        ["\"x-frame-options\" is not added to answers with status 4xx and 5xx"]
    );
}

#[test]
fn ways_out_of_an_alias_are_noticed() {
    assert_eq!(
        lints("location /a { alias /b/; }"),
        ["paths such as \"..\" after the location's name lead out of the aliased directory"]
    );
    assert_eq!(
        lints("location /a/ { alias /b/; } location /c { alias /d; }"),
        [""; 0]
    );
}

#[test]
fn lost_arguments_and_decoded_redirects_are_noticed() {
    assert_eq!(
        lints("try_files $uri /index.php; location /a { try_files $uri = 404; }"),
        [
            "the request's arguments do not reach the script",
            "a file called \"=\" is looked for"
        ]
    );
    assert_eq!(
        lints("return 301 https://$host$uri;"),
        ["the redirect is built from a decoded path"]
    );
    assert_eq!(
        lints("try_files $uri /index.php?$query_string; return 301 https://$host$request_uri;"),
        [""; 0]
    );
}

#[test]
fn php_without_a_script_is_noticed() {
    let name = "fastcgi_param SCRIPT_FILENAME $document_root$fastcgi_script_name;";
    let php = |more: &str| format!("location ~ \\.php$ {{ fastcgi_pass 127.0.0.1:9000; {more} }}");
    let lost = ["PHP is not told which script to run, and will answer with an empty page"];
    assert_eq!(lints(&php("")), lost);
    assert_eq!(
        lints(&php("fastcgi_param QUERY_STRING $query_string;")),
        lost
    );
    assert_eq!(
        lints(&format!("{name} {}", php("fastcgi_param HTTPS on;"))),
        lost
    );
    assert_eq!(
        lints("location / { fastcgi_pass unix:/run/php.sock; }"),
        lost
    );
    assert_eq!(lints(&php(name)), [""; 0]);
    assert_eq!(lints(&format!("{name} {}", php(""))), [""; 0]);
    assert_eq!(
        lints("location / { fastcgi_pass unix:/run/app.sock; }"),
        [""; 0]
    );
}

#[test]
fn our_own_configuration_gives_no_cause() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../config/nginx.conf");
    let loaded = Config::load(&path, &LoadOptions::default());
    assert_eq!(loaded.diagnostics.render(&loaded.sources), "");
    let config = loaded.config.expect("it loads");
    assert_eq!(config.lints(&loaded.sources), []);
}

#[test]
fn fields_of_the_connection_are_not_added() {
    assert_eq!(
        lints("add_header connection close; add_header Upgrade h2c;"),
        ["\"connection\" is not added: it says what becomes of the connection"]
    );
}
