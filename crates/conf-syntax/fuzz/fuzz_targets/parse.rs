//! Any bytes, as main file, as included file and as `-g`: no panic, and all of it can be shown.
#![no_main]

use libfuzzer_sys::fuzz_target;
use portunus_conf_syntax::{Diagnostics, MemoryLoader, Parser};

fuzz_target!(|text: &[u8]| {
    let (main, included) = text.split_at(text.len() / 2);
    let files = MemoryLoader::from([("/c/main", main), ("/c/a.conf", included)]);
    let mut diagnostics = Diagnostics::default();
    let mut parser = Parser::new(b"/c/main", &files, &mut diagnostics);
    parser.globals(text);
    parser.main_file();
    let tree = parser.finish();
    let _ = diagnostics.render(&tree.sources);
});
