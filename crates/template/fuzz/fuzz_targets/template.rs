//! Any bytes: refused, or taken with nothing but variables where the dollars are.
#![no_main]

use libfuzzer_sys::fuzz_target;
use portunus_template::Template;

fuzz_target!(|source: &[u8]| {
    let Ok(template) = Template::compile(source, |name| Ok::<_, ()>(name.to_vec())) else {
        return;
    };
    let names: Vec<_> = template.variables().collect();
    let dollars = source.iter().filter(|&&byte| byte == b'$').count();
    assert_eq!(template.as_literal().is_some(), dollars == 0);
    assert!(names.len() == dollars || template.has_captures() && names.len() < dollars);
    assert!(
        names
            .iter()
            .all(|name| source.windows(name.len()).any(|part| part == **name))
    );
});
