//! What sound configurations are read as.

use portunus_conf_syntax::{Diagnostics, Directive, MemoryLoader, Parser, Terminator, Tree, parse};

const MAIN: &str = "/etc/nginx/nginx.conf";

fn read<const N: usize>(files: [(&str, &str); N]) -> Tree {
    let mut diagnostics = Diagnostics::default();
    let tree = parse(
        MAIN.as_bytes(),
        &MemoryLoader::from(files),
        &mut diagnostics,
    );
    assert_eq!(diagnostics.render(&tree.sources), "");
    tree
}

/// A tree on one line: `name(arg|arg){…};`
fn outline(directives: &[Directive]) -> String {
    let one = |directive: &Directive| {
        let args: Vec<_> = directive
            .args
            .iter()
            .map(|word| word.as_str().expect("text"))
            .collect();
        let block = directive.block.as_ref();
        let block = block.map(|block| format!("{{{}}}", outline(&block.directives)));
        let name = directive.name.as_str().expect("text");
        format!("{name}({}){}", args.join("|"), block.unwrap_or_default())
    };
    directives.iter().map(one).collect::<Vec<_>>().join(" ")
}

fn outline_of(text: &str) -> String {
    outline(&read([(MAIN, text)]).directives)
}

#[test]
fn words_end_where_nginx_ends_them() {
    for (text, expected) in [
        ("a b\tc\r\nd;", "a(b|c|d)"),
        ("a 'b c' \"d;{}\";", "a(b c|d;{})"),
        ("if ($a = \"b\") { c; }", "if(($a|=|b|)){c()}"),
        ("location ~ \\.php$ { a; }", "location(~|\\.php$){a()}"),
        ("set $a ${b}c{ }", "set($a|${b}c){}"),
        ("set $a \"${b}\";", "set($a|${b})"),
        ("rewrite ^/a\\{2\\}$ /b;", "rewrite(^/a\\{2\\}$|/b)"),
        ("a b#c # d\n e;", "a(b#c|e)"),
        ("a b}c; d{e}f{};}", ""),
        ("a b\"c\"d 'e'{}", "a(b\"c\"d|e){}"),
        ("a \\\"b\\' \"c\\\"\\\\\\n\";", "a(\"b'|c\"\\\n)"),
        ("a '' \"\";", "a(|)"),
        ("\"a\" b;", "a(b)"),
        ("# only a comment", ""),
        ("", ""),
    ] {
        if text.ends_with('}') && expected.is_empty() {
            continue;
        }
        assert_eq!(outline_of(text), expected, "{text}");
    }
}

#[test]
fn includes_stand_in_place_sorted_and_relative_to_the_main_file() {
    let tree = read([
        (
            MAIN,
            "a; include conf.d/*.conf; z { include snippets/s; include none/*; }",
        ),
        ("/etc/nginx/conf.d/2.conf", "c;"),
        ("/etc/nginx/conf.d/1.conf", "b { include snippets/s; }"),
        ("/etc/nginx/conf.d/.hidden.conf", "hidden;"),
        ("/etc/nginx/snippets/s", "s 1; s 2;"),
    ]);
    assert_eq!(
        outline(&tree.directives),
        "a() b(){s(1) s(2)} c() z(){s(1) s(2)}"
    );

    let paths: Vec<_> = tree
        .sources
        .files()
        .map(|file| file.display_path())
        .collect();
    let expected = ["nginx.conf", "conf.d/1.conf", "snippets/s", "conf.d/2.conf"];
    assert_eq!(paths, expected.map(|name| format!("/etc/nginx/{name}")));

    let inner = &tree.directives[1].children()[0];
    let chain: Vec<_> = tree
        .sources
        .include_chain(inner.span.source)
        .map(|span| tree.sources.describe(span.start()))
        .collect();
    assert_eq!(
        chain,
        ["/etc/nginx/conf.d/1.conf:1", "/etc/nginx/nginx.conf:1"]
    );
}

#[test]
fn include_is_an_ordinary_word_where_nginx_takes_it_for_one() {
    let files = [
        (
            MAIN,
            "map $a $b { include m; include; } charset_map a b { include m; } types{include t;}",
        ),
        ("/etc/nginx/m", "x y;"),
        ("/etc/nginx/t", "text/css css;"),
    ];
    let expected = "map($a|$b){x(y) include()} charset_map(a|b){include(m)} types(){text/css(css)}";
    assert_eq!(outline(&read(files).directives), expected);
}

#[test]
fn a_directive_is_reported_where_it_ends() {
    let tree = read([(MAIN, "http {\n  index\n a\n b\n;\n}\n")]);
    let http = &tree.directives[0];
    let index = &http.children()[0];
    let block = http.block.as_ref().unwrap();
    let line = |at| tree.sources.line(at);

    assert_eq!(
        (
            line(http.report_at()),
            line(index.report_at()),
            line(block.report_at())
        ),
        (1, 5, 6)
    );
    assert!(matches!(index.terminator, Terminator::Semicolon(_)));
    assert_eq!((http.order, index.order, block.close_order), (0, 1, 2));
    let late = index.first_word_on_a_later_line(&tree.sources).unwrap();
    assert_eq!(tree.sources.text(late.span), b"a");
}

#[test]
fn the_parameter_of_g_comes_first_and_has_no_line() {
    let files = MemoryLoader::from([(MAIN, "user www;")]);
    let mut diagnostics = Diagnostics::default();
    let mut parser = Parser::new(MAIN.as_bytes(), &files, &mut diagnostics);
    parser.globals(b"daemon off; pid");
    parser.main_file();
    let tree = parser.finish();

    assert_eq!(outline(&tree.directives), "daemon(off) pid() user(www)");
    let message = "nginx: [emerg] unexpected end of parameter, expecting \";\" in command line\n";
    assert!(diagnostics.render(&tree.sources).starts_with(message));
}

#[test]
fn the_parameter_of_g_has_no_blocks() {
    for (text, message) in [
        (
            "events { a; }",
            "block directives are not supported in -g option",
        ),
        (
            "events {",
            "block directives are not supported in -g option",
        ),
        ("}", "unexpected \"}\""),
        (
            "include missing;",
            "open() \"missing\" failed (2: No such file or directory)",
        ),
    ] {
        let mut diagnostics = Diagnostics::default();
        let files = MemoryLoader::default();
        let tree = portunus_conf_syntax::parse_globals(text.as_bytes(), &files, &mut diagnostics);
        let lines: Vec<_> = diagnostics
            .iter()
            .map(|one| one.first_line(&tree.sources))
            .collect();
        assert_eq!(
            lines,
            [format!("nginx: [emerg] {message} in command line")],
            "{text}"
        );
        assert!(tree.directives.is_empty());
    }
}

#[test]
fn a_missing_main_file_has_no_place() {
    let mut diagnostics = Diagnostics::default();
    let tree = parse(MAIN.as_bytes(), &MemoryLoader::default(), &mut diagnostics);
    assert_eq!(
        diagnostics.render(&tree.sources),
        format!("nginx: [emerg] open() \"{MAIN}\" failed (2: No such file or directory)\n")
    );
}

#[test]
fn includes_that_multiply_are_stopped() {
    // Each file includes the next one twice: 2^30 in all.
    let mut files = MemoryLoader::from([(MAIN, "include 0;")]);
    for level in 0..30 {
        files.insert(
            format!("/etc/nginx/{level}"),
            format!("include {0}; include {0};", level + 1),
        );
    }
    files.insert("/etc/nginx/30", "a;");
    let mut diagnostics = Diagnostics::default();
    let tree = parse(MAIN.as_bytes(), &files, &mut diagnostics);
    assert_eq!(diagnostics.len(), 1);
    let message = "nginx: [emerg] more than 65536 files are included in /etc/nginx/";
    assert!(diagnostics.render(&tree.sources).starts_with(message));
}

#[test]
fn large_configurations_are_read_in_one_pass() {
    let mut text = String::from("http {\n");
    for server in 0..1_000 {
        text +=
            &format!("server {{\n listen 80;\n server_name s{server}.example.com;\n root /srv;\n");
        text +=
            "location ~ \\.php$ {\n fastcgi_pass 127.0.0.1:9000;\n include fastcgi_params;\n}\n";
        text += "# a comment\n}\n";
    }
    text.push('}');
    let params = "fastcgi_param A $b;\n".repeat(25);
    let params = params.as_str();
    let tree = read([(MAIN, text.as_str()), ("/etc/nginx/fastcgi_params", params)]);

    assert_eq!(tree.sources.len(), 1_001);
    let servers = tree.directives[0].children();
    assert_eq!(servers.len(), 1_000);
    assert_eq!(servers[999].children()[3].children().len(), 26);
    assert_eq!(tree.sources.line(servers[999].report_at()), 9_993 - 1);
}
