//! Knows the products, their prices and their stock, and reserves stock for orders.

mod api;
mod catalogue;
mod reservations;

use std::error::Error;

use msa_core::prelude::*;
use shop::database::{Database, DatabaseSettings};

use catalogue::Catalogue;
use reservations::Reservations;

#[msa_core::main]
async fn main() -> Result<(), Box<dyn Error + Send + Sync>> {
    let service = Service::builder("product-service")
        .about("Knows the products, their prices and their stock, and reserves stock for orders.")
        .section::<DatabaseSettings>("database")
        .env_alias("DATABASE_URL", "database.url")
        .command("migrate", "create or update the tables, then exit")
        .command("seed", "insert sample products, then exit")
        .from_env()?;
    let settings = service.section::<DatabaseSettings>("database")?;
    let database = Database::new(&settings, service.name(), catalogue::MIGRATIONS);
    let catalogue = Catalogue::new(database.clone());
    match service.command() {
        Some("migrate") => database.migrate().await?,
        Some("seed") => catalogue.seed().await?,
        _ => {
            let service = shop::database::attend(service, &database).await;
            let reservations = Reservations::new(database);
            service
                .routes(api::routes(catalogue, reservations))
                .run()
                .await?;
        }
    }
    Ok(())
}
