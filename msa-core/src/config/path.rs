//! Keys as text: `clients.user_service.endpoints[0]`.

/// The key below `parent`; quoted as TOML does when it is not bare.
pub(super) fn child(parent: &str, key: &str) -> String {
    let key = bare_or_quoted(key);
    if parent.is_empty() {
        key
    } else {
        format!("{parent}.{key}")
    }
}

/// The item of the list at `parent`.
pub(super) fn item(parent: &str, index: usize) -> String {
    format!("{parent}[{index}]")
}

/// The key above, if there is one.
pub(super) fn parent(path: &str) -> Option<&str> {
    path.rfind(['.', '['])
        .and_then(|end| path.get(..end))
        .filter(|parent| !parent.is_empty())
}

/// The names in a path, of all levels; one that is quoted may come in parts.
pub(super) fn keys(path: &str) -> impl Iterator<Item = &str> {
    path.split(['.', '[', ']', '"'])
        .filter(|part| !part.is_empty())
}

/// A key as TOML writes it.
pub(super) fn bare_or_quoted(key: &str) -> String {
    let bare = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_' || byte == b'-';
    if !key.is_empty() && key.bytes().all(bare) {
        key.to_owned()
    } else {
        quoted(key)
    }
}

/// A text as a TOML basic string.
pub(super) fn quoted(text: &str) -> String {
    let mut out = String::with_capacity(text.len() + 2);
    out.push('"');
    for letter in text.chars() {
        match letter {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push_str("\\t"),
            control if control.is_control() => {
                out.push_str(&format!("\\u{:04X}", u32::from(control)));
            }
            plain => out.push(plain),
        }
    }
    out.push('"');
    out
}

/// A key as the layers have it: one service has one key, written `user-service` or `user_service`.
pub(super) fn folded(key: &str) -> String {
    key.replace('-', "_")
}
