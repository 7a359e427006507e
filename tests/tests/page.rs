//! The admin page in a real browser: `tests/browser/page.mjs` has the rules, one line each.
//!
//! It needs Node, Chromium (`CHROMIUM` names another one), and `playwright-core` and `axe-core` in `target/browser/node_modules`
//! (`NODE_FOLDER` names another folder than `target/browser`); `.ci/run` installs them.

#![allow(clippy::unwrap_used, clippy::panic)] // a test fails by panicking

use std::path::{Path, PathBuf};
use std::process::Command;

/// The first of these that is there.
fn program(variable: &str, names: &[&str]) -> Option<PathBuf> {
    if let Some(named) = std::env::var_os(variable) {
        return Some(named.into());
    }
    let path = std::env::var_os("PATH")?;
    let folders: Vec<_> = std::env::split_paths(&path).collect();
    let mut places =
        (names.iter()).flat_map(|name| folders.iter().map(move |folder| folder.join(name)));
    places.find(|place| place.is_file())
}

#[test]
fn the_admin_page_does_what_it_promises_in_a_browser() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap();
    let node = program("NODE", &["node"]);
    let chromium = program("CHROMIUM", &["chromium", "chromium-browser"]);
    let folder = std::env::var_os("NODE_FOLDER");
    let folder = folder.map_or_else(|| root.join("target/browser"), PathBuf::from);
    let modules =
        ["playwright-core", "axe-core"].map(|name| folder.join("node_modules").join(name));
    let (Some(node), Some(chromium), true) =
        (node, chromium, modules.iter().all(|module| module.is_dir()))
    else {
        println!(
            "skipped: node, chromium, or playwright-core and axe-core in {} are missing",
            folder.display()
        );
        return;
    };
    let done = Command::new(node)
        .arg(root.join("tests/browser/page.mjs"))
        .env("PAGE_DEMO", env!("CARGO_BIN_EXE_page-demo"))
        .env("CHROMIUM", chromium)
        .env("NODE_FOLDER", folder)
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&done.stdout);
    let complained = String::from_utf8_lossy(&done.stderr);
    println!("{said}");
    assert!(done.status.success(), "{said}\n{complained}");
}
