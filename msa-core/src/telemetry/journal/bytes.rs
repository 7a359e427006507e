//! How notes lie in a page: numbers as LEB128, texts with their length before them.

/// A text is cut here: what comes from outside must not fill a page.
const LONGEST: usize = 256;

/// Writes to the end of a page.
pub(super) trait Put {
    fn put(&mut self, number: u64);
    fn put_text(&mut self, text: &str);
}

impl Put for Vec<u8> {
    #[inline]
    fn put(&mut self, mut number: u64) {
        while number >= 0x80 {
            self.push(number as u8 | 0x80); // the lower seven bits, and that more follow
            number >>= 7;
        }
        self.push(number as u8);
    }

    #[inline]
    fn put_text(&mut self, text: &str) {
        let mut end = text.len().min(LONGEST);
        while !text.is_char_boundary(end) {
            end -= 1;
        }
        let text = text.get(..end).unwrap_or_default();
        self.put(text.len() as u64);
        self.extend_from_slice(text.as_bytes());
    }
}

/// Reads a page from its beginning. `None` at the end, and where the bytes make no sense.
#[derive(Debug, Clone)]
pub(super) struct Take<'b>(&'b [u8]);

impl<'b> Take<'b> {
    pub(super) fn new(bytes: &'b [u8]) -> Self {
        Self(bytes)
    }

    pub(super) fn byte(&mut self) -> Option<u8> {
        let (first, rest) = self.0.split_first()?;
        self.0 = rest;
        Some(*first)
    }

    pub(super) fn number(&mut self) -> Option<u64> {
        let mut number = 0_u64;
        for shift in (0..64).step_by(7) {
            let byte = self.byte()?;
            number |= u64::from(byte & 0x7f) << shift;
            if byte & 0x80 == 0 {
                return Some(number);
            }
        }
        None
    }

    pub(super) fn small(&mut self) -> Option<u32> {
        self.number()?.try_into().ok()
    }

    pub(super) fn text(&mut self) -> Option<&'b str> {
        let length = usize::try_from(self.number()?).ok()?;
        let (text, rest) = self.0.split_at_checked(length)?;
        self.0 = rest;
        std::str::from_utf8(text).ok()
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_long_text_is_cut_between_characters() {
        let mut page = Vec::new();
        page.put_text(&"é".repeat(200));
        assert_eq!(Take::new(&page).text(), Some(&*"é".repeat(128)));
        page.clear();
        page.put_text(&format!("x{}", "é".repeat(200)));
        assert_eq!(Take::new(&page).text().unwrap().len(), 255);
    }

    proptest! {
        #[test]
        fn what_is_written_is_read(number: u64, text in "\\PC{0,64}") {
            let mut page = Vec::new();
            page.put(number);
            page.put_text(&text);
            let mut take = Take::new(&page);
            prop_assert_eq!(take.number(), Some(number));
            prop_assert_eq!(take.text(), Some(&*text));
            prop_assert_eq!(take.byte(), None);
        }

        #[test]
        fn no_bytes_whatever_make_reading_fail(bytes: Vec<u8>) {
            let mut take = Take::new(&bytes);
            while take.number().is_some() && take.text().is_some() {}
        }
    }
}
