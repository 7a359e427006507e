//! Sample banners, so that a new schedule is not empty.

use crate::model::{BannerDraft, PlacementDraft, Time};
use crate::settings::BannerSettings;
use crate::store::{Store, StoreError};

const HOUR: i64 = 3_600_000_000;

/// Title, picture, link, and where it stands: slot, first hour and last hour counted from the beginning of today (UTC).
type Sample = (
    &'static str,
    &'static str,
    &'static str,
    &'static [(i32, i64, i64)],
);

const SAMPLES: &[Sample] = &[
    (
        "Summer sale",
        "https://example.com/images/summer.png",
        "https://example.com/sale",
        &[(1, 0, 24), (4, 48, 96)],
    ),
    (
        "New arrivals",
        "https://example.com/images/new.png",
        "https://example.com/new",
        &[(2, 6, 14), (3, 14, 22)],
    ),
    (
        "Free shipping",
        "https://example.com/images/shipping.png",
        "https://example.com/shipping",
        &[(2, 14, 30)],
    ),
    (
        "Gift cards",
        "https://example.com/images/gifts.png",
        "https://example.com/gifts",
        &[(5, 9, 17), (5, 33, 41)],
    ),
];

/// Fills an empty schedule with sample banners around `now`, each on every platform. Returns how many it added: none when
/// there is a banner already.
///
/// # Errors
/// Whatever the store answers.
pub async fn seed(
    store: &Store,
    settings: &BannerSettings,
    now: Time,
) -> Result<usize, StoreError> {
    if !store.banners(0, 1).await?.is_empty() {
        return Ok(0);
    }
    let today = now.micros() - now.micros() % (24 * HOUR);
    let time = |hours: i64| Time::from_micros(today + hours * HOUR).unwrap_or(now);
    for &(title, image_url, link, stays) in SAMPLES {
        let banner = BannerDraft {
            title: title.into(),
            image_url: image_url.into(),
            link: link.into(),
        };
        let banner = store.add_banner(&banner).await?;
        for platform in &settings.platforms {
            for &(slot, first, last) in stays {
                if slot <= i32::from(settings.slots.get()) {
                    let (start, end) = (time(first), time(last));
                    let draft = PlacementDraft {
                        platform: platform.clone(),
                        slot,
                        start,
                        end,
                    };
                    store.add_placement(banner.id, &draft).await?;
                }
            }
        }
    }
    Ok(SAMPLES.len())
}
