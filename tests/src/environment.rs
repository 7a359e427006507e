//! The environment of a child: nothing of the caller's may configure a service by accident.

use std::env;
use std::process::Command;

/// Takes away every variable that configures an msa service.
pub(crate) fn forget_configuration(command: &mut Command) {
    const NAMES: [&str; 4] = ["PORT", "DATABASE_URL", "RUST_LOG", "NO_COLOR"];
    for (name, _) in env::vars_os() {
        let Some(text) = name.to_str() else { continue };
        if NAMES.contains(&text) || text.starts_with("MSA_") || text.starts_with("OTEL_") {
            command.env_remove(&name);
        }
    }
}

/// Takes away the variables that cargo sets for the program it runs: a cargo started by that program would take them
/// for changes, and build the crates that watch them (ring is one) again at every turn.
pub(crate) fn forget_outer_cargo(command: &mut Command) {
    const NAMES: [&str; 6] = [
        "CARGO_BIN_NAME",
        "CARGO_CRATE_NAME",
        "CARGO_MANIFEST_DIR",
        "CARGO_MANIFEST_PATH",
        "CARGO_PRIMARY_PACKAGE",
        "CARGO_TARGET_TMPDIR",
    ];
    for (name, _) in env::vars_os() {
        let Some(text) = name.to_str() else { continue };
        let per_binary = text.starts_with("CARGO_PKG_") || text.starts_with("CARGO_BIN_EXE_");
        if per_binary || NAMES.contains(&text) {
            command.env_remove(&name);
        }
    }
}
