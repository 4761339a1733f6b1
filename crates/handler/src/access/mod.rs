//! Who may: passwords and their files.
//!
//! The access phase itself, with `satisfy`, is in `engine/access`.

mod password;
mod user_file;

pub use user_file::UserFiles;

pub(crate) use password::same;
pub(crate) use user_file::Check;
