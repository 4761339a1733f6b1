//! Certificates of clients that ought to be refused, or just so not: what Portunus says of each is
//! what nginx says of it. The certificates are made on the spot with `openssl`.

use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};

use portunus_testkit::{Launch, Program, Server};

type Result<T = ()> = std::result::Result<T, portunus_testkit::Error>;

/// One certificate: its name, who signs it (itself if nobody), its subject, its extensions, and how
/// its life stands: `now`, `past` or `future`.
type Made = (
    &'static str,
    &'static str,
    &'static str,
    &'static str,
    &'static str,
);

const AUTHORITY: &str = "basicConstraints=critical,CA:TRUE\nkeyUsage=critical,keyCertSign,cRLSign";
const KEYS: &str = "subjectKeyIdentifier=hash\nauthorityKeyIdentifier=keyid";

const MADE: &[Made] = &[
    ("root", "", "/CN=Root", AUTHORITY, "now"),
    ("plain-root", "", "/CN=Plain root", "", "now"),
    ("old-root", "", "/CN=Old root", AUTHORITY, "past"),
    // Another authority of the same name, with identifiers of keys and without.
    ("twin", "", "/CN=Root", AUTHORITY, "now"),
    (
        "keyed-root",
        "",
        "/CN=Keyed root",
        "basicConstraints=critical,CA:TRUE\nsubjectKeyIdentifier=hash",
        "now",
    ),
    (
        "keyed-twin",
        "",
        "/CN=Keyed root",
        "basicConstraints=critical,CA:TRUE\nsubjectKeyIdentifier=hash",
        "now",
    ),
    (
        "server",
        "",
        "/CN=localhost",
        "subjectAltName=DNS:localhost",
        "now",
    ),
    ("between", "root", "/CN=Between", AUTHORITY, "now"),
    ("second", "between", "/CN=Second", AUTHORITY, "now"),
    ("third", "second", "/CN=Third", AUTHORITY, "now"),
    ("old-between", "root", "/CN=Old between", AUTHORITY, "past"),
    (
        "no-authority",
        "root",
        "/CN=No authority",
        "basicConstraints=critical,CA:FALSE",
        "now",
    ),
    (
        "silent",
        "root",
        "/CN=Silent",
        "subjectKeyIdentifier=hash",
        "now",
    ),
    ("bare", "root", "/CN=Bare", "", "now"),
    (
        "no-signing",
        "root",
        "/CN=No signing",
        "basicConstraints=critical,CA:TRUE\nkeyUsage=critical,cRLSign",
        "now",
    ),
    (
        "short",
        "root",
        "/CN=Short",
        "basicConstraints=critical,CA:TRUE,pathlen:0\nkeyUsage=keyCertSign",
        "now",
    ),
    ("below-short", "short", "/CN=Below short", AUTHORITY, "now"),
    (
        "for-servers",
        "root",
        "/CN=For servers",
        "basicConstraints=critical,CA:TRUE\nextendedKeyUsage=serverAuth",
        "now",
    ),
    (
        "for-clients",
        "root",
        "/CN=For clients",
        "basicConstraints=critical,CA:TRUE\nextendedKeyUsage=clientAuth",
        "now",
    ),
    (
        "critical-between",
        "root",
        "/CN=Critical between",
        "basicConstraints=critical,CA:TRUE\n1.2.3.4=critical,ASN1:NULL",
        "now",
    ),
    (
        "named",
        "root",
        "/CN=Named",
        "basicConstraints=critical,CA:TRUE\nnameConstraints=critical,permitted;DNS:good.test",
        "now",
    ),
    // Clients.
    ("good", "root", "/CN=good", "", "now"),
    ("good3", "root", "/CN=good3", KEYS, "now"),
    ("of-plain-root", "plain-root", "/CN=c", "", "now"),
    ("of-old-root", "old-root", "/CN=c", "", "now"),
    ("expired", "root", "/CN=c", "", "past"),
    ("early", "root", "/CN=c", "", "future"),
    ("self-signed", "", "/CN=c", "", "now"),
    ("self-signed-expired", "", "/CN=c", "", "past"),
    ("self-signed-early", "", "/CN=c", "", "future"),
    (
        "self-signed-for-servers",
        "",
        "/CN=c",
        "extendedKeyUsage=serverAuth",
        "now",
    ),
    (
        "self-signed-critical",
        "",
        "/CN=c",
        "1.2.3.4=critical,ASN1:NULL",
        "now",
    ),
    ("calls-itself-root", "", "/CN=Root", "", "now"),
    ("calls-itself-authority", "", "/CN=c", AUTHORITY, "now"),
    ("of-twin", "twin", "/CN=c", "", "now"),
    ("of-keyed-root", "keyed-root", "/CN=c", KEYS, "now"),
    ("of-keyed-twin", "keyed-twin", "/CN=c", KEYS, "now"),
    ("of-twin-expired", "twin", "/CN=c", "", "past"),
    (
        "client-auth",
        "root",
        "/CN=c",
        "extendedKeyUsage=clientAuth",
        "now",
    ),
    (
        "server-auth",
        "root",
        "/CN=c",
        "extendedKeyUsage=serverAuth",
        "now",
    ),
    (
        "both-auth",
        "root",
        "/CN=c",
        "extendedKeyUsage=serverAuth,clientAuth",
        "now",
    ),
    (
        "any-auth",
        "root",
        "/CN=c",
        "extendedKeyUsage=anyExtendedKeyUsage",
        "now",
    ),
    (
        "code-signing",
        "root",
        "/CN=c",
        "extendedKeyUsage=critical,codeSigning",
        "now",
    ),
    ("signs", "root", "/CN=c", "keyUsage=digitalSignature", "now"),
    ("agrees", "root", "/CN=c", "keyUsage=keyAgreement", "now"),
    (
        "enciphers",
        "root",
        "/CN=c",
        "keyUsage=keyEncipherment",
        "now",
    ),
    (
        "signs-certificates",
        "root",
        "/CN=c",
        "keyUsage=keyCertSign",
        "now",
    ),
    (
        "netscape-server",
        "root",
        "/CN=c",
        "nsCertType=server",
        "now",
    ),
    (
        "netscape-client",
        "root",
        "/CN=c",
        "nsCertType=client",
        "now",
    ),
    (
        "critical",
        "root",
        "/CN=c",
        "1.2.3.4=critical,ASN1:NULL",
        "now",
    ),
    ("uncritical", "root", "/CN=c", "1.2.3.4=ASN1:NULL", "now"),
    (
        "critical-policies",
        "root",
        "/CN=c",
        "certificatePolicies=critical,1.2.3.4",
        "now",
    ),
    (
        "expired-for-servers",
        "root",
        "/CN=c",
        "extendedKeyUsage=serverAuth",
        "past",
    ),
    ("authority-as-client", "root", "/CN=c", AUTHORITY, "now"),
    ("of-between", "between", "/CN=c", "", "now"),
    ("of-second", "second", "/CN=c", "", "now"),
    ("of-third", "third", "/CN=c", "", "now"),
    ("of-old-between", "old-between", "/CN=c", "", "now"),
    ("of-no-authority", "no-authority", "/CN=c", "", "now"),
    ("of-good", "good", "/CN=c", "", "now"),
    ("of-good3", "good3", "/CN=c", "", "now"),
    ("of-silent", "silent", "/CN=c", "", "now"),
    ("of-bare", "bare", "/CN=c", "", "now"),
    ("of-no-signing", "no-signing", "/CN=c", "", "now"),
    ("of-short", "short", "/CN=c", "", "now"),
    ("of-below-short", "below-short", "/CN=c", "", "now"),
    ("of-for-servers", "for-servers", "/CN=c", "", "now"),
    ("of-for-clients", "for-clients", "/CN=c", "", "now"),
    (
        "of-critical-between",
        "critical-between",
        "/CN=c",
        "",
        "now",
    ),
    (
        "of-named",
        "named",
        "/CN=c",
        "subjectAltName=DNS:a.good.test",
        "now",
    ),
    (
        "of-named-otherwise",
        "named",
        "/CN=c",
        "subjectAltName=DNS:bad.test",
        "now",
    ),
    ("revoked", "root", "/CN=c", "", "now"),
    ("revoked-expired", "root", "/CN=c", "", "past"),
    (
        "revoked-between",
        "root",
        "/CN=Revoked between",
        AUTHORITY,
        "now",
    ),
    ("of-revoked-between", "revoked-between", "/CN=c", "", "now"),
    ("revoked-of-between", "between", "/CN=c", "", "now"),
];

/// Lists of revoked certificates: a name, who signs it, what is on it, and how its life stands.
const LISTS: &[(&str, &str, &[&str], &str)] = &[
    ("root-empty", "root", &[], "now"),
    (
        "root-list",
        "root",
        &["revoked", "revoked-expired", "revoked-between"],
        "now",
    ),
    ("root-old", "root", &["revoked"], "past"),
    ("root-early", "root", &["revoked"], "future"),
    ("between-empty", "between", &[], "now"),
    ("between-list", "between", &["revoked-of-between"], "now"),
    ("revoked-between-empty", "revoked-between", &[], "now"),
    ("twin-empty", "twin", &[], "now"),
    ("keyed-root-empty", "keyed-root", &[], "now"),
];

/// What servers hold clients against: a name, the authorities, the lists, the depth.
const SERVERS: &[(&str, &[&str], &[&str], usize)] = &[
    ("plain", &["root"], &[], 1),
    ("deep", &["root"], &[], 3),
    ("flat", &["root"], &[], 0),
    ("plain-root", &["plain-root"], &[], 1),
    ("old-root", &["old-root"], &[], 1),
    ("both-twins", &["root", "twin"], &[], 1),
    ("keyed", &["keyed-root"], &[], 1),
    ("both-keyed", &["keyed-root", "keyed-twin"], &[], 1),
    ("knows-between", &["root", "between"], &[], 1),
    ("between-alone", &["between"], &[], 1),
    ("knows-good", &["root", "good"], &[], 1),
    ("knows-self-signed", &["root", "self-signed"], &[], 1),
    ("listed", &["root"], &["root-list"], 1),
    ("listed-empty", &["root"], &["root-empty"], 1),
    ("listed-old", &["root"], &["root-old"], 1),
    ("listed-early", &["root"], &["root-early"], 1),
    ("listed-twin", &["root"], &["twin-empty"], 1),
    ("listed-other", &["root"], &["keyed-root-empty"], 1),
    ("listed-both", &["root"], &["root-list", "between-list"], 1),
    (
        "listed-between",
        &["root", "between"],
        &["root-empty", "between-list"],
        1,
    ),
    (
        "listed-all",
        &["root"],
        &["root-list", "between-empty", "revoked-between-empty"],
        1,
    ),
];

/// Which clients go where, each with the certificates that it sends behind its own.
const VISITS: &[(&str, &[&str])] = &[
    (
        "plain",
        &[
            "good",
            "good3",
            "expired",
            "early",
            "self-signed",
            "self-signed-expired",
            "self-signed-early",
            "self-signed-for-servers",
            "self-signed-critical",
            "calls-itself-root",
            "calls-itself-authority",
            "of-twin",
            "of-twin twin",
            "of-twin-expired",
            "of-keyed-root",
            "of-keyed-root keyed-root",
            "client-auth",
            "server-auth",
            "both-auth",
            "any-auth",
            "code-signing",
            "signs",
            "agrees",
            "enciphers",
            "signs-certificates",
            "netscape-server",
            "netscape-client",
            "critical",
            "uncritical",
            "critical-policies",
            "expired-for-servers",
            "authority-as-client",
            "root",
            "of-between",
            "of-between between",
            "of-between between root",
            "of-between root between",
            "of-between root",
            "of-between second",
            "of-second second between",
            "of-second second",
            "of-old-between old-between",
            "of-no-authority no-authority",
            "of-good good",
            "of-good3 good3",
            "of-silent silent",
            "of-bare bare",
            "of-no-signing no-signing",
            "of-short short",
            "of-for-servers for-servers",
            "of-for-clients for-clients",
            "of-critical-between critical-between",
            "of-named named",
            "of-named-otherwise named",
            "good twin",
            "good good",
            "good root",
            "of-plain-root plain-root",
        ],
    ),
    (
        "deep",
        &[
            "of-second second between",
            "of-second between second",
            "of-third third second between",
            "of-below-short below-short short",
            "of-third third second",
        ],
    ),
    (
        "flat",
        &["good", "of-between between", "root", "self-signed"],
    ),
    ("plain-root", &["of-plain-root", "good"]),
    ("old-root", &["of-old-root"]),
    (
        "both-twins",
        &["good", "of-twin", "calls-itself-root", "self-signed"],
    ),
    (
        "keyed",
        &[
            "of-keyed-root",
            "of-keyed-twin",
            "of-keyed-twin keyed-twin",
            "good",
            "expired",
            "early",
            "server-auth",
            "critical",
            "of-between",
            "of-between between",
            "of-old-between old-between",
            "expired-for-servers",
        ],
    ),
    ("both-keyed", &["of-keyed-root", "of-keyed-twin"]),
    (
        "knows-between",
        &["of-between", "good", "between", "of-second second"],
    ),
    ("between-alone", &["of-between", "good"]),
    ("knows-good", &["good", "of-good"]),
    ("knows-self-signed", &["self-signed", "calls-itself-root"]),
    (
        "listed",
        &[
            "good",
            "revoked",
            "revoked-expired",
            "of-between between",
            "of-revoked-between revoked-between",
            "self-signed",
            "expired",
        ],
    ),
    ("listed-empty", &["good", "revoked"]),
    ("listed-old", &["good", "revoked"]),
    ("listed-early", &["good", "revoked"]),
    ("listed-twin", &["good"]),
    ("listed-other", &["good"]),
    (
        "listed-both",
        &[
            "of-between between",
            "revoked-of-between between",
            "revoked",
        ],
    ),
    ("listed-between", &["of-between", "revoked-of-between"]),
    (
        "listed-all",
        &["of-between between", "of-revoked-between revoked-between"],
    ),
];

/// Where verdicts differ, each with its reason.
const KNOWN: &[(&str, &str, &str)] = &[
    ("plain", "of-named named", "constraints on names refuse"),
    (
        "plain",
        "of-named-otherwise named",
        "constraints on names refuse",
    ),
    (
        "both-twins",
        "of-twin",
        "signed by one of the operator's authorities, which nginx mistakes for the other of the name",
    ),
];

/// A moment as `openssl ca` takes it.
fn life(word: &str) -> (&'static str, &'static str) {
    match word {
        "past" => ("20200101000000Z", "20200201000000Z"),
        "future" => ("20900101000000Z", "20900201000000Z"),
        _ => ("20200101000000Z", "20900101000000Z"),
    }
}

const AUTHORITY_CONFIG: &str = "
[ca]
default_ca = ours
[ours]
new_certs_dir = $ENV::DIR
database = $ENV::DIR/$ENV::NAME.index
rand_serial = yes
default_md = sha256
policy = any
unique_subject = no
[any]
commonName = supplied
";

/// The script that makes all of them.
fn script() -> String {
    let mut lines = vec!["touch $DIR/root.index".to_owned()];
    for (name, by, subject, _, dates) in MADE {
        let (start, end) = life(dates);
        let signer = match *by {
            "" => format!("-selfsign -keyfile {name}.key"),
            by => format!("-keyfile {by}.key -cert {by}.crt"),
        };
        lines.push(format!(
            "openssl req -new -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -config ca.conf \
             -subj '{subject}' -keyout {name}.key -out {name}.csr"
        ));
        lines.push(format!(
            "touch {name}.index; NAME=root openssl ca -batch -notext -config ca.conf {signer} \
             -in {name}.csr -out {name}.crt -startdate {start} -enddate {end} -extfile {name}.ext"
        ));
    }
    for (name, by, revoked, dates) in LISTS {
        let (start, end) = life(dates);
        let signer = format!("-config ca.conf -keyfile {by}.key -cert {by}.crt");
        lines.push(format!("touch list-{name}.index; export NAME=list-{name}"));
        for certificate in *revoked {
            lines.push(format!("openssl ca {signer} -revoke {certificate}.crt"));
        }
        lines.push(format!(
            "openssl ca {signer} -gencrl -crl_lastupdate {start} -crl_nextupdate {end} -out {name}.crl"
        ));
    }
    lines.join("\n")
}

fn make(folder: &Path) {
    let write = |name: &str, text: &str| {
        fs::write(folder.join(name), text).expect("a file of ours");
    };
    write(
        "ca.conf",
        &format!("{AUTHORITY_CONFIG}[req]\ndistinguished_name = name\n[name]\n"),
    );
    for (name, _, _, extensions, _) in MADE {
        write(&format!("{name}.ext"), extensions);
    }
    let output = Command::new("sh")
        .args(["-ec", &script()])
        .current_dir(folder)
        .env("DIR", folder)
        .env("NAME", "root")
        .output()
        .expect("a shell");
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "openssl: {said}");
    let join = |to: &str, names: &[&str], ending: &str| {
        let parts = names
            .iter()
            .map(|name| fs::read_to_string(folder.join(format!("{name}.{ending}"))));
        let parts: std::io::Result<Vec<_>> = parts.collect();
        write(to, &parts.expect("they have been made").concat());
    };
    for (name, authorities, lists, _) in SERVERS {
        join(&format!("server-{name}.pem"), authorities, "crt");
        join(&format!("server-{name}.crl"), lists, "crl");
    }
    for visit in VISITS.iter().flat_map(|(_, visits)| *visits) {
        let chain: Vec<&str> = visit.split(' ').collect();
        join(&format!("{}.pem", visit.replace(' ', "+")), &chain, "crt");
    }
}

fn config(folder: &Path) -> String {
    let folder = folder.display();
    let server = |(name, _, lists, depth): &(&str, &[&str], &[&str], usize)| {
        let lists = match lists.is_empty() {
            true => String::new(),
            false => format!("ssl_crl {folder}/server-{name}.crl;"),
        };
        format!(
            "server {{
                listen 127.0.0.1:%%PORT_0%% ssl;
                server_name {name};
                ssl_certificate {folder}/server.crt;
                ssl_certificate_key {folder}/server.key;
                ssl_verify_client %%VERIFY%%;
                ssl_client_certificate {folder}/server-{name}.pem;
                ssl_verify_depth {depth};
                {lists}
                error_page 495 = /verdict;
                location / {{ return 200 \"let in $ssl_client_verify\"; }}
                location /verdict {{ return 200 \"refused $ssl_client_verify\"; }}
            }}\n"
        )
    };
    SERVERS.iter().map(server).collect()
}

/// What a server says of a client.
fn verdict(server: &Server, folder: &Path, name: &str, visit: &str) -> String {
    let leaf = visit.split(' ').next().unwrap_or_default();
    let port = server.port(0);
    let output = Command::new("curl")
        .args(["-sSk", "--max-time", "15", "--resolve"])
        .arg(format!("{name}:{port}:127.0.0.1"))
        .arg("--cert")
        .arg(folder.join(format!("{}.pem", visit.replace(' ', "+"))))
        .arg("--key")
        .arg(folder.join(format!("{leaf}.key")))
        .arg(format!("https://{name}:{port}/"))
        .stdin(Stdio::null())
        .output()
        .expect("curl can be run");
    let text = [output.stdout, output.stderr].concat();
    String::from_utf8_lossy(&text).into_owned()
}

#[test]
fn clients_are_judged_as_nginx_judges_them() -> Result {
    let folder = tempfile::tempdir().expect("a temporary directory");
    let folder = folder.path();
    make(folder);
    let (mut wrong, mut count) = (Vec::new(), 0);
    for demand in ["on", "optional_no_ca"] {
        let start = |program: Program| {
            let launch = Launch::new(program, config(folder));
            launch.with("VERIFY", demand).start()
        };
        let ours = start(Program::at(env!("CARGO_BIN_EXE_portunus")))?;
        let theirs = start(Program::nginx())?;
        for (server, visits) in VISITS {
            for visit in *visits {
                let said = verdict(&ours, folder, server, visit);
                let expected = verdict(&theirs, folder, server, visit);
                count += 1;
                let known = KNOWN
                    .iter()
                    .find(|(known, client, _)| known == server && client == visit);
                if said != expected && known.is_none() {
                    wrong.push(format!(
                        "{demand}, {server}: {visit}: {said} and not {expected}"
                    ));
                }
            }
        }
    }
    assert!(wrong.is_empty(), "of {count}:\n{}", wrong.join("\n"));
    println!("{count} verdicts");
    Ok(())
}
