//! What looks like a secret, by its name, and texts without what does.
//!
//! A [`Secret`](super::Secret) is never shown. This is the net below those who forget: a password in a plain field, in a URL, in a
//! list of `name=value`. It errs on the side of hiding.

use std::borrow::Cow;

/// What stands in place of what is hidden.
const HIDDEN: &str = "***";

/// Names of secrets: `db_password` is one since its last word is.
const WORDS: [&str; 26] = [
    "apikey",
    "authorization",
    "bearer",
    "credential",
    "credentials",
    "jwt",
    "otp",
    "pass",
    "passcode",
    "passphrase",
    "passwd",
    "password",
    "passwords",
    "pin",
    "privatekey",
    "pw",
    "pwd",
    "secret",
    "secretkey",
    "secrets",
    "sessionid",
    "sig",
    "signature",
    "token",
    "tokens",
    "accesstoken",
];

/// `public_key` is none, and `key` alone is a key of anything; after these words it is a secret.
const KEYS: [&str; 14] = [
    "access",
    "account",
    "api",
    "app",
    "auth",
    "encryption",
    "hmac",
    "license",
    "master",
    "private",
    "secret",
    "session",
    "shared",
    "signing",
];

/// Before a colon these stand in plain sentences, too: `unexpected token: x`.
const IN_PROSE: [&str; 7] = ["otp", "pass", "pin", "sig", "signature", "token", "tokens"];

/// Whether what is called so is likely to be a secret: `db_password`, `client-secret`, `apiKey`, `x-amz-signature`, `AccountKey`.
pub(crate) fn is_secret_name(name: &str) -> bool {
    let mut words = words(name);
    let Some(last) = words.pop() else {
        return false;
    };
    let is_key = matches!(&*last, "key" | "keys");
    WORDS.contains(&&*last) || is_key && words.pop().is_some_and(|word| KEYS.contains(&&*word))
}

/// `apiKey`, `api_key`, `API-KEY` and `api.key` are two words each.
fn words(name: &str) -> Vec<String> {
    let mut words = vec![String::new()];
    let mut before_is_lower = false;
    for letter in name.chars() {
        let parts = !letter.is_alphanumeric();
        if parts || (letter.is_uppercase() && before_is_lower) {
            words.push(String::new());
        }
        before_is_lower = letter.is_lowercase() || letter.is_numeric();
        if let Some(word) = words.last_mut().filter(|_| !parts) {
            word.extend(letter.to_lowercase());
        }
    }
    words.retain(|word| !word.is_empty());
    words
}

/// The text without the user names and passwords of URLs in it, and without the values of what is named as secrets are
/// (`?access_token=…`, `password=…;`, `token: …`).
pub(crate) fn redacted(text: &str) -> Cow<'_, str> {
    // Nearly all texts have neither, and then these looks are enough.
    if !text.contains("://") && !text.contains(['=', ':']) {
        return Cow::Borrowed(text);
    }
    let without = without_credentials(text);
    match without_values(&without) {
        Cow::Borrowed(_) => without,
        Cow::Owned(text) => Cow::Owned(text),
    }
}

/// `postgres://user:password@host/db` with `***` in place of who asks.
fn without_credentials(text: &str) -> Cow<'_, str> {
    let mut out = String::new();
    let mut rest = text;
    while let Some(start) = rest.find("://") {
        let (scheme, after) = rest.split_at(start + 3);
        out.push_str(scheme);
        rest = after;
        if let Some(end) = credentials(after) {
            out.push_str(HIDDEN);
            rest = after.get(end..).unwrap_or_default();
        }
    }
    if out.contains(HIDDEN) {
        out.push_str(rest);
        return Cow::Owned(out);
    }
    Cow::Borrowed(text)
}

/// Where the user and password end that a URL's rest begins with: at the `@`, if there is one before the next URL.
fn credentials(after: &str) -> Option<usize> {
    let ends = |c: char| c.is_whitespace() || matches!(c, '"' | '\'' | '`' | '<' | '>');
    let url = after.split(ends).next().unwrap_or(after);
    // Of several URLs in a list only the first is looked at; the others have their turn.
    let url = match url.find("://") {
        Some(next) => url.get(..next).unwrap_or(url),
        None => url,
    };
    let authority = url.split(['/', '?', '#']).next().unwrap_or(url);
    if let Some(end) = authority.rfind('@') {
        return Some(end);
    }
    // A password may hold an unescaped `/`. A `@` in a path alone is none, which a port before it tells: digits.
    let (_, password) = authority.split_once(':')?;
    let is_port = !authority.starts_with('[') && password.bytes().all(|b| b.is_ascii_digit());
    url.rfind('@')
        .filter(|_| !is_port && !authority.starts_with('['))
}

/// `name=value` and `name: value` with `***` in place of the value, where the name is that of a secret.
fn without_values(text: &str) -> Cow<'_, str> {
    let mut out = String::new();
    let mut rest = text;
    while let Some(at) = rest.find(['=', ':']) {
        let (before, after) = rest.split_at(at + 1);
        out.push_str(before);
        rest = after;
        let written = before.get(..at).unwrap_or_default();
        let name = written.trim_end_matches(['"', '\'', ' ']);
        let is_prose = before.ends_with(':') && !written.ends_with(['"', '\'']);
        let parts = |c: char| !(c.is_alphanumeric() || matches!(c, '_' | '-' | '.'));
        let name = name.rsplit(parts).next().unwrap_or(name);
        if !is_secret_name(name) || is_prose && IN_PROSE.contains(&name) {
            continue;
        }
        let blank = rest.len() - rest.trim_start_matches([' ', '"', '\'']).len();
        let (space, value) = rest.split_at(blank);
        // A scheme before credentials goes with them: `Authorization: Bearer …`.
        let scheme = ["bearer", "basic", "digest", "token"]
            .iter()
            .find_map(|scheme| {
                let (word, _) = value.split_at_checked(scheme.len() + 1)?;
                let is_it = word.trim_end().eq_ignore_ascii_case(scheme);
                is_it.then_some(scheme.len() + 1)
            });
        let skipped = scheme.unwrap_or(0);
        let ends = |c: char| {
            c.is_whitespace()
                || matches!(
                    c,
                    '&' | ';' | ',' | '"' | '\'' | '`' | '#' | ')' | '}' | ']'
                )
        };
        let length = value
            .get(skipped..)
            .unwrap_or_default()
            .find(ends)
            .map_or(value.len(), |length| length + skipped);
        if length > 0 {
            out.push_str(space);
            out.push_str(HIDDEN);
            rest = value.get(length..).unwrap_or_default();
        }
    }
    if out.contains(HIDDEN) {
        out.push_str(rest);
        return Cow::Owned(out);
    }
    Cow::Borrowed(text)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn names_of_secrets_are_known_in_every_spelling() {
        for name in [
            "password",
            "db_password",
            "dbPassword",
            "DB-PASSWORD",
            "user.password",
            "client_secret",
            "access_token",
            "apiKey",
            "api_key",
            "x-api-key",
            "API_KEY",
            "AccountKey",
            "SharedAccessKey",
            "private-key",
            "signing_keys",
            "X-Amz-Signature",
            "credentials",
            "jwt",
            "tokens",
            "mysql_pwd",
        ] {
            assert!(is_secret_name(name), "{name}");
        }
        for name in [
            "",
            "_",
            "key",
            "public_key",
            "token_ttl",
            "password_policy",
            "max_attempts",
            "compass",
            "keys",
            "spin",
            "authority",
            "secretary",
        ] {
            assert!(!is_secret_name(name), "{name}");
        }
    }

    #[test]
    fn urls_lose_who_asks_and_what_only_he_may_know() {
        for (text, shown) in [
            ("http://host:80/a@b", "http://host:80/a@b"),
            ("http://host/a?b=c&page=1", "http://host/a?b=c&page=1"),
            ("postgres://user:x@host/db", "postgres://***@host/db"),
            ("https://x@host", "https://***@host"),
            ("redis://:x/y@host:1/0", "redis://***@host:1/0"),
            ("a://u:x@h1,a://u:y@h2", "a://***@h1,a://***@h2"),
            (
                "http://h/p?access_token=x&page=1#f",
                "http://h/p?access_token=***&page=1#f",
            ),
            ("http://[::1]:80/a@b", "http://[::1]:80/a@b"),
            (
                "error for url (http://u:x@h/?sig=y)",
                "error for url (http://***@h/?sig=***)",
            ),
        ] {
            assert_eq!(redacted(text), shown);
        }
    }

    #[test]
    fn pairs_lose_their_values() {
        for (text, shown) in [
            ("host=h password=x dbname=d", "host=h password=*** dbname=d"),
            (
                "Server=s;Password=x;AccountKey=y==;",
                "Server=s;Password=***;AccountKey=***;",
            ),
            (
                "authorization=Bearer%20x,tenant=shop",
                "authorization=***,tenant=shop",
            ),
            (
                "Authorization: Bearer x, Host: h",
                "Authorization: ***, Host: h",
            ),
            (
                "{\"password\": \"x\", \"n\": 1}",
                "{\"password\": \"***\", \"n\": 1}",
            ),
            ("password=", "password="),
            ("unexpected token: x", "unexpected token: x"),
            ("an access_token: x", "an access_token: ***"),
            ("no pair at all", "no pair at all"),
        ] {
            assert_eq!(redacted(text), shown);
        }
    }

    proptest! {
        #[test]
        fn any_text_can_be_looked_at_and_what_was_hidden_stays_hidden(text: String, parts in "[a-z=:@/?&;\" *]{0,40}") {
            for text in [text, parts] {
                let once = redacted(&text).into_owned();
                prop_assert_eq!(redacted(&once).into_owned(), once.clone());
            }
        }

        #[test]
        fn a_secret_between_other_pairs_is_hidden(before in "[a-f]{1,5}=[a-z]{0,5}[&; ]", after in "[&; ][a-f]{1,5}=[a-z]{0,5}") {
            let text = format!("{before}password=cnry{after}");
            let shown = redacted(&text);
            prop_assert!(!shown.contains("cnry"), "{}", shown);
            prop_assert!(shown.ends_with(&after), "{}", shown);
        }
    }
}
