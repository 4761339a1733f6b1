//! `add_header_inherit`, `add_trailer_inherit`: directives that the reference nginx is too old for.
//!
//! Source: nginx, `ngx_http_headers_merge_conf`.

use portunus_testkit::{Launch, Program, exchange};

type Result<T = (), E = Box<dyn std::error::Error>> = std::result::Result<T, E>;

#[test]
fn fields_of_outer_levels_are_merged_kept_out_or_replaced() -> Result {
    let config = "
        add_header X-Of http;
        server {
            listen 127.0.0.1:%%PORT_0%%;
            add_header X-Of server;
            location /on { add_header X-Of location; return 200; }
            location /none { return 200; }
            location /merge { add_header_inherit merge; add_header X-Of location; return 200; }
            location /merges_nothing { add_header_inherit merge; return 200; }
            location /off { add_header_inherit off; return 200; }
            location /off_own { add_header_inherit off; add_header X-Of location; return 200; }
            location /outer {
                add_header_inherit merge;
                add_header X-Of outer;
                location /outer/inner { add_header X-Of inner; return 200; }
                location /outer/on { add_header_inherit on; add_header X-Of inner; return 200; }
                location /outer/off { add_header_inherit off; add_header X-Of inner; return 200; }
            }
        }
        server {
            listen 127.0.0.1:%%PORT_1%%;
            add_header_inherit merge;
            add_header X-Of server always;
            location / { add_header X-Of location; return 404; }
        }";
    let server = Launch::new(Program::at(env!("CARGO_BIN_EXE_portunus")), config).start()?;
    let fields = |port: usize, path: &str| -> Result<String> {
        let answer = exchange(server.address(port), &format!("GET {path} HTTP/1.1"))?;
        let values = answer.head.values("x-of");
        let values: Vec<_> = values.map(String::from_utf8_lossy).collect();
        Ok(values.join(" "))
    };
    for (path, expected) in [
        ("/on", "location"),
        ("/none", "server"),
        ("/merge", "location server"),
        ("/merges_nothing", "server"),
        ("/off", ""),
        ("/off_own", "location"),
        ("/outer/inner", "inner outer server"),
        ("/outer/on", "inner"),
        ("/outer/off", "inner"),
    ] {
        assert_eq!(fields(0, path)?, expected, "{path}");
    }
    // The first level merges with what is around it, too; `always` goes with its field.
    assert_eq!(fields(1, "/")?, "server");
    Ok(())
}

#[test]
fn trailers_follow_the_same_rule() -> Result {
    let config = "
        server {
            listen 127.0.0.1:%%PORT_0%%;
            add_trailer X-Of server;
            location /merge { add_trailer_inherit merge; add_trailer X-Of location; return 200 text; }
            location /off { add_trailer_inherit off; return 200 text; }
        }";
    let server = Launch::new(Program::at(env!("CARGO_BIN_EXE_portunus")), config).start()?;
    let trailers = |path: &str| -> Result<Vec<String>> {
        let answer = exchange(server.address(0), &format!("GET {path} HTTP/1.1"))?;
        let values = answer
            .trailers
            .iter()
            .map(|field| String::from_utf8_lossy(&field.1));
        Ok(values.map(|value| value.trim().to_owned()).collect())
    };
    assert_eq!(trailers("/merge")?, ["location", "server"]);
    assert!(trailers("/off")?.is_empty());
    Ok(())
}

/// `proxy_pass_trailers`: what stands behind the body of a server goes on, before what is added here.
#[test]
fn trailers_of_a_server_are_passed_on() -> Result {
    let config = "
        server {
            listen 127.0.0.1:%%PORT_0%%;
            proxy_http_version 1.1;
            proxy_pass_trailers on;
            location / { proxy_pass http://127.0.0.1:%%PORT_1%%; add_trailer X-Own \"$upstream_trailer_x_end!\"; }
            location /unbuffered/ { proxy_buffering off; proxy_pass http://127.0.0.1:%%PORT_1%%/; }
            location /off/ { proxy_pass_trailers off; proxy_pass http://127.0.0.1:%%PORT_1%%/; }
            location /small/ { proxy_buffer_size 512; proxy_buffers 4 1k; proxy_pass http://127.0.0.1:%%PORT_1%%/long/; }
        }
        server {
            listen 127.0.0.1:%%PORT_1%%;
            add_trailer X-End end;
            add_trailer X-Two $arg_two;
            location / { return 200 text; }
            location /long/ { add_trailer X-Long $arg_a$arg_a$arg_a$arg_a$arg_a$arg_a; return 200 text; }
        }";
    let server = Launch::new(Program::at(env!("CARGO_BIN_EXE_portunus")), config).start()?;
    let trailers = |path: &str| -> Result<Vec<String>> {
        let answer = exchange(server.address(0), &format!("GET {path} HTTP/1.1"))?;
        assert_eq!(answer.body, b"text");
        let fields = answer.trailers.iter().map(|(name, value)| {
            let value = String::from_utf8_lossy(value);
            format!("{}: {}", name, value.trim())
        });
        Ok(fields.collect())
    };
    let both = ["X-End: end", "X-Two: 2"];
    assert_eq!(trailers("/?two=2")?, [&both[..], &["X-Own: end!"]].concat());
    assert_eq!(trailers("/unbuffered/?two=2")?, both);
    assert_eq!(trailers("/off/?two=2")?, [""; 0]);
    let long = "a".repeat(100);
    assert!(
        trailers(&format!("/small/?a={long}")).is_err(),
        "cut: they are too big"
    );
    Ok(())
}
