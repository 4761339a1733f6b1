//! TLS with real clients: `curl` and `openssl s_client`, certificates made on the spot.

mod certificates;

use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering::Relaxed};
use std::time::Duration;

use certificates::Certificates;
use portunus_testkit::{Launch, Program, Server, exchange};
use rustix::process::Signal;

const PATIENCE: Duration = Duration::from_secs(20);

type Result<T = ()> = std::result::Result<T, portunus_testkit::Error>;

fn launch(config: &str, certificates: &Certificates) -> Launch {
    Launch::new(Program::at(env!("CARGO_BIN_EXE_portunus")), config)
        .with("CERTS", certificates.folder().display().to_string())
}

/// What curl prints for a URL whose host is on our port.
fn curl(server: &Server, certificates: &Certificates, url: &str, more: &[&str]) -> String {
    let host = url
        .trim_start_matches("https://")
        .split('/')
        .next()
        .unwrap_or_default();
    let port = server.port(0);
    let url = url.replacen(host, &format!("{host}:{port}"), 1);
    let authority = certificates.folder().join("ca.crt");
    let output = Command::new("curl")
        .args([
            "-sS",
            "--max-time",
            "15",
            "--resolve",
            &format!("{host}:{port}:127.0.0.1"),
        ])
        .arg("--cacert")
        .arg(authority)
        .args(more)
        .arg(url)
        .output()
        .expect("curl can be run");
    let text = [output.stdout, output.stderr].concat();
    String::from_utf8_lossy(&text).into_owned()
}

/// What `openssl s_client` says of a handshake; `input` is sent after it.
fn s_client(server: &Server, more: &[&str], input: &str) -> String {
    s_client_at(server, 0, more, input)
}

/// The same at another of the server's ports.
fn s_client_at(server: &Server, port: usize, more: &[&str], input: &str) -> String {
    use std::io::Write as _;
    let mut child = Command::new("openssl")
        .args([
            "s_client",
            "-connect",
            &format!("127.0.0.1:{}", server.port(port)),
        ])
        .args(more)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("openssl can be run");
    let mut stdin = child.stdin.take().expect("it was asked for");
    // A refused handshake ends the client before it reads.
    let _ = stdin.write_all(input.as_bytes());
    drop(stdin);
    let output = child.wait_with_output().expect("openssl ends");
    let text = [output.stdout, output.stderr].concat();
    String::from_utf8_lossy(&text).into_owned()
}

const TWO_NAMES: &str = "
    server {
        listen 127.0.0.1:%%PORT_0%% ssl default_server;
        server_name one.example;
        ssl_certificate %%CERTS%%/one.crt;
        ssl_certificate_key %%CERTS%%/one.key;
        location / { return 200 \"one $scheme $https $ssl_protocol $ssl_cipher $ssl_server_name\\n\"; }
    }
    server {
        listen 127.0.0.1:%%PORT_0%% ssl;
        server_name two.example;
        http2 on;
        ssl_certificate %%CERTS%%/two.crt;
        ssl_certificate_key %%CERTS%%/two.key;
        ssl_protocols TLSv1.2;
        ssl_ciphers ECDHE-ECDSA-AES128-GCM-SHA256:AES128-SHA;
        location / { return 200 \"two $server_protocol $ssl_protocol $ssl_cipher $ssl_alpn_protocol\\n\"; }
    }
    server {
        listen 127.0.0.1:%%PORT_0%% ssl;
        server_name refused.example;
        ssl_reject_handshake on;
    }";

#[test]
fn the_name_chooses_certificate_and_settings() -> Result {
    let certificates = Certificates::new();
    let server = launch(TWO_NAMES, &certificates).start()?;
    let one = curl(&server, &certificates, "https://one.example/", &[]);
    assert_eq!(
        one,
        "one https on TLSv1.3 TLS_AES_256_GCM_SHA384 one.example\n"
    );
    let two = curl(&server, &certificates, "https://two.example/", &[]);
    assert_eq!(
        two,
        "two HTTP/2.0 TLSv1.2 ECDHE-ECDSA-AES128-GCM-SHA256 h2\n"
    );
    let two = curl(
        &server,
        &certificates,
        "https://two.example/",
        &["--http1.1"],
    );
    assert_eq!(
        two,
        "two HTTP/1.1 TLSv1.2 ECDHE-ECDSA-AES128-GCM-SHA256 http/1.1\n"
    );
    let refused = curl(&server, &certificates, "https://refused.example/", &[]);
    assert!(refused.contains("unrecognized name"), "{refused}");
    let unknown = s_client(&server, &["-servername", "other.example"], "");
    assert!(unknown.contains("CN = one.example"), "{unknown}");
    let none = s_client(&server, &["-noservername"], "");
    assert!(none.contains("CN = one.example"), "{none}");
    Ok(())
}

#[test]
fn the_socket_below_is_asked() -> Result {
    let certificates = Certificates::new();
    let config = "
        server {
            listen 127.0.0.1:%%PORT_0%% ssl;
            http2 on;
            ssl_certificate %%CERTS%%/one.crt;
            ssl_certificate_key %%CERTS%%/one.key;
            return 200 \"$tcpinfo_rtt $tcpinfo_rttvar $tcpinfo_snd_cwnd $tcpinfo_rcv_space\";
        }";
    let server = launch(config, &certificates).start()?;
    for version in ["--http1.1", "--http2"] {
        let said = curl(&server, &certificates, "https://one.example/", &[version]);
        let numbers = said.split(' ').filter(|word| word.parse::<u32>().is_ok());
        assert_eq!(numbers.count(), 4, "{version}: {said}");
    }
    Ok(())
}

#[test]
fn plain_http_is_told_where_it_is() -> Result {
    let certificates = Certificates::new();
    let server = launch(TWO_NAMES, &certificates).start()?;
    let answer = exchange(server.address(0), "GET / HTTP/1.1")?;
    assert_eq!(answer.status(), 400);
    assert!(
        answer
            .text()
            .contains("The plain HTTP request was sent to HTTPS port")
    );
    let config = "
        server {
            listen 127.0.0.1:%%PORT_0%% ssl;
            ssl_certificate %%CERTS%%/one.crt;
            ssl_certificate_key %%CERTS%%/one.key;
            error_page 497 =301 https://$host$request_uri;
        }";
    let server = launch(config, &certificates).start()?;
    let answer = exchange(server.address(0), "GET /x?y HTTP/1.1")?;
    assert_eq!(answer.status(), 301);
    assert_eq!(answer.field("location"), Some("https://localhost/x?y"));
    Ok(())
}

#[test]
fn rsa_and_ecdsa_stand_side_by_side() -> Result {
    let certificates = Certificates::new();
    let config = "
        server {
            listen 127.0.0.1:%%PORT_0%% ssl;
            ssl_certificate %%CERTS%%/one.crt;
            ssl_certificate_key %%CERTS%%/one.key;
            ssl_certificate %%CERTS%%/two.crt;
            ssl_certificate_key %%CERTS%%/two.key;
            ssl_session_tickets off;
            return 200 ok;
        }";
    let server = launch(config, &certificates).start()?;
    for (sort, name) in [
        ("RSA-PSS+SHA256", "one.example"),
        ("ECDSA+SHA256", "two.example"),
    ] {
        let said = s_client(&server, &["-sigalgs", sort], "");
        assert!(said.contains(&format!("CN = {name}")), "{sort}: {said}");
    }
    for (cipher, name) in [
        ("ECDHE-RSA-AES128-GCM-SHA256", "one"),
        ("ECDHE-ECDSA-AES128-GCM-SHA256", "two"),
    ] {
        let said = s_client(&server, &["-tls1_2", "-cipher", cipher], "");
        assert!(
            said.contains(&format!("CN = {name}.example")),
            "{cipher}: {said}"
        );
    }
    Ok(())
}

#[test]
fn keys_may_be_encrypted_and_old_in_form() -> Result {
    let certificates = Certificates::new();
    for key in ["one.enc.key", "one.pkcs1.key"] {
        let config = format!(
            "server {{
                listen 127.0.0.1:%%PORT_0%% ssl;
                ssl_certificate %%CERTS%%/one.crt;
                ssl_certificate_key %%CERTS%%/{key};
                ssl_password_file %%CERTS%%/passwords;
                return 200 ok;
            }}"
        );
        let server = launch(&config, &certificates).start()?;
        let said = curl(&server, &certificates, "https://one.example/", &[]);
        assert_eq!(said, "ok", "{key}");
    }
    Ok(())
}

#[test]
fn bad_certificates_are_refused_in_nginx_s_words() {
    let certificates = Certificates::new();
    let cases = [
        (
            "missing.crt",
            "one.key",
            "cannot load certificate \"%%CERTS%%/missing.crt\": BIO_new_file() failed (SSL: error:80000002:system library::No such file or directory:calling fopen(%%CERTS%%/missing.crt, r) error:10000080:BIO routines::no such file)",
        ),
        (
            "one.crt",
            "missing.key",
            "cannot load certificate key \"%%CERTS%%/missing.key\": BIO_new_file() failed",
        ),
        (
            "one.key",
            "one.key",
            "cannot load certificate \"%%CERTS%%/one.key\": PEM_read_bio_X509_AUX() failed (SSL: error:0480006C:PEM routines::no start line:Expecting: TRUSTED CERTIFICATE)",
        ),
        (
            "one.crt",
            "one.crt",
            "cannot load certificate key \"%%CERTS%%/one.crt\": PEM_read_bio_PrivateKey() failed",
        ),
        (
            "one.crt",
            "two.key",
            "SSL_CTX_use_PrivateKey(\"%%CERTS%%/two.key\") failed (SSL: error:05800074:x509 certificate routines::key values mismatch)",
        ),
        (
            "one.crt",
            "$host.key",
            "variables in \"ssl_certificate_key\" are not supported by this build",
        ),
    ];
    for (certificate, key, message) in cases {
        let config = format!(
            "server {{
                listen 127.0.0.1:%%PORT_0%% ssl;
                ssl_certificate %%CERTS%%/{certificate};
                ssl_certificate_key %%CERTS%%/{key};
            }}"
        );
        let error = launch(&config, &certificates)
            .start()
            .expect_err(message)
            .to_string();
        let message = message.replace("%%CERTS%%", &certificates.folder().display().to_string());
        assert!(error.contains(&message), "{message}\nis not in\n{error}");
    }
}

/// A server whose certificate is replaced while it runs.
const RENEWED: &str = "
    server {
        listen 127.0.0.1:%%PORT_0%% ssl;
        error_log stderr info;
        ssl_certificate %%CERTS%%/live.crt;
        ssl_certificate_key %%CERTS%%/live.key;
        return 200 ok;
    }";

#[test]
fn a_reload_takes_renewed_certificates_and_no_bad_ones() -> Result {
    let certificates = Certificates::new();
    certificates.copy("one", "live");
    let mut server = launch(RENEWED, &certificates).start()?;
    let subject = |server: &Server| s_client(server, &[], "");
    assert!(subject(&server).contains("CN = one.example"));
    // The certificate of one, the key of the other: it must not get in.
    certificates.copy_one("two.crt", "live.crt");
    server.process().signal(Signal::HUP)?;
    server
        .process()
        .wait_for_output("the old one stays in force", PATIENCE)?;
    assert!(
        server.log().contains("key values mismatch"),
        "{}",
        server.log()
    );
    assert!(subject(&server).contains("CN = one.example"));
    certificates.copy("two", "live");
    server.process().signal(Signal::HUP)?;
    let renewed = (0..200).any(|_| subject(&server).contains("CN = two.example"));
    assert!(renewed, "{}", server.log());
    Ok(())
}

/// A connection over TLS that stays open, by `openssl s_client`.
struct Kept {
    child: std::process::Child,
    said: Vec<u8>,
}

impl Kept {
    fn open(server: &Server) -> Self {
        let child = Command::new("openssl")
            .args(["s_client", "-quiet", "-connect"])
            .arg(format!("127.0.0.1:{}", server.port(0)))
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn();
        Self {
            child: child.expect("openssl can be run"),
            said: Vec::new(),
        }
    }

    /// Asks once more, and reads until there is one more answer.
    fn ask(&mut self) {
        use std::io::{Read as _, Write as _};
        let answers = |said: &[u8]| said.windows(6).filter(|part| part == b"\r\n\r\nok").count();
        let expected = answers(&self.said) + 1;
        let stdin = self.child.stdin.as_mut().expect("it was asked for");
        let request = b"GET / HTTP/1.1\r\nHost: one.example\r\n\r\n";
        stdin.write_all(request).expect("it is open");
        let stdout = self.child.stdout.as_mut().expect("it was asked for");
        let mut buffer = [0; 1024];
        while answers(&self.said) < expected {
            let length = stdout.read(&mut buffer).expect("it is open");
            assert!(length > 0, "{}", String::from_utf8_lossy(&self.said));
            self.said.extend_from_slice(&buffer[..length]);
        }
    }
}

impl Drop for Kept {
    fn drop(&mut self) {
        drop(self.child.stdin.take());
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Certificates are renewed while clients come and go: nobody is turned away, who is there stays,
/// who comes later gets the new one, and one that does not fit changes nothing.
#[test]
fn certificates_are_renewed_under_load() -> Result {
    let certificates = Certificates::new();
    certificates.copy("one", "live");
    let mut server = launch(RENEWED, &certificates).start()?;
    let mut kept = Kept::open(&server);
    kept.ask();
    let (done, served) = (AtomicBool::new(false), AtomicUsize::new(0));
    let address = (server.port(0), certificates.folder().join("ca.crt"));
    std::thread::scope(|scope| -> Result {
        let clients: Vec<_> = (0..3)
            .map(|_| {
                scope.spawn(|| {
                    while !done.load(Relaxed) {
                        let (port, authority) = &address;
                        let output = Command::new("curl")
                            .args(["-sS", "--max-time", "15", "--resolve"])
                            .arg(format!("one.example:{port}:127.0.0.1"))
                            .arg("--cacert")
                            .arg(authority)
                            .arg(format!("https://one.example:{port}/"))
                            .output()
                            .expect("curl can be run");
                        let text = [output.stdout, output.stderr].concat();
                        assert_eq!(String::from_utf8_lossy(&text), "ok");
                        served.fetch_add(1, Relaxed);
                    }
                })
            })
            .collect();
        let outcome = renew(&mut server, &certificates, &mut kept);
        done.store(true, Relaxed);
        for client in clients {
            client.join().expect("nobody is turned away");
        }
        outcome
    })?;
    assert!(served.load(Relaxed) > 0);
    Ok(())
}

fn renew(server: &mut Server, certificates: &Certificates, kept: &mut Kept) -> Result {
    let shown = |server: &Server| s_client(server, &[], "");
    certificates.copy("renewed", "live");
    server.process().signal(Signal::HUP)?;
    let renewed = (0..200).any(|_| shown(server).contains("O = Renewed"));
    assert!(renewed, "{}", server.log());
    kept.ask();
    // The certificate of one, the key of the other.
    certificates.copy_one("two.key", "live.key");
    server.process().signal(Signal::HUP)?;
    (server.process()).wait_for_output("the old one stays in force", PATIENCE)?;
    assert!(shown(server).contains("O = Renewed"));
    kept.ask();
    certificates.copy("one", "live");
    server.process().signal(Signal::HUP)?;
    let back = (0..200).any(|_| !shown(server).contains("O = Renewed"));
    assert!(back, "{}", server.log());
    kept.ask();
    Ok(())
}

#[test]
fn sessions_are_resumed_while_they_are_allowed_to() -> Result {
    let certificates = Certificates::new();
    let config = "
        ssl_certificate %%CERTS%%/one.crt;
        ssl_certificate_key %%CERTS%%/one.key;
        server { listen 127.0.0.1:%%PORT_0%% ssl; %%SESSIONS%% return 200 \"$ssl_session_reused\"; }";
    for (sessions, reused) in [
        ("", true),
        (
            "ssl_session_cache shared:SSL:1m; ssl_session_tickets off;",
            true,
        ),
        ("ssl_session_tickets off;", false),
        ("ssl_session_ticket_key %%CERTS%%/ticket.key;", true),
    ] {
        let server = launch(&config.replace("%%SESSIONS%%", sessions), &certificates).start()?;
        for version in ["-tls1_2", "-tls1_3"] {
            let file = certificates.folder().join("session");
            let file = file.to_str().expect("a path of ours");
            let request = "GET / HTTP/1.0\r\n\r\n";
            let first = s_client(&server, &[version, "-ign_eof", "-sess_out", file], request);
            assert!(
                first.ends_with('.') || first.contains("\r\n\r\n."),
                "{first}"
            );
            let second = s_client(&server, &[version, "-ign_eof", "-sess_in", file], request);
            let was = second.contains("\r\n\r\nr");
            assert_eq!(was, reused, "{sessions} {version}: {second}");
        }
    }
    Ok(())
}

#[test]
fn clients_show_certificates() -> Result {
    let certificates = Certificates::new();
    let config = "
        server {
            listen 127.0.0.1:%%PORT_0%% ssl;
            server_name one.example;
            error_log stderr info;
            ssl_certificate %%CERTS%%/one.crt;
            ssl_certificate_key %%CERTS%%/one.key;
            ssl_verify_client %%VERIFY%%;
            ssl_client_certificate %%CERTS%%/ca.crt;
            return 200 \"$ssl_client_verify $ssl_client_s_dn $ssl_client_i_dn\";
        }";
    let folder = certificates.folder().to_owned();
    let with = |server: &Server, name: &str| {
        let (certificate, key) = (
            folder.join(format!("{name}.crt")),
            folder.join(format!("{name}.key")),
        );
        let (certificate, key) = (
            certificate.to_str().expect("ours"),
            key.to_str().expect("ours"),
        );
        let more = ["--cert", certificate, "--key", key];
        curl(server, &certificates, "https://one.example/", &more)
    };
    let start = |verify: &str| launch(&config.replace("%%VERIFY%%", verify), &certificates).start();
    let good = "SUCCESS CN=client.example,O=Clients\\, Inc. CN=Test CA";

    let mut server = start("on")?;
    assert_eq!(with(&server, "client"), good);
    let none = curl(
        &server,
        &certificates,
        "https://one.example/",
        &["--tls-max", "1.2"],
    );
    assert!(
        none.contains("No required SSL certificate was sent"),
        "{none}"
    );
    assert!(with(&server, "stranger").contains("The SSL certificate error"));
    let line = "client SSL certificate verify error: (18:self-signed certificate)";
    server.process().wait_for_output(line, PATIENCE)?;
    assert!(with(&server, "expired").contains("The SSL certificate error"));
    server
        .process()
        .wait_for_output("(10:certificate has expired)", PATIENCE)?;

    let server = start("optional")?;
    assert_eq!(with(&server, "client"), good);
    assert_eq!(
        curl(&server, &certificates, "https://one.example/", &[]),
        "NONE  "
    );
    assert!(with(&server, "stranger").contains("The SSL certificate error"));

    let server = start("optional_no_ca")?;
    assert_eq!(with(&server, "client"), good);
    assert!(with(&server, "stranger").starts_with("FAILED:self-signed certificate CN=stranger"));
    assert!(with(&server, "expired").contains("The SSL certificate error"));
    Ok(())
}

#[test]
fn a_large_answer_reaches_a_slow_reader_whole() -> Result {
    let certificates = Certificates::new();
    let config = "
        server {
            listen 127.0.0.1:%%PORT_0%% ssl;
            http2 on;
            ssl_certificate %%CERTS%%/one.crt;
            ssl_certificate_key %%CERTS%%/one.key;
            ssl_buffer_size 4k;
            root %%CERTS%%;
        }";
    let large = certificates.large_file();
    let server = launch(config, &certificates).start()?;
    for version in ["--http1.0", "--http1.1", "--http2"] {
        let target = certificates.folder().join("received");
        let target_name = target.to_str().expect("ours");
        let more = [version, "--limit-rate", "4M", "-o", target_name];
        let said = curl(&server, &certificates, "https://one.example/large", &more);
        assert_eq!(said, "");
        assert!(
            std::fs::read(&target).expect("curl wrote it") == large,
            "{version}"
        );
    }
    Ok(())
}

#[test]
fn the_older_word_of_listen_offers_http2_too() -> Result {
    let certificates = Certificates::new();
    let config = "
        server {
            listen 127.0.0.1:%%PORT_0%% ssl http2;
            ssl_certificate %%CERTS%%/one.crt;
            ssl_certificate_key %%CERTS%%/one.key;
            return 200 $server_protocol;
        }";
    let server = launch(config, &certificates).start()?;
    assert_eq!(
        curl(&server, &certificates, "https://one.example/", &["--http2"]),
        "HTTP/2.0"
    );
    Ok(())
}

/// `listen … http2` is of the address, `http2 on` of the server block that is named, even where it
/// shows the certificate of another.
#[test]
fn who_offers_http2_at_a_shared_address() -> Result {
    let certificates = Certificates::new();
    let config = "
        server {
            listen 127.0.0.1:%%PORT_0%% ssl;
            listen 127.0.0.1:%%PORT_1%% ssl http2;
            ssl_certificate %%CERTS%%/one.crt;
            ssl_certificate_key %%CERTS%%/one.key;
            return 200 a;
        }
        server {
            listen 127.0.0.1:%%PORT_0%% ssl;
            listen 127.0.0.1:%%PORT_1%% ssl;
            server_name two.example;
            return 200 b;
        }
        server {
            listen 127.0.0.1:%%PORT_0%% ssl;
            server_name three.example;
            http2 on;
            return 200 c;
        }";
    let server = launch(config, &certificates).start()?;
    let offered = |port: usize, name: &str| {
        let said = s_client_at(&server, port, &["-alpn", "h2", "-servername", name], "");
        said.contains("ALPN protocol: h2")
    };
    for name in ["one.example", "two.example"] {
        assert!(!offered(0, name), "{name}");
        assert!(offered(1, name), "{name}");
    }
    assert!(offered(0, "three.example"));
    Ok(())
}

#[test]
fn a_proxy_protocol_header_comes_before_the_handshake() -> Result {
    let certificates = Certificates::new();
    let config = "
        server {
            listen 127.0.0.1:%%PORT_0%% ssl proxy_protocol;
            ssl_certificate %%CERTS%%/one.crt;
            ssl_certificate_key %%CERTS%%/one.key;
            return 200 \"$proxy_protocol_addr\";
        }";
    let server = launch(config, &certificates).start()?;
    let more = ["--haproxy-protocol"];
    assert_eq!(
        curl(&server, &certificates, "https://one.example/", &more),
        "127.0.0.1"
    );
    Ok(())
}

#[test]
fn a_silent_client_is_given_up() -> Result {
    let certificates = Certificates::new();
    let config = "
        server {
            listen 127.0.0.1:%%PORT_0%% ssl;
            error_log stderr info;
            client_header_timeout 300ms;
            ssl_certificate %%CERTS%%/one.crt;
            ssl_certificate_key %%CERTS%%/one.key;
            return 200 ok;
        }";
    let mut server = launch(config, &certificates).start()?;
    let mut silent = portunus_testkit::Connection::open(server.address(0))?;
    assert_eq!(silent.read_to_end()?, b"");
    let mut halting = portunus_testkit::Connection::open(server.address(0))?;
    halting.send(&[0x16, 3, 1, 2, 0, 1])?;
    assert_eq!(halting.read_to_end()?, b"");
    server
        .process()
        .wait_for_output("client timed out", PATIENCE)?;
    // Nobody waits for those that never began.
    let _silent = portunus_testkit::Connection::open(server.address(0))?;
    assert!(server.stop()?.success());
    Ok(())
}

#[test]
fn servers_behind_us_are_greeted_and_looked_at() -> Result {
    let certificates = Certificates::new();
    let config = "
        server {
            listen 127.0.0.1:%%PORT_0%%;
            error_log stderr info;
            proxy_ssl_trusted_certificate %%CERTS%%/ca.crt;
            proxy_ssl_server_name on;
            location / {
                proxy_pass https://127.0.0.1:%%PORT_1%%;
                proxy_ssl_verify on;
                proxy_ssl_name $arg_name;
                proxy_set_header Host $arg_name;
                proxy_ssl_certificate %%CERTS%%/client.crt;
                proxy_ssl_certificate_key %%CERTS%%/client.key;
            }
            location /any {
                proxy_pass https://127.0.0.1:%%PORT_1%%;
                proxy_ssl_server_name off;
            }
            location /variable {
                proxy_pass https://$server_addr:%%PORT_1%%$request_uri;
            }
            location /plain {
                proxy_pass https://127.0.0.1:%%PORT_0%%;
            }
        }
        server {
            listen 127.0.0.1:%%PORT_1%% ssl;
            ssl_certificate %%CERTS%%/one.crt;
            ssl_certificate_key %%CERTS%%/one.key;
            ssl_verify_client optional;
            ssl_client_certificate %%CERTS%%/ca.crt;
            location / {
                return 200 \"$ssl_client_verify $ssl_server_name $http_host $request_uri\";
            }
        }
        server {
            listen 127.0.0.1:%%PORT_1%% ssl;
            server_name one.example;
            ssl_certificate %%CERTS%%/one.crt;
            ssl_certificate_key %%CERTS%%/one.key;
            ssl_verify_client optional;
            ssl_client_certificate %%CERTS%%/ca.crt;
            location / {
                return 200 \"$ssl_client_verify $ssl_server_name $request_uri\";
            }
        }";
    let mut server = launch(config, &certificates).start()?;
    let ask = |target: &str| -> Result<(u16, String)> {
        let answer = exchange(server.address(0), &format!("GET {target} HTTP/1.1"))?;
        Ok((answer.status(), answer.text()))
    };
    let port = server.port(1);
    let good = (200, "SUCCESS one.example /?name=one.example".to_owned());
    assert_eq!(ask("/?name=one.example")?, good);
    assert_eq!(
        ask("/?name=two.example")?.0,
        502,
        "the certificate is not for it"
    );
    let (status, text) = ask("/any")?;
    assert_eq!(
        (status, text),
        (200, format!("NONE  127.0.0.1:{port} /any"))
    );
    assert_eq!(ask("/variable")?.0, 200);
    assert_eq!(ask("/plain")?.0, 502, "it does not speak TLS");
    let line = "upstream SSL certificate does not match \"two.example\" \
                while SSL handshaking to upstream";
    server.process().wait_for_output(line, PATIENCE)?;
    Ok(())
}
