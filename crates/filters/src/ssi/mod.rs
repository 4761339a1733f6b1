//! Server-side includes: the commands in a text, and what they are made of.
//!
//! Source: nginx, ngx_http_ssi_filter_module. [`Parser`] finds commands in a stream of pieces, [`Verb`] and
//! [`Command`] say what they ask for, [`expand`] and [`Expression`] evaluate what stands in them. What a command does
//! (variables of a request, subrequests) is the caller's affair.

mod command;
mod expression;
mod parser;
mod text;

pub use command::{Command, CommandError, Include, Verb};
pub use expression::{Expression, InvalidExpression, Operand};
pub use parser::{Event, Parser, RawCommand};
pub use text::{TextError, expand};

#[cfg(test)]
mod tests;
