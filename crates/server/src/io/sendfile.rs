//! Parts of files that the kernel copies to the socket itself.

use std::fs::File;
use std::rc::Rc;

/// A part of a file that a marker in an answer stands for.
#[derive(Clone, Debug)]
pub(crate) struct FileRange {
    pub(crate) file: Rc<File>,
    pub(crate) offset: u64,
    pub(crate) left: u64,
}
