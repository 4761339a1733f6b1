//! A configuration as a tree of directives, to take parts out of it.

/// A directive; with what is in its block, if it has one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Directive {
    /// Its words as they were written, without the end.
    words: String,
    block: Option<Vec<Directive>>,
}

/// A whole configuration.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Tree(Vec<Directive>);

/// Where a directive is: its place at each level, outermost first.
pub(crate) type Place = Vec<usize>;

impl Tree {
    /// Reads a text that the grammar made.
    pub(crate) fn parse(text: &str) -> Self {
        Self(block(&mut tokens(text).into_iter()))
    }

    /// The text, each directive and each end of a block on a line of its own.
    pub(crate) fn render(&self) -> String {
        let lines = lines(&self.0, 0);
        lines.into_iter().map(|line| line + "\n").collect()
    }

    /// All places, from the beginning; a block before what is in it.
    pub(crate) fn places(&self) -> Vec<Place> {
        let mut places = Vec::new();
        walk(&self.0, &mut Vec::new(), &mut |place, _| {
            places.push(place.to_vec());
        });
        places
    }

    /// The place of what is rendered on a line, from 1; of the block for the line that ends it.
    pub(crate) fn place_of_line(&self, line: usize) -> Option<Place> {
        let mut current = 0;
        find_line(&self.0, line, &mut current)
    }

    /// The first place whose own words have this in them.
    pub(crate) fn place_of_words(&self, words: &str) -> Option<Place> {
        let mut found = None;
        walk(&self.0, &mut Vec::new(), &mut |place, directive| {
            if found.is_none() && directive.words.contains(words) {
                found = Some(place.to_vec());
            }
        });
        found
    }

    /// Whether the directive at a place has this name.
    pub(crate) fn is_named(&self, place: &[usize], name: &str) -> bool {
        let mut named = false;
        walk(&self.0, &mut Vec::new(), &mut |at, directive| {
            named |= at == place && directive.words.split(' ').next() == Some(name);
        });
        named
    }

    /// The tree without a directive.
    pub(crate) fn without(&self, place: &[usize]) -> Option<Self> {
        self.replaced(place, |_| Vec::new())
    }

    /// The tree with what is in a block in the place of the block.
    pub(crate) fn opened(&self, place: &[usize]) -> Option<Self> {
        let mut had_block = false;
        let tree = self.replaced(place, |directive| {
            had_block = directive.block.is_some();
            directive.block.unwrap_or_default()
        });
        tree.filter(|_| had_block)
    }

    fn replaced(
        &self,
        place: &[usize],
        by: impl FnOnce(Directive) -> Vec<Directive>,
    ) -> Option<Self> {
        let mut tree = self.clone();
        let (last, above) = place.split_last()?;
        let mut level = &mut tree.0;
        for at in above {
            level = level.get_mut(*at)?.block.as_mut()?;
        }
        if *last >= level.len() {
            return None;
        }
        let taken = level.remove(*last);
        level.splice(*last..*last, by(taken));
        Some(tree)
    }
}

fn walk(level: &[Directive], place: &mut Place, visit: &mut impl FnMut(&[usize], &Directive)) {
    for (at, directive) in level.iter().enumerate() {
        place.push(at);
        visit(place, directive);
        if let Some(block) = &directive.block {
            walk(block, place, visit);
        }
        place.pop();
    }
}

fn lines(level: &[Directive], depth: usize) -> Vec<String> {
    let margin = "    ".repeat(depth);
    let mut all = Vec::new();
    for directive in level {
        let words = &directive.words;
        match &directive.block {
            None => all.push(format!("{margin}{words};")),
            Some(block) => {
                all.push(format!("{margin}{words} {{"));
                all.extend(lines(block, depth + 1));
                all.push(format!("{margin}}}"));
            }
        }
    }
    all
}

fn find_line(level: &[Directive], line: usize, current: &mut usize) -> Option<Place> {
    for (at, directive) in level.iter().enumerate() {
        *current += 1;
        if *current == line {
            return Some(vec![at]);
        }
        let Some(block) = &directive.block else {
            continue;
        };
        if let Some(inner) = find_line(block, line, current) {
            return Some([vec![at], inner].concat());
        }
        *current += 1;
        if *current == line {
            return Some(vec![at]);
        }
    }
    None
}

enum Token {
    Simple(String),
    Open(String),
    Close,
}

fn block(tokens: &mut impl Iterator<Item = Token>) -> Vec<Directive> {
    let mut level = Vec::new();
    while let Some(token) = tokens.next() {
        match token {
            Token::Simple(words) => level.push(Directive { words, block: None }),
            Token::Open(words) => {
                let block = Some(block(tokens));
                level.push(Directive { words, block });
            }
            Token::Close => break,
        }
    }
    level
}

/// Splits at `;`, `{` and `}` outside of quotes and of `${name}`.
fn tokens(text: &str) -> Vec<Token> {
    let (mut tokens, mut words) = (Vec::new(), String::new());
    let (mut quote, mut in_name) = (None, false);
    let mut characters = text.chars();
    while let Some(character) = characters.next() {
        let taken = |words: &mut String| {
            let whole = std::mem::take(words);
            whole.trim().to_owned()
        };
        match (character, quote) {
            ('\\', _) => {
                words.push(character);
                words.extend(characters.next());
            }
            ('"' | '\'', None) if words.is_empty() || words.ends_with([' ', '\n', '(']) => {
                quote = Some(character);
                words.push(character);
            }
            // The grammar ends what it repeats with a line end.
            ('\n', Some(_)) => {}
            (_, Some(end)) => {
                words.push(character);
                quote = quote.filter(|_| character != end);
            }
            ('{', None) if words.ends_with('$') => {
                in_name = true;
                words.push(character);
            }
            ('}', None) if in_name => {
                in_name = false;
                words.push(character);
            }
            (';', None) => tokens.push(Token::Simple(taken(&mut words))),
            ('{', None) => tokens.push(Token::Open(taken(&mut words))),
            ('}', None) => tokens.push(Token::Close),
            ('\n', None) => words.push(' '),
            (_, None) => words.push(character),
        }
        if words.trim().is_empty() {
            words.clear();
        }
    }
    tokens
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &str =
        r#"server { listen 1; location ~ "^/(a{2};)" { set $v "${a}{;\"}"; return 200 x${v}y; } }"#;

    #[test]
    fn what_is_rendered_reads_as_the_same() {
        let tree = Tree::parse(TEXT);
        let text = tree.render();
        assert_eq!(text.lines().count(), 7, "{text}");
        assert_eq!(Tree::parse(&text), tree);
    }

    #[test]
    fn directives_are_taken_out_and_blocks_opened() {
        let tree = Tree::parse("a { b; c { d; } }");
        assert_eq!(tree.places().len(), 4);
        assert_eq!(tree.without(&[0, 0]), Some(Tree::parse("a { c { d; } }")));
        assert_eq!(tree.opened(&[0, 1]), Some(Tree::parse("a { b; d; }")));
        assert_eq!(tree.opened(&[0, 0]), None);
        assert_eq!(tree.without(&[1]), None);
        assert!(tree.is_named(&[0, 1], "c") && !tree.is_named(&[0], "c"));
    }

    #[test]
    fn lines_lead_to_places() {
        let tree = Tree::parse("a { b; c { d; } }");
        let places: Vec<_> = (1..=6).map(|line| tree.place_of_line(line)).collect();
        let inner = Some(vec![0, 1]);
        let whole = Some(vec![0]);
        assert_eq!(
            places,
            [
                whole.clone(),
                Some(vec![0, 0]),
                inner.clone(),
                Some(vec![0, 1, 0]),
                inner,
                whole
            ]
        );
    }
}
