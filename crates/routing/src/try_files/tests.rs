//! The order of trying, nginx's messages, what is printed.

use portunus_template::Variables;

use super::{TryFiles, TryOutcome};

/// `$uri` and the files that exist.
struct Scope(&'static str, &'static [(&'static str, bool)], Vec<String>);

impl Variables<()> for Scope {
    fn append(&mut self, (): &(), out: &mut Vec<u8>) {
        out.extend_from_slice(self.0.as_bytes());
    }
    fn append_capture(&mut self, number: u8, out: &mut Vec<u8>) {
        out.push(b'0' + number);
    }
}

fn plan(arguments: &[&str]) -> Result<TryFiles<()>, String> {
    let arguments: Vec<&[u8]> = arguments
        .iter()
        .map(|argument| argument.as_bytes())
        .collect();
    TryFiles::compile(&arguments, |name| {
        if name == b"uri" {
            Ok(())
        } else {
            Err("unknown")
        }
    })
    .map_err(|error| error.to_string())
}

fn decide(arguments: &[&str], scope: &mut Scope) -> TryOutcome {
    plan(arguments)
        .unwrap()
        .decide(scope, |scope, path, is_directory| {
            let path = std::str::from_utf8(path).unwrap();
            scope
                .2
                .push(format!("{path}{}", if is_directory { "/" } else { "" }));
            scope.1.contains(&(path, is_directory))
        })
}

#[test]
fn tries_in_order() {
    let laravel = ["$uri", "$uri/", "/index.php?$uri"];
    let mut scope = Scope("/a", &[("/a", true), ("/b", false)], Vec::new());
    assert_eq!(
        decide(&laravel, &mut scope),
        TryOutcome::Found {
            path: b"/a".to_vec(),
            candidate: 1,
            is_directory: true
        }
    );
    assert_eq!(scope.2, ["/a", "/a/"]);
    scope.0 = "/none";
    assert_eq!(
        decide(&laravel, &mut scope),
        TryOutcome::Redirect {
            uri: b"/index.php".to_vec(),
            args: b"/none".to_vec()
        }
    );
    assert_eq!(
        decide(&["$uri", "@php"], &mut scope),
        TryOutcome::Named(b"@php".to_vec())
    );
    assert_eq!(
        decide(&["/x$uri", "=404"], &mut scope),
        TryOutcome::Status(404)
    );
    // The last is never looked at, whatever it is.
    assert_eq!(
        decide(&["/$1", "/b"], &mut scope),
        TryOutcome::Redirect {
            uri: b"/b".to_vec(),
            args: Vec::new()
        }
    );
    assert_eq!(
        decide(&["/x/", "/y/"], &mut scope),
        TryOutcome::Redirect {
            uri: b"/y/".to_vec(),
            args: Vec::new()
        }
    );
}

#[test]
fn complains_as_nginx_does() {
    for (arguments, message) in [
        (["a", "=x"], "invalid code \"=x\""),
        (["a", "=1000"], "invalid code \"=1000\""),
        (["a", "="], "invalid code \"=\""),
        (["a", "$"], "invalid variable name"),
        (["$a", "="], "unknown"),
    ] {
        assert_eq!(plan(&arguments).unwrap_err(), message);
    }
}

#[test]
fn prints_itself() {
    for arguments in [
        &["$uri", "$uri/", "/index.php?$uri"][..],
        &["/a", "=404"],
        &["/a", "@b"],
    ] {
        assert_eq!(
            plan(arguments).unwrap().to_string(),
            format!("try_files {}", arguments.join(" "))
        );
    }
}
