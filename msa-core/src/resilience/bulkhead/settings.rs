//! From the configuration.

use super::BulkheadConfig;
use crate::config::BulkheadSettings;

impl From<&BulkheadSettings> for BulkheadConfig {
    fn from(settings: &BulkheadSettings) -> Self {
        let config = Self::default()
            .max_concurrent(settings.max_concurrent)
            .max_queue(settings.max_queue);
        if settings.max_wait.is_zero() {
            config
        } else {
            config.max_wait(settings.max_wait.get())
        }
    }
}
