#[handler]
async fn order(State(app): State<App>, Path(id): Path<u64>) -> Result<Json<Order>, Problem> {
    let order = app.orders.find(id).await?;
    Ok(Json(order))
}

#[handler(scope = "orders:write")]
async fn cancel(State(app): State<App>, Path(id): Path<u64>) -> Result<StatusCode, Problem> {
    app.orders.cancel(id).await?;
    Ok(StatusCode::NO_CONTENT)
}

#[handler(timeout = "500ms", criticality = "sheddable", name = "report")]
async fn report(State(app): State<App>) -> Result<String, ReportError> {
    app.report().await
}

impl Api for Shop {
    #[handler(timeout = "500ms")]
    async fn sold(State(shop): State<Self>) -> Result<String, Problem> {
        shop.sold().await
    }
}

#[handler]
#[timeout("500ms")]
async fn price(State(app): State<App>, Path(sku): Path<String>) -> Result<Json<u64>, Problem> {
    Ok(Json(app.price(&sku).await?))
}
