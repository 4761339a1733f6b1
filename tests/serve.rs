//! `portunus serve`: what the preset promises, with a real PHP-FPM, the Laravel application and nginx as the witness
//! that the printed configuration is one.

use std::fs;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use portunus_testkit::{
    Connection, Error, Launch, PhpFpm, PhpFpmOptions, Port, Process, Program, Response, TempTree,
    exchange,
};

type Result<T = (), E = Box<dyn std::error::Error>> = std::result::Result<T, E>;

const PATIENCE: Duration = Duration::from_secs(20);

const IMMUTABLE: &str = "public, max-age=31536000, immutable";

const SECURITY: [(&str, &str); 3] = [
    ("x-frame-options", "SAMEORIGIN"),
    ("x-content-type-options", "nosniff"),
    ("referrer-policy", "strict-origin-when-cross-origin"),
];

/// A running `portunus serve`, or another program with its configuration.
struct Served {
    process: Process,
    address: SocketAddr,
    _port: Port,
    _folder: TempTree,
}

fn portunus(public: &Path, more: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_portunus"));
    command.arg("serve").arg(public).args(more);
    command
}

fn serve(public: &Path, more: &[&str]) -> Result<Served> {
    let folder = TempTree::new()?;
    let port = Port::reserve()?;
    let address = port.address();
    let mut command = portunus(public, more);
    command.args(["--listen", &address.to_string(), "--pid"]);
    command.arg(folder.path().join("pid"));
    start(command, port, folder)
}

/// nginx with what `--print` prints, but for the lines that say that it does not know them.
fn serve_by_nginx(public: &Path, more: &[&str]) -> Result<Served> {
    let folder = TempTree::new()?;
    let port = Port::reserve()?;
    let address = port.address();
    let mut command = portunus(public, more);
    command.args(["--print", "--listen", &address.to_string(), "--pid"]);
    let printed = command.arg(folder.path().join("pid")).output()?;
    assert!(printed.status.success());
    let printed = String::from_utf8(printed.stdout)?;
    let known = printed.lines().filter(|line| !line.ends_with("# portunus"));
    let text: String = known.map(|line| format!("{line}\n")).collect();
    let path = folder.write("nginx.conf", format!("master_process off;\n{text}"))?;
    let mut command = Command::new(Program::nginx().path());
    command.arg("-p").arg(folder.path()).arg("-c").arg(path);
    start(command, port, folder)
}

fn start(command: Command, port: Port, folder: TempTree) -> Result<Served> {
    port.lend()?;
    let address = port.address();
    let mut process = Process::start(command)?;
    process.wait_until(PATIENCE, || std::net::TcpStream::connect(address).is_ok())?;
    Ok(Served {
        process,
        address,
        _port: port,
        _folder: folder,
    })
}

fn get(address: SocketAddr, path: &str) -> Result<Response, Error> {
    exchange(address, &format!("GET {path} HTTP/1.1"))
}

fn assert_secure(response: &Response, what: &str) {
    for (name, value) in SECURITY {
        let values: Vec<_> = response.head.values(name).collect();
        assert_eq!(values, [value.as_bytes()], "{name} of {what}");
    }
}

/// A public directory without PHP behind it: whoever wakes PHP gets 502.
fn public() -> Result<TempTree> {
    let css = "body { color: black }\n".repeat(200);
    let manifest = r#"{
        "resources/js/app.js": {"file": "assets/app-1.js", "css": ["assets/app-2.css"]},
        "_one.js": {"file": "assets/chunk-aB.js"},
        "_other.js": {"file": "assets/chunk-Ab.js", "assets": ["assets/a+b (1).svg"]}
    }"#;
    Ok(TempTree::new()?
        .file("index.php", "<?php")?
        .file("other.php", "<?php // SECRET")?
        .file("sub/index.php", "<?php // SECRET")?
        .file("photo.PhP/avatar.png", "png")?
        .file("robots.txt", "User-agent: *")?
        .file("data.webmanifest", "{}")?
        .file(".env", "SECRET")?
        .file(".git/config", "SECRET")?
        .file(".well-known/security.txt", "Contact: us")?
        .file(".well-known-not/key", "SECRET")?
        .file("build/.vite/manifest.json", "SECRET")?
        .file("build/manifest.json", manifest)?
        .file("build/assets/app-1.js", "let a = 1;\n".repeat(500))?
        .file("build/assets/app-2.css", css)?
        .file("build/assets/unlisted-3.css", "i {}")?
        .file("build/assets/App-1.js", "not listed")?
        .file("build/assets/chunk-aB.js", "one")?
        .file("build/assets/chunk-Ab.js", "other")?
        .file("build/assets/chunk-ab.js", "not listed")?
        .file("build/assets/a+b (1).svg", "<svg/>")?
        .file("build/assets/aab (1).svg", "<svg/>")?
        .file("build/assets/script.php", "<?php // SECRET")?)
}

/// An address where no FPM listens.
fn nobody() -> Result<(Port, String)> {
    let port = Port::reserve()?;
    let address = port.address().to_string();
    Ok((port, address))
}

const PATHS: &[(&str, u16)] = &[
    ("/robots.txt", 200),
    ("/data.webmanifest", 200),
    ("/build/assets/app-1.js", 200),
    ("/build/assets/app-1.js?v=2", 200),
    ("/build/assets/app-2.css", 200),
    ("/build/assets/unlisted-3.css", 200),
    ("/build/manifest.json", 200),
    ("/build/assets/app-2.css.map", 404),
    ("/build/assets/", 404),
    ("/build/nothing", 404),
    ("/build", 301),
    ("/sub", 301),
    ("/other.php", 404),
    ("/other.php/path", 404),
    ("/sub/", 404),
    ("/sub/index.php", 404),
    ("/photo.PhP/avatar.png", 404),
    ("/build/assets/script.php", 404),
    ("/missing.php", 404),
    ("/.env", 403),
    ("/.git/config", 403),
    ("/sub/../.env", 403),
    ("/%2eenv", 403),
    ("/.well-known-not/key", 403),
    ("/build/.vite/manifest.json", 403),
    ("/.well-known/security.txt", 200),
    ("/index.php", 502),
    ("/index.php/path?a=1", 502),
    ("/", 502),
    ("/jobs/1", 502),
    ("/missing.css", 502),
    ("/../x", 400),
];

#[test]
fn each_path_has_its_rule_and_every_answer_the_security_headers() -> Result {
    let public = public()?;
    let (_free, fpm) = nobody()?;
    let ours = serve(public.path(), &["--fpm", &fpm])?;
    let nginx = serve_by_nginx(public.path(), &["--fpm", &fpm])?;
    for (path, status) in PATHS {
        let answer = get(ours.address, path)?;
        assert_eq!(answer.status(), *status, "{path}");
        assert_secure(&answer, path);
        assert!(!answer.text().contains("SECRET"), "{path}");
        let witness = get(nginx.address, path)?;
        assert_eq!(witness.status(), *status, "nginx, {path}");
        for name in ["cache-control", "content-type", "etag", "x-frame-options"] {
            assert_eq!(answer.field(name), witness.field(name), "{name} of {path}");
        }
    }
    for request in [
        "POST /robots.txt HTTP/1.1\nContent-Length: 0",
        "TRACE / HTTP/1.1",
    ] {
        let answer = exchange(ours.address, request)?;
        assert_eq!(answer.status(), 405, "{request}");
        assert_secure(&answer, request);
    }
    Ok(())
}

/// Directives without an effect are noted for those who have written them.
#[test]
fn the_log_speaks_of_nothing_that_nobody_has_written() -> Result {
    let public = public()?;
    let mut served = serve(public.path(), &[])?;
    served.process.wait_for_output(" started", PATIENCE)?;
    let log = served.process.output();
    assert!(!log.contains("has no effect"), "{log}");
    Ok(())
}

#[test]
fn what_the_manifest_lists_is_immutable_and_nothing_else() -> Result {
    let public = public()?;
    let (_free, fpm) = nobody()?;
    let ours = serve(public.path(), &["--fpm", &fpm])?;
    let cached = |path: &str| -> Result<Option<String>, Error> {
        let answer = get(ours.address, path)?;
        Ok(answer.field("cache-control").map(str::to_owned))
    };
    for (path, status) in PATHS {
        let path = path.split('?').next().unwrap_or_default();
        let listed = ["/build/assets/app-1.js", "/build/assets/app-2.css"].contains(&path);
        let expected = (listed && *status == 200).then(|| IMMUTABLE.to_owned());
        assert_eq!(cached(path)?, expected, "{path}");
    }
    // Names that differ in case alone are different names, and a name is no pattern.
    for (name, listed) in [
        ("App-1.js", false),
        ("chunk-aB.js", true),
        ("chunk-Ab.js", true),
        ("chunk-ab.js", false),
        ("a+b%20(1).svg", true),
        ("aab%20(1).svg", false),
    ] {
        let expected = listed.then(|| IMMUTABLE.to_owned());
        assert_eq!(
            cached(&format!("/build/assets/{name}"))?,
            expected,
            "{name}"
        );
    }
    // A 304 repeats it.
    let etag = get(ours.address, "/build/assets/app-1.js")?;
    let etag = etag.field("etag").expect("a file has a tag").to_owned();
    let head = "GET /build/assets/app-1.js HTTP/1.1\nIf-None-Match: ";
    let unchanged = exchange(ours.address, &format!("{head}{etag}"))?;
    assert_eq!(unchanged.status(), 304);
    assert_eq!(unchanged.field("cache-control"), Some(IMMUTABLE));
    assert_secure(&unchanged, "304");
    // A listed file that is missing is not called immutable.
    fs::remove_file(public.path().join("build/assets/app-1.js"))?;
    let missing = get(ours.address, "/build/assets/app-1.js")?;
    assert_eq!(
        (missing.status(), missing.field("cache-control")),
        (404, None)
    );
    Ok(())
}

#[test]
fn a_deployment_brings_its_own_manifest() -> Result {
    let public = public()?;
    let (_free, fpm) = nobody()?;
    let mut ours = serve(public.path(), &["--fpm", &fpm])?;
    let address = ours.address;
    let is_immutable = |path: &str| {
        get(address, path).is_ok_and(|answer| answer.field("cache-control") == Some(IMMUTABLE))
    };
    assert!(!is_immutable("/build/assets/unlisted-3.css"));
    // Half a manifest changes nothing.
    public.write("build/manifest.json", "{")?;
    let patience = PATIENCE;
    ours.process
        .wait_for_output("cannot read the build manifest", patience)?;
    assert!(is_immutable("/build/assets/app-1.js"));
    let manifest = r#"{"a.css":{"file":"assets/unlisted-3.css"}}"#;
    public.write("build/manifest.json", manifest)?;
    ours.process
        .wait_until(patience, || is_immutable("/build/assets/unlisted-3.css"))?;
    assert!(!is_immutable("/build/assets/app-1.js"));
    Ok(())
}

#[test]
fn text_is_compressed_in_the_way_that_the_client_knows() -> Result {
    let public = public()?;
    let ours = serve(public.path(), &["--fpm", &nobody()?.1])?;
    for (accepted, coding) in [
        ("gzip", Some("gzip")),
        ("gzip, br", Some("br")),
        ("zstd", Some("zstd")),
        ("gzip, deflate, br, zstd", Some("br")),
        ("identity", None),
    ] {
        let head = "GET /build/assets/app-2.css HTTP/1.1\nAccept-Encoding: ";
        let answer = exchange(ours.address, &format!("{head}{accepted}"))?;
        assert_eq!(answer.field("content-encoding"), coding, "{accepted}");
        assert_eq!(answer.field("vary"), Some("Accept-Encoding"), "{accepted}");
        assert_eq!(answer.field("cache-control"), Some(IMMUTABLE), "{accepted}");
        assert_secure(&answer, accepted);
    }
    Ok(())
}

/// The application's state in a directory of its own, and PHP-FPM for it.
fn laravel() -> Result<(TempTree, PhpFpm)> {
    let state = TempTree::new()?;
    let root = PathBuf::from(env!("CARGO_MANIFEST_DIR"));
    let prepare = root.join("docker/pixel-positions/bin/prepare");
    let mut command = Command::new("sh");
    let output = command
        .arg(prepare)
        .env("PIXEL_STATE", state.path())
        .output()?;
    let printed = String::from_utf8_lossy(&output.stderr);
    assert!(
        output.status.success(),
        "cargo xtask test installs PHP and Laravel: {printed}"
    );
    let environment = format!("env[PIXEL_STATE] = {}", state.path().display());
    let options = PhpFpmOptions::default().unix_socket().line(&environment);
    let fpm = options.line("env[APP_DEBUG_ROUTES] = true").start()?;
    Ok((state, fpm))
}

#[test]
fn laravel_runs_behind_a_trusted_proxy() -> Result {
    let (state, fpm) = laravel()?;
    let public = state.path().join("public");
    let pass = fpm.pass();
    let socket = pass.strip_prefix("unix:").expect("it listens on a socket");
    let options = ["--fpm", socket, "--trust", "127.0.0.1"];
    let ours = serve(&public, &options)?;
    let nginx = serve_by_nginx(&public, &options)?;
    for path in [
        "/",
        "/search?q=rail&page=1",
        "/no/such/page",
        "/favicon.ico",
        "/index.php",
    ] {
        let (answer, witness) = (get(ours.address, path)?, get(nginx.address, path)?);
        assert_eq!(answer.status(), witness.status(), "{path}");
        assert_ne!(answer.status(), 502, "{path}");
        assert!(!answer.body.is_empty(), "{path}");
        assert_eq!(
            answer.field("content-type"),
            witness.field("content-type"),
            "{path}"
        );
        assert_eq!(answer.field("x-powered-by"), None);
        assert_secure(&answer, path);
    }
    // The proxy's word counts for the client's address and for TLS.
    let head = "GET /echo HTTP/1.1\nX-Forwarded-For: 203.0.113.9\nX-Forwarded-Proto: ";
    for (scheme, secure) in [("https", true), ("http", false)] {
        let answer = exchange(ours.address, &format!("{head}{scheme}"))?;
        let told = answer.text();
        assert_eq!(answer.status(), 200, "{told}");
        assert!(told.contains("203.0.113.9"), "{told}");
        assert_eq!(
            told.contains("https://localhost") || told.contains("\"HTTPS\": \"on\""),
            secure,
            "{told}"
        );
    }
    let mut connection = Connection::open(ours.address)?;
    let home = connection.exchange(
        b"GET / HTTP/1.1\r\nHost: jobs.test\r\nAccept-Encoding: gzip\r\n\r\n",
        "GET",
    )?;
    assert_eq!(home.field("content-encoding"), Some("gzip"));
    assert_secure(&home, "a compressed page");
    Ok(())
}

/// What a script is told of the connection, as JSON.
const TOLD: &str = r#"<?php
$told = fn ($name) => $_SERVER[$name] ?? "";
echo implode(" ", array_map($told, ["REMOTE_ADDR", "HTTPS", "REQUEST_SCHEME", "SERVER_PORT"]));
"#;

#[test]
fn php_is_told_what_a_trusted_proxy_tells() -> Result {
    let fpm = PhpFpmOptions::default().start()?;
    let public = TempTree::new()?;
    public.write("index.php", TOLD)?;
    let fpm = fpm.pass();
    let trusting = serve(public.path(), &["--fpm", &fpm])?;
    let witness = serve_by_nginx(public.path(), &["--fpm", &fpm])?;
    let wary = serve(public.path(), &["--fpm", &fpm, "--trust", "none"])?;
    let config = "real_ip_trust_private on;
        server {
            listen 127.0.0.1:%%PORT_0%%;
            root %%PUBLIC%%;
            location / {
                fastcgi_pass %%FPM%%;
                fastcgi_param SCRIPT_FILENAME $document_root/index.php;
                fastcgi_param REQUEST_METHOD $request_method;
                fastcgi_param REMOTE_ADDR $remote_addr;
                fastcgi_param HTTPS $https if_not_empty;
                fastcgi_param REQUEST_SCHEME $scheme;
                fastcgi_param SERVER_PORT $server_port;
            }
        }";
    let launch = Launch::new(Program::at(env!("CARGO_BIN_EXE_portunus")), config);
    let launch = launch.with("FPM", fpm.clone());
    let configured = launch
        .with("PUBLIC", public.path().display().to_string())
        .start()?;
    let ours = |address: SocketAddr| format!("127.0.0.1  http {}", address.port());
    for (fields, told) in [
        ("", None),
        (
            "\nX-Forwarded-For: 6.6.6.6, 203.0.113.9, 10.0.0.1\nX-Forwarded-Proto: https",
            Some("203.0.113.9 on https 443"),
        ),
        (
            "\nX-Forwarded-For: 203.0.113.9\nX-Forwarded-Proto: https\nX-Forwarded-Port: 8443",
            Some("203.0.113.9 on https 8443"),
        ),
        (
            "\nX-Forwarded-For: 203.0.113.9\nX-Forwarded-Proto: http",
            Some("203.0.113.9  http 80"),
        ),
    ] {
        let head = format!("GET /index.php HTTP/1.1{fields}");
        for address in [trusting.address, witness.address, configured.address(0)] {
            let expected = told.map_or_else(|| ours(address), str::to_owned);
            assert_eq!(exchange(address, &head)?.text(), expected, "{head}");
        }
        let answer = exchange(wary.address, &head)?.text();
        assert_eq!(answer, ours(wary.address), "{head}");
    }
    Ok(())
}

#[test]
fn the_application_itself_is_not_served() -> Result {
    let tree = TempTree::new()?
        .file("artisan", "")?
        .file(".env", "SECRET")?;
    let tree = tree.file("public/index.php", "<?php")?;
    let refused = portunus(tree.path(), &["--test"]).output()?;
    assert!(!refused.status.success());
    let told = String::from_utf8(refused.stderr)?;
    assert!(told.contains("say its public directory"), "{told}");
    // Without a word, from the application's directory, it is `public`.
    let mut command = Command::new(env!("CARGO_BIN_EXE_portunus"));
    let printed = command
        .args(["serve", "--print"])
        .current_dir(tree.path())
        .output()?;
    let root = format!("root          {}/public;", tree.path().display());
    assert!(String::from_utf8(printed.stdout)?.contains(&root));
    Ok(())
}
