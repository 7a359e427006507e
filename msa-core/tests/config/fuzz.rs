//! Whatever is in the files and the environment: an answer, never a panic.

use proptest::prelude::*;

use super::loader;

/// Pieces that mean something here, so that random texts get past the first line.
fn piece() -> impl Strategy<Value = String> {
    let known = [
        "[server]",
        "[clients.user-service]",
        "[[banner.storage]]",
        "addr",
        "timeout",
        "endpoints",
        "banner",
        "storage",
        "kind",
        "'disk'",
        "labels",
        "ports",
        "=",
        ".",
        ",",
        "{",
        "}",
        "[",
        "]",
        "\n",
        "\n\n",
        " ",
        "'1s'",
        "'64KiB'",
        "true",
        "nan",
        "-1",
        "0x7f",
        "1e400",
        "9223372036854775808",
        "1979-05-27",
        "\"\"\"",
        "'http://u:p@h'",
        "\u{7}",
        "é",
        "__",
        "-",
        "\"\\u0000\"",
    ];
    prop_oneof![
        8 => proptest::sample::select(known.to_vec()).prop_map(str::to_owned),
        1 => "\\PC{0,6}",
    ]
}

fn name() -> impl Strategy<Value = String> {
    let known = [
        "MSA_SERVER__ADDR",
        "MSA_BANNER",
        "MSA_BANNER__STORAGE",
        "MSA_BANNER__STORAGE__KIND",
        "MSA_BANNER__PLATFORMS",
        "MSA_",
        "PORT",
        "MSA___",
        "MSA_CLIENTS__A-B__TIMEOUT",
        "MSA_CLIENTS",
        "RUST_LOG",
        "DATABASE_URL",
        "MSA_TXN__TRUST",
        "MSA_CLIENT__CA_FILE__X",
    ];
    prop_oneof![
        4 => proptest::sample::select(known.to_vec()).prop_map(str::to_owned),
        1 => "MSA_[A-Z_.\\-\\[\\]]{0,12}",
    ]
}

proptest! {
    // As many cases as PROPTEST_CASES says, 256 by default.
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn no_text_makes_it_panic(
        toml in proptest::collection::vec(piece(), 0..24),
        env in proptest::collection::vec((name(), proptest::collection::vec(piece(), 0..6)), 0..6),
    ) {
        let env: Vec<_> = env.into_iter().map(|(name, value)| (name, value.concat().replace('\0', ""))).collect();
        let env: Vec<_> = env.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
        match loader(&toml.concat(), &env).load() {
            Ok(config) => {
                let again = loader(&config.print(), &[]).load();
                prop_assert!(again.is_ok(), "{}\n{}", again.unwrap_err(), config.print());
            }
            Err(error) => prop_assert!(!error.problems().is_empty()),
        }
    }
}

#[test]
fn no_depth_overflows_the_stack() {
    let deep = 100_000;
    let name = format!("MSA_{}", "A__".repeat(deep));
    let tries = [
        loader(&format!("{}b = 1", "a.".repeat(deep)), &[]),
        loader(&format!("[{}b]", "a.".repeat(deep)), &[]),
        loader(
            &format!("a = {}{}", "[".repeat(deep), "]".repeat(deep)),
            &[],
        ),
        loader(&format!("a = {}", "{a=".repeat(deep)), &[]),
        loader("", &[(&name, "1")]),
        loader("", &[("MSA_BANNER__PLATFORMS", &"[".repeat(deep))]),
        loader("", &[("MSA_BANNER__LABELS", &"{\"a\":".repeat(deep))]),
    ];
    for one in tries {
        one.load().unwrap_err();
    }
}
