//! Text for people at a terminal.

use std::fmt::{self, Write as _};

use tracing::field::{Field, Visit};
use tracing::{Event, Level, Subscriber};
use tracing_subscriber::fmt::format::Writer;
use tracing_subscriber::fmt::{FmtContext, FormatEvent, FormatFields};
use tracing_subscriber::registry::LookupSpan;

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
            )
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
            "message" => write!(Printable(&mut self.message), " {value:?}"),
            _ => write!(self.fields, " {name}=")
                .and_then(|()| write!(Printable(&mut self.fields), "{value:?}")),
        };
    }
}

/// Control characters of a text would move the terminal's cursor: they are shown escaped. Line breaks of a message are
/// kept, since an error may have several lines.
struct Printable<'a>(&'a mut String);

impl fmt::Write for Printable<'_> {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        for character in text.chars() {
            if character.is_control() && character != '\n' {
                self.0.extend(character.escape_default());
            } else {
                self.0.push(character);
            }
        }
        Ok(())
    }
}
