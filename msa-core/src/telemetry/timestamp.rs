//! The time as a log line has it.

use std::cell::RefCell;
use std::fmt;
use std::time::{SystemTime, UNIX_EPOCH};

use super::number;

/// Up to the seconds: `2026-01-01T00:00:00`.
const SECONDS: usize = 19;

thread_local! {
    /// The second that was written last, and its text: the calendar is asked once a second and thread.
    static LAST: RefCell<(u64, String)> = const { RefCell::new((u64::MAX, String::new())) };
}

/// RFC 3339 in UTC with microseconds.
pub(super) fn write(out: &mut impl fmt::Write, time: SystemTime) -> fmt::Result {
    let since_epoch = time.duration_since(UNIX_EPOCH).unwrap_or_default();
    LAST.with_borrow_mut(|(second, text)| {
        if *second != since_epoch.as_secs() {
            *second = since_epoch.as_secs();
            *text = humantime::format_rfc3339_seconds(time).to_string();
            text.truncate(SECONDS);
        }
        out.write_str(text)
    })?;
    out.write_char('.')?;
    number::padded(out, since_epoch.subsec_micros().into(), 6)?;
    out.write_char('Z')
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn it_is_written_as_humantime_writes_it_forwards_and_backwards() {
        for micros in [
            0,
            1_777_777_777_000_042,
            1_777_777_777_999_999,
            1_777_777_778_000_000,
            5,
        ] {
            let time = UNIX_EPOCH + Duration::from_micros(micros);
            let mut text = String::new();
            write(&mut text, time).unwrap();
            assert_eq!(text, humantime::format_rfc3339_micros(time).to_string());
        }
    }
}
