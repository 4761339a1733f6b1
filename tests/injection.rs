//! Control bytes of a client, by whatever way a configuration copies them: into fields, redirects,
//! requests to backends, logs. Nothing of it becomes a field, an answer, a request or a line.

use portunus_testkit::{Connection, Launch, Program, Response, Server, TempTree};

/// Each location copies something of the request to where it could do harm.
const CONFIG: &str = r#"
    log_format plain '[$request] [$uri] [$arg_x] [$http_user_agent] [$cookie_c] [$http_x_any] end';
    log_format json escape=json '{"u":"$uri","a":"$arg_x","h":"$http_user_agent","c":"$cookie_c"}';
    log_format none escape=none '[$uri] [$arg_x] [$http_user_agent] [$cookie_c] [$http_x_any] end';
    error_log %%TMP%%/error.log debug;
    server {
        listen 127.0.0.1:%%PORT_0%%;
        access_log %%TMP%%/plain.log plain;
        access_log %%TMP%%/json.log json;
        access_log %%TMP%%/none.log none;
        set $lost "";
        if ($arg_set) { set $lost $uri; }

        location /return-uri { return 302 http://$host$uri; }
        location /return-path { return 302 $uri; }
        location ~ ^/return-capture/(.*)$ { return 301 http://$host/$1; }
        location ~ ^/return-named/(?<rest>.*)$ { return 307 https://$host/$rest?x=$arg_x; }
        location /return-arg { return 302 http://$host/?next=$arg_x; }
        location /return-args { return 302 http://$host/?$args; }
        location /return-url { return http://$host$uri; }
        location /return-set { return 302 $lost; }
        location /rewrite-redirect { rewrite ^/rewrite-redirect/(.*)$ /there/$1 redirect; }
        location /rewrite-permanent { rewrite ^/rewrite-permanent/(.*)$ http://$host/$1 permanent; }
        location /rewrite-last { rewrite ^/rewrite-last/(.*)$ /return-uri/$1 last; }
        location /rewrite-arg { rewrite ^ /there?y=$arg_x redirect; }
        location /add { add_header X-Uri $uri always; add_header X-Arg $arg_x always;
            add_header X-Agent $http_user_agent always; add_header X-Cookie $cookie_c always;
            add_header X-Any "a$http_x_any-b" always; add_header Set-Cookie "u=$uri; Path=/" always;
            return 200 ok; }
        location ~ ^/add-capture/(.*)$ { add_header X-Capture $1 always; return 200 ok; }
        location /trailer { add_trailer X-Trailer $uri; try_files /hello.txt =404; }
        location /type { default_type "text/$arg_x"; return 200 ok; }
        location /realm { auth_basic "realm $uri"; auth_basic_user_file %%ROOT%%/users; }
        location /page { error_page 404 =302 http://$host$uri; return 404; }
        location /page-path { error_page 404 =302 $uri; return 404; }
        location /expires { expires $arg_x; return 200 ok; }
        location /charset { charset $arg_x; return 200 ok; }
        location /dir { root %%ROOT%%; }
        location /proxy-uri { proxy_pass http://127.0.0.1:%%PORT_1%%$uri; }
        location /proxy-arg { proxy_pass http://127.0.0.1:%%PORT_1%%/?$arg_x; }
        location /proxy-part/ { proxy_pass http://127.0.0.1:%%PORT_1%%/; }
        location /proxy-rewrite { rewrite ^/proxy-rewrite/(.*)$ /there/$1 break;
            proxy_pass http://127.0.0.1:%%PORT_1%%; }
        location /proxy-field { proxy_set_header X-Uri $uri;
            proxy_set_header X-Any a$http_x_any-b; proxy_pass http://127.0.0.1:%%PORT_1%%/; }
        location ~ ^/proxy-host/(.*)$ { proxy_set_header Host $1;
            proxy_pass http://127.0.0.1:%%PORT_1%%; }
        location ~ ^/proxy-verb/(.*)$ { proxy_method $1;
            proxy_pass http://127.0.0.1:%%PORT_1%%; }
        location /proxy-method { proxy_method $arg_x; proxy_pass http://127.0.0.1:%%PORT_1%%/; }
        location /missing { root %%ROOT%%; }
        location /marker { return 200 marker; }
    }
    server {
        listen 127.0.0.1:%%PORT_1%%;
        access_log %%TMP%%/backend.log plain;
        location / { return 200 "backend:$http_x_injected:"; }
        location /injected { return 200 "injected"; }
    }"#;

const PLACES: [&str; 37] = [
    "/return-uri",
    "/return-path",
    "/return-capture/",
    "/return-named/",
    "/return-arg",
    "/return-args",
    "/return-url",
    "/return-set",
    "/rewrite-redirect/",
    "/rewrite-permanent/",
    "/rewrite-last/",
    "/rewrite-arg",
    "/add",
    "/add-capture/",
    "/trailer",
    "/type",
    "/realm",
    "/page",
    "/page-path",
    "/expires",
    "/charset",
    "/dir",
    "/dir/",
    "/proxy-uri",
    "/proxy-arg",
    "/proxy-part/",
    "/proxy-rewrite/",
    "/proxy-field",
    "/proxy-method",
    "/proxy-host/",
    "/proxy-verb/",
    "/missing",
    "/missing/",
    "/nowhere",
    "/nowhere/",
    "//return-uri",
    "/x/../return-path",
];

/// What is copied, escaped for a URI.
const PAYLOADS: [&str; 19] = [
    "%0d%0aX-Injected:%20yes",
    "%0D%0AX-Injected:%20yes%0D%0A",
    "%0aX-Injected:%20yes",
    "%0dX-Injected:%20yes",
    "%0d%0a%20X-Injected:%20yes",
    "%0d%0a%0d%0aHTTP/1.1%20200%20OK%0d%0aContent-Length:%200%0d%0a%0d%0a",
    "%0a%0aHTTP/1.1%20200%20OK%0aContent-Length:%200%0a%0a",
    "%20HTTP/1.1%0d%0aX-Injected:%20yes%0d%0aA:%20b",
    "%20HTTP/1.1%0d%0aHost:%20a%0d%0a%0d%0aGET%20/injected%20HTTP/1.1%0d%0aHost:%20a%0d%0a%0d%0a",
    "%E5%98%8A%E5%98%8DX-Injected:%20yes",
    "%c4%8d%c4%8aX-Injected:%20yes",
    "%250d%250aX-Injected:%20yes",
    "%e2%80%a8X-Injected:%20yes",
    "%c2%85X-Injected:%20yes",
    "%01%02%1b[31mred%07",
    "%7f%08%0b%0c",
    "a%09b",
    "%0a",
    "%22%7d%0a%7b%22forged%22:%22",
];

fn serve(tree: &TempTree) -> Server {
    Launch::new(Program::at(env!("CARGO_BIN_EXE_portunus")), CONFIG)
        .root(tree.path())
        .start()
        .expect("it starts")
}

/// Sends a request and one behind it; both answers, read strictly, and nothing else may come.
fn ask(server: &Server, request: &[u8]) -> Result<Response, String> {
    let marker = b"GET /marker HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n";
    let mut connection = Connection::open(server.address(0)).map_err(|error| error.to_string())?;
    let both = [request, marker].concat();
    connection.send(&both).map_err(|error| error.to_string())?;
    let read = |connection: &mut Connection| {
        let response = connection.read_response("GET");
        response.map_err(|error| error.to_string())
    };
    let first = read(&mut connection)?;
    if first.field("connection") != Some("close") {
        let second = read(&mut connection)?;
        if second.text() != "marker" {
            return Err(format!("the next request is answered by {second:?}"));
        }
    }
    let rest = connection
        .read_to_end()
        .map_err(|error| error.to_string())?;
    if rest.is_empty() {
        Ok(first)
    } else {
        Err(format!("more than was asked for: {}", rest.escape_ascii()))
    }
}

/// What is wrong with an answer.
fn complaint(response: &Response) -> Option<String> {
    let fields = response.head.fields.iter().chain(&response.trailers);
    for (name, value) in fields {
        let control = |byte: &u8| (*byte < 0x20 && *byte != b'\t') || *byte == 0x7f;
        if name.to_ascii_lowercase().contains("injected") {
            return Some(format!("a field {name}"));
        }
        if value.iter().any(control) || name.bytes().any(|byte| control(&byte)) {
            return Some(format!("control bytes in {name}: {}", value.escape_ascii()));
        }
    }
    let text = response.text();
    (text.contains("backend:yes") || text.contains("injected")).then_some(text)
}

/// Bytes that must not stand in a log, and lines that nobody wrote.
fn check_log(server: &Server, name: &str, begins: &[&str]) {
    let bytes = std::fs::read(server.folder().join(name)).expect("a log");
    assert!(!bytes.is_empty(), "{name} is empty");
    for line in bytes.split(|byte| *byte == b'\n') {
        let shown = line.escape_ascii();
        let control = line.iter().find(|byte| **byte < 0x20 || **byte == 0x7f);
        assert_eq!(control, None, "{name}: {shown}");
        let begun = begins
            .iter()
            .any(|begin| line.starts_with(begin.as_bytes()));
        assert!(begun || line.is_empty(), "{name}: {shown}");
    }
}

#[test]
fn control_bytes_of_a_client_become_no_field_no_answer_and_no_line() {
    let tree = TempTree::new().expect("a directory");
    tree.write("hello.txt", "hello").expect("a file");
    tree.write("users", "").expect("a file");
    let tree = (tree.directory("dir/a\nb")).expect("a directory");
    let mut server = serve(&tree);
    let mut wrong = Vec::new();
    let mut requests = 0;
    let mut play = |request: &[u8]| {
        requests += 1;
        let found = match ask(&server, request) {
            Ok(response) => complaint(&response),
            Err(error) => Some(error),
        };
        wrong.extend(found.map(|found| format!("{}: {found}", request.escape_ascii())));
    };
    for place in PLACES {
        for payload in PAYLOADS {
            let target = format!("{place}{payload}?x={payload}&set=1&{payload}");
            let line = format!("GET {target} HTTP/1.1\r\nHost: localhost\r\n\r\n");
            play(line.as_bytes());
        }
    }
    // What cannot be escaped in a field comes as it is; most of it is refused, and that is logged.
    for payload in [
        "a\tb",
        "a\x01b",
        "a\x1b[31mb",
        "a\x7fb",
        "a\rX-Injected: yes",
        "a\x08",
        "a\x0bb",
    ] {
        for field in [
            "User-Agent: ",
            "Cookie: c=",
            "X-Any: ",
            "X\x01: ",
            "Referer: ",
        ] {
            for place in ["/add", "/missing", "/proxy-field?x=a"] {
                let head =
                    format!("GET {place} HTTP/1.1\r\nHost: localhost\r\n{field}{payload}\r\n\r\n");
                play(head.as_bytes());
            }
        }
    }
    for odd in [
        "\x1b[31m / HTTP/1.1",
        "GET /\x1b[31m HTTP/1.1",
        "GET / HTTP/1.1\x1b",
        "GET / \x07",
    ] {
        play(format!("{odd}\r\nHost: localhost\r\n\r\n").as_bytes());
        play(format!("GET / HTTP/1.1\r\nHost: {odd}\r\n\r\n").as_bytes());
    }
    assert!(
        wrong.is_empty(),
        "{} wrong:\n{}",
        wrong.len(),
        wrong.join("\n")
    );
    println!("{requests} requests, no field injected, no answer split");

    server.stop().expect("it ends");
    for name in ["plain.log", "none.log", "backend.log"] {
        check_log(&server, name, &["["]);
    }
    check_log(&server, "json.log", &["{\"u\":"]);
    check_log(&server, "error.log", &["20"]);
}
