//! Large values are made where they stay.

/// A box of what `make` makes, made in the box. [`Box::new`] has it on the stack first and copies it: a kilobyte or two
/// for each request, in memory that is in no cache.
#[inline]
pub(crate) fn boxed<T>(make: impl FnOnce() -> T) -> Box<T> {
    let room = Box::new_uninit();
    Box::write(room, make())
}
