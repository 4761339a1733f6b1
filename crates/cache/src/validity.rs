//! `proxy_cache_valid`: how long an answer of a status is kept where it does not say so itself.
//!
//! Source: nginx, `ngx_http_file_cache_valid`.

/// The rules, in their order.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Validity(Vec<(Option<Vec<u16>>, u64)>);

impl Validity {
    /// Adds a rule: statuses, `None` for any, and seconds.
    pub fn push(&mut self, codes: Option<Vec<u16>>, seconds: u64) {
        self.0.push((codes, seconds));
    }

    /// Seconds that an answer of this status is kept; `None` for not at all.
    #[must_use]
    pub fn of(&self, status: u16) -> Option<u64> {
        let holds =
            |codes: &Option<Vec<u16>>| codes.as_ref().is_none_or(|codes| codes.contains(&status));
        let rule = self.0.iter().find(|(codes, _)| holds(codes))?;
        Some(rule.1).filter(|seconds| *seconds > 0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_rule_that_fits_holds() {
        let mut rules = Validity::default();
        assert_eq!(rules.of(200), None);
        rules.push(Some(vec![200, 302]), 10);
        rules.push(Some(vec![404]), 0);
        rules.push(None, 60);
        assert_eq!(rules.of(302), Some(10));
        assert_eq!(rules.of(404), None);
        assert_eq!(rules.of(500), Some(60));
    }
}
