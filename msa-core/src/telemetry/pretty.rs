//! Text for people at a terminal.

use std::fmt::{self, Write as _};

use tracing::field::{Field, Visit};
use tracing::{Event, Level, Subscriber};
use tracing_subscriber::fmt::format::Writer;
use tracing_subscriber::fmt::{FmtContext, FormatEvent, FormatFields};
use tracing_subscriber::registry::LookupSpan;

use super::json::deceives;
use crate::txn::Hex;
use crate::{clock, txn};

/// `12:00:00.123 INFO  msa::access request method=GET … gtxid=…`, in colours on a terminal.
#[derive(Debug, Clone, Copy)]
pub(super) struct Pretty {
    pub(super) colours: bool,
}

impl<S, N> FormatEvent<S, N> for Pretty
where
    S: Subscriber + for<'a> LookupSpan<'a>,
    N: for<'a> FormatFields<'a> + 'static,
{
    fn format_event(
        &self,
        context: &FmtContext<'_, S, N>,
        mut out: Writer<'_>,
        event: &Event<'_>,
    ) -> fmt::Result {
        let meta = event.metadata();
        let (dim, colour, plain) = match (self.colours, *meta.level()) {
            (false, _) => ("", "", ""),
            (true, Level::ERROR) => ("\x1b[2m", "\x1b[31m", "\x1b[0m"),
            (true, Level::WARN) => ("\x1b[2m", "\x1b[33m", "\x1b[0m"),
            (true, Level::INFO) => ("\x1b[2m", "\x1b[32m", "\x1b[0m"),
            (true, _) => ("\x1b[2m", "\x1b[34m", "\x1b[0m"),
        };
        let time = humantime::format_rfc3339_millis(clock::system()).to_string();
        let time = time.get(11..23).unwrap_or(&time);
        let level = meta.level().as_str();
        write!(
            out,
            "{dim}{time}{plain} {colour}{level:5}{plain} {dim}{}{plain}",
            meta.target()
        )?;
        let mut text = Text {
            message: String::new(),
            fields: String::new(),
        };
        event.record(&mut text);
        write!(out, "{}{dim}{}", text.message, text.fields)?;
        if let Some(scope) = context.event_scope() {
            for span in scope.from_root() {
                write!(out, " in {}", span.name())?;
            }
        }
        txn::with_current(|txn| {
            write!(
                out,
                " gtxid={} ltxid={} branch={}",
                txn.gtxid(),
                txn.ltxid(),
                txn.branch()
            )?;
            // Nearly always the GTXID is the trace id, and then once is enough for people.
            let span = txn.span();
            let trace_id = Hex::of_trace(span.trace_id());
            if trace_id.as_str() != txn.gtxid().as_str() {
                write!(out, " trace_id={}", trace_id.as_str())?;
            }
            write!(out, " span_id={}", Hex::of_span(span.span_id()).as_str())?;
            match txn.handler() {
                Some(handler) => write!(out, " handler={handler}"),
                None => Ok(()),
            }
        })
        .unwrap_or(Ok(()))?;
        writeln!(out, "{plain}")
    }
}

struct Text {
    message: String,
    fields: String,
}

impl Visit for Text {
    fn record_str(&mut self, field: &Field, value: &str) {
        if field.name() == "message" {
            self.record_debug(field, &format_args!("{value}"));
        } else {
            self.record_debug(field, &value);
        }
    }

    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        let name = field.name();
        // Writing to a string cannot fail.
        let _ = match name {
            "message" => write!(printable(&mut self.message, true), " {value:?}"),
            _ => write!(self.fields, " {name}=")
                .and_then(|()| write!(printable(&mut self.fields, false), "{value:?}")),
        };
    }
}

/// Control characters of a text would move the terminal's cursor, and others turn it round: they are shown escaped. Line breaks of a message are
/// kept, since the program's own error may have several lines; a field's come from anywhere, and could pass for a line.
struct Printable<'a> {
    out: &'a mut String,
    lines: bool,
}

fn printable(out: &mut String, lines: bool) -> Printable<'_> {
    Printable { out, lines }
}

impl fmt::Write for Printable<'_> {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        for character in text.chars() {
            if deceives(character) && !(self.lines && character == '\n') {
                self.out.extend(character.escape_default());
            } else {
                self.out.push(character);
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_field_can_neither_begin_a_line_nor_move_the_cursor() {
        let mut text = String::new();
        write!(
            printable(&mut text, false),
            "a\nERROR forged\u{1b}[2J\r\u{202e}gpj"
        )
        .unwrap();
        assert_eq!(text, "a\\nERROR forged\\u{1b}[2J\\r\\u{202e}gpj");
        let mut text = String::new();
        write!(printable(&mut text, true), "two\nlines\u{9b}").unwrap();
        assert_eq!(text, "two\nlines\\u{9b}");
    }
}
