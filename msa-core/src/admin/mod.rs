//! The management listener: pages for those who run the service, on an address of its own.
//!
//! It is bound to the loopback interface unless configured otherwise, for what it shows is not for callers. For now it
//! has the three probes, and with `?verbose` what each check says.

use axum::Router;
use axum::routing::get;

use crate::config::AdminSettings;
use crate::health;
use crate::server::accept::{self, BindError, TcpListener};

/// The pages of the management listener.
pub fn router(health: health::Registry) -> Router {
    const INDEX: &str = "/livez /readyz /startupz\nadd ?verbose to see each check\n";
    Router::new()
        .route("/", get(async || INDEX))
        .merge(health::router(health, true))
}

/// Binds the management listener.
///
/// `configured` tells whether somebody chose the address. When nobody did and it is taken, several services on one
/// machine all want the default, so a free port of the same interface is taken instead; the caller logs the real one.
///
/// # Errors
///
/// When the address is configured and cannot be had, or no port at all is free.
pub fn bind(settings: &AdminSettings, configured: bool) -> Result<TcpListener, BindError> {
    let bound = accept::bind(settings.addr, "admin.addr");
    match bound {
        Err(error) if !configured && error.is_taken() => {
            let mut any = settings.addr;
            any.set_port(0);
            accept::bind(any, "admin.addr")
        }
        bound => bound,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn taken() -> (TcpListener, AdminSettings) {
        let mut settings = AdminSettings::default();
        settings.addr.set_port(0);
        let first = bind(&settings, true).unwrap();
        settings.addr = accept::Listener::local_addr(&first).unwrap();
        (first, settings)
    }

    #[tokio::test]
    async fn a_taken_default_address_gives_a_free_port() {
        let (_first, settings) = taken();
        let second = bind(&settings, false).unwrap();
        let addr = accept::Listener::local_addr(&second).unwrap();
        assert_eq!(addr.ip(), settings.addr.ip());
        assert_ne!(addr.port(), settings.addr.port());
    }

    #[tokio::test]
    async fn a_taken_configured_address_names_the_setting() {
        let (_first, settings) = taken();
        let error = bind(&settings, true).unwrap_err().to_string();
        assert_eq!(
            error,
            format!(
                "address {} is taken by another process; set admin.addr to a free one",
                settings.addr
            )
        );
    }
}
