//! What holds for any input whatever.

use portunus_conf_syntax::{
    Diagnostics, Directive, MemoryLoader, Sources, Span, Terminator, Tree, parse, parse_globals,
    quote,
};
use proptest::prelude::{Just, ProptestConfig, Strategy, any, prop_assert, prop_assert_eq};
use proptest::{collection, prop_oneof, proptest};

const MAIN: &str = "/etc/nginx/nginx.conf";

/// Texts that are nearly configurations, so that every corner of the lexer is visited.
fn near_configuration() -> impl Strategy<Value = Vec<u8>> {
    let piece = prop_oneof![
        4 => proptest::sample::select(vec![
            "server", " ", ";", "{", "}", "\n", "\"", "'", "\\", "$", "#", ")", "${", "\t", "\r\n",
            "include /etc/nginx/a.conf;", "include *.conf;", "map", "types {", "include ", "a.conf",
        ]).prop_map(|text| text.as_bytes().to_vec()),
        1 => collection::vec(any::<u8>(), 0..8),
        1 => (any::<u8>(), 4090_usize..4100).prop_map(|(byte, count)| vec![byte; count]),
    ];
    collection::vec(piece, 0..40).prop_map(|pieces| pieces.concat())
}

fn check_span(sources: &Sources, span: Span) {
    let length = sources.source(span.source).text().len();
    assert!(
        span.start <= span.end && span.end as usize <= length,
        "{span:?} of {length}"
    );
}

/// Checks the spans of directives, and that `order` rises through the tree; gives the last order.
fn check_directives(
    sources: &Sources,
    directives: &[Directive],
    mut last: Option<u32>,
) -> Option<u32> {
    for directive in directives {
        assert!(last < Some(directive.order), "order rises");
        last = Some(directive.order);
        check_span(sources, directive.span);
        for word in std::iter::once(&directive.name).chain(&directive.args) {
            check_span(sources, word.span);
        }
        assert_eq!(
            matches!(directive.terminator, Terminator::Block(_)),
            directive.block.is_some()
        );
        if let Some(block) = &directive.block {
            check_span(sources, block.open);
            check_span(sources, block.close);
            last = check_directives(sources, &block.directives, last);
            assert!(last < Some(block.close_order), "order rises");
            last = Some(block.close_order);
        }
    }
    last
}

fn check(tree: &Tree, diagnostics: &Diagnostics) {
    check_directives(&tree.sources, &tree.directives, None);
    for span in diagnostics.iter().filter_map(|diagnostic| diagnostic.span) {
        check_span(&tree.sources, span);
    }
    let rendered = diagnostics.render(&tree.sources);
    assert_eq!(rendered.is_empty(), diagnostics.is_empty());
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(256))]

    #[test]
    fn no_text_panics_and_every_span_lies_in_its_text(
        main in near_configuration(), included in near_configuration(),
    ) {
        let files = MemoryLoader::from([(MAIN, main.clone()), ("/etc/nginx/a.conf", included)]);
        let mut diagnostics = Diagnostics::default();
        let tree = parse(MAIN.as_bytes(), &files, &mut diagnostics);
        check(&tree, &diagnostics);

        let mut diagnostics = Diagnostics::default();
        let tree = parse_globals(&main, &files, &mut diagnostics);
        check(&tree, &diagnostics);
    }

    #[test]
    fn quoted_words_are_read_back(
        words in collection::vec(collection::vec(any::<u8>(), 0..20), 1..6),
        blank in prop_oneof![Just(" "), Just("\n"), Just("\t# note\n")],
    ) {
        let written: Vec<Vec<u8>> = words.iter().map(|word| quote(word)).collect();
        let text = [written.join(blank.as_bytes()), b";".to_vec()].concat();
        let files = MemoryLoader::from([(MAIN, text)]);
        let mut diagnostics = Diagnostics::default();
        let tree = parse(MAIN.as_bytes(), &files, &mut diagnostics);

        prop_assert!(diagnostics.is_empty());
        let directive = &tree.directives[0];
        let read: Vec<&[u8]> = std::iter::once(&directive.name)
            .chain(&directive.args)
            .map(portunus_conf_syntax::Word::as_bytes)
            .collect();
        prop_assert_eq!(read, words);
    }
}
