async fn order(
    State(app): State<App>,
    Path(id): Path<u64>,
) -> Result<Json<Order>, Problem> {
    const _: fn() = ::msa_core::server::handler::answer::answers::<
        Result<Json<Order>, Problem>,
    >;
    ::msa_core::server::handler::enter(
        ::core::concat!(::core::module_path!(), "::order"),
    );
    let order = app.orders.find(id).await?;
    Ok(Json(order))
}
async fn cancel(
    caller: ::msa_core::server::handler::Caller,
    State(app): State<App>,
    Path(id): Path<u64>,
) -> Result<StatusCode, Problem> {
    ::msa_core::server::handler::enter(
        ::core::concat!(::core::module_path!(), "::cancel"),
    );
    caller.may("orders:write")?;
    app.orders.cancel(id).await?;
    Ok(StatusCode::NO_CONTENT)
}
async fn report(app: State<App>) -> ::msa_core::server::handler::Response {
    async fn report(State(app): State<App>) -> Result<String, ReportError> {
        app.report().await
    }
    static HANDLER: ::msa_core::server::handler::Handler = ::msa_core::server::handler::Handler::new(
            "report",
        )
        .timeout(::core::time::Duration::from_millis(500))
        .criticality(::msa_core::txn::Criticality::Sheddable);
    HANDLER
        .run(
            report(app),
            |output| {
                #[allow(unused_imports)]
                use ::msa_core::server::handler::answer::{
                    Failed as _, Native as _, Plain as _, Stated as _, Text as _,
                };
                (&&&&&::msa_core::server::handler::answer::Returned(&output))
                    .reading()
                    .answer(output)
            },
        )
        .await
}
impl Api for Shop {
    async fn sold(State(shop): State<Self>) -> ::msa_core::server::handler::Response {
        static HANDLER: ::msa_core::server::handler::Handler = ::msa_core::server::handler::Handler::new(
                ::core::concat!(::core::module_path!(), "::sold"),
            )
            .timeout(::core::time::Duration::from_millis(500));
        HANDLER
            .run(
                async move {
                    if let ::core::option::Option::Some(never) = ::msa_core::attribute::returns::<
                        Result<String, Problem>,
                    >() {
                        return never;
                    }
                    { shop.sold().await }
                },
                |output| {
                    #[allow(unused_imports)]
                    use ::msa_core::server::handler::answer::{
                        Failed as _, Native as _, Plain as _, Stated as _, Text as _,
                    };
                    (&&&&&::msa_core::server::handler::answer::Returned(&output))
                        .reading()
                        .answer(output)
                },
            )
            .await
    }
}
async fn price(
    argument0: State<App>,
    argument1: Path<String>,
) -> Result<Json<u64>, Problem> {
    const _: fn() = ::msa_core::server::handler::answer::answers::<
        Result<Json<u64>, Problem>,
    >;
    ::msa_core::server::handler::enter(
        ::core::concat!(::core::module_path!(), "::price"),
    );
    let policy = {
        static POLICY: ::msa_core::resilience::policy::LazyPolicy = ::msa_core::resilience::policy::LazyPolicy::new(
                ::core::concat!(::core::module_path!(), "::price"),
                |settings| {
                    settings.timeout = ::core::option::Option::Some(
                        ::msa_core::config::Span::millis(500),
                    );
                },
            )
            .once();
        ::msa_core::register_policy!(POLICY);
        &POLICY
    };
    policy
        .with()
        .returning::<Result<Json<u64>, Problem>>()
        .run_once(move || async move {
            let State(app) = argument0;
            let Path(sku) = argument1;
            if let ::core::option::Option::Some(never) = ::msa_core::attribute::returns::<
                Result<Json<u64>, Problem>,
            >() {
                return never;
            }
            { Ok(Json(app.price(&sku).await?)) }
        })
        .await
}
