//! Any path: what the slow model makes of it, which stays itself and stays below a root.
#![no_main]

use libfuzzer_sys::fuzz_target;
use portunus_uri_path::{Escape, Target, climbs, escaped, model};

fuzz_target!(|input: (bool, &[u8])| {
    let (merge, raw) = input;
    let Ok(target) = Target::parse_path(raw, merge) else {
        return;
    };
    let path = target.path.into_owned();
    assert_eq!(model::normalised(raw, merge).as_ref(), Some(&path));
    let again = escaped(Escape::Uri, &path);
    assert_eq!(
        Target::parse_path(&again, merge).map(|target| target.path.into_owned()),
        Ok(path.clone())
    );
    assert!(!climbs(&path));
});
