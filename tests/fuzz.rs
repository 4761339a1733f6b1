//! The fuzz targets as bounded property tests: compiled, and run from their seeds with thousands of
//! mutations, also where there is no nightly toolchain for `cargo xtask fuzz`.
#![allow(
    unused_attributes,
    reason = "`no_main` in the targets is for libFuzzer"
)]

// The targets ask for the macro by the name of libFuzzer's crate.
extern crate self as libfuzzer_sys;

use std::path::Path;

use portunus_testkit::seeds;

/// What libFuzzer's macro makes of a target: something to run with one input.
macro_rules! body {
    (|$input:ident: $kind:ty| $body:block) => {
        pub(crate) fn fuzz_body(bytes: &[u8]) {
            let bytes = arbitrary::Unstructured::new(bytes);
            let taken: arbitrary::Result<$kind> = arbitrary::Arbitrary::arbitrary_take_rest(bytes);
            let Ok($input) = taken else { return };
            $body
        }
    };
}
pub(crate) use body as fuzz_target;

#[path = "../crates/static-files/fuzz/fuzz_targets/accept_encoding.rs"]
mod accept_encoding;
#[path = "../crates/fastcgi/fuzz/fuzz_targets/head.rs"]
mod head;
#[path = "../crates/routing/fuzz/fuzz_targets/locations.rs"]
mod locations;
#[path = "../crates/conf-syntax/fuzz/fuzz_targets/parse.rs"]
mod parse;
#[path = "../crates/server/fuzz/fuzz_targets/proxy_header.rs"]
mod proxy_header;
#[path = "../crates/static-files/fuzz/fuzz_targets/range.rs"]
mod range;
#[path = "../crates/fastcgi/fuzz/fuzz_targets/request.rs"]
mod request;
#[path = "../crates/fastcgi/fuzz/fuzz_targets/response.rs"]
mod response;
#[path = "../crates/uri-path/fuzz/fuzz_targets/target.rs"]
mod target;
#[path = "../crates/template/fuzz/fuzz_targets/template.rs"]
mod template;

/// Inputs of each target.
const INPUTS: usize = 4_000;

/// A sequence of numbers that is the same in every run (Knuth, MMIX).
struct Numbers(u64);

impl Numbers {
    fn below(&mut self, end: usize) -> usize {
        self.0 = self
            .0
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        usize::try_from(self.0 >> 33).unwrap_or_default() % end.max(1)
    }

    /// One of libFuzzer's simpler mutations.
    fn mutate(&mut self, bytes: &mut Vec<u8>, seeds: &[Vec<u8>]) {
        let at = self.below(bytes.len() + 1);
        let other = &seeds[self.below(seeds.len())];
        match self.below(5) {
            0 => bytes.truncate(at),
            1 => bytes.insert(at, u8::try_from(self.below(256)).unwrap_or_default()),
            2 => bytes.splice(at.., other.iter().copied()).for_each(drop),
            3 if at < bytes.len() => drop(bytes.remove(at)),
            _ if at < bytes.len() => bytes[at] ^= 1 << self.below(8),
            _ => bytes.extend_from_slice(&other[..self.below(other.len() + 1)]),
        }
    }
}

/// Runs a target with its seeds, then with mutations of them.
fn play(folder: &str, name: &str, run: fn(&[u8])) {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("crates")
        .join(folder);
    let seeds = seeds(&folder, name);
    assert!(!seeds.is_empty(), "{name} has no seeds");
    seeds.iter().for_each(|seed| run(seed));
    let mut numbers = Numbers(42);
    for number in 0..INPUTS {
        let mut bytes = seeds[number % seeds.len()].clone();
        for _ in 0..=numbers.below(4) {
            numbers.mutate(&mut bytes, &seeds);
        }
        run(&bytes);
    }
}

#[test]
fn fuzz_parse() {
    play("conf-syntax", "parse", parse::fuzz_body);
}

#[test]
fn fuzz_response() {
    play("fastcgi", "response", response::fuzz_body);
}

#[test]
fn fuzz_request() {
    play("fastcgi", "request", request::fuzz_body);
}

#[test]
fn fuzz_head() {
    play("fastcgi", "head", head::fuzz_body);
}

#[test]
fn fuzz_locations() {
    play("routing", "locations", locations::fuzz_body);
}

#[test]
fn fuzz_accept_encoding() {
    play(
        "static-files",
        "accept_encoding",
        accept_encoding::fuzz_body,
    );
}

#[test]
fn fuzz_range() {
    play("static-files", "range", range::fuzz_body);
}

#[test]
fn fuzz_template() {
    play("template", "template", template::fuzz_body);
}

#[test]
fn fuzz_target() {
    play("uri-path", "target", target::fuzz_body);
}

#[test]
fn fuzz_proxy_header() {
    play("server", "proxy_header", proxy_header::fuzz_body);
}

/// Every target there is stands above.
#[test]
fn no_target_is_missing() {
    let crates = Path::new(env!("CARGO_MANIFEST_DIR")).join("crates");
    let here = include_str!("fuzz.rs");
    for folder in std::fs::read_dir(crates).expect("it is there").flatten() {
        let targets = std::fs::read_dir(folder.path().join("fuzz/fuzz_targets"));
        for target in targets.into_iter().flatten().flatten() {
            let path = target.path();
            let name = path.file_stem().unwrap_or_default().to_string_lossy();
            assert!(here.contains(&format!("mod {name};")), "{}", path.display());
        }
    }
}
