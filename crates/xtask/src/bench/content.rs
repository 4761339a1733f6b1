//! What is served: files of given sizes, a script, and a configuration of many servers.

use std::fmt::Write as _;
use std::fs;
use std::path::Path;

use anyhow::{Context as _, Result};

/// Fills a document root; files that are there already stay.
pub(crate) fn make(root: &Path) -> Result<()> {
    fs::create_dir_all(root)?;
    let write = |name: &str, bytes: &[u8]| {
        let path = root.join(name);
        let same = fs::metadata(&path).is_ok_and(|meta| meta.len() == bytes.len() as u64);
        if same {
            Ok(())
        } else {
            fs::write(&path, bytes).with_context(|| path.display().to_string())
        }
    };
    write("1k.txt", &text(1_024))?;
    write("100k.txt", &text(100 * 1_024))?;
    write("100k.css", &css(100 * 1_024))?;
    write("10m.bin", &text(10 * 1_024 * 1_024))?;
    write(
        "hello.php",
        b"<?php header('Content-Type: text/plain'); echo \"Hello, world\\n\";\n",
    )?;
    write(
        "noted.php",
        b"<?php file_put_contents(__DIR__ . '/noted.txt', $_GET['n'] . \"\\n\", FILE_APPEND | LOCK_EX); echo \"Hello, world\\n\";\n",
    )?;
    write(
        "slow.php",
        b"<?php header('Content-Type: text/plain'); usleep(1000 * (int) $_GET['ms']); echo \"ok\\n\";\n",
    )?;
    write(
        "rows.php",
        b"<?php header('Content-Type: text/plain'); for ($row = 0; $row < 512; $row++) echo str_repeat('0123456789abcde', 3), \"\\n\\n\\n\";\n",
    )?;
    write(
        "big.php",
        b"<?php header('Content-Type: text/plain'); echo str_repeat('0123456789abcdef', 65536);\n",
    )?;
    Ok(())
}

fn text(length: usize) -> Vec<u8> {
    b"The quick brown fox jumps over the lazy dog.\n"
        .iter()
        .copied()
        .cycle()
        .take(length)
        .collect()
}

/// Style rules that differ as real ones do, so that compressing them is real work.
fn css(length: usize) -> Vec<u8> {
    let mut sheet = String::new();
    let mut seed: u32 = 1;
    while sheet.len() < length {
        seed = seed.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        let (name, colour, size) = (seed >> 16, seed & 0x00ff_ffff, seed >> 28);
        let _ = writeln!(
            sheet,
            ".block-{name:x}:hover > .item {{ color: #{colour:06x}; margin: {size}px auto; display: flex; }}"
        );
    }
    sheet.truncate(length);
    sheet.into_bytes()
}

/// 50 servers with 40 prefix and 10 regular-expression locations each, on one port.
pub(crate) fn many_servers() -> String {
    let mut text = String::new();
    for server in 0..50 {
        let _ = writeln!(text, "    server {{\n        listen 127.0.0.1:@PORT@;");
        let _ = writeln!(text, "        server_name site-{server}.example;");
        for place in 0..40 {
            let _ = writeln!(
                text,
                "        location /part-{place}/ {{ return 200 \"ok\\n\"; }}"
            );
        }
        for place in 0..9 {
            let _ = writeln!(
                text,
                "        location ~ ^/area-{place}/[0-9]+$ {{ return 200 \"ok\\n\"; }}"
            );
        }
        let _ = writeln!(
            text,
            "        location ~ ^/section-[0-9]+/page$ {{ return 200 \"ok\\n\"; }}"
        );
        let _ = writeln!(text, "        location / {{ return 404; }}\n    }}");
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_are_as_named() {
        assert_eq!((text(1_024).len(), css(102_400).len()), (1_024, 102_400));
    }

    #[test]
    fn fifty_servers_of_fifty_one_locations() {
        let text = many_servers();
        assert_eq!(text.matches("server {").count(), 50);
        assert_eq!(text.matches("location ").count(), 50 * 51);
    }
}
