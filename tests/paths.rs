//! 10,000 spellings of paths, made by a generator with a fixed seed, against a document root as
//! Laravel has it: whatever is asked for, nothing from outside the root comes back, nothing that is
//! denied, and no script as text.

use std::collections::BTreeMap;
use std::thread;

use portunus_testkit::{Connection, FastCgiPeer, Launch, Program, Server, Step, TempTree};

const SPELLINGS: usize = 10_000;
const SEED: u64 = 0x5eed_0006;

/// The usual server block of a Laravel application, and two aliases, the second of the kind that
/// nginx lets be climbed out of.
const CONFIG: &str = r"
    fastcgi_param SCRIPT_FILENAME $document_root$fastcgi_script_name;
    server {
        listen 127.0.0.1:%%PORT_0%%;
        root %%ROOT%%/app/public;
        index index.php;
        location / { try_files $uri $uri/ /index.php?$query_string; }
        location /assets/ { alias %%ROOT%%/app/build/; }
        location /files { alias %%ROOT%%/app/build/; }
        location ~ ^/img(.*)$ { alias %%ROOT%%/app/build/$1; }
        location ~ \.php(/|$) { fastcgi_pass %%PEER%%; }
        location ~ /\.(?!well-known).* { deny all; }
    }
    server {
        listen 127.0.0.1:%%PORT_1%%;
        root %%ROOT%%/app/public;
        autoindex on;
        location ~ \.php$ { fastcgi_split_path_info ^(.+\.php)(/.+)$; fastcgi_pass %%PEER%%; }
        location ~ /\. { deny all; }
    }";

/// What stands in files, by where they are; an answer with one of the forbidden words has leaked.
const PUBLIC: &str = "public-content";
const FORBIDDEN: [&str; 3] = ["outside-content", "denied-content", "<?php"];

fn tree() -> TempTree {
    let files = [
        ("secret.txt", "outside-content"),
        ("app/.env", "outside-content"),
        ("app/secret.txt", "outside-content"),
        ("app/config/app.txt", "outside-content"),
        ("app/publication/secret.txt", "outside-content"),
        ("app/public/index.php", "<?php echo 1;"),
        ("app/public/other.php", "<?php echo 2;"),
        ("app/public/dir/index.php", "<?php echo 3;"),
        ("app/public/hello.txt", PUBLIC),
        ("app/public/dir/page.txt", PUBLIC),
        ("app/public/a b.txt", PUBLIC),
        ("app/public/.well-known/token", PUBLIC),
        ("app/public/.env", "denied-content"),
        ("app/public/.git/config", "denied-content"),
        ("app/public/.htaccess", "denied-content"),
        ("app/public/dir/.env", "denied-content"),
        ("app/build/app.txt", PUBLIC),
    ];
    let tree = TempTree::new().expect("a directory");
    for (path, content) in files {
        tree.write(path, content).expect("a file");
    }
    tree
}

/// xorshift64*: enough to pick words, and the same in every run.
struct Random(u64);

impl Random {
    fn below(&mut self, bound: usize) -> usize {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        let mixed = self.0.wrapping_mul(0x2545_f491_4f6c_dd1d) >> 33;
        usize::try_from(mixed).expect("31 bits") % bound
    }

    fn pick<'w>(&mut self, words: &[&'w str]) -> &'w str {
        words[self.below(words.len())]
    }
}

const SEPARATORS: [&str; 16] = [
    "/",
    "/",
    "/",
    "/",
    "/",
    "/",
    "//",
    "/./",
    "%2f",
    "%2F",
    "%252f",
    "\\",
    "%5c",
    "%c0%af",
    "%e0%80%af",
    "/;/",
];
const CLIMBS: [&str; 26] = [
    "..",
    "..",
    "..",
    "%2e%2e",
    "%2E.",
    ".%2e",
    "%252e%252e",
    "%25%32%65%25%32%65",
    "%c0%ae%c0%ae",
    "%e0%80%ae%e0%80%ae",
    "%uff0e%uff0e",
    "%f0%80%80%ae.",
    "...",
    "....",
    "..;",
    "..;x=y",
    "..%00",
    "..%20",
    ".. ",
    "..%09",
    "..%0d%0a",
    ".",
    "%2e",
    "",
    "..\u{2024}",
    "%ef%bc%8e%ef%bc%8e",
];
const NAMES: [&str; 36] = [
    "hello.txt",
    "dir",
    "page.txt",
    "a%20b.txt",
    "index.php",
    "other.php",
    "secret.txt",
    ".env",
    ".git",
    "config",
    ".htaccess",
    "app",
    "public",
    "publication",
    "build",
    "app.txt",
    "assets",
    "files",
    "files..",
    "img",
    "img..",
    ".well-known",
    "token",
    "INDEX.PHP",
    "index.PHP",
    "%2eenv",
    "%2Eenv",
    ".%65nv",
    ".e%6ev",
    "%69ndex.php",
    "index.p%68p",
    "etc",
    "passwd",
    "index%2ephp",
    "%2e%67it",
    "dir%2findex.php",
];
const TAILS: [&str; 26] = [
    "",
    "",
    "",
    "",
    "",
    "",
    "/",
    "//",
    ".",
    "..",
    "%20",
    "%00",
    "%00.txt",
    "%0a",
    "%0d",
    "::$DATA",
    "%3a%3a$DATA",
    ";.txt",
    "/.txt",
    "/x.txt",
    "%2f",
    "%5c",
    "~",
    ".bak",
    "%252e",
    "?x=.txt",
];

/// One spelling: some climbing, some names, something at the end.
fn spelling(random: &mut Random) -> String {
    let mut path = String::new();
    for _ in 0..=random.below(5) {
        path.push_str(if path.is_empty() {
            "/"
        } else {
            random.pick(&SEPARATORS)
        });
        let climb = random.below(5) < 2;
        path.push_str(random.pick(if climb { &CLIMBS } else { &NAMES }));
    }
    path.push_str(random.pick(&TAILS));
    path
}

/// Where the spellings come close to what must not be had: a climb straight to a secret.
fn attack(random: &mut Random) -> String {
    let starts = [
        "",
        "/files",
        "/img",
        "/assets",
        "/dir",
        "/dir/x",
        "/hello.txt",
        "/index.php",
    ];
    let targets = [
        "secret.txt",
        "config/app.txt",
        ".env",
        "publication/secret.txt",
        "public/.env",
        "public/index.php",
        "etc/passwd",
        ".git/config",
        "dir/.env",
        "other.php",
    ];
    let mut path = random.pick(&starts).to_owned();
    if random.below(4) > 0 || path.is_empty() {
        path.push_str(random.pick(&SEPARATORS));
    }
    for _ in 0..random.below(4) {
        path.push_str(random.pick(&CLIMBS));
        path.push_str(random.pick(&SEPARATORS));
    }
    path.push_str(random.pick(&targets));
    path.push_str(random.pick(&TAILS));
    path
}

/// A file that is there, under another spelling of its path: bytes escaped, detours between.
fn respelling(random: &mut Random) -> String {
    let files = [
        "hello.txt",
        "dir/page.txt",
        "a b.txt",
        ".well-known/token",
        "files/app.txt",
        "assets/app.txt",
        "img/app.txt",
        "other.php",
        "dir/index.php",
        ".env",
        ".git/config",
        "dir/.env",
    ];
    let detours = [
        "",
        "",
        "/",
        "./",
        "x/../",
        "%2e/",
        "x/%2e%2e/",
        "dir/..//",
        ".//",
    ];
    let mut path = String::new();
    for segment in random.pick(&files).split('/') {
        path.push('/');
        path.push_str(random.pick(&detours));
        for byte in segment.bytes() {
            match random.below(4) {
                0 => path.push_str(&format!("%{byte:02x}")),
                1 => path.push_str(&format!("%{byte:02X}")),
                _ if byte == b' ' => path.push_str("%20"),
                _ => path.push(char::from(byte)),
            }
        }
    }
    if random.below(3) == 0 {
        path.push_str(random.pick(&TAILS));
    }
    path
}

/// Asks for a path on a connection that is kept as long as the server keeps it.
fn ask(server: &Server, port: usize, kept: &mut Option<Connection>, path: &str) -> (u16, Vec<u8>) {
    let address = server.address(port);
    let mut connection =
        (kept.take()).unwrap_or_else(|| Connection::open(address).expect("the server listens"));
    let request = format!("GET {path} HTTP/1.1\r\nHost: localhost\r\n\r\n");
    connection.send(request.as_bytes()).expect("it is taken");
    let response = connection.read_response("GET");
    let response = response.map_err(|error| format!("{path}: {error}"));
    let response = response.expect("an answer");
    if response.field("connection") != Some("close") {
        *kept = Some(connection);
    }
    (response.status(), response.body)
}

/// Plays spellings on one port; how often each status came, and how often public content.
fn play(server: &Server, port: usize, seed: u64, count: usize) -> (BTreeMap<u16, usize>, usize) {
    let mut random = Random(seed);
    let (mut statuses, mut public, mut kept) = (BTreeMap::new(), 0, None);
    for number in 0..count {
        let path = match number % 3 {
            0 => spelling(&mut random),
            1 => attack(&mut random),
            _ => respelling(&mut random),
        };
        let (status, body) = ask(server, port, &mut kept, &path);
        *statuses.entry(status).or_default() += 1;
        let text = String::from_utf8_lossy(&body);
        for forbidden in FORBIDDEN {
            assert!(
                !text.contains(forbidden),
                "port {port}: {path} gives {text}"
            );
        }
        assert!(!text.contains("root:"), "port {port}: {path} gives {text}");
        public += usize::from(text.contains(PUBLIC));
    }
    (statuses, public)
}

#[test]
fn no_spelling_of_a_path_leads_out_of_the_root_or_to_what_is_denied() {
    let tree = tree();
    let answer = Step::answer("Content-Type: text/plain", "from PHP");
    let peer = FastCgiPeer::start(vec![answer]).expect("a peer");
    let server = Launch::new(Program::at(env!("CARGO_BIN_EXE_portunus")), CONFIG)
        .root(tree.path())
        .with("PEER", peer.address().to_string())
        .start()
        .expect("it starts");

    let plain = ask(&server, 0, &mut None, "/hello.txt");
    assert_eq!(plain, (200, PUBLIC.into()), "the root is the right one");
    let script = ask(&server, 0, &mut None, "/index.php");
    assert_eq!(script, (200, b"from PHP".to_vec()), "scripts go to PHP");

    let halves = thread::scope(|scope| {
        let player = |port: usize| {
            let server = &server;
            scope.spawn(move || play(server, port, SEED + port as u64, SPELLINGS / 2))
        };
        [0, 1]
            .map(player)
            .map(|player| player.join().expect("nothing leaked"))
    });
    for (port, (statuses, public)) in halves.iter().enumerate() {
        println!("port {port}: {statuses:?}, {public} times what is public");
        assert!(
            *public > 300,
            "the spellings are too wild to reach anything"
        );
    }

    let root = tree.path().join("app/public");
    let inside = format!("{}/", root.display());
    for request in peer.requests() {
        let script = request.param("SCRIPT_FILENAME").unwrap_or_default();
        let below = script.strip_prefix(&inside);
        let climbs = below.is_none_or(|path| path.split('/').any(|segment| segment == ".."));
        assert!(!climbs, "PHP was asked for {script}");
    }
}
