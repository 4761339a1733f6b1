//! The closed-loop workloads: what is asked, of whom, and what the answer must be.

use super::contender::{Contender, Kind};
use super::load::Tool;

/// What a workload needs beside the servers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Backend {
    /// Nothing.
    None,
    /// PHP-FPM with eight static children and a script that says hello.
    Hello,
    /// PHP-FPM with eight static children and the application.
    Application,
}

/// What the body of an answer is held against.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Body {
    /// It has the length of this file of the document root.
    File,
    /// It is the file, compressed; all answers of a server have one length.
    GzipOfFile,
    /// It has this length.
    Length(usize),
    /// A page with dates and tokens in it: its length varies by 2 %.
    AboutAsProbed,
}

/// One closed-loop workload.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Workload {
    pub(crate) name: &'static str,
    pub(crate) title: &'static str,
    pub(crate) target: &'static str,
    pub(crate) headers: &'static [&'static str],
    /// Bytes of the body that is sent with a POST, by our own tool; a GET without any.
    pub(crate) sends: Option<usize>,
    pub(crate) connections: usize,
    pub(crate) body: Body,
    pub(crate) backend: Backend,
    pub(crate) tool: Tool,
    /// Server and load each have cores of their own, so that the server is the bottleneck.
    pub(crate) pinned: bool,
    /// The servers are started anew for each round. What a process takes depends on where its memory happens to lie,
    /// and where that is found cold again and again, two of one server differ by more than rounds of one do.
    pub(crate) started_anew: bool,
    /// The first is what the others are held against.
    pub(crate) contenders: &'static [Contender],
    /// More of them with `--peers`.
    pub(crate) peers: &'static [Contender],
}

const fn nginx(conf: &'static str) -> Contender {
    Contender::new("nginx", Kind::Nginx, conf)
}

const fn portunus(conf: &'static str) -> Contender {
    Contender::new("Portunus", Kind::Portunus, conf)
}

const STATIC: [Contender; 2] = [nginx("static.conf"), portunus("static.conf")];

const PEERS: [Contender; 2] = [
    Contender::new("lighttpd", Kind::Lighttpd, "lighttpd.conf"),
    Contender::new("H2O", Kind::H2o, "h2o.conf"),
];

const NGINX_OPEN_FILE_CACHE: Contender = Contender::new(
    "nginx open_file_cache",
    Kind::Nginx,
    "static-open-file-cache.conf",
);

const NGINX_KEEPALIVE: Contender =
    Contender::new("nginx keepalive 8", Kind::Nginx, "php-keepalive.conf");

/// What the workloads have in common unless they say otherwise.
const BASE: Workload = Workload {
    name: "",
    title: "",
    target: "/",
    headers: &[],
    sends: None,
    connections: 64,
    body: Body::File,
    backend: Backend::None,
    tool: Tool::Wrk,
    pinned: true,
    started_anew: false,
    contenders: &STATIC,
    peers: &PEERS,
};

/// What those have in common that ask PHP.
const PHP: Workload = Workload {
    backend: Backend::Hello,
    pinned: false,
    contenders: &[nginx("php.conf"), NGINX_KEEPALIVE, portunus("php.conf")],
    peers: &[],
    ..BASE
};

/// All of them, in the order of the report.
pub(crate) const WORKLOADS: [Workload; 11] = [
    Workload {
        name: "static-1k",
        title: "A file of 1 KB through `try_files`",
        target: "/1k.txt",
        contenders: &[
            nginx("static.conf"),
            NGINX_OPEN_FILE_CACHE,
            portunus("static.conf"),
        ],
        ..BASE
    },
    Workload {
        name: "static-100k",
        title: "A file of 100 KB",
        target: "/100k.txt",
        tool: Tool::Own,
        ..BASE
    },
    // How a client reads decides what sending costs: our own tool takes up to 32 KB at a time, wrk 8 KB.
    Workload {
        name: "static-100k-wrk",
        title: "A file of 100 KB, read in pieces of 8 KB",
        target: "/100k.txt",
        ..BASE
    },
    Workload {
        name: "static-10m",
        title: "A file of 10 MB",
        target: "/10m.bin",
        tool: Tool::Own,
        connections: 8,
        ..BASE
    },
    Workload {
        name: "gzip-100k",
        title: "100 KB of CSS, compressed on demand",
        target: "/100k.css",
        headers: &["Accept-Encoding: gzip"],
        body: Body::GzipOfFile,
        contenders: &[nginx("gzip.conf"), portunus("gzip.conf")],
        peers: &[],
        ..BASE
    },
    Workload {
        name: "return-200",
        title: "`return 200` among 50 servers of 50 locations, 10 of them regular expressions",
        target: "/section-49/page",
        headers: &["Host: site-49.example"],
        body: Body::Length(3),
        contenders: &[nginx("engine.conf"), portunus("engine.conf")],
        peers: &[],
        ..BASE
    },
    Workload {
        name: "php-hello",
        title: "PHP says hello: PHP-FPM with 8 static children",
        target: "/hello.php",
        body: Body::Length(13),
        ..PHP
    },
    Workload {
        name: "php-post",
        title: "PHP says hello to a form of 500 bytes: PHP-FPM with 8 static children, which get a connection for each where PHP has CVE-2026-129289",
        target: "/hello.php",
        sends: Some(500),
        tool: Tool::Own,
        body: Body::Length(13),
        ..PHP
    },
    Workload {
        name: "php-24k",
        title: "A page of 24 KB that PHP makes row by row: PHP-FPM with 8 static children",
        target: "/rows.php",
        connections: 16,
        body: Body::Length(512 * 48),
        ..PHP
    },
    Workload {
        name: "php-1m",
        title: "An answer of 1 MB that PHP makes: PHP-FPM with 8 static children",
        target: "/big.php",
        tool: Tool::Own,
        connections: 8,
        body: Body::Length(1 << 20),
        ..PHP
    },
    Workload {
        name: "laravel-page",
        title: "The application's home page: PHP-FPM with 8 static children",
        body: Body::AboutAsProbed,
        backend: Backend::Application,
        connections: 32,
        started_anew: true,
        ..PHP
    },
];
