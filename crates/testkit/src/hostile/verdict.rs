//! What is right to do with an odd request.

/// The first column of the tables of malformed requests.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// It must be refused.
    Reject,
    /// It must be taken, however odd.
    Accept,
    /// Either will do, as long as what comes behind it is not mistaken.
    Either,
}

impl Verdict {
    /// Reads the word of a table; `None` for one that it does not know.
    #[must_use]
    pub fn parse(word: &str) -> Option<Self> {
        match word {
            "must-reject" => Some(Self::Reject),
            "must-accept" => Some(Self::Accept),
            "either" => Some(Self::Either),
            _ => None,
        }
    }
}
