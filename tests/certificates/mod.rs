//! Certificates made with the `openssl` command, in a directory of their own.

use std::fs;
use std::path::Path;
use std::process::Command;

use tempfile::TempDir;

/// An authority `ca`, the servers `one` (RSA) and `two` (ECDSA), and clients: `client` is good,
/// `expired` was, `stranger` is known to nobody. `renewed` is what `one` gets when it has expired.
pub(crate) struct Certificates {
    folder: TempDir,
}

/// One call of `openssl` a line; `%D` is the directory.
const SCRIPT: &str = "
req -x509 -newkey rsa:2048 -nodes -keyout %D/ca.key -out %D/ca.crt -days 30 -subj /CN=Test\\ CA
req -newkey rsa:2048 -nodes -keyout %D/one.key -out %D/one.csr -subj /CN=one.example
x509 -req -in %D/one.csr -CA %D/ca.crt -CAkey %D/ca.key -CAcreateserial -days 30 -extfile %D/one.ext -out %D/one.crt
req -newkey rsa:2048 -nodes -keyout %D/renewed.key -out %D/renewed.csr -subj /O=Renewed/CN=one.example
x509 -req -in %D/renewed.csr -CA %D/ca.crt -CAkey %D/ca.key -CAcreateserial -days 30 -extfile %D/one.ext -out %D/renewed.crt
ecparam -genkey -name prime256v1 -noout -out %D/two.key
req -new -key %D/two.key -out %D/two.csr -subj /CN=two.example
x509 -req -in %D/two.csr -CA %D/ca.crt -CAkey %D/ca.key -CAcreateserial -days 30 -extfile %D/two.ext -out %D/two.crt
ecparam -genkey -name prime256v1 -noout -out %D/client.key
req -new -key %D/client.key -out %D/client.csr -subj /O=Clients,\\ Inc./CN=client.example
x509 -req -in %D/client.csr -CA %D/ca.crt -CAkey %D/ca.key -CAcreateserial -days 30 -out %D/client.crt
ecparam -genkey -name prime256v1 -noout -out %D/expired.key
req -new -key %D/expired.key -out %D/expired.csr -subj /CN=expired
x509 -req -in %D/expired.csr -CA %D/ca.crt -CAkey %D/ca.key -CAcreateserial -days -1 -out %D/expired.crt
ecparam -genkey -name prime256v1 -noout -out %D/stranger.key
req -x509 -new -key %D/stranger.key -out %D/stranger.crt -days 30 -subj /CN=stranger
rsa -in %D/one.key -traditional -out %D/one.pkcs1.key
pkcs8 -topk8 -in %D/one.key -passout pass:secret -out %D/one.enc.key
rand -out %D/ticket.key 80
";

impl Certificates {
    /// Makes them all.
    pub(crate) fn new() -> Self {
        let folder = tempfile::tempdir().expect("a temporary directory");
        let write = |name: &str, text: &str| {
            fs::write(folder.path().join(name), text).expect("a file of ours");
        };
        write("one.ext", "subjectAltName = DNS:one.example\n");
        write("two.ext", "subjectAltName = DNS:two.example\n");
        write("passwords", "wrong\nsecret\n");
        let root = folder.path().display().to_string();
        let script: Vec<_> = SCRIPT.lines().filter(|line| !line.is_empty()).collect();
        let commands = script
            .iter()
            .map(|line| format!("openssl {}", line.replace("%D", &root)));
        let commands: Vec<_> = commands.collect();
        let output = Command::new("sh")
            .args(["-ec", &commands.join("\n")])
            .output()
            .expect("a shell");
        let said = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "openssl: {said}");
        Self { folder }
    }

    /// Where they are.
    pub(crate) fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// Puts one certificate and its key in the place of another.
    pub(crate) fn copy(&self, from: &str, to: &str) {
        for kind in ["crt", "key"] {
            self.copy_one(&format!("{from}.{kind}"), &format!("{to}.{kind}"));
        }
    }

    /// Puts one file in the place of another.
    pub(crate) fn copy_one(&self, from: &str, to: &str) {
        let folder = self.folder();
        fs::copy(folder.join(from), folder.join(to)).expect("both are ours");
    }

    /// Writes a file `large` of some megabytes that no two parts of are alike.
    pub(crate) fn large_file(&self) -> Vec<u8> {
        let mut state = 1_u64;
        let mut next = || {
            state = state
                .wrapping_mul(6_364_136_223_846_793_005)
                .wrapping_add(1);
            state.to_be_bytes()
        };
        let content: Vec<u8> = (0..600_000).flat_map(|_| next()).collect();
        fs::write(self.folder().join("large"), &content).expect("a file of ours");
        content
    }
}
