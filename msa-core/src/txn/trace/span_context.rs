//! The ids of one span.

use std::fmt;

use super::hex::{Hex, digit, lower_hex};
use crate::txn::Gtxid;

/// The trace was, or may be, recorded.
const SAMPLED: u8 = 0b01;
/// The low 7 bytes of the trace id at least are random (Trace Context level 2).
const RANDOM: u8 = 0b10;

/// One span's place: its trace, its own id, and the flags of W3C Trace Context, of which there are two, `sampled` and `random`.
///
/// As a `traceparent` (<https://www.w3.org/TR/trace-context-2/>) it reads `00-<32 digits>-<16 digits>-<2 digits>`. Neither id is zero.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct SpanContext {
    trace_id: u128,
    span_id: u64,
    flags: u8,
}

/// The length of a `traceparent` of version 00.
const LENGTH: usize = 55;

impl SpanContext {
    /// The span with these ids, neither sampled nor random; `None` when one is zero.
    #[must_use]
    pub const fn new(trace_id: u128, span_id: u64) -> Option<Self> {
        if trace_id == 0 || span_id == 0 {
            return None;
        }
        Some(Self {
            trace_id,
            span_id,
            flags: 0,
        })
    }

    /// Reads a `traceparent`.
    ///
    /// Of a later version than 00 the part is read that this one knows, as the specification asks: more may follow behind a dash.
    /// Flags that level 2 does not name are dropped.
    #[must_use]
    pub fn from_traceparent(text: &[u8]) -> Option<Self> {
        let (fields, more) = text.split_at_checked(LENGTH)?;
        let mut fields = fields.splitn(4, |byte| *byte == b'-');
        let mut field = |length: usize| {
            let digits = fields.next().filter(|digits| digits.len() == length)?;
            lower_hex(digits)
        };
        let may_follow = match field(2)? {
            0 => more.is_empty(),
            0xff => false,
            _ => matches!(more, [] | [b'-', ..]),
        };
        if !may_follow {
            return None;
        }
        let trace_id = field(32)?;
        let span_id = u64::try_from(field(16)?).ok()?;
        let flags = u8::try_from(field(2)?).ok()?;
        let read = Self::new(trace_id, span_id)?;
        Some(Self {
            flags: flags & (SAMPLED | RANDOM),
            ..read
        })
    }

    /// As a `traceparent` of version 00.
    #[must_use]
    pub fn to_traceparent(&self) -> [u8; LENGTH] {
        let mut text = *b"00-................................-................-..";
        let (trace, span) = (Hex::of_trace(self.trace_id), Hex::of_span(self.span_id));
        let flags = [digit(self.flags >> 4), digit(self.flags & 0xf)];
        for (at, part) in [
            (3, trace.as_bytes()),
            (36, span.as_bytes()),
            (53, flags.as_slice()),
        ] {
            if let Some(room) = text.get_mut(at..at + part.len()) {
                room.copy_from_slice(part);
            }
        }
        text
    }

    /// The trace, not zero.
    #[must_use]
    pub const fn trace_id(&self) -> u128 {
        self.trace_id
    }

    /// The span, not zero.
    #[must_use]
    pub const fn span_id(&self) -> u64 {
        self.span_id
    }

    /// The flags as they stand in a `traceparent`.
    #[must_use]
    pub const fn flags(&self) -> u8 {
        self.flags
    }

    /// Whether the trace is recorded.
    #[must_use]
    pub const fn is_sampled(&self) -> bool {
        self.flags & SAMPLED != 0
    }

    /// Whether who made the trace id says that it is random.
    #[must_use]
    pub const fn is_random(&self) -> bool {
        self.flags & RANDOM != 0
    }

    /// The same, sampled or not.
    #[must_use]
    pub const fn sampled(self, yes: bool) -> Self {
        let flags = self.flags & !SAMPLED | if yes { SAMPLED } else { 0 };
        Self { flags, ..self }
    }

    /// The same, its trace id said to be random or not.
    #[must_use]
    pub const fn random(self, yes: bool) -> Self {
        let flags = self.flags & !RANDOM | if yes { RANDOM } else { 0 };
        Self { flags, ..self }
    }

    /// Another span of the same trace, with the same flags. Zero, which is no id, becomes one.
    #[must_use]
    pub const fn sibling(self, span_id: u64) -> Self {
        let span_id = if span_id == 0 { 1 } else { span_id };
        Self { span_id, ..self }
    }

    /// The first span here of a trace that the transaction begins.
    pub(crate) fn begun_by(gtxid: &Gtxid, span_id: u64) -> Self {
        Self {
            trace_id: Self::trace_of(gtxid),
            span_id: span_id.max(1),
            flags: 0,
        }
    }

    /// The trace that a transaction begins: the GTXID itself when it has the form of a trace id, else 128 bits that follow from it, so
    /// that every service and every tool finds the same.
    fn trace_of(gtxid: &Gtxid) -> u128 {
        gtxid
            .as_trace_id()
            .unwrap_or_else(|| spread(gtxid.as_str()))
    }

    /// The id of something below this span, which follows from the span and a number that is its own: whoever has a seed finds the same
    /// ids again.
    pub(crate) const fn below(self, number: u64) -> Self {
        // SplitMix64: its steps by the golden ratio, mixed, do not meet within one span.
        self.sibling(mix(self
            .span_id
            .wrapping_add(number.wrapping_mul(0x9e37_79b9_7f4a_7c15))))
    }
}

/// The finalizer of SplitMix64 (Steele, Lea, Flood: Fast Splittable Pseudorandom Number Generators, 2014).
const fn mix(mut z: u64) -> u64 {
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}

/// FNV-1a of 128 bits (offset basis and prime of its authors), its halves mixed, since ratio samplers read the low one as a random
/// number.
fn spread(text: &str) -> u128 {
    const PRIME: u128 = 0x0000_0000_0100_0000_0000_0000_0000_013b;
    let hash = text
        .bytes()
        .fold(0x6c62_272e_07bb_0142_62b8_2175_6295_c58d, |hash, byte| {
            (hash ^ u128::from(byte)).wrapping_mul(PRIME)
        });
    let (high, low) = ((hash >> 64) as u64, hash as u64);
    let id = u128::from(mix(high)) << 64 | u128::from(mix(low ^ high));
    id.max(1)
}

impl fmt::Display for SpanContext {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(std::str::from_utf8(&self.to_traceparent()).unwrap_or_default())
    }
}

impl fmt::Debug for SpanContext {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SpanContext({self})")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TRACE: &str = "4bf92f3577b34da6a3ce929d0e0e4736";
    const SPAN: &str = "00f067aa0ba902b7";

    fn read(text: &str) -> Option<SpanContext> {
        SpanContext::from_traceparent(text.as_bytes())
    }

    #[test]
    fn a_traceparent_is_written_as_it_was_read() {
        for flags in ["00", "01", "02", "03"] {
            let text = format!("00-{TRACE}-{SPAN}-{flags}");
            assert_eq!(read(&text).unwrap().to_string(), text);
        }
    }

    #[test]
    fn unknown_flags_are_dropped_and_of_later_versions_the_known_part_is_read() {
        let known = format!("00-{TRACE}-{SPAN}-03");
        for text in [
            format!("00-{TRACE}-{SPAN}-ff"),
            format!("01-{TRACE}-{SPAN}-ff"),
            format!("cc-{TRACE}-{SPAN}-0b-what-the-future-brings"),
        ] {
            assert_eq!(read(&text).unwrap().to_string(), known, "{text}");
        }
    }

    #[test]
    fn what_breaks_a_rule_is_no_traceparent() {
        let zeros = "0".repeat(32);
        for text in [
            format!("00-{TRACE}-{SPAN}-01-more"),
            format!("00-{TRACE}-{SPAN}-01."),
            format!("cc-{TRACE}-{SPAN}-01.more"),
            format!("ff-{TRACE}-{SPAN}-01"),
            format!("0-{TRACE}-{SPAN}-01"),
            format!("000-{TRACE}-{SPAN}-01"),
            format!("00-{zeros}-{SPAN}-01"),
            format!("00-{TRACE}-0000000000000000-01"),
            format!("00-{}-{SPAN}-01", TRACE.to_uppercase()),
            format!("00-{TRACE}-{}-01", SPAN.to_uppercase()),
            format!("00-{TRACE}-{SPAN}-0A"),
            format!("00-{TRACE}-{SPAN}-1"),
            format!("00-{TRACE}-{SPAN}"),
            format!(" 00-{TRACE}-{SPAN}-01"),
            String::new(),
        ] {
            assert_eq!(read(&text), None, "{text:?}");
        }
    }

    #[test]
    fn ids_below_a_span_are_its_own_and_come_again() {
        let span = read(&format!("00-{TRACE}-{SPAN}-01")).unwrap();
        let ids: std::collections::HashSet<u64> =
            (0..10_000).map(|n| span.below(n).span_id()).collect();
        assert_eq!(ids.len(), 10_000);
        assert_eq!(span.below(7), span.below(7));
        assert_eq!(span.below(7).trace_id(), span.trace_id());
    }

    #[test]
    fn a_gtxid_is_its_trace_when_it_can_be_and_else_always_finds_the_same() {
        let own: Gtxid = TRACE.parse().unwrap();
        assert_eq!(Some(SpanContext::trace_of(&own)), own.as_trace_id());
        let other: Gtxid = "web.shop-4711".parse().unwrap();
        assert_eq!(SpanContext::trace_of(&other), SpanContext::trace_of(&other));
        let next: Gtxid = "web.shop-4712".parse().unwrap();
        assert_ne!(SpanContext::trace_of(&other), SpanContext::trace_of(&next));
    }
}
