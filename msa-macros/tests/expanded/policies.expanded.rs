async fn fetch_stock(sku: String) -> Result<u64, Problem> {
    let policy = {
        static POLICY: ::msa_core::resilience::policy::LazyPolicy = ::msa_core::resilience::policy::LazyPolicy::new(
            ::core::concat!(::core::module_path!(), "::fetch_stock"),
            |settings| {
                let retry = settings
                    .retry
                    .get_or_insert_with(::msa_core::config::RetrySettings::of_function);
                retry.max_retries = 3;
            },
        );
        ::msa_core::register_policy!(POLICY);
        &POLICY
    };
    policy
        .with()
        .returning::<Result<u64, Problem>>()
        .run(|| {
            let sku = ::msa_core::attribute::again(&sku);
            async move {
                if let ::core::option::Option::Some(never) = ::msa_core::attribute::returns::<
                    Result<u64, Problem>,
                >() {
                    return never;
                }
                { Ok(sku.len() as u64) }
            }
        })
        .await
}
impl Offers {
    pub(crate) async fn find(&self, sku: &str) -> Result<Option<Offer>, CallError> {
        let policy = {
            static POLICY: ::msa_core::resilience::policy::LazyPolicy = ::msa_core::resilience::policy::LazyPolicy::new(
                ::core::concat!(::core::module_path!(), "::find"),
                |settings| {
                    settings.timeout = ::core::option::Option::Some(
                        ::msa_core::config::Span::millis(800),
                    );
                    settings.attempt_timeout = ::core::option::Option::Some(
                        ::msa_core::config::Span::millis(200),
                    );
                    let fallback = settings.fallback.get_or_insert_default();
                    fallback.stale_for = ::msa_core::config::Span::secs(300);
                    let cached = settings.cached.get_or_insert_default();
                    cached.ttl = ::msa_core::config::Span::secs(1);
                    let bulkhead = settings.bulkhead.get_or_insert_default();
                    bulkhead.max_concurrent = 8;
                    use ::msa_core::resilience::rate_limit as _;
                    let rate_limit = settings.rate_limit.get_or_insert_default();
                    rate_limit.rate = ::msa_core::config::Rate::new(
                        20,
                        ::core::time::Duration::new(1, 0),
                    );
                    let retry = settings
                        .retry
                        .get_or_insert_with(
                            ::msa_core::config::RetrySettings::of_function,
                        );
                    retry.max_retries = 2;
                    let hedge = settings.hedge.get_or_insert_default();
                    hedge.enabled = true;
                    hedge.delay = ::core::option::Option::Some(
                        ::msa_core::config::Span::millis(50),
                    );
                    let breaker = settings.breaker.get_or_insert_default();
                    breaker.min_calls = 10;
                    breaker.open = ::msa_core::config::Span::secs(1);
                },
            );
            ::msa_core::register_policy!(POLICY);
            &POLICY
        };
        policy
            .with()
            .returning::<Result<Option<Offer>, CallError>>()
            .judged_by(
                ::msa_core::attribute::when::<
                    Result<Option<Offer>, CallError>,
                    _,
                    _,
                >(is_transient),
            )
            .fallback(
                ::msa_core::attribute::given(|| (self, sku))
                    .instead::<Result<Option<Offer>, CallError>, _, _>(Self::none),
            )
            .stale(::msa_core::attribute::key_part(sku))
            .cached(
                ::msa_core::attribute::kept::<
                    Result<Option<Offer>, CallError>,
                    _,
                >(::msa_core::attribute::key_part(sku)),
            )
            .run(|| async move {
                if let ::core::option::Option::Some(never) = ::msa_core::attribute::returns::<
                    Result<Option<Offer>, CallError>,
                >() {
                    return never;
                }
                { self.catalogue.product(sku).await }
            })
            .await
    }
}
