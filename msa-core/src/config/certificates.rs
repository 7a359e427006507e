//! Whether the certificates that the settings name are there.
//!
//! A service that starts without them would fail with its first call, and a reload that loses them with its next.

use std::path::Path;

use super::Settings;
use super::validate::Conflict;

/// Every `ca_file` that cannot be used.
pub(super) fn problems(settings: &Settings) -> Vec<Conflict> {
    let all = settings.client.ca_file.as_deref();
    let each = settings.clients.iter().map(|(name, client)| {
        // What a service has from `client` is told there.
        let own = client.ca_file.as_deref().filter(|own| Some(*own) != all);
        (format!("clients.{name}.ca_file"), own)
    });
    std::iter::once(("client.ca_file".to_owned(), all))
        .chain(each)
        .filter_map(|(key, file)| problem(key, file?))
        .collect()
}

fn problem(key: String, file: &Path) -> Option<Conflict> {
    let message = format!("`{key}` names {}, {}", file.display(), fault(file)?);
    Some((vec![key], message))
}

fn fault(file: &Path) -> Option<String> {
    match std::fs::read(file) {
        Ok(bytes) => {
            let begin = b"-----BEGIN CERTIFICATE-----";
            let has_one = bytes.windows(begin.len()).any(|window| window == begin);
            (!has_one).then(|| "which holds no PEM block `BEGIN CERTIFICATE`".to_owned())
        }
        Err(error) => Some(format!("which cannot be read: {error}")),
    }
}
