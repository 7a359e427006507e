//! What is put beside bare axum and bare reqwest.

/// One way to serve, or to call.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Side {
    pub(crate) name: &'static str,
    pub(crate) kind: Kind,
    /// The mode and its options.
    pub(crate) mode: &'static [&'static str],
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    Server,
    Client,
}

impl Side {
    pub(crate) fn is_bare(&self) -> bool {
        matches!(self.mode, ["serve-bare" | "call-bare"])
    }

    /// Whether it exports, and so needs a collector.
    pub(crate) fn exports(&self) -> bool {
        self.mode.iter().any(|word| word.starts_with("otlp"))
    }
}

const fn server(name: &'static str, mode: &'static [&'static str]) -> Side {
    Side {
        name,
        kind: Kind::Server,
        mode,
    }
}

const fn client(name: &'static str, mode: &'static [&'static str]) -> Side {
    Side {
        name,
        kind: Kind::Client,
        mode,
    }
}

/// Of each kind the bare one first.
pub(crate) const SIDES: [Side; 12] = [
    server("server: bare axum", &["serve-bare"]),
    server(
        "server: telemetry off",
        &["serve-msa", "--telemetry", "off"],
    ),
    server(
        "server: metrics and journal",
        &["serve-msa", "--telemetry", "quiet"],
    ),
    server(
        "server: and a line a request (default)",
        &["serve-msa", "--telemetry", "on"],
    ),
    server(
        "server: and OTLP, 1 %",
        &["serve-msa", "--telemetry", "otlp-1"],
    ),
    server(
        "server: and OTLP, 100 %",
        &["serve-msa", "--telemetry", "otlp-100"],
    ),
    client("client: bare reqwest", &["call-bare"]),
    client("client: telemetry off", &["call-msa", "--telemetry", "off"]),
    client(
        "client: metrics and journal",
        &["call-msa", "--telemetry", "quiet"],
    ),
    client(
        "client: the same (default)",
        &["call-msa", "--telemetry", "on"],
    ),
    client(
        "client: and OTLP, 1 %",
        &["call-msa", "--telemetry", "otlp-1"],
    ),
    client(
        "client: and OTLP, 100 %",
        &["call-msa", "--telemetry", "otlp-100"],
    ),
];
