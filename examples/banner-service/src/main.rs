//! The start: configuration, database, routes.

use std::error::Error;

use banner_service::api::{self, App};
use banner_service::model::Time;
use banner_service::seed::seed;
use banner_service::settings::BannerSettings;
use banner_service::store::Store;
use msa_core::prelude::*;

#[msa_core::main]
async fn main() -> Result<(), Box<dyn Error + Send + Sync>> {
    let service = Service::builder("banner-service")
        .about("Keeps the banner schedule: which banner stands in which slot, and when.")
        .section::<BannerSettings>("banner")
        .version(env!("CARGO_PKG_VERSION"))
        .env_alias("DATABASE_URL", "banner.database_url")
        .command(
            "migrate",
            "create the tables or bring them up to date, then exit",
        )
        .command(
            "seed",
            "insert sample banners into an empty schedule, then exit",
        )
        .from_env()?;
    let settings = service.section::<BannerSettings>("banner")?;
    let store = Store::new(&settings)?;

    match service.command() {
        Some("migrate") => {
            store.migrate().await?;
            tracing::info!("the tables are up to date");
            store.close().await;
        }
        Some("seed") => {
            let banners = seed(&store, &settings, Time::now()).await?;
            tracing::info!(banners, "seeded");
            store.close().await;
        }
        _ => {
            let database = store.clone();
            service.health().readiness("database", move || {
                let database = database.clone();
                async move { database.check().await }
            });
            let router = api::router(App {
                settings,
                store: store.clone(),
            });
            let service = service
                .routes(router)
                .on_shutdown(async move || store.close().await);
            service.run().await?;
        }
    }
    Ok(())
}
