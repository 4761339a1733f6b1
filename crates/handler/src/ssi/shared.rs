//! What the pages of one request have in common.

use std::cell::{Cell, RefCell};
use std::rc::Rc;

use crate::variable::Slots;

/// How deep inclusions may nest.
///
/// Source: nginx, `NGX_HTTP_MAX_SUBREQUESTS` and one.
const DEEPEST: u8 = 51;
/// How many there may be in one request; nginx counts to as many.
const MOST: u32 = 65_535 - 1000;

/// State of a request and its subrequests.
#[derive(Debug, Default)]
pub(super) struct Shared {
    /// Variables of `set` and `include set`, and named captures.
    pub(super) variables: RefCell<Vec<(Vec<u8>, Vec<u8>)>>,
    /// Blocks with their text.
    pub(super) blocks: RefCell<Vec<(Vec<u8>, Vec<u8>)>>,
    /// What the last `if` with a pattern captured, from the whole match on.
    pub(super) captures: RefCell<Vec<Vec<u8>>>,
    /// Variables of the configuration, as the last of them left them.
    pub(super) slots: RefCell<Slots>,
    inclusions: Cell<u32>,
}

impl Shared {
    /// The value of a page's own variable; names of one digit are captures.
    pub(super) fn variable(&self, name: &[u8]) -> Option<Vec<u8>> {
        if let &[digit @ b'0'..=b'9'] = name
            && let Some(capture) = self.captures.borrow().get(usize::from(digit - b'0'))
        {
            return Some(capture.clone());
        }
        let variables = self.variables.borrow();
        let found = variables.iter().find(|(known, _)| known == name);
        found.map(|(_, value)| value.clone())
    }

    pub(super) fn set_variable(&self, name: &[u8], value: Vec<u8>) {
        let mut variables = self.variables.borrow_mut();
        match variables.iter_mut().find(|(known, _)| known == name) {
            Some((_, old)) => *old = value,
            None => variables.push((name.to_vec(), value)),
        }
    }

    /// The text of a block.
    pub(super) fn block(&self, name: &[u8]) -> Option<Vec<u8>> {
        let blocks = self.blocks.borrow();
        let found = blocks.iter().find(|(known, _)| known == name);
        found.map(|(_, text)| text.clone())
    }
}

/// What a request knows of the page that includes it, or of itself as a page.
#[derive(Debug, Clone)]
pub(crate) struct Inclusion {
    pub(super) shared: Rc<Shared>,
    /// How deep in inclusions it is.
    depth: u8,
    /// `config timefmt`.
    pub(crate) time_format: Option<Rc<[u8]>>,
    /// `stub`: an error is no answer, and nobody's page is shown for it.
    pub(crate) stubbed: bool,
    /// `set`: its answer becomes a value.
    pub(super) in_memory: bool,
}

impl Inclusion {
    /// That of a page in the place of which nothing is known yet.
    pub(super) fn of_page(slots: &Slots) -> Self {
        let shared = Shared::default();
        shared.slots.borrow_mut().clone_from(slots);
        Self {
            shared: Rc::new(shared),
            depth: 0,
            time_format: None,
            stubbed: false,
            in_memory: false,
        }
    }

    /// That of a request which this page includes; `None` where there are too many.
    pub(super) fn within(&self) -> Option<Self> {
        let count = self.shared.inclusions.get();
        if self.depth == DEEPEST || count == MOST {
            return None;
        }
        self.shared.inclusions.set(count + 1);
        Some(Self {
            shared: Rc::clone(&self.shared),
            depth: self.depth + 1,
            time_format: None,
            stubbed: false,
            in_memory: false,
        })
    }
}
