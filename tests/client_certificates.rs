//! Certificates of clients that ought to be refused, or just so not: what Portunus says of each is
//! what nginx says of it. The certificates are made on the spot with `openssl`.

use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};

use portunus_testkit::{Launch, Program, Server};

type Result<T = ()> = std::result::Result<T, portunus_testkit::Error>;

/// Where verdicts differ, each with its reason.
const KNOWN: &[(&str, &str, &str)] = &[
    (
        "plain",
        "of-excludes-holder excludes-holder",
        "an authority that excludes holders lets nobody in",
    ),
    (
        "both-twins",
        "of-twin",
        "signed by one of the operator's authorities, which nginx mistakes for the other of the name",
    ),
];

/// The rows of a kind, cut into columns; `-` stands for nothing.
fn rows<const N: usize>(kind: &str) -> Vec<[&'static str; N]> {
    let lines = include_str!("client_certificates.txt").lines();
    let of_kind = lines.filter_map(|line| line.strip_prefix(kind)?.strip_prefix('\t'));
    let cut = |line: &'static str| {
        let columns: Vec<_> = line.split('\t').collect();
        let columns = <[&str; N]>::try_from(columns).expect("a row has its columns");
        columns.map(|column| if column == "-" { "" } else { column })
    };
    of_kind.map(cut).collect()
}

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
preserve = yes
unique_subject = no
[any]
organizationName = optional
commonName = supplied
emailAddress = optional
";

/// The script that makes all of them.
fn script() -> String {
    let mut lines = vec!["touch $DIR/root.index".to_owned()];
    for [name, by, dates, subject, _] in rows("certificate") {
        let (start, end) = life(dates);
        let signer = match by {
            "" => format!("-selfsign -keyfile {name}.key"),
            by => format!("-keyfile {by}.key -cert {by}.crt"),
        };
        lines.push(format!(
            "openssl req -new -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -config ca.conf \
             -subj '{subject}' -keyout {name}.key -out {name}.csr"
        ));
        lines.push(format!(
            "openssl ca -batch -notext -config ca.conf {signer} \
             -in {name}.csr -out {name}.crt -startdate {start} -enddate {end} -extfile {name}.ext"
        ));
    }
    for [name, by, dates, revoked] in rows("list") {
        let (start, end) = life(dates);
        let signer = format!("-config ca.conf -keyfile {by}.key -cert {by}.crt");
        lines.push(format!("touch list-{name}.index; export NAME=list-{name}"));
        for certificate in revoked.split_whitespace() {
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
    let requests = "[req]\ndistinguished_name = name\n[name]\n";
    write("ca.conf", &format!("{AUTHORITY_CONFIG}{requests}"));
    for [name, _, _, _, extensions] in rows("certificate") {
        write(&format!("{name}.ext"), &extensions.replace(" | ", "\n"));
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
    let join = |to: &str, names: &str, ending: &str| {
        let parts = names
            .split_whitespace()
            .map(|name| fs::read_to_string(folder.join(format!("{name}.{ending}"))));
        let parts: std::io::Result<Vec<_>> = parts.collect();
        write(to, &parts.expect("they have been made").concat());
    };
    for [name, _, authorities, lists] in rows("server") {
        join(&format!("server-{name}.pem"), authorities, "crt");
        join(&format!("server-{name}.crl"), lists, "crl");
    }
    for [_, visit] in rows("visit") {
        join(&format!("{}.pem", visit.replace(' ', "+")), visit, "crt");
    }
}

fn config(folder: &Path) -> String {
    let folder = folder.display();
    let server = |[name, depth, _, lists]: [&str; 4]| {
        let lists = match lists {
            "" => String::new(),
            _ => format!("ssl_crl {folder}/server-{name}.crl;"),
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
    rows("server").into_iter().map(server).collect()
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

/// What a program says of all of them.
fn verdicts(program: Program, demand: &str, folder: &Path) -> Result<Vec<String>> {
    let launch = Launch::new(program, config(folder));
    let server = launch.with("VERIFY", demand).start()?;
    let visits = rows("visit").into_iter();
    let said = visits.map(|[name, visit]| verdict(&server, folder, name, visit));
    Ok(said.collect())
}

#[test]
fn clients_are_judged_as_nginx_judges_them() -> Result {
    let folder = tempfile::tempdir().expect("a temporary directory");
    let folder = folder.path();
    make(folder);
    let mut wrong = Vec::new();
    for demand in ["on", "optional_no_ca"] {
        let ours = Program::at(env!("CARGO_BIN_EXE_portunus"));
        let (ours, theirs) = std::thread::scope(|scope| {
            let theirs = scope.spawn(|| verdicts(Program::nginx(), demand, folder));
            let ours = verdicts(ours, demand, folder);
            (ours, theirs.join().expect("a visitor does not panic"))
        });
        for (([server, visit], said), expected) in rows("visit").into_iter().zip(ours?).zip(theirs?)
        {
            let known =
                |(name, client, _): &(&str, &str, &str)| *name == server && *client == visit;
            if said != expected && !KNOWN.iter().any(known) {
                let message = format!("{demand}, {server}: {visit}: {said} and not {expected}");
                wrong.push(message);
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    println!("{} visits, twice", rows::<2>("visit").len());
    Ok(())
}
