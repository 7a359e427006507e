//! The branch: which call of the transaction this is.

use std::fmt;
use std::hash::{Hash, Hasher};
use std::str::FromStr;

use super::decimal::Decimal;

/// The longest branch, in bytes: 32 hops of six-digit call numbers fit.
const MAX: usize = 224;

/// The path of calls that led here: `1` at the first service, and `B.k` for the k-th call that branch `B` makes.
///
/// With the GTXID it names one call, as XA's (gtrid, bqual) does; the attempts of one call share it. Held inline, at
/// most 224 bytes. A child that would not fit gets a folded prefix, `0.H.k`, with `H` a hash of what it replaces: still
/// well formed, still naming one call, only not the path any more.
#[derive(Clone, Copy)]
pub struct Branch {
    len: u8,
    bytes: [u8; MAX],
}

/// A text is not a branch.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a branch is decimal numbers joined by dots, such as `1.2.1`, of at most 224 characters")]
#[non_exhaustive]
pub struct BranchError;

impl Branch {
    /// The branch of the first service, `1`.
    #[must_use]
    pub fn root() -> Self {
        let mut branch = Self {
            len: 0,
            bytes: [0; MAX],
        };
        branch.push(b"1");
        branch
    }

    /// Reads a header's bytes.
    ///
    /// # Errors
    ///
    /// [`BranchError`] when it is not numbers of at most 10 digits joined by single dots.
    pub fn from_bytes(text: &[u8]) -> Result<Self, BranchError> {
        let number =
            |part: &[u8]| matches!(part.len(), 1..=10) && part.iter().all(u8::is_ascii_digit);
        if text.len() > MAX || !text.split(|b| *b == b'.').all(number) {
            return Err(BranchError);
        }
        let mut branch = Self {
            len: 0,
            bytes: [0; MAX],
        };
        branch.push(text);
        Ok(branch)
    }

    /// The branch of this one's k-th call.
    #[must_use]
    pub fn child(&self, k: u32) -> Self {
        let digits = Decimal::new(k.into());
        let mut child = *self;
        if usize::from(self.len) + 1 + digits.as_bytes().len() > MAX {
            let hash = Decimal::new(fnv1a(self.as_bytes()).into());
            child = Self {
                len: 0,
                bytes: [0; MAX],
            };
            child.push(b"0.");
            child.push(hash.as_bytes());
        }
        child.push(b".");
        child.push(digits.as_bytes());
        child
    }

    /// The branch as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        std::str::from_utf8(self.as_bytes()).unwrap_or_default()
    }

    pub(super) fn as_bytes(&self) -> &[u8] {
        self.bytes.get(..usize::from(self.len)).unwrap_or_default()
    }

    /// Appends what the callers have found to fit.
    fn push(&mut self, text: &[u8]) {
        let start = usize::from(self.len);
        if let Some(room) = self.bytes.get_mut(start..start + text.len()) {
            room.copy_from_slice(text);
            self.len += text.len() as u8;
        }
    }
}

/// FNV-1a with the 32-bit offset basis and prime of its authors.
fn fnv1a(bytes: &[u8]) -> u32 {
    bytes.iter().fold(0x811c_9dc5, |hash, byte| {
        (hash ^ u32::from(*byte)).wrapping_mul(0x0100_0193)
    })
}

impl FromStr for Branch {
    type Err = BranchError;

    fn from_str(text: &str) -> Result<Self, BranchError> {
        Self::from_bytes(text.as_bytes())
    }
}

impl PartialEq for Branch {
    fn eq(&self, other: &Self) -> bool {
        self.as_bytes() == other.as_bytes()
    }
}

impl Eq for Branch {}

impl Hash for Branch {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.as_bytes().hash(state);
    }
}

impl fmt::Display for Branch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

impl fmt::Debug for Branch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Branch({self})")
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn the_kth_call_of_b_is_b_dot_k() {
        let branch = Branch::root().child(2).child(1);
        assert_eq!(branch.as_str(), "1.2.1");
        assert_eq!(branch.as_str().parse(), Ok(branch));
    }

    #[test]
    fn the_deepest_path_of_busy_services_stays_well_formed_and_unique() {
        let mut branch = Branch::root();
        let mut seen = HashSet::from([branch]);
        for hop in 0..255 {
            branch = branch.child(u32::MAX - hop);
            assert_eq!(branch.as_str().parse(), Ok(branch), "hop {hop}");
            assert!(seen.insert(branch));
        }
    }

    #[test]
    fn refuses_what_is_not_numbers_and_dots() {
        for bad in [
            "",
            ".",
            "1.",
            ".1",
            "1..2",
            "1.a",
            "-1",
            "1 ",
            "12345678901",
            &"1.".repeat(200),
        ] {
            assert_eq!(bad.parse::<Branch>(), Err(BranchError), "{bad:?}");
        }
    }
}
