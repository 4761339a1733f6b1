//! The document root that generated configurations serve. Names are few, so that requests hit.

use anyhow::Result;
use portunus_testkit::TempTree;

/// Tells what PHP was told, but for what no two servers have in common.
const ECHO: &str = r#"<?php
header('Content-Type: text/plain');
foreach (['REQUEST_METHOD', 'REQUEST_URI', 'SCRIPT_NAME', 'PATH_INFO', 'QUERY_STRING', 'DOCUMENT_URI',
    'CONTENT_LENGTH', 'CONTENT_TYPE', 'HTTP_HOST', 'HTTP_RANGE', 'HTTP_X_A', 'X'] as $name) {
    echo $name, ' = ', $_SERVER[$name] ?? '(none)', "\n";
}
echo file_get_contents('php://input');
"#;

/// Makes the files; all were last modified at the same moment.
///
/// # Errors
/// If they cannot be written.
pub(crate) fn plant() -> Result<TempTree> {
    let numbers: String = (0..4000).map(|number| format!("{number}\n")).collect();
    let tree = TempTree::new()?
        .file(
            "index.html",
            "<html><head></head><body>front page</body></html>\n",
        )?
        .file(
            "a/index.html",
            "<html><head></head><body>page of a</body></html>\n",
        )?
        .file(
            "a/b/c.html",
            "<html><head></head><body>deep page</body></html>\n",
        )?
        .file("a/b.txt", "text b in a\n")?
        .file("a/x.php", ECHO)?
        .file("b.txt", "a text, not long: abcdefghijklmnopqrstuvwxyz\n")?
        .file("big.txt", numbers)?
        .file("style.css", "body { color: red }\n".repeat(40))?
        .file("style.css.gz", "not really gzip, and sent as it is")?
        .file("data.json", "{\"a\": [1, 2, 3]}\n")?
        .file("latin.xml", b"<a>\xe9t\xe9</a>\n")?
        .file("dot.png", b"\x89PNG\r\n\x1a\nnot really")?
        .file("empty.txt", "")?
        .file("error.html", "<html>the page of an error</html>\n")?
        .file(
            "page.shtml",
            "<p><!--# echo var=\"uri\" --> <!--# include virtual=\"/b.txt\" --></p>\n",
        )?
        .file("with space.txt", "a name with a blank\n")?
        .file("h\u{e4}t.txt", "a name that is not ASCII\n")?
        .file("noext", "no extension\n")?
        .file("x.php", ECHO)?
        .file("list/one.txt", "1\n")?
        .file("list/a&b.txt", "2\n")?
        .file("list/sub/x.txt", "3\n")?
        .file("passwords", "user:{PLAIN}secret\n")?
        .directory("hollow")?;
    Ok(tree)
}
