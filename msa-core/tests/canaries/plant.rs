//! The canaries, and who finds them.

/// Distinct texts that pass for anything: a token, a password, a value of a query or a cookie.
#[derive(Debug, Default)]
pub(crate) struct Canaries {
    places: Vec<String>,
}

/// What all begin with. Nothing else does.
const SONG: &str = "cnry";

impl Canaries {
    /// One that nobody else has, planted in this place.
    pub(crate) fn plant(&mut self, place: impl Into<String>) -> String {
        let number = self.places.len();
        self.places.push(place.into());
        format!(
            "{SONG}{number:04}x{:06x}",
            (number * 7_919 + 104_729) % 0xff_ffff
        )
    }

    pub(crate) fn len(&self) -> usize {
        self.places.len()
    }

    /// Asserts that none is in a text, whole or cut.
    pub(crate) fn none_in(&self, output: &str, text: &str) {
        let lower = text.to_ascii_lowercase();
        let mut found: Vec<String> = Vec::new();
        for (at, _) in lower.match_indices(SONG) {
            let number = lower.get(at + SONG.len()..at + SONG.len() + 4);
            let number = number.and_then(|number| number.parse::<usize>().ok());
            let place = number.and_then(|number| self.places.get(number));
            let start = lower[..at].rfind('\n').map_or(0, |start| start + 1);
            let line = text[start..].lines().next().unwrap_or_default();
            found.push(format!(
                "{place:?}: {}",
                line.chars().take(400).collect::<String>()
            ));
        }
        found.dedup();
        assert!(
            found.is_empty(),
            "{output} shows {} canaries:\n{}",
            found.len(),
            found.into_iter().take(40).collect::<Vec<_>>().join("\n")
        );
    }
}

/// How people name what must not be seen.
pub(crate) const NAMES: [&str; 32] = [
    "password",
    "passwd",
    "pwd",
    "passphrase",
    "db_password",
    "mysql_pwd",
    "secret",
    "client_secret",
    "app_secret",
    "webhook_secret",
    "token",
    "access_token",
    "refresh_token",
    "id_token",
    "auth_token",
    "sas_token",
    "api_key",
    "apikey",
    "secret_key",
    "access_key",
    "private_key",
    "signing_key",
    "encryption_key",
    "account_key",
    "master_key",
    "credential",
    "jwt",
    "signature",
    "sig",
    "otp",
    "session_key",
    "accessToken",
];

/// URLs and other texts with a secret in them.
pub(crate) fn texts(canaries: &mut Canaries, place: &str) -> Vec<String> {
    let mut texts = Vec::new();
    for form in [
        "postgres://user:{}@db/shop",
        "https://{}@git.example/x",
        "redis://:{}@cache:6379/0",
        "amqp://u:a/{}@mq/v",
        "http://u:{}@[::1]:80/",
        "host=db user=u password={} dbname=shop",
        "Server=db;Uid=u;Pwd={};",
        "AccountName=a;AccountKey={}==;EndpointSuffix=x",
        "authorization=Bearer%20{},tenant=shop",
        "Authorization: Bearer {}",
    ] {
        texts.push(form.replace("{}", &canaries.plant(format!("{place}, {form}"))));
    }
    for name in NAMES {
        let planted = canaries.plant(format!("{place}, the query's {name}"));
        texts.push(format!(
            "https://api.example/v1?page=1&{name}={planted}&sort=up"
        ));
    }
    texts
}
