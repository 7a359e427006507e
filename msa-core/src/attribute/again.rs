//! Arguments that are needed more than once.

use std::hash::Hash;

/// An argument of which a second try takes another copy: whatever is `Clone`.
#[diagnostic::on_unimplemented(
    message = "this argument is needed again, and `{Self}` cannot be cloned",
    label = "a second try, or the fallback, needs this argument again",
    note = "derive `Clone` for it, or take it by reference or in an `Arc`, or leave out what needs it again: `#[retry]`, `#[hedge]`, `#[fallback(with = ...)]`"
)]
pub trait Again: Sized {
    /// Another one.
    #[must_use]
    fn again(&self) -> Self;
}

#[diagnostic::do_not_recommend]
impl<T: Clone> Again for T {
    #[inline]
    fn again(&self) -> Self {
        self.clone()
    }
}

/// The argument for one more try.
#[inline]
pub fn again<T: Again>(argument: &T) -> T {
    argument.again()
}

/// A part of the key by which answers are kept: whatever is, or has as its owned form (`String` for `str`), `Hash + Eq + Clone`.
#[diagnostic::on_unimplemented(
    message = "answers cannot be kept by `{Self}`",
    label = "a part of a key is `Hash + Eq + Clone + Send + Sync + 'static`",
    note = "derive `Clone, PartialEq, Eq, Hash` for it, or say what the answer depends on: `key = (sku, region)`"
)]
pub trait KeyPart {
    /// The form in which it is kept.
    type Owned: Hash + Eq + Clone + Send + Sync + 'static;

    /// The part that is kept.
    fn to_key(&self) -> Self::Owned;
}

#[diagnostic::do_not_recommend]
impl<T> KeyPart for T
where
    T: ToOwned + ?Sized,
    T::Owned: Hash + Eq + Clone + Send + Sync + 'static,
{
    type Owned = T::Owned;

    #[inline]
    fn to_key(&self) -> T::Owned {
        self.to_owned()
    }
}

/// The argument as a part of a key.
#[inline]
pub fn key_part<T: KeyPart + ?Sized>(argument: &T) -> T::Owned {
    argument.to_key()
}

/// A function's result that can be given to several callers: answer and error are `Clone + Send + Sync + 'static`.
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be kept and given to several callers",
    label = "answer and error must be `Clone + Send + Sync + 'static`",
    note = "derive `Clone` for both; an error that cannot be cloned may stay with `single_flight = false`, and a large answer goes into an `Arc`"
)]
pub trait Keep {}

#[diagnostic::do_not_recommend]
impl<T, E> Keep for Result<T, E>
where
    T: Clone + Send + Sync + 'static,
    E: Clone + Send + Sync + 'static,
{
}

/// A function's result whose answer can be given to several callers: it is `Clone + Send + Sync + 'static`.
#[diagnostic::on_unimplemented(
    message = "the answer of `{Self}` cannot be kept and given to several callers",
    label = "the answer must be `Clone + Send + Sync + 'static`",
    note = "derive `Clone` for it, or put it into an `Arc`"
)]
pub trait KeepAlone {}

#[diagnostic::do_not_recommend]
impl<T: Clone + Send + Sync + 'static, E> KeepAlone for Result<T, E> {}

/// The key, of a function whose results can be kept and shared while they are under way.
#[inline]
pub fn kept<R: Keep, K>(key: K) -> K {
    key
}

/// The key, of a function whose answers can be kept.
#[inline]
pub fn kept_alone<R: KeepAlone, K>(key: K) -> K {
    key
}
