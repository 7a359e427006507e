//! Writing values into a path so that each stays within its segment.

use std::fmt::{self, Display, Write};

/// A value that can stand in a path: whatever has a text form.
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be a parameter of a path",
    label = "this has no text form to stand in the path",
    note = "a parameter of a path needs `std::fmt::Display`: implement it, or pass a number, a text or an id that has it"
)]
pub trait PathParameter: Display {}

impl<T: Display + ?Sized> PathParameter for T {}

/// Writes a value with every byte escaped that is not unreserved (RFC 3986, section 2.3): letters, digits, `-`, `.`, `_`, `~`.
///
/// So no value brings a `/`, a `?`, a `#` or an escape of its own.
pub(super) fn escape(value: impl Display, path: &mut String) -> fmt::Result {
    write!(Escaped(path), "{value}")
}

struct Escaped<'a>(&'a mut String);

impl Write for Escaped<'_> {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        for byte in text.bytes() {
            if byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_' | b'~') {
                self.0.push(char::from(byte));
            } else {
                write!(self.0, "%{byte:02X}")?;
            }
        }
        Ok(())
    }
}

/// Whether a segment of the path is one that a URL's reader takes for a step elsewhere: `.` or `..`, which cannot be escaped
/// (the URL standard reads `%2e` as a dot there).
pub(super) fn steps_elsewhere(path: &str) -> bool {
    path.split('/').any(|segment| matches!(segment, "." | ".."))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn escaped(value: &str) -> String {
        let mut path = String::new();
        escape(value, &mut path).unwrap();
        path
    }

    #[test]
    fn only_what_is_unreserved_stays_as_it_is() {
        assert_eq!(escaped("Az09-._~"), "Az09-._~");
        assert_eq!(escaped("a/b?c#d%2F e+"), "a%2Fb%3Fc%23d%252F%20e%2B");
        assert_eq!(escaped("\u{e4}\\;\n"), "%C3%A4%5C%3B%0A");
    }

    #[test]
    fn a_segment_of_dots_only_leads_elsewhere_and_dots_beside_text_do_not() {
        assert!(steps_elsewhere("/users/.."));
        assert!(steps_elsewhere("/users/./x"));
        assert!(!steps_elsewhere("/users/...") && !steps_elsewhere("/users/..json"));
    }
}
