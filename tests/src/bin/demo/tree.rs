//! Orders as call trees: with colour and lines in a terminal, plain when piped.

use std::io::{self, Write};

use crate::report::{Call, Order};

const BOLD: &str = "1";
const DIM: &str = "2";
const RED: &str = "31";
const GREEN: &str = "32";
const YELLOW: &str = "33";

/// Prints every order.
pub(crate) fn print(out: &mut impl Write, orders: &[Order], pretty: bool) -> io::Result<()> {
    let ink = Ink { pretty };
    for (n, order) in (1..).zip(orders) {
        if n > 1 {
            writeln!(out)?;
        }
        writeln!(out, "{}", ink.paint(BOLD, &format!("{n}. {}", order.title)))?;
        writeln!(out, "   gtxid {}  {}", order.gtxid, outcome(order))?;
        for (at, call) in order.calls.iter().enumerate() {
            let later = order.calls.get(at + 1..).unwrap_or_default();
            writeln!(out, "   {}", line(call, later, ink))?;
        }
        if let Some(explained) = &order.explained {
            let said = "   the same from the services' own journals, each attempt and its reason:";
            writeln!(out, "{said}")?;
            writeln!(
                out,
                "   {}",
                ink.paint(BOLD, &format!("$ {}", explained.command))
            )?;
            for line in explained.answer.lines() {
                writeln!(out, "   {line}")?;
            }
        }
    }
    Ok(())
}

/// What came of it, in the answer's own words.
fn outcome(order: &Order) -> String {
    let text = |pointer: &str| {
        order
            .answer
            .pointer(pointer)
            .and_then(|value| value.as_str())
    };
    match (text("/id"), text("/detail").or(text("/title"))) {
        (Some(id), _) => match text("/banner/title") {
            Some(banner) => format!("order {id}, with the banner {banner:?}"),
            None => format!("order {id}, without a banner"),
        },
        (None, Some(problem)) => problem.to_owned(),
        (None, None) => String::new(),
    }
}

fn line(call: &Call, later: &[Call], ink: Ink) -> String {
    let depth = depth(&call.branch);
    let lead = if ink.pretty {
        rails(&call.branch, later)
    } else {
        "  ".repeat(depth.saturating_sub(1))
    };
    let name = format!("{lead}{}", call.branch);
    let route = format!(
        "{} {}",
        call.method,
        call.route.as_deref().unwrap_or("(no route)")
    );
    let status = call
        .status
        .map_or_else(|| "---".to_owned(), |status| status.to_string());
    format!(
        "{name:<12} {} {:<18}  {route:<24} {} {:>8.1} ms",
        ink.paint(DIM, &format!("ltxid {}", call.ltxid)),
        call.service,
        ink.paint(colour(call.status), &status),
        call.ms,
    )
}

/// The lines that lead from parents to children: `├─` where a sibling follows, `└─` at the last.
fn rails(branch: &str, later: &[Call]) -> String {
    let steps: Vec<_> = branch.match_indices('.').map(|(at, _)| at).collect();
    let mut rails = String::new();
    for (n, &at) in steps.iter().enumerate() {
        // The ancestor (or self) whose parent is the branch up to this dot.
        let own_end = steps.get(n + 1).copied().unwrap_or(branch.len());
        let parent = branch.get(..=at).unwrap_or_default();
        let own = branch.get(..own_end).unwrap_or_default();
        let below_own = format!("{own}.");
        let more = later.iter().any(|call| {
            call.branch.starts_with(parent)
                && call.branch != own
                && !call.branch.starts_with(&below_own)
        });
        let is_own = n + 1 == steps.len();
        rails.push_str(match (is_own, more) {
            (true, true) => "├─",
            (true, false) => "└─",
            (false, true) => "│ ",
            (false, false) => "  ",
        });
    }
    rails
}

fn depth(branch: &str) -> usize {
    branch.split('.').count()
}

fn colour(status: Option<u16>) -> &'static str {
    match status {
        Some(200..400) => GREEN,
        Some(400..500) => YELLOW,
        _ => RED,
    }
}

#[derive(Clone, Copy)]
struct Ink {
    pretty: bool,
}

impl Ink {
    fn paint(self, style: &str, text: &str) -> String {
        if self.pretty {
            format!("\u{1b}[{style}m{text}\u{1b}[0m")
        } else {
            text.to_owned()
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rails_join_siblings_and_end_at_the_last() {
        let calls: Vec<_> = ["1", "1.1", "1.1.1", "1.2", "1.2.1"].map(call).into();
        let drawn: Vec<_> = (0..calls.len())
            .map(|at| rails(&calls[at].branch, &calls[at + 1..]))
            .collect();
        assert_eq!(drawn, ["", "├─", "│ └─", "└─", "  └─"]);
    }

    #[test]
    fn piped_output_has_no_escapes_and_no_rails() {
        let order = Order {
            title: "t",
            gtxid: "g".to_owned(),
            status: Some(404),
            calls: ["1", "1.1"].map(call).into(),
            answer: serde_json::json!({"detail": "there is no user 9"}),
            explained: None,
        };
        let mut out = Vec::new();
        print(&mut out, &[order], false).unwrap();
        let text = String::from_utf8(out).unwrap();
        assert!(text.is_ascii(), "{text}");
        assert!(text.contains("   gtxid g  there is no user 9\n"), "{text}");
        assert!(text.contains("\n     1.1 "), "{text}");
    }

    fn call(branch: &str) -> Call {
        Call {
            service: "s".to_owned(),
            ltxid: 1,
            branch: branch.to_owned(),
            method: "GET".to_owned(),
            route: None,
            status: Some(200),
            ms: 1.0,
        }
    }
}
