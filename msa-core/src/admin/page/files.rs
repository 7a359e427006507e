//! The files of the page.

use std::hash::{DefaultHasher, Hash as _, Hasher as _};

use axum::extract::Path;
use axum::response::{IntoResponse, Response};
use http::header::{
    CACHE_CONTROL, CONTENT_SECURITY_POLICY, CONTENT_TYPE, ETAG, IF_NONE_MATCH, REFERRER_POLICY,
    VARY, X_CONTENT_TYPE_OPTIONS,
};
use http::{HeaderMap, HeaderName, HeaderValue, StatusCode};

use crate::problem::Problem;

/// A file, and what kind it is.
struct File {
    name: &'static str,
    kind: &'static str,
    text: &'static str,
}

macro_rules! files {
    ($kind:literal: $($name:literal)*) => {
        [$(File { name: $name, kind: $kind, text: include_str!(concat!("files/", $name)) }),*]
    };
}

static PAGE: [File; 1] = files!("text/html; charset=utf-8": "index.html");
static STYLES: [File; 3] =
    files!("text/css; charset=utf-8": "base.css" "panels.css" "waterfall.css");
static IMAGES: [File; 1] = files!("image/svg+xml": "icon.svg");
static SCRIPTS: [File; 20] = files!("text/javascript; charset=utf-8":
    "main.js" "ask.js" "live.js" "history.js" "dom.js" "words.js" "en.js" "ko.js" "units.js" "charts.js" "verdict.js" "overview.js"
    "service.js" "endpoints.js" "endpoint.js" "confirm.js" "transactions.js" "waterfall.js" "decision.js" "settings.js");

/// Scripts, styles and pictures of this listener alone; `connect-src` is where the data comes from.
const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; base-uri 'none'; \
                      form-action 'none'; frame-ancestors 'none'; require-trusted-types-for 'script'; trusted-types 'none'";

/// The page itself.
pub(super) fn page(asked: &HeaderMap) -> Response {
    let [page] = &PAGE;
    let mut response = page.answer(asked);
    // What is at `/` depends on who asks.
    let headers = response.headers_mut();
    headers.insert(VARY, HeaderValue::from_static("accept"));
    response
}

/// Another file of it.
pub(super) async fn show(Path(name): Path<String>, asked: HeaderMap) -> Response {
    let mut all = STYLES.iter().chain(&IMAGES).chain(&SCRIPTS);
    match all.find(|file| file.name == name) {
        Some(file) => file.answer(&asked),
        None => Problem::not_found("the page has no such file").into_response(),
    }
}

impl File {
    fn answer(&self, asked: &HeaderMap) -> Response {
        let tag = self.tag();
        let known = asked.get_all(IF_NONE_MATCH).iter();
        let known = known.filter_map(|tags| tags.to_str().ok());
        let is_known = known
            .flat_map(|tags| tags.split(','))
            .any(|one| one.trim().trim_start_matches("W/") == tag || one.trim() == "*");
        let mut response = match is_known {
            true => StatusCode::NOT_MODIFIED.into_response(),
            false => self.text.into_response(),
        };
        let headers = response.headers_mut();
        if let Ok(tag) = HeaderValue::try_from(tag) {
            headers.insert(ETAG, tag);
        }
        for (name, value) in [
            (CONTENT_TYPE, self.kind),
            // Kept, and asked for each time whether it is still so: a new version of the program has new files.
            (CACHE_CONTROL, "no-cache"),
            (CONTENT_SECURITY_POLICY, POLICY),
            (X_CONTENT_TYPE_OPTIONS, "nosniff"),
            (REFERRER_POLICY, "no-referrer"),
            (
                HeaderName::from_static("cross-origin-opener-policy"),
                "same-origin",
            ),
            (
                HeaderName::from_static("cross-origin-resource-policy"),
                "same-origin",
            ),
        ] {
            headers.insert(name, HeaderValue::from_static(value));
        }
        response
    }

    /// Differs when the text does; the hash has the same keys in every process.
    fn tag(&self) -> String {
        let mut hasher = DefaultHasher::new();
        self.text.hash(&mut hasher);
        format!("\"{:016x}\"", hasher.finish())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn all() -> impl Iterator<Item = &'static File> {
        PAGE.iter().chain(&STYLES).chain(&IMAGES).chain(&SCRIPTS)
    }

    #[test]
    fn every_file_that_another_names_is_there() {
        let names: Vec<_> = all().map(|file| file.name).collect();
        for file in all() {
            for (before, after) in [
                ("from \"./", "\""),
                ("=\"/page/", "\""),
                ("url(\"/page/", "\""),
            ] {
                for rest in file.text.split(before).skip(1) {
                    let name = rest.split(after).next().unwrap();
                    assert!(names.contains(&name), "{} names {name}", file.name);
                }
            }
        }
    }

    #[test]
    fn nothing_comes_from_elsewhere_and_no_text_becomes_markup() {
        for file in all() {
            // The namespace of SVG is a name, not a place.
            let text = file.text.replace("http://www.w3.org/2000/svg", "");
            for no in [
                "http://",
                "https://",
                "innerHTML",
                "outerHTML",
                "insertAdjacentHTML",
                "document.write",
                "eval(",
                "Function(",
                "DOMParser",
                " style=\"",
                " onclick=\"",
                "<script>",
                "<style",
            ] {
                assert!(!text.contains(no), "{} has {no}", file.name);
            }
        }
    }

    #[test]
    fn the_whole_page_stays_small() {
        let bytes: usize = all().map(|file| file.text.len()).sum();
        assert!(bytes < 125_000, "{bytes} bytes");
    }

    #[test]
    fn what_a_browser_has_already_is_not_sent_again() {
        let [page] = &PAGE;
        let first = page.answer(&HeaderMap::new());
        assert_eq!(first.status(), StatusCode::OK);
        let tag = first.headers().get(ETAG).unwrap().clone();
        let mut asked = HeaderMap::new();
        asked.insert(IF_NONE_MATCH, tag);
        assert_eq!(page.answer(&asked).status(), StatusCode::NOT_MODIFIED);
        asked.insert(
            IF_NONE_MATCH,
            HeaderValue::from_static("\"another\", W/\"one\""),
        );
        assert_eq!(page.answer(&asked).status(), StatusCode::OK);
    }
}
