//! The pid file, the logs, the user.

use std::fs::{self, Permissions};
use std::net::TcpListener;
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _, chown};

use portunus_testkit::TempTree;
use rustix::fs::{CWD, FileType, Mode, mknodat};
use rustix::process::{Signal, geteuid};

use crate::{PATIENCE, Result, Wrapped, launch, open_to_all, status, whole, words};

#[test]
fn usr1_opens_logs_anew() -> Result {
    let config = whole(
        "error_log %%TMP%%/error.log info;",
        "server { listen 127.0.0.1:%%PORT_0%%; access_log %%TMP%%/access.log; return 200 ok; }",
    );
    let mut server = launch(config).start()?;
    let (address, folder) = (server.address(0), server.folder().to_owned());
    let has = |name: &str, text: &str| {
        fs::read_to_string(folder.join(name)).is_ok_and(|log| log.contains(text))
    };
    status(address, "/first")?;
    server
        .process()
        .wait_until(PATIENCE, || has("access.log", "GET /first "))?;
    for name in ["access.log", "error.log"] {
        fs::rename(folder.join(name), folder.join(format!("{name}.1"))).expect("the log is there");
    }
    server.process().signal(Signal::USR1)?;
    server
        .process()
        .wait_until(PATIENCE, || folder.join("access.log").exists())?;
    status(address, "/second")?;
    server
        .process()
        .wait_until(PATIENCE, || has("access.log", "GET /second "))?;
    assert!(has("access.log.1", "GET /first ") && !has("access.log.1", "/second"));
    assert!(folder.join("error.log").exists() && has("error.log.1", "reopening logs"));
    Ok(())
}

/// Nothing is ignored without a word: what a directive does not do here is told at start and at a reload.
#[test]
fn directives_without_an_effect_are_noted() -> Result {
    let config = whole(
        "error_log %%TMP%%/error.log notice; worker_priority 1; load_module modules/ngx_http_geoip_module.so;",
        "types_hash_max_size 2048; server { listen 127.0.0.1:%%PORT_0%%; types_hash_max_size 4096; return 200 ok; }",
    );
    let mut server = launch(config).start()?;
    let path = server.folder().join("error.log");
    let noted = |name: &str| {
        let log = fs::read_to_string(&path).unwrap_or_default();
        let note = format!("#0: the \"{name}\" directive has no effect: ");
        let lines = log
            .lines()
            .filter(|line| line.contains("[notice]") && line.contains(&note));
        lines.count()
    };
    let names = ["worker_priority", "load_module", "types_hash_max_size"];
    for times in 1..=2 {
        let all = || names.iter().all(|name| noted(name) == times);
        server.process().wait_until(PATIENCE, all)?;
        server.process().signal(Signal::HUP)?;
    }
    Ok(())
}

#[test]
fn the_pid_file_names_the_process_and_goes_with_it() -> Result {
    let config = whole("", "server { listen 127.0.0.1:%%PORT_0%%; return 200 ok; }");
    let mut server = launch(config).start()?;
    let path = server.folder().join("pid");
    status(server.address(0), "/")?;
    let text = fs::read_to_string(&path).expect("it is written before the first answer");
    assert_eq!(text, format!("{}\n", server.process().pid()));
    assert!(server.stop()?.success());
    assert!(!path.exists());
    Ok(())
}

/// As root: every thread is the user that `user` names, and so are the files it will open anew. As
/// anybody else: nginx's warning.
#[test]
fn user_is_obeyed_where_there_are_privileges() -> Result {
    let tree = TempTree::new()?.directory("logs")?;
    open_to_all(tree.path(), 0o755);
    let config = "
        daemon off; pid %%TMP%%/pid; user nobody nogroup; worker_processes 2;
        error_log stderr info;
        events {}
        http {
            access_log %%TMP%%/logs/access.log;
            client_body_temp_path %%TMP%%/bodies;
            server { listen 127.0.0.1:%%PORT%%; location / { return 200 ok; } }
        }";
    let mut server = Wrapped::start(&[], &tree, config)?;
    assert_eq!(status(server.address, "/")?, 200);
    if !geteuid().is_root() {
        let line = "the \"user\" directive makes sense only if the master process runs with \
                    super-user privileges, ignored";
        return server.process.wait_for_output(line, PATIENCE);
    }
    let nobody = 65534;
    let tasks = format!("/proc/{}/task", server.process.pid());
    for task in fs::read_dir(tasks).expect("it runs").flatten() {
        let text = fs::read_to_string(task.path().join("status")).unwrap_or_default();
        for name in ["Uid:", "Gid:"] {
            let line = text
                .lines()
                .find(|line| line.starts_with(name))
                .unwrap_or_default();
            let ids: Vec<_> = line.split_whitespace().skip(1).collect();
            assert_eq!(ids, ["65534"; 4], "{text}");
        }
    }
    let owner = |path: &str| {
        fs::metadata(tree.path().join(path))
            .expect("it is there")
            .uid()
    };
    assert_eq!(owner("logs/access.log"), nobody);
    assert_eq!(owner("bodies"), nobody);
    assert_eq!(owner("pid"), 0);
    // The user may open the log anew although root made it.
    server.process.signal(Signal::USR1)?;
    server.process.wait_for_output("reopening logs", PATIENCE)?;
    assert_eq!(status(server.address, "/")?, 200);
    let ended = server.process.stop(Signal::TERM, PATIENCE)?;
    assert_eq!(ended.code(), Some(0));
    assert!(
        !server.process.output().contains("[error]"),
        "{}",
        server.process.output()
    );
    // The user may not remove root's file. Its number will be somebody else's one day.
    assert_eq!(fs::read_to_string(tree.path().join("pid")).unwrap(), "");
    Ok(())
}

/// Who asks for root has root's rights: nginx's workers read what only its owner may.
#[test]
fn user_root_may_read_every_file() -> Result {
    if !geteuid().is_root() {
        return Ok(());
    }
    let config = whole(
        "user root;",
        "server { listen 127.0.0.1:%%PORT_0%%; root %%TMP%%; }",
    );
    let mut server = launch(config).start()?;
    let private = server.folder().join("private.txt");
    fs::write(&private, "of nobody").expect("room");
    chown(&private, Some(65534), Some(65534)).expect("root may");
    fs::set_permissions(&private, Permissions::from_mode(0o600)).expect("root may");
    assert_eq!(status(server.address(0), "/private.txt")?, 200);
    assert!(server.stop()?.success());
    Ok(())
}

#[test]
fn a_pid_file_that_cannot_be_written_is_explained() -> Result {
    let tree = TempTree::new()?;
    let tmp = tree.path().display();
    let config = format!("pid {tmp}/none/pid; error_log stderr; events {{}}");
    let path = tree.write("nginx.conf", config)?;
    for flags in [&["-t", "-q"][..], &["-g", "daemon off;"]] {
        let mut command = std::process::Command::new(env!("CARGO_BIN_EXE_portunus"));
        let output = command.args(flags).arg("-c").arg(&path).output();
        let output = output.expect("it runs");
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        let expected = format!(
            "nginx: [emerg] open() \"{tmp}/none/pid\" failed (2: No such file or directory)\n  \
             help: \"pid\", or --pid"
        );
        assert!(said.starts_with(&expected), "{said}");
        assert_eq!(output.status.code(), Some(1));
    }
    Ok(())
}

/// The logs that nginx has where none are named belong to root. An ordinary user is told what becomes of them.
#[test]
fn logs_that_nobody_named_may_be_out_of_reach() -> Result {
    let tree = TempTree::new()?.directory("writable")?;
    open_to_all(&tree.path().join("writable"), 0o777);
    let mut words = match geteuid().is_root() {
        true => words("setpriv --reuid 65534 --regid 65534 --clear-groups"),
        false => Vec::new(),
    };
    let tmp = tree.path().display();
    let config = format!(
        "pid {tmp}/writable/pid; events {{}}
        http {{
            client_body_temp_path {tmp}/writable;
            server {{ listen 127.0.0.1:%%PORT%%; location /a {{ }} }}
        }}"
    );
    let port = portunus_testkit::Port::reserve()?.number();
    let path = tree.write("nginx.conf", config.replace("%%PORT%%", &port.to_string()))?;
    words.push(env!("CARGO_BIN_EXE_portunus").to_owned());
    words.extend(["-t".to_owned(), "-c".to_owned(), path.display().to_string()]);
    open_to_all(tree.path(), 0o755);
    let mut command = std::process::Command::new(&words[0]);
    let output = command.args(&words[1..]).output().expect("it runs");
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(output.status.success(), "{said}");
    for (name, consequence) in [
        ("access.log", "requests are not logged"),
        ("error.log", "errors are logged to stderr"),
    ] {
        let line = |line: &&str| {
            line.contains(&format!("open() \"/var/log/nginx/{name}\" failed ("))
                && line.starts_with("nginx: [warn] ")
                && line.ends_with(consequence)
        };
        assert_eq!(said.lines().filter(line).count(), 1, "{said}");
    }
    Ok(())
}

/// `touch /run/nginx.pid && chown www-data /run/nginx.pid`, as images without root have it: the file may be written,
/// and nothing beside it.
#[test]
fn a_pid_file_that_was_prepared_is_written_into() -> Result {
    let tree = TempTree::new()?.directory("writable")?.file("pid", "")?;
    let before = match geteuid().is_root() {
        true => words("setpriv --reuid 65534 --regid 65534 --clear-groups"),
        false => Vec::new(),
    };
    let config = "
        daemon off; pid %%TMP%%/pid; error_log stderr;
        events {}
        http {
            access_log off;
            client_body_temp_path %%TMP%%/writable;
            server { listen 127.0.0.1:%%PORT%%; return 200 ok; }
        }";
    open_to_all(&tree.path().join("writable"), 0o777);
    open_to_all(&tree.path().join("pid"), 0o666);
    open_to_all(tree.path(), 0o755);
    let mut server = Wrapped::start(&before, &tree, config)?;
    assert_eq!(status(server.address, "/")?, 200);
    let pid = || fs::read_to_string(tree.path().join("pid")).expect("it is there");
    assert_eq!(pid(), format!("{}\n", server.process.pid()));
    assert_eq!(server.process.stop(Signal::TERM, PATIENCE)?.code(), Some(0));
    Ok(())
}

/// Without privileges, and with one directory to write into.
#[test]
fn an_ordinary_user_needs_one_directory() -> Result {
    let tree = TempTree::new()?.directory("writable")?;
    let before = match geteuid().is_root() {
        true => words("setpriv --reuid 65534 --regid 65534 --clear-groups"),
        false => Vec::new(),
    };
    let config = "
        daemon off; pid %%TMP%%/writable/pid; error_log stderr;
        events {}
        http {
            access_log /dev/stdout;
            client_body_temp_path %%TMP%%/writable/bodies;
            server {
                listen 127.0.0.1:%%PORT%%;
                client_body_in_file_only clean;
                location / { return 200 ok; }
            }
        }";
    open_to_all(&tree.path().join("writable"), 0o777);
    // Nobody can write beside it.
    open_to_all(tree.path(), 0o755);
    let mut server = Wrapped::start(&before, &tree, config)?;
    assert_eq!(status(server.address, "/")?, 200);
    server
        .process
        .wait_for_output("\"GET / HTTP/1.1\" 200", PATIENCE)?;
    assert_eq!(server.process.stop(Signal::TERM, PATIENCE)?.code(), Some(0));
    Ok(())
}

/// The right to bind low ports stays, so that a reload may name another one; what only root may
/// read stays closed, and says so.
#[test]
fn a_reload_after_the_privileges_are_gone() -> Result {
    let low = || (600..1024).find_map(|port| TcpListener::bind(("127.0.0.1", port)).ok());
    let Some(low) = low().filter(|_| geteuid().is_root()) else {
        println!("there are no privileges to give up here");
        return Ok(());
    };
    let address = low.local_addr().expect("it is bound");
    drop(low);
    let tree = TempTree::new()?.directory("logs")?;
    open_to_all(tree.path(), 0o755);
    let config = |more: &str| {
        format!(
            "daemon off; pid %%TMP%%/pid; user nobody nogroup; error_log stderr notice;
            events {{}}
            http {{
                access_log off; client_body_temp_path %%TMP%%/bodies;
                server {{ listen 127.0.0.1:%%PORT%%; {more} location / {{ return 200 ok; }} }}
            }}"
        )
    };
    let mut server = Wrapped::start(&[], &tree, &config(""))?;
    let reload = |server: &mut Wrapped, more: &str, line: &str| {
        let text = config(more).replace("%%PORT%%", &server.address.port().to_string());
        let text = text.replace("%%TMP%%", &tree.path().display().to_string());
        tree.write("nginx.conf", text)?;
        server.process.signal(Signal::HUP)?;
        server.process.wait_for_output(line, PATIENCE)
    };
    reload(&mut server, &format!("listen {address};"), "reconfiguring")?;
    server
        .process
        .wait_until(PATIENCE, || status(address, "/").is_ok())?;
    open_to_all(&tree.path().join("logs"), 0o700);
    let line = "logs/access.log\" failed (13: Permission denied)";
    reload(&mut server, "access_log %%TMP%%/logs/access.log;", line)?;
    assert_eq!(status(server.address, "/")?, 200);
    Ok(())
}

/// A key that only root may read is read before the privileges are gone, and keeps no reload from
/// getting in; one that could never be read does.
#[test]
fn a_reload_goes_on_with_a_key_of_root_s() -> Result {
    if !geteuid().is_root() {
        println!("there are no privileges to give up here");
        return Ok(());
    }
    let tree = TempTree::new()?;
    open_to_all(tree.path(), 0o755);
    for name in ["one", "two"] {
        let output = std::process::Command::new("openssl")
            .args(["req", "-x509", "-newkey", "ec", "-nodes", "-days", "30"])
            .args(["-pkeyopt", "ec_paramgen_curve:P-256", "-subj", "/CN=a"])
            .args([
                "-keyout",
                &format!("{name}.key"),
                "-out",
                &format!("{name}.crt"),
            ])
            .current_dir(tree.path())
            .output()
            .expect("openssl can be run");
        assert!(output.status.success(), "{output:?}");
        open_to_all(&tree.path().join(format!("{name}.key")), 0o600);
    }
    let config = |name: &str, answer: &str| {
        format!(
            "daemon off; pid %%TMP%%/pid; user nobody nogroup; error_log stderr notice;
            events {{}}
            http {{
                access_log off; client_body_temp_path %%TMP%%/bodies;
                ssl_certificate %%TMP%%/{name}.crt;
                ssl_certificate_key %%TMP%%/{name}.key;
                server {{ listen 127.0.0.1:%%PORT%%; return {answer}; }}
            }}"
        )
    };
    let mut server = Wrapped::start(&[], &tree, &config("one", "200"))?;
    let reload = |server: &mut Wrapped, text: String, line: &str| {
        let text = text.replace("%%PORT%%", &server.address.port().to_string());
        let text = text.replace("%%TMP%%", &tree.path().display().to_string());
        tree.write("nginx.conf", text)?;
        server.process.signal(Signal::HUP)?;
        server.process.wait_for_output(line, PATIENCE)
    };
    let line = "one.key\" cannot be read any more (13: Permission denied), \
                what was read before is used until a restart";
    reload(&mut server, config("one", "204"), line)?;
    let address = server.address;
    let changed = || status(address, "/").is_ok_and(|status| status == 204);
    server.process.wait_until(PATIENCE, changed)?;
    let line = "cannot load certificate key \"";
    reload(&mut server, config("two", "410"), line)?;
    assert_eq!(status(address, "/")?, 204);
    Ok(())
}

/// Somebody else listens there: the terminal says where, and what to do.
#[test]
fn a_taken_address_is_named() -> Result {
    let taken = TcpListener::bind("127.0.0.1:0").expect("a port is free");
    let address = taken.local_addr().expect("it is bound");
    let tree = TempTree::new()?;
    let tmp = tree.path().display();
    let config = format!(
        "daemon off; pid {tmp}/pid; error_log {tmp}/error.log; events {{}}
        http {{ access_log off; server {{ listen {address}; }} }}"
    );
    let path = tree.write("nginx.conf", config)?;
    let mut command = std::process::Command::new(env!("CARGO_BIN_EXE_portunus"));
    let output = command.arg("-c").arg(path).output().expect("it runs");
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    let expected = format!(
        "nginx: [emerg] bind() to {address} failed (98: Address already in use)\n\
         nginx: [emerg] still could not bind()\n  help: "
    );
    assert!(said.starts_with(&expected), "{said}");
    assert_eq!(output.status.code(), Some(1));
    Ok(())
}

/// A pipe that nobody reads holds neither requests nor signals.
#[test]
fn a_full_pipe_keeps_nobody_waiting() -> Result {
    let tree = TempTree::new()?;
    let pipe = tree.path().join("pipe");
    mknodat(CWD, &pipe, FileType::Fifo, Mode::RUSR | Mode::WUSR, 0).expect("the folder is ours");
    // Somebody holds it open and never reads.
    let reader = fs::File::options()
        .read(true)
        .write(true)
        .open(&pipe)
        .expect("it is there");
    let config = "
        daemon off; pid %%TMP%%/pid; error_log stderr notice;
        events {}
        http {
            log_format long $request;
            client_body_temp_path %%TMP%%/bodies;
            server { listen 127.0.0.1:%%PORT%%; access_log %%TMP%%/pipe long; return 200 ok; }
        }";
    let mut server = Wrapped::start(&[], &tree, config)?;
    // Twice what a pipe holds.
    for _ in 0..40 {
        assert_eq!(
            status(server.address, &format!("/{}", "p".repeat(3_500)))?,
            200
        );
    }
    server.process.signal(Signal::USR1)?;
    server.process.wait_for_output("reopening logs", PATIENCE)?;
    assert_eq!(status(server.address, "/")?, 200);
    assert_eq!(server.process.stop(Signal::TERM, PATIENCE)?.code(), Some(0));
    drop(reader);
    Ok(())
}
