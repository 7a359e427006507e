//! Places orders: each one once, with its stock reserved.

mod api;
mod claims;
mod order;
mod orders;
mod placing;
mod releases;
mod settings;
mod stock;

use std::error::Error;

use msa_core::prelude::*;
use shop::database::{Database, DatabaseSettings, Migrations};

use orders::Orders;
use placing::Placing;
use releases::Releases;
use settings::OrderSettings;
use stock::Stock;

const MIGRATIONS: Migrations = &[(
    1,
    "orders",
    include_str!("../../../migrations/order-service/0001_orders.sql"),
)];

#[msa_core::main]
async fn main() -> Result<(), Box<dyn Error + Send + Sync>> {
    let service = Service::builder("order-service")
        .about("Places orders: each one once, with its stock reserved.")
        .section::<DatabaseSettings>("database")
        .section::<OrderSettings>("order")
        .env_alias("DATABASE_URL", "database.url")
        .command("migrate", "create or update the tables, then exit")
        .command("seed", "insert a sample order, then exit")
        .from_env()?;
    let settings = service.section::<DatabaseSettings>("database")?;
    let database = Database::new(&settings, service.name(), MIGRATIONS);
    let orders = Orders::new(database.clone());
    match service.command() {
        Some("migrate") => database.migrate().await?,
        Some("seed") => orders.seed().await?,
        _ => {
            let service = shop::database::attend(service, &database).await;
            let settings = service.section::<OrderSettings>("order")?;
            let releases = Releases::new(database.clone(), Stock::new(service.client()));
            releases.clone().sweep(&settings);
            let placing = Placing::new(database, releases, &settings);
            service.routes(api::routes(orders, placing)).run().await?;
        }
    }
    Ok(())
}
