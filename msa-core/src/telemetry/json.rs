//! One JSON document a line.

use std::cell::Cell;
use std::fmt::{self, Write as _};
use std::sync::Arc;

use tracing::field::{Field, Visit};
use tracing::{Event, Subscriber};
use tracing_subscriber::field::RecordFields;
use tracing_subscriber::fmt::format::Writer;
use tracing_subscriber::fmt::{FmtContext, FormatEvent, FormatFields, FormattedFields};
use tracing_subscriber::registry::LookupSpan;

use super::{number, timestamp};
use crate::txn::Hex;
use crate::{clock, txn};

/// Writes events as JSON, with the transaction and the fields of the spans around it.
#[derive(Debug, Clone)]
pub(super) struct Json {
    /// `,"service":"name"`, escaped once.
    service: Arc<str>,
}

impl Json {
    pub(super) fn new(service: &str) -> Self {
        let mut text = String::from(",\"service\":");
        // Writing to a string cannot fail.
        let _ = string(&mut text, service);
        Self {
            service: text.into(),
        }
    }
}

impl<S, N> FormatEvent<S, N> for Json
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
        // Written in one piece: a writer behind a pointer would be called once for each word.
        let mut line = LINE.take();
        let written = self.line(context, &mut line, event);
        let written = written.and_then(|()| out.write_str(&line));
        if line.capacity() <= KEPT {
            line.clear();
            LINE.set(line);
        }
        written
    }
}

thread_local! {
    /// The line that is being written. One that is written meanwhile, by a value that logs when it is shown, finds an empty one.
    static LINE: Cell<String> = const { Cell::new(String::new()) };
}

/// What a long line took is given back.
const KEPT: usize = 16 * 1024;

impl Json {
    fn line<S, N>(
        &self,
        context: &FmtContext<'_, S, N>,
        out: &mut String,
        event: &Event<'_>,
    ) -> fmt::Result
    where
        S: Subscriber + for<'a> LookupSpan<'a>,
        N: for<'a> FormatFields<'a> + 'static,
    {
        let meta = event.metadata();
        out.write_str("{\"timestamp\":\"")?;
        timestamp::write(out, clock::system())?;
        out.write_str("\",\"level\":\"")?;
        out.write_str(meta.level().as_str())?;
        out.write_str("\",\"target\":")?;
        string(out, meta.target())?;
        out.write_str(&self.service)?;
        txn::with_current(|txn| {
            // Ids have no character that JSON would escape.
            out.write_str(",\"gtxid\":\"")?;
            out.write_str(txn.gtxid().as_str())?;
            out.write_str("\",\"ltxid\":")?;
            number::write(out, txn.ltxid().get().into())?;
            out.write_str(",\"branch\":\"")?;
            out.write_str(txn.branch().as_str())?;
            let span = txn.span();
            out.write_str("\",\"trace_id\":\"")?;
            out.write_str(Hex::of_trace(span.trace_id()).as_str())?;
            out.write_str("\",\"span_id\":\"")?;
            out.write_str(Hex::of_span(span.span_id()).as_str())?;
            out.write_char('"')?;
            let Some(handler) = txn.handler() else {
                return Ok(());
            };
            out.write_str(",\"handler\":")?;
            string(out, handler)?;
            // The access line tells the route itself.
            match txn
                .route()
                .filter(|_| meta.fields().field("route").is_none())
            {
                Some(route) => {
                    out.write_str(",\"route\":")?;
                    string(out, route)
                }
                None => Ok(()),
            }
        })
        .unwrap_or(Ok(()))?;
        let mut fields = Fields {
            out: &mut *out,
            result: Ok(()),
        };
        event.record(&mut fields);
        fields.result?;
        if let Some(scope) = context.event_scope() {
            for span in scope.from_root() {
                if let Some(fields) = span.extensions().get::<FormattedFields<N>>() {
                    out.write_str(fields.as_str())?;
                }
            }
        }
        out.write_str("}\n")
    }
}

/// A span's fields, each with a comma before it, so that they can follow an event's.
impl<'w> FormatFields<'w> for Json {
    fn format_fields<R: RecordFields>(&self, mut out: Writer<'w>, record: R) -> fmt::Result {
        let mut fields = Fields {
            out: &mut out,
            result: Ok(()),
        };
        record.record(&mut fields);
        fields.result
    }
}

struct Fields<'a, W> {
    out: &'a mut W,
    result: fmt::Result,
}

impl<W: fmt::Write> Fields<'_, W> {
    fn put(&mut self, field: &Field, value: impl FnOnce(&mut W) -> fmt::Result) {
        if self.result.is_ok() {
            self.result = self
                .out
                .write_char(',')
                .and_then(|()| self.name(field.name()))
                .and_then(|()| self.out.write_char(':'))
                .and_then(|()| value(self.out));
        }
    }
}

impl<W: fmt::Write> Fields<'_, W> {
    /// A field that is called as one of the line's own would stand there twice.
    fn name(&mut self, name: &str) -> fmt::Result {
        match name {
            "timestamp" | "level" | "target" | "service" | "gtxid" | "ltxid" | "branch"
            | "trace_id" | "span_id" | "handler" => write!(self.out, "\"fields.{name}\""),
            _ => string(self.out, name),
        }
    }
}

impl<W: fmt::Write> Visit for Fields<'_, W> {
    fn record_f64(&mut self, field: &Field, value: f64) {
        self.put(field, |out| {
            if value.is_finite() {
                number::write_f64(out, value)
            } else {
                out.write_str("null")
            }
        });
    }

    fn record_i64(&mut self, field: &Field, value: i64) {
        self.put(field, |out| write!(out, "{value}"));
    }

    fn record_u64(&mut self, field: &Field, value: u64) {
        self.put(field, |out| number::write(out, value));
    }

    fn record_bool(&mut self, field: &Field, value: bool) {
        self.put(field, |out| write!(out, "{value}"));
    }

    fn record_str(&mut self, field: &Field, value: &str) {
        self.put(field, |out| string(out, value));
    }

    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        self.put(field, |out| {
            out.write_char('"')?;
            write!(Escaping(out), "{value:?}")?;
            out.write_char('"')
        });
    }
}

fn string(out: &mut impl fmt::Write, text: &str) -> fmt::Result {
    out.write_char('"')?;
    Escaping(out).write_str(text)?;
    out.write_char('"')
}

/// Escapes what is written through it: JSON's own characters, and all that [`deceives`], so that no text from outside
/// can end the line, move a terminal's cursor or show itself as another.
struct Escaping<'a, W>(&'a mut W);

impl<W: fmt::Write> fmt::Write for Escaping<'_, W> {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        // Nearly all text is printable ASCII without either, and then this one look is enough.
        let is_plain = |byte| matches!(byte, b' '..=b'~') && byte != b'"' && byte != b'\\';
        // Without a way out of the loop, so that many bytes are looked at at once.
        if text
            .bytes()
            .fold(true, |plain, byte| plain & is_plain(byte))
        {
            return self.0.write_str(text);
        }
        let mut plain = 0;
        for (at, character) in text.char_indices() {
            if !matches!(character, '"' | '\\') && !deceives(character) {
                continue;
            }
            self.0.write_str(text.get(plain..at).unwrap_or_default())?;
            plain = at + character.len_utf8();
            match character {
                '"' => self.0.write_str("\\\"")?,
                '\\' => self.0.write_str("\\\\")?,
                '\n' => self.0.write_str("\\n")?,
                '\r' => self.0.write_str("\\r")?,
                '\t' => self.0.write_str("\\t")?,
                // All of these lie below U+10000.
                control => write!(self.0, "\\u{:04x}", u32::from(control))?,
            }
        }
        self.0.write_str(text.get(plain..).unwrap_or_default())
    }
}

/// Whether a character changes how others are shown: control characters, the marks that turn the direction of writing round
/// (`gpj.exe` for `exe.jpg`), line separators, and what has no width at all.
pub(super) fn deceives(character: char) -> bool {
    character.is_control()
        || matches!(
            character,
            '\u{61c}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{2069}' | '\u{feff}'
        )
}

#[cfg(test)]
mod tests;
