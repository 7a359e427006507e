//! Secrets where they are configured, rightly and wrongly.

use std::fmt::Write as _;
use std::path::Path;

use super::outputs::{all_of, command};
use super::plant::{Canaries, NAMES, texts};

/// A configuration that is right, with secrets in every form and from every source: `msa.toml` with its secrets folder in `dir`, and
/// variables.
pub(crate) fn plant(dir: &Path, canaries: &mut Canaries, rest: &str) -> Vec<(String, String)> {
    let mut planted = |place: &str| canaries.plant(place);
    let (attribute, header) = (planted("a resource attribute"), planted("otlp.headers"));
    let mut toml = format!(
        "{rest}\ntelemetry.resource_attributes = 'team=shop,api_key={attribute}'\n\
         telemetry.otlp.headers = 'authorization=Bearer%20{header}'\n[vault]\n"
    );
    writeln!(toml, "url = '{}'", planted("a Secret of the file")).unwrap();
    writeln!(
        toml,
        "tokens = ['{}', '{}']",
        planted("a list"),
        planted("a list")
    )
    .unwrap();
    writeln!(toml, "stores = {{ eu = '{}' }}", planted("a map")).unwrap();
    writeln!(
        toml,
        "[plain]\ndatabase_password = '{}'",
        planted("a plain field")
    )
    .unwrap();
    writeln!(toml, "[plain.values]").unwrap();
    for name in NAMES {
        writeln!(
            toml,
            "{name} = '{}'",
            planted(&format!("the file's {name}"))
        )
        .unwrap();
    }
    writeln!(toml, "[plain.nested.credentials]").unwrap();
    writeln!(toml, "user = '{}'", planted("a table named credentials")).unwrap();
    writeln!(toml, "[plain.nested.texts]").unwrap();
    for (n, text) in texts(canaries, "a text of the file").iter().enumerate() {
        writeln!(toml, "text{n} = '{text}'").unwrap();
    }
    std::fs::write(dir.join("msa.toml"), toml).unwrap();

    let secrets = dir.join("secrets");
    std::fs::create_dir(&secrets).unwrap();
    let key = canaries.plant("a file of the secrets folder");
    std::fs::write(secrets.join("plain__api_key"), key).unwrap();
    for n in 0..40 {
        let text = canaries.plant("a file of the secrets folder");
        std::fs::write(secrets.join(format!("plain.nested.folder.n{n}")), text).unwrap();
    }
    let token = canaries.plant("admin.token");
    std::fs::write(secrets.join("admin__token"), token).unwrap();

    let mut variables = vec![(
        "MSA_SECRETS_DIR".to_owned(),
        secrets.to_str().unwrap().to_owned(),
    )];
    for name in NAMES {
        let planted = canaries.plant(format!("the variable of {name}"));
        let name = name.to_ascii_uppercase();
        variables.push((format!("MSA_PLAIN__NESTED__BY_ENV__{name}"), planted));
    }
    for (n, text) in texts(canaries, "a text of a variable")
        .into_iter()
        .enumerate()
    {
        variables.push((format!("MSA_PLAIN__NESTED__ENV_TEXTS__T{n}"), text));
    }
    // A variable that is none of ours.
    variables.push((
        "MSA_DB_PASSWORD".to_owned(),
        canaries.plant("a stray variable"),
    ));
    variables.push((
        "DATABASE_URL".to_owned(),
        canaries.plant("a variable of others"),
    ));
    variables
}

/// Configurations that are wrong are told so, and their secrets are not.
pub(crate) fn errors_show_no_secret() {
    let mut canaries = Canaries::default();
    let mut wrong: Vec<(String, &str)> = Vec::new();
    let mut say = |form: &str, expected: &'static str| {
        let text = form.replace("{}", &canaries.plant(form));
        wrong.push((text, expected));
    };
    for (form, expected) in [
        ("vault.url = ['{}']", "vault.url"),
        ("vault.tokens = '{}'", "vault.tokens"),
        ("vault.stores = '{}'", "vault.stores"),
        ("vault = '{}'", "vault"),
        ("vault.url = '{}", "msa.toml"),
        ("vault.urll = '{}'", "vault.urll"),
        (
            "plain.database_password = ['{}']",
            "plain.database_password",
        ),
        ("plain.api_key = { a = '{}' }", "plain.api_key"),
        ("plain.values.password = ['{}']", "plain.values.password"),
        ("plain.pin = '{}'", "plain.pin"),
        ("plain.texts = 'http://u:{}@h'", "plain.texts"),
        ("plain.texts = 'http://h/?access_token={}'", "plain.texts"),
        (
            "client.endpoints = ['http://u:{}@host']",
            "client.endpoints",
        ),
        (
            "client.endpoints = ['http://host/?api_key={}']",
            "client.endpoints",
        ),
        ("server.addr = 'http://u:{}@host'", "server.addr"),
        ("log.level = 'password={}'", "log.level"),
        (
            "telemetry.traces.exporter = 'otlp'\ntelemetry.otlp.endpoint = 'ftp://u:{}@host'",
            "telemetry",
        ),
        (
            "telemetry.traces.exporter = 'otlp'\ntelemetry.otlp.endpoint = 'ftp://host/?api_key={}'",
            "telemetry",
        ),
        (
            "telemetry.traces.exporter = 'zipkin'\ntelemetry.traces.zipkin_endpoint = 'ftp://h/?token={}'",
            "telemetry",
        ),
        ("telemetry.resource_attributes = 'api_key={}%zz,=,x'", "ok"),
        (
            "telemetry.traces.exporter = 'otlp'\ntelemetry.otlp.headers = 'authorization={}%00'",
            "ok",
        ),
        (
            "telemetry.traces.exporter = 'otlp'\ntelemetry.otlp.headers = '{}'",
            "ok",
        ),
    ] {
        say(form, expected);
    }
    for (text, expected) in &wrong {
        let dir = tempfile::tempdir().unwrap();
        std::fs::write(dir.path().join("msa.toml"), text).unwrap();
        for ask in ["--check-config", "--print-config"] {
            let mut command = command(dir.path(), &[]);
            command.arg(ask);
            let said = all_of(command);
            canaries.none_in(&format!("{ask} of {text}"), &said);
            // A text that is none is told only by who uses it.
            assert!(
                ask == "--print-config" || said.contains(expected),
                "{text}: {said}"
            );
        }
    }

    let dir = tempfile::tempdir().unwrap();
    let variables = plant(dir.path(), &mut canaries, "");
    for ask in [
        "--check-config",
        "--print-config",
        "--print-schema",
        "--help",
    ] {
        let mut command = command(dir.path(), &variables);
        command.arg(ask);
        let said = all_of(command);
        canaries.none_in(ask, &said);
        assert!(
            ask != "--print-config" || said.contains("database_password = \"***\""),
            "{said}"
        );
    }
}
