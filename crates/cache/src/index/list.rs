//! A list of numbers in the order of their last use, each of which can leave at once.

/// Marks an end.
const NONE: usize = usize::MAX;

/// Numbers, newest first. A number is in it once or not at all.
#[derive(Debug)]
pub(super) struct List {
    links: Vec<Link>,
    first: usize,
    last: usize,
}

#[derive(Clone, Copy, Debug)]
struct Link {
    newer: usize,
    older: usize,
    listed: bool,
}

impl Default for List {
    fn default() -> Self {
        Self {
            links: Vec::new(),
            first: NONE,
            last: NONE,
        }
    }
}

impl List {
    /// Makes a number the newest.
    pub(super) fn bump(&mut self, number: usize) {
        if self.first == number {
            return;
        }
        self.remove(number);
        if self.links.len() <= number {
            let link = Link {
                newer: NONE,
                older: NONE,
                listed: false,
            };
            self.links.resize(number + 1, link);
        }
        let older = self.first;
        self.links[number] = Link {
            newer: NONE,
            older,
            listed: true,
        };
        match self.links.get_mut(older) {
            Some(link) => link.newer = number,
            None => self.last = number,
        }
        self.first = number;
    }

    /// Takes a number out, if it is there.
    pub(super) fn remove(&mut self, number: usize) {
        let Some(link) = self.links.get_mut(number).filter(|link| link.listed) else {
            return;
        };
        let Link { newer, older, .. } = *link;
        link.listed = false;
        match self.links.get_mut(newer) {
            Some(link) => link.older = older,
            None => self.first = older,
        }
        match self.links.get_mut(older) {
            Some(link) => link.newer = newer,
            None => self.last = newer,
        }
    }

    /// The oldest number.
    pub(super) fn oldest(&self) -> Option<usize> {
        Some(self.last).filter(|number| *number != NONE)
    }

    /// The one before it.
    pub(super) fn newer(&self, number: usize) -> Option<usize> {
        let newer = self.links.get(number)?.newer;
        Some(newer).filter(|number| *number != NONE)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn oldest_first(list: &List) -> Vec<usize> {
        std::iter::successors(list.oldest(), |number| list.newer(*number)).collect()
    }

    proptest! {
        /// It does what a plain vector would do, only faster.
        #[test]
        fn it_is_a_queue(steps in prop::collection::vec((any::<bool>(), 0_usize..8), 0..60)) {
            let (mut list, mut model) = (List::default(), Vec::new());
            for (bump, number) in steps {
                model.retain(|known| *known != number);
                if bump {
                    list.bump(number);
                    model.push(number);
                } else {
                    list.remove(number);
                }
                prop_assert_eq!(oldest_first(&list), model.clone());
            }
        }
    }
}
