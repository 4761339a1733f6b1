//! Ready-made forms of static files: `brotli_static` and `zstd_static`, which nginx has as modules of others, beside
//! `gzip_static`. What each directive does is what `gzip_static` does in nginx.

use std::time::{Duration, Instant};

use portunus_testkit::{Framing, Launch, Program, Response, Server, TempTree, exchange};

type Result<T = (), E = Box<dyn std::error::Error>> = std::result::Result<T, E>;

fn serve(root: &TempTree, directives: &str) -> Result<Server> {
    let config = format!(
        "types {{ text/css css; }} default_type text/plain;
         server {{ listen 127.0.0.1:%%PORT_0%%; root %%ROOT%%; {directives} }}"
    );
    let launch = Launch::new(Program::at(env!("CARGO_BIN_EXE_portunus")), config);
    Ok(launch.root(root.path()).start()?)
}

fn ask(server: &Server, target: &str, codings: &str) -> Result<Response> {
    let head = format!("GET {target} HTTP/1.1\nAccept-Encoding: {codings}");
    Ok(exchange(server.address(0), &head)?)
}

/// The content is its own name, so that it tells which file was sent.
fn site() -> Result<TempTree> {
    let root = TempTree::new()?;
    for name in [
        "all.css",
        "all.css.br",
        "all.css.zst",
        "all.css.gz",
        "plain.css",
        "only.css.br",
    ] {
        root.write(name, name)?;
    }
    Ok(root)
}

const ALL: &str = "gzip_static on; brotli_static on; zstd_static on; gzip_vary on;";

#[test]
fn the_form_that_the_client_takes_is_sent() -> Result {
    let root = site()?;
    let server = serve(&root, ALL)?;
    for (codings, file, coding) in [
        ("br", "all.css.br", Some("br")),
        ("zstd", "all.css.zst", Some("zstd")),
        ("gzip", "all.css.gz", Some("gzip")),
        ("br;q=0, zstd", "all.css.zst", Some("zstd")),
        ("br;q=0, gzip", "all.css.gz", Some("gzip")),
        ("identity", "all.css", None),
        ("deflate", "all.css", None),
    ] {
        let answer = ask(&server, "/all.css", codings)?;
        assert_eq!(answer.text(), file, "{codings}");
        assert_eq!(answer.field("content-encoding"), coding, "{codings}");
        assert_eq!(answer.field("content-type"), Some("text/css"), "{codings}");
        assert_eq!(answer.field("vary"), Some("Accept-Encoding"), "{codings}");
        let length = file.len().to_string();
        assert_eq!(answer.field("content-length"), Some(&*length), "{codings}");
    }
    assert_eq!(
        ask(&server, "/plain.css", "br, zstd, gzip")?.text(),
        "plain.css"
    );
    // Without the plain file there is nothing to look for, as in nginx.
    assert_eq!(ask(&server, "/only.css", "gzip")?.status(), 404);
    Ok(())
}

#[test]
fn each_is_switched_by_itself() -> Result {
    let root = site()?;
    let locations = "location / { alias %%ROOT%%/; }
         location /br/ { alias %%ROOT%%/; brotli_static on; }
         location /zst/ { alias %%ROOT%%/; zstd_static on; }
         location /always/ { alias %%ROOT%%/; brotli_static always; }
         location /always-zst/ { alias %%ROOT%%/; zstd_static always; }";
    let server = serve(&root, locations)?;
    for (target, file) in [
        ("/all.css", "all.css"),
        ("/br/all.css", "all.css.br"),
        ("/zst/all.css", "all.css.zst"),
        ("/always/all.css", "all.css.br"),
        ("/always/only.css", "only.css.br"),
        ("/always-zst/all.css", "all.css.zst"),
    ] {
        assert_eq!(
            ask(&server, target, "br, zstd, gzip")?.text(),
            file,
            "{target}"
        );
    }
    // `always` asks nobody.
    let answer = ask(&server, "/always/all.css", "identity")?;
    assert_eq!(
        (answer.text().as_str(), answer.field("content-encoding")),
        ("all.css.br", Some("br"))
    );
    assert_eq!(ask(&server, "/br/all.css", "identity")?.text(), "all.css");
    Ok(())
}

/// What `gzip` has made of a file once is the file as it lies there.
#[test]
fn a_form_made_once_is_not_sent_where_the_text_is_changed() -> Result {
    const PATIENCE: Duration = Duration::from_secs(20);
    let root = site()?;
    let locations = "gzip on; gzip_min_length 1; gzip_types *;
         location / { root %%ROOT%%; }
         location /changed/ { alias %%ROOT%%/; sub_filter all some; sub_filter_types *; }";
    let server = serve(&root, locations)?;
    let start = Instant::now();
    // It is made in the background, for settled files.
    while ask(&server, "/all.css", "gzip")?.framing != Framing::Length {
        assert!(start.elapsed() < PATIENCE, "no form was made");
    }
    let answer = ask(&server, "/changed/all.css", "gzip")?;
    assert_eq!(answer.field("content-encoding"), Some("gzip"));
    assert_eq!(answer.framing, Framing::Chunked);
    assert_eq!(
        ask(&server, "/changed/all.css", "identity")?.text(),
        "some.css"
    );
    Ok(())
}
