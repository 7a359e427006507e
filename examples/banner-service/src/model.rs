//! What the service is about: banners, and the placements that put them on show.

use serde::{Deserialize, Serialize};
use url::Url;

use crate::settings::BannerSettings;
pub use crate::time::Time;

/// A banner as a client describes it.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct BannerDraft {
    /// What it is called; 1 to 200 characters.
    pub title: String,
    /// Where its picture is; http or https.
    pub image_url: String,
    /// Where a click on it leads; http or https.
    pub link: String,
}

/// A banner that the service keeps.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Banner {
    /// Given by the service, never reused.
    pub id: i64,
    /// What it is called.
    pub title: String,
    /// Where its picture is.
    pub image_url: String,
    /// Where a click on it leads.
    pub link: String,
}

/// A placement as a client describes it: from `start` until just before `end`.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PlacementDraft {
    /// One of the configured platforms.
    pub platform: String,
    /// From 1 to the configured number of slots.
    pub slot: i32,
    /// The first moment on show.
    pub start: Time,
    /// The first moment no longer on show.
    pub end: Time,
}

/// A banner's stay in one slot. A banner may have many: on several platforms, and again later.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Placement {
    /// Given by the service, never reused.
    pub id: i64,
    /// The banner on show.
    pub banner_id: i64,
    /// The platform it is shown on.
    pub platform: String,
    /// The slot it stands in.
    pub slot: i32,
    /// The first moment on show.
    pub start: Time,
    /// The first moment no longer on show.
    pub end: Time,
}

/// What stands in a slot at a given moment.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ActiveBanner {
    /// The slot; each occurs once.
    pub slot: i32,
    /// The placement that put the banner there.
    pub placement_id: i64,
    /// Since when.
    pub start: Time,
    /// Until when.
    pub end: Time,
    /// The banner itself.
    pub banner: Banner,
}

/// Which placements a list is to hold; what is `None` does not matter.
#[derive(Debug, Clone, Default)]
pub struct PlacementFilter {
    /// Only placements of this banner.
    pub banner_id: Option<i64>,
    /// Only placements on this platform.
    pub platform: Option<String>,
    /// Only placements in slots of this number.
    pub slot: Option<i32>,
    /// Only placements that have not ended at this moment.
    pub from: Option<Time>,
    /// Only placements that have begun before this moment.
    pub to: Option<Time>,
}

/// A field of a request that does not hold what it should.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct FieldError {
    /// The field's name.
    pub field: &'static str,
    /// What it must be.
    pub message: String,
}

const MAX_TITLE: usize = 200;
// What the browsers' address bars and most servers take.
const MAX_URL: usize = 2048;

impl BannerDraft {
    /// Trims the title and checks every field.
    ///
    /// # Errors
    /// All fields that are wrong, not only the first.
    pub fn checked(mut self) -> Result<Self, Vec<FieldError>> {
        self.title = self.title.trim().to_owned();
        let mut errors = Vec::new();
        if !(1..=MAX_TITLE).contains(&self.title.chars().count())
            || self.title.chars().any(char::is_control)
        {
            let message = format!("must be 1 to {MAX_TITLE} characters on one line");
            errors.push(FieldError {
                field: "title",
                message,
            });
        }
        errors.extend(check_url("image_url", &self.image_url));
        errors.extend(check_url("link", &self.link));
        if errors.is_empty() {
            Ok(self)
        } else {
            Err(errors)
        }
    }
}

impl PlacementDraft {
    /// Checks every field against the configured platforms and slots.
    ///
    /// # Errors
    /// All fields that are wrong, not only the first.
    pub fn checked(self, settings: &BannerSettings) -> Result<Self, Vec<FieldError>> {
        let mut errors = Vec::new();
        errors.extend(check_platform(&self.platform, settings));
        errors.extend(check_slot(self.slot, settings));
        if self.end <= self.start {
            let message = format!("must lie after start, which is {}", self.start);
            errors.push(FieldError {
                field: "end",
                message,
            });
        }
        if errors.is_empty() {
            Ok(self)
        } else {
            Err(errors)
        }
    }
}

/// What is wrong with a platform's name, if anything is.
#[must_use]
pub fn check_platform(platform: &str, settings: &BannerSettings) -> Option<FieldError> {
    (!settings.platforms.iter().any(|known| known == platform)).then(|| FieldError {
        field: "platform",
        message: format!("must be one of {}", settings.platforms.join(", ")),
    })
}

/// What is wrong with a slot's number, if anything is.
#[must_use]
pub fn check_slot(slot: i32, settings: &BannerSettings) -> Option<FieldError> {
    let last = settings.slots.get();
    (!(1..=i32::from(last)).contains(&slot)).then(|| FieldError {
        field: "slot",
        message: format!("must be a slot from 1 to {last}"),
    })
}

fn check_url(field: &'static str, url: &str) -> Option<FieldError> {
    let message = if url.len() > MAX_URL {
        format!("must be at most {MAX_URL} bytes long")
    } else {
        match Url::parse(url) {
            // The parser forgives blanks and line breaks around and inside; whoever shows the banner may not.
            Ok(parsed)
                if matches!(parsed.scheme(), "http" | "https")
                    && !url.contains(|c: char| c.is_whitespace() || c.is_control()) =>
            {
                return None;
            }
            _ => "must be a complete http or https URL".to_owned(),
        }
    };
    Some(FieldError { field, message })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fields(errors: Vec<FieldError>) -> Vec<&'static str> {
        errors.into_iter().map(|error| error.field).collect()
    }

    #[test]
    fn every_wrong_field_of_a_banner_is_named() {
        let draft = BannerDraft {
            title: " \t".into(),
            image_url: "javascript:alert(1)".into(),
            link: "/relative".into(),
        };
        assert_eq!(
            fields(draft.checked().unwrap_err()),
            ["title", "image_url", "link"]
        );
    }

    #[test]
    fn only_complete_web_addresses_without_blanks_are_links() {
        for good in [
            "http://a",
            "https://example.com/x?y=%20#z",
            "HTTPS://EXAMPLE.COM",
        ] {
            assert_eq!(check_url("link", good), None, "{good}");
        }
        for bad in [
            "",
            "a",
            "ftp://a/b",
            "http://",
            "data:text/html,x",
            " http://a",
            "http://a/b c",
            "http://a/\n",
        ] {
            assert!(check_url("link", bad).is_some(), "{bad}");
        }
        assert!(check_url("link", &format!("http://a/{}", "x".repeat(MAX_URL))).is_some());
    }

    #[test]
    fn every_wrong_field_of_a_placement_is_named() {
        let noon: Time = "2026-07-01T12:00:00Z".parse().unwrap();
        let draft = PlacementDraft {
            platform: "mobile".into(),
            slot: 7,
            start: noon,
            end: noon,
        };
        let errors = draft.checked(&BannerSettings::default()).unwrap_err();
        assert_eq!(fields(errors), ["platform", "slot", "end"]);
    }

    #[test]
    fn slots_are_numbered_from_one() {
        let settings = BannerSettings::default();
        for (slot, good) in [
            (i32::MIN, false),
            (0, false),
            (1, true),
            (6, true),
            (7, false),
        ] {
            assert_eq!(check_slot(slot, &settings).is_none(), good, "{slot}");
        }
    }
}
