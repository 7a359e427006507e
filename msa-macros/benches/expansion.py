#!/usr/bin/env python3
"""What the attributes cost while compiling: crates of 100 axum handlers, bare and attributed, built in turns.

    python3 msa-macros/benches/expansion.py [--rounds 9] [--handlers 100] [--shape tiny|real|both] [--commands check,build] \\
        [--attribute 'handler(timeout = "1s")']

Prints the medians of the user seconds that cargo takes for the one crate (its dependencies are built before), for `cargo check` and
for a debug build, with the spread of the bare crate against itself (A/A) beside them, and the lines that the attributes expand to. The
lines need an unstable option of rustc, which RUSTC_BOOTSTRAP=1 allows on stable for this measurement alone; where that does not work
they are left out. What is generated and built lies in target/expansion.
"""

import argparse
import os
import pathlib
import resource
import statistics
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parents[2]
PLACE = ROOT / "target" / "expansion"

MANIFEST = """[package]
name = "{name}"
version = "0.0.0"
edition = "2024"

[dependencies]
msa-core = {{ path = "{root}/msa-core" }}
axum = "0.8.9"
serde = {{ version = "1", features = ["derive"] }}
serde_json = "1"
tracing = "0.1"
"""

HEAD = """//! Generated.
#![allow(dead_code)]
use std::collections::HashMap;
use std::sync::{Arc, Mutex};
use msa_core::prelude::*;
use serde::{Deserialize, Serialize};

#[derive(Debug, Clone, Default)]
pub struct App {
    stock: Arc<Mutex<HashMap<u64, u32>>>,
}

impl App {
    async fn hold(&self, id: u64, wanted: u32) -> Result<u32, Problem> {
        let mut stock = self.stock.lock().map_err(|_| Problem::new(StatusCode::INTERNAL_SERVER_ERROR))?;
        let left = stock.entry(id).or_insert(100);
        *left = left.checked_sub(wanted).ok_or_else(|| Problem::new(StatusCode::CONFLICT))?;
        Ok(*left)
    }
}

#[derive(Debug, Deserialize)]
pub struct Page {
    after: u64,
    limit: u32,
}
"""

TINY = """
{attribute}
pub async fn handler_{n}(Path(id): Path<u64>) -> Result<String, Problem> {{
    Ok(format!("{{id}}"))
}}
"""

REAL = """
#[derive(Debug, Deserialize)]
pub struct Wanted{n} {{
    sku: u64,
    quantity: u32,
    note: Option<String>,
}}

#[derive(Debug, Serialize)]
pub struct Placed{n} {{
    sku: u64,
    left: u32,
    note: String,
}}

{attribute}
pub async fn handler_{n}(
    State(app): State<App>,
    Path(id): Path<u64>,
    Query(page): Query<Page>,
    Json(wanted): Json<Wanted{n}>,
) -> Result<Json<Placed{n}>, Problem> {{
    if wanted.quantity == 0 {{
        return Err(Problem::invalid().detail("order at least one piece"));
    }}
    let left = app.hold(wanted.sku, wanted.quantity).await?;
    let note = match wanted.note {{
        Some(note) if note.len() < 80 => note,
        Some(_) => return Err(Problem::invalid().detail("the note is too long")),
        None => format!("{{id}} after {{}}", page.after),
    }};
    tracing::info!(id, left, "placed");
    let left = left.min(page.limit);
    Ok(Json(Placed{n} {{ sku: wanted.sku, left, note }}))
}}
"""


def generate(name, template, attribute, handlers):
    folder = PLACE / name
    (folder / "src").mkdir(parents=True, exist_ok=True)
    (folder / "Cargo.toml").write_text(MANIFEST.format(name=name, root=ROOT))
    text = HEAD
    verb = "get" if template is TINY else "post"
    for n in range(handlers):
        text += template.format(n=n, attribute=attribute)
    text += "\npub fn routes(app: App) -> Router {\n    Router::new()\n"
    for n in range(handlers):
        text += f'        .route("/handler/{n}/{{id}}", {verb}(handler_{n}))\n'
    text += "        .with_state(app)\n}\n"
    (folder / "src" / "lib.rs").write_text(text)
    return name


def cargo(*arguments, quiet=True, **env):
    """Runs cargo in the generated workspace; its user seconds, and what it printed."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN).ru_utime
    done = subprocess.run(
        ["cargo", *arguments],
        cwd=PLACE,
        env={**os.environ, "CARGO_INCREMENTAL": "0", "CARGO_TARGET_DIR": str(PLACE / "target"), **env},
        capture_output=True,
        text=True,
    )
    if done.returncode != 0 and quiet:
        sys.exit(done.stderr)
    return resource.getrusage(resource.RUSAGE_CHILDREN).ru_utime - before, done


def build(name, command):
    (PLACE / name / "src" / "lib.rs").touch()
    return cargo(command, "--quiet", "-p", name)[0]


def lines(name):
    """Lines of the crate when everything is expanded, None where the compiler does not tell."""
    _, done = cargo("rustc", "--quiet", "-p", name, "--", "-Zunpretty=expanded", quiet=False, RUSTC_BOOTSTRAP="1")
    # Blank lines are kept only between items that no macro made.
    written = [line for line in done.stdout.splitlines() if line.strip()]
    return len(written) if done.returncode == 0 else None


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=9)
    parser.add_argument("--handlers", type=int, default=100)
    parser.add_argument("--shape", choices=["tiny", "real", "both"], default="both")
    parser.add_argument("--attribute", default="handler")
    parser.add_argument("--commands", default="check,build", help="none: only the lines")
    args = parser.parse_args()

    shapes = {"tiny": TINY, "real": REAL}
    shapes = {args.shape: shapes[args.shape]} if args.shape != "both" else shapes
    crates = {}
    for shape, template in shapes.items():
        crates[shape] = (
            generate(f"{shape}-bare", template, "", args.handlers),
            generate(f"{shape}-attributed", template, f"#[{args.attribute}]", args.handlers),
        )
    members = ", ".join(f'"{name}"' for pair in crates.values() for name in pair)
    profile = "[profile.dev]\ndebug = \"line-tables-only\"\n"
    (PLACE / "Cargo.toml").write_text(f'[workspace]\nresolver = "3"\nmembers = [{members}]\n\n{profile}')
    lock = PLACE / "Cargo.lock"
    if not lock.exists():
        lock.write_text((ROOT / "Cargo.lock").read_text())
    cargo("check", "--quiet")
    if "build" in args.commands:
        cargo("build", "--quiet")

    print(f"#[{args.attribute}] on {args.handlers} handlers; user seconds, medians of {args.rounds} rounds")
    for shape, (bare, attributed) in crates.items():
        for command in args.commands.split(",") if args.commands != "none" else []:
            times = {"bare": [], "again": [], "attributed": []}
            for _ in range(args.rounds):
                times["bare"].append(build(bare, command))
                times["attributed"].append(build(attributed, command))
                times["again"].append(build(bare, command))
            median = {what: statistics.median(all_of) for what, all_of in times.items()}
            pairs = zip(times["bare"], times["attributed"])
            ratio = statistics.median(with_it / without for without, with_it in pairs)
            print(
                f"{shape:5} {command:6} bare {median['bare']:6.2f}  attributed {median['attributed']:6.2f}"
                f"  {(ratio - 1) * 100:+6.1f} %   (A/A {(median['again'] / median['bare'] - 1) * 100:+.1f} %)",
                flush=True,
            )
        expanded = lines(bare), lines(attributed)
        if None in expanded:
            print(f"{shape:5} lines  this compiler does not show what it expands to")
        else:
            without, with_it = expanded
            each = (with_it - without) / args.handlers
            print(f"{shape:5} lines  bare {without}  attributed {with_it}  {(with_it / without - 1) * 100:+.1f} %, {each:.1f} a handler")


if __name__ == "__main__":
    main()
