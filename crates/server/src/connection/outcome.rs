//! How an exchange ended.

/// Where an exchange stands. A body that is dropped sees how its own exchange ended, because the
/// last byte has been written, or the connection given up, before it is dropped.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Outcome {
    /// Still under way.
    #[default]
    Open,
    /// The whole answer has been written to the socket.
    Sent,
    /// It was broken off.
    Cut(Cut),
}

/// Why an exchange was broken off.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Cut {
    /// The client closed or reset the connection: 499 in nginx's log, or 400 within a body.
    ClientClosed,
    /// The request body came too slowly: 408.
    BodyTimeout,
    /// The client did not take the answer: 408 in nginx's log.
    SendTimeout,
    /// The client broke the framing of its body: 400.
    BadBody,
    /// The body of the answer failed, or was shorter than announced.
    AnswerFailed,
    /// The service panicked after the head had gone out.
    Panicked,
    /// The server stopped.
    Stopped,
}
