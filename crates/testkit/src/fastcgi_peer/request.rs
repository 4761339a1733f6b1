//! What a web server sent.

/// One request as the application got it.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct FastCgiRequest {
    /// On which connection, from 0.
    pub connection: usize,
    /// The request id.
    pub id: u16,
    /// Whether the server means to use the connection again.
    pub keep_connection: bool,
    /// The parameters in their order, repeated ones as often as they came.
    pub params: Vec<(Vec<u8>, Vec<u8>)>,
    /// The body, as far as it was read.
    pub stdin: Vec<u8>,
    /// Whether an abort came before the end.
    pub aborted: bool,
}

impl FastCgiRequest {
    /// The last parameter of a name, which is the one that PHP takes, as text.
    #[must_use]
    pub fn param(&self, name: &str) -> Option<String> {
        let last = self
            .params
            .iter()
            .rev()
            .find(|(one, _)| one == name.as_bytes());
        last.map(|(_, value)| String::from_utf8_lossy(value).into_owned())
    }
}
