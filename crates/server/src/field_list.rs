//! The fields of an answer on its way to an HTTP/1 connection.

use http::{HeaderMap, HeaderName, HeaderValue};

/// Fields in their order, that of repeated ones included. An answer has few, so that going through all of them takes
/// less time than a map costs, which an HTTP/1 head does not need.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct FieldList(Vec<(HeaderName, HeaderValue)>);

impl FieldList {
    /// None yet; takes no memory.
    #[must_use]
    pub const fn new() -> Self {
        Self(Vec::new())
    }

    /// How many there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether there is none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// All of them.
    pub fn iter(&self) -> impl Iterator<Item = (&HeaderName, &HeaderValue)> {
        self.0.iter().map(|(name, value)| (name, value))
    }

    /// The first value of a field.
    #[must_use]
    pub fn get(&self, name: &HeaderName) -> Option<&HeaderValue> {
        self.get_all(name).next()
    }

    /// All values of a field.
    pub fn get_all(&self, name: &HeaderName) -> impl Iterator<Item = &HeaderValue> {
        let same = move |(known, _): &(&HeaderName, &HeaderValue)| *known == name;
        self.iter().filter(same).map(|(_, value)| value)
    }

    /// Whether there is such a field.
    #[must_use]
    pub fn contains(&self, name: &HeaderName) -> bool {
        self.get(name).is_some()
    }

    /// Adds a field behind all others.
    pub fn append(&mut self, name: HeaderName, value: HeaderValue) {
        self.0.push((name, value));
    }

    /// Puts a field in the place of the first of its name, or behind all others; there is one then.
    pub fn insert(&mut self, name: HeaderName, value: HeaderValue) {
        let mut value = Some(value);
        self.0.retain_mut(|(known, held)| {
            *known != name || value.take().map(|value| *held = value).is_some()
        });
        if let Some(value) = value {
            self.append(name, value);
        }
    }

    /// Takes a field out, with all its values.
    pub fn remove(&mut self, name: &HeaderName) {
        self.0.retain(|(known, _)| known != name);
    }

    /// Keeps what `keep` says; it may take values out.
    pub fn retain(&mut self, mut keep: impl FnMut(&HeaderName, &mut HeaderValue) -> bool) {
        self.0.retain_mut(|(name, value)| keep(name, value));
    }

    /// A copy, to look many things up in.
    #[must_use]
    pub fn to_map(&self) -> HeaderMap {
        let mut map = HeaderMap::with_capacity(self.len());
        for (name, value) in self.iter() {
            map.append(name, value.clone());
        }
        map
    }
}

impl From<Vec<(HeaderName, HeaderValue)>> for FieldList {
    fn from(fields: Vec<(HeaderName, HeaderValue)>) -> Self {
        Self(fields)
    }
}

impl IntoIterator for FieldList {
    type Item = (HeaderName, HeaderValue);
    type IntoIter = std::vec::IntoIter<(HeaderName, HeaderValue)>;

    fn into_iter(self) -> Self::IntoIter {
        self.0.into_iter()
    }
}

impl Extend<(HeaderName, HeaderValue)> for FieldList {
    fn extend<I: IntoIterator<Item = (HeaderName, HeaderValue)>>(&mut self, fields: I) {
        self.0.extend(fields);
    }
}

#[cfg(test)]
mod tests {
    use http::header::{DATE, SERVER, SET_COOKIE};

    use super::*;

    #[test]
    fn a_field_keeps_its_place_and_goes_with_all_its_values() {
        let value = HeaderValue::from_static;
        let mut fields = FieldList::from(vec![
            (SET_COOKIE, value("a")),
            (SERVER, value("s")),
            (SET_COOKIE, value("b")),
        ]);
        assert!(fields.get_all(&SET_COOKIE).eq([&value("a"), &value("b")]));
        assert_eq!(fields.to_map().get_all(SET_COOKIE).iter().count(), 2);
        fields.insert(SET_COOKIE, value("c"));
        fields.insert(DATE, value("d"));
        let all = [(SET_COOKIE, "c"), (SERVER, "s"), (DATE, "d")];
        let all = all.map(|(name, text)| (name, value(text)));
        assert!(fields.clone().into_iter().eq(all));
        fields.remove(&SET_COOKIE);
        assert!(!fields.contains(&SET_COOKIE));
        assert_eq!(fields.len(), 2);
    }
}
