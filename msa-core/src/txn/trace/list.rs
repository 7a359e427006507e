//! What the two lists, `tracestate` and `baggage`, have in common: members between commas, with optional white space around them.

/// The members of a header's value, without the white space around them; empty ones, which both lists allow, are left out.
pub(super) fn members(value: &[u8]) -> impl Iterator<Item = &[u8]> {
    value
        .split(|byte| *byte == b',')
        .map(trim)
        .filter(|member| !member.is_empty())
}

/// Without the optional white space of HTTP (spaces and tabs) at both ends.
pub(super) fn trim(mut text: &[u8]) -> &[u8] {
    while let [b' ' | b'\t', rest @ ..] | [rest @ .., b' ' | b'\t'] = text {
        text = rest;
    }
    text
}
