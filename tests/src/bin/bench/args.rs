//! The command line.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::str::FromStr;

use lexopt::prelude::*;

use crate::Result;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Mode {
    Help,
    Throughput,
    Instructions,
    ServeBare,
    ServeMsa,
    Upstream,
    Collector,
    Soak,
    Front,
    Silent,
    Load,
    CallBare,
    CallMsa,
}

/// What a service tells of itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Telemetry {
    /// Nothing.
    Off,
    /// Metrics and journal, and no line a request.
    Quiet,
    /// What it does unless told otherwise: metrics, journal, one line a request.
    On,
    /// The same, and so many percent of the traces to a collector.
    Otlp(u8),
}

impl FromStr for Telemetry {
    type Err = String;

    fn from_str(text: &str) -> std::result::Result<Self, String> {
        match text {
            "off" => Ok(Self::Off),
            "quiet" => Ok(Self::Quiet),
            "on" => Ok(Self::On),
            other => match other.strip_prefix("otlp-").map(str::parse) {
                Some(Ok(percent @ 0..=100)) => Ok(Self::Otlp(percent)),
                _ => Err(format!(
                    "`{other}` is none of off, quiet, on, otlp-1, otlp-100"
                )),
            },
        }
    }
}

#[derive(Debug)]
pub(crate) struct Args {
    pub(crate) mode: Mode,
    addr: Option<SocketAddr>,
    pub(crate) pairs: usize,
    requests: Option<usize>,
    pub(crate) parallel: usize,
    pub(crate) seconds: u64,
    pub(crate) only: String,
    pub(crate) telemetry: Telemetry,
    pub(crate) collector: Option<SocketAddr>,
    pub(crate) keep: Option<PathBuf>,
}

impl Args {
    pub(crate) fn parse() -> Result<Self> {
        let mut args = Self {
            mode: Mode::Help,
            addr: None,
            pairs: 15,
            requests: None,
            parallel: 16,
            seconds: 600,
            only: String::new(),
            telemetry: Telemetry::On,
            collector: None,
            keep: None,
        };
        let mut parser = lexopt::Parser::from_env();
        let mut words = Vec::new();
        while let Some(arg) = parser.next()? {
            match arg {
                Short('h') | Long("help") => words.insert(0, "help".to_owned()),
                Long("pairs") => args.pairs = parser.value()?.parse::<usize>()?.max(1),
                Long("requests") => args.requests = Some(parser.value()?.parse::<usize>()?.max(1)),
                Long("parallel") => args.parallel = parser.value()?.parse::<usize>()?.max(1),
                Long("seconds") => args.seconds = parser.value()?.parse::<u64>()?.max(10),
                Long("only") => args.only = parser.value()?.string()?,
                Long("telemetry") => args.telemetry = parser.value()?.parse()?,
                Long("collector") => args.collector = Some(parser.value()?.parse()?),
                Long("keep") => args.keep = Some(parser.value()?.into()),
                Value(word) => words.push(word.string()?),
                other => return Err(other.unexpected().into()),
            }
        }
        let mut words = words.into_iter();
        args.mode = match words.next().as_deref() {
            None | Some("help") => Mode::Help,
            Some("throughput") => Mode::Throughput,
            Some("instructions") => Mode::Instructions,
            Some("serve-bare") => Mode::ServeBare,
            Some("serve-msa") => Mode::ServeMsa,
            Some("upstream") => Mode::Upstream,
            Some("collector") => Mode::Collector,
            Some("soak") => Mode::Soak,
            Some("serve-front") => Mode::Front,
            Some("silent") => Mode::Silent,
            Some("load") => Mode::Load,
            Some("call-bare") => Mode::CallBare,
            Some("call-msa") => Mode::CallMsa,
            Some(other) => return Err(format!("no mode is called `{other}`; see --help").into()),
        };
        args.addr = words.next().map(|addr| addr.parse()).transpose()?;
        Ok(args)
    }

    pub(crate) fn addr(&self) -> Result<SocketAddr> {
        self.addr
            .ok_or_else(|| "this mode needs the server's address, as 127.0.0.1:8080".into())
    }

    pub(crate) fn requests_or(&self, default: usize) -> usize {
        self.requests.unwrap_or(default)
    }
}
