//! What is well formed, said a second time: from the specification and not from the code, so that a case compares both.

pub(super) fn is_gtxid(text: &[u8]) -> bool {
    let legal = |byte: &u8| byte.is_ascii_alphanumeric() || b"._-".contains(byte);
    (1..=64).contains(&text.len()) && text.iter().all(legal)
}

pub(super) fn is_branch(text: &[u8]) -> bool {
    let number =
        |part: &[u8]| (1..=10).contains(&part.len()) && part.iter().all(u8::is_ascii_digit);
    text.len() <= 224 && text.split(|byte| *byte == b'.').all(number)
}

/// A decimal number of any length; so large a one is as good as the largest.
pub(super) fn number(text: &[u8]) -> Option<u128> {
    if text.is_empty() || !text.iter().all(u8::is_ascii_digit) {
        return None;
    }
    let digits = std::str::from_utf8(text).ok()?.trim_start_matches('0');
    Some(match digits {
        "" => 0,
        digits => digits.parse().unwrap_or(u128::MAX),
    })
}

pub(super) fn at_most_u32(number: u128) -> u128 {
    number.min(u128::from(u32::MAX))
}

/// W3C Trace Context, level 2.
pub(super) fn trace_id(text: &[u8]) -> Option<&[u8]> {
    let hex = |part: &[u8]| {
        part.iter()
            .all(|b| b.is_ascii_digit() || (b'a'..=b'f').contains(b))
    };
    let any = |part: &[u8]| part.iter().any(|b| *b != b'0');
    let (version, trace, parent) = (text.get(..2)?, text.get(3..35)?, text.get(36..52)?);
    let flags = text.get(53..55)?;
    let dashes = [2, 35, 52].iter().all(|at| text.get(*at) == Some(&b'-'));
    let tail = match text.get(55) {
        None => true,
        Some(next) => version != b"00" && *next == b'-',
    };
    let legal = [version, trace, parent, flags].into_iter().all(hex);
    (legal && dashes && tail && version != b"ff" && any(trace) && any(parent)).then_some(trace)
}
