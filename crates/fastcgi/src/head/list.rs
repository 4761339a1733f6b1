//! The fields of a CGI head, as a list.

use http::{HeaderMap, HeaderName, HeaderValue};

/// Fields in the order in which the script gave them. A script gives few, so that going through all of
/// them takes less time than a map costs.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub struct CgiFields(Vec<(HeaderName, HeaderValue)>);

impl CgiFields {
    pub(super) fn with_capacity(fields: usize) -> Self {
        Self(Vec::with_capacity(fields))
    }

    /// Appends a field.
    pub fn push(&mut self, name: HeaderName, value: HeaderValue) {
        self.0.push((name, value));
    }

    /// The first value of a field.
    #[must_use]
    pub fn get(&self, name: &HeaderName) -> Option<&HeaderValue> {
        self.get_all(name).next()
    }

    /// All values of a field.
    pub fn get_all(&self, name: &HeaderName) -> impl Iterator<Item = &HeaderValue> {
        let same = move |(known, _): &&(HeaderName, HeaderValue)| known == name;
        self.0.iter().filter(same).map(|(_, value)| value)
    }

    /// Whether there is such a field.
    #[must_use]
    pub fn contains(&self, name: &HeaderName) -> bool {
        self.get(name).is_some()
    }

    /// Takes a field out, with all its values; the first of them is returned.
    pub fn remove(&mut self, name: &HeaderName) -> Option<HeaderValue> {
        let first = self.get(name).cloned()?;
        self.0.retain(|(known, _)| known != name);
        Some(first)
    }

    /// The fields as they are kept.
    #[must_use]
    pub fn into_inner(self) -> Vec<(HeaderName, HeaderValue)> {
        self.0
    }

    /// A copy, to look many things up in.
    #[must_use]
    pub fn to_map(&self) -> HeaderMap {
        let mut map = HeaderMap::with_capacity(self.0.len());
        for (name, value) in &self.0 {
            map.append(name, value.clone());
        }
        map
    }
}

impl IntoIterator for CgiFields {
    type Item = (HeaderName, HeaderValue);
    type IntoIter = std::vec::IntoIter<(HeaderName, HeaderValue)>;

    fn into_iter(self) -> Self::IntoIter {
        self.0.into_iter()
    }
}

impl FromIterator<(HeaderName, HeaderValue)> for CgiFields {
    fn from_iter<I: IntoIterator<Item = (HeaderName, HeaderValue)>>(fields: I) -> Self {
        Self(fields.into_iter().collect())
    }
}

/// The values of a name come one after the other.
impl From<HeaderMap> for CgiFields {
    fn from(map: HeaderMap) -> Self {
        let fields = map.iter();
        fields
            .map(|(name, value)| (name.clone(), value.clone()))
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use http::header::{SERVER, SET_COOKIE};

    use super::*;

    #[test]
    fn a_field_goes_with_all_its_values() {
        let value = HeaderValue::from_static;
        let given = [
            (SET_COOKIE, value("a")),
            (SERVER, value("s")),
            (SET_COOKIE, value("b")),
        ];
        let mut fields = CgiFields::from_iter(given);
        assert!(fields.get_all(&SET_COOKIE).eq([&value("a"), &value("b")]));
        assert_eq!(fields.to_map().get_all(SET_COOKIE).iter().count(), 2);
        assert_eq!(fields.remove(&SET_COOKIE), Some(value("a")));
        assert_eq!(fields.remove(&SET_COOKIE), None);
        assert!(fields.contains(&SERVER));
        assert!(fields.into_iter().eq([(SERVER, value("s"))]));
    }
}
