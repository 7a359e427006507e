trait UserApi: ::core::marker::Send + ::core::marker::Sync {
    /// One user.
    fn user(
        &self,
        id: u64,
    ) -> impl ::core::future::Future<
        Output = Result<User, CallError>,
    > + ::core::marker::Send;
    fn add(
        &self,
        key: &str,
        user: &User,
    ) -> impl ::core::future::Future<
        Output = Result<(), CallError>,
    > + ::core::marker::Send;
}
///Calls `user-service` as [`UserApi`] says. Cheap to clone.
#[derive(::core::clone::Clone, ::core::fmt::Debug)]
#[allow(dead_code)]
struct UserApiClient(::msa_core::client::typed::TypedClient);
#[allow(dead_code)]
impl UserApiClient {
    ///Calls `user-service` by this client.
    #[must_use]
    fn new(client: ::msa_core::client::ServiceClient) -> Self {
        Self(::msa_core::client::typed::TypedClient::new(client, "user-service", "/api"))
    }
}
#[allow(deprecated)]
impl UserApi for UserApiClient {
    async fn user(&self, id: u64) -> Result<User, CallError> {
        self.0.get().path("/users/").parameter("id", &id).json::<User>().await
    }
    async fn add(&self, key: &str, user: &User) -> Result<(), CallError> {
        self.0
            .post()
            .path("/users")
            .header("idempotency-key", &key)
            .json_body(&user)
            .options(
                ::msa_core::client::CallOptions::new()
                    .timeout(::core::time::Duration::from_millis(500)),
            )
            .nothing()
            .await
    }
}
///[`UserApi`] as a trait object: `Arc<dyn DynUserApi>` holds any of its implementors, and is one, for a box a call.
#[allow(dead_code)]
trait DynUserApi: ::core::marker::Send + ::core::marker::Sync {
    ///[`UserApi::user`] in a box.
    fn user_boxed<'call>(
        &'call self,
        id: u64,
    ) -> ::msa_core::client::typed::BoxFuture<'call, Result<User, CallError>>;
    ///[`UserApi::add`] in a box.
    fn add_boxed<'call>(
        &'call self,
        key: &'call str,
        user: &'call User,
    ) -> ::msa_core::client::typed::BoxFuture<'call, Result<(), CallError>>;
}
#[allow(deprecated)]
impl<__Api: UserApi> DynUserApi for __Api {
    fn user_boxed<'call>(
        &'call self,
        id: u64,
    ) -> ::msa_core::client::typed::BoxFuture<'call, Result<User, CallError>> {
        ::std::boxed::Box::pin(<__Api as UserApi>::user(self, id))
    }
    fn add_boxed<'call>(
        &'call self,
        key: &'call str,
        user: &'call User,
    ) -> ::msa_core::client::typed::BoxFuture<'call, Result<(), CallError>> {
        ::std::boxed::Box::pin(<__Api as UserApi>::add(self, key, user))
    }
}
#[allow(deprecated)]
impl UserApi for dyn DynUserApi + '_ {
    async fn user(&self, id: u64) -> Result<User, CallError> {
        DynUserApi::user_boxed(self, id).await
    }
    async fn add(&self, key: &str, user: &User) -> Result<(), CallError> {
        DynUserApi::add_boxed(self, key, user).await
    }
}
#[allow(deprecated)]
impl<__Api: UserApi + ?::core::marker::Sized> UserApi for ::std::sync::Arc<__Api> {
    async fn user(&self, id: u64) -> Result<User, CallError> {
        <__Api as UserApi>::user(self, id).await
    }
    async fn add(&self, key: &str, user: &User) -> Result<(), CallError> {
        <__Api as UserApi>::add(self, key, user).await
    }
}
///[`UserApi`] without a service: answers as it was told by `on_...`, and remembers its calls. Clones are the same mock.
#[derive(::core::clone::Clone)]
#[allow(dead_code)]
struct UserApiMock(::std::sync::Arc<UserApiMockState>);
#[allow(dead_code)]
struct UserApiMockState {
    calls: ::msa_core::testing::mock::Calls,
    user: ::msa_core::testing::mock::Answer<
        dyn ::core::ops::FnMut(
            u64,
        ) -> ::msa_core::client::typed::BoxFuture<
                'static,
                Result<User, CallError>,
            > + ::core::marker::Send,
    >,
    add: ::msa_core::testing::mock::Answer<
        dyn ::core::ops::FnMut(
            &str,
            &User,
        ) -> ::msa_core::client::typed::BoxFuture<
                'static,
                Result<(), CallError>,
            > + ::core::marker::Send,
    >,
}
#[allow(dead_code, deprecated, clippy::type_complexity)]
const _: () = {
    #[allow(unused_imports)]
    use ::msa_core::testing::mock::{Opaque as _, Shown as _};
    impl UserApiMock {
        /// A mock that knows no answers yet: a call that nobody said the answer of panics and says so.
        #[must_use]
        fn new() -> Self {
            ::core::default::Default::default()
        }
        ///Answers [`UserApi::user`] by this function from now on.
        fn on_user(
            &self,
            mut answer: impl ::core::ops::FnMut(
                u64,
            ) -> Result<User, CallError> + ::core::marker::Send + 'static,
        ) -> &Self {
            self.async_on_user(move |id| ::core::future::ready(answer(id)))
        }
        ///Answers [`UserApi::user`] from now on as the future says that this function returns: later, or never.
        fn async_on_user<Later>(
            &self,
            mut answer: impl ::core::ops::FnMut(
                u64,
            ) -> Later + ::core::marker::Send + 'static,
        ) -> &Self
        where
            Later: ::core::future::Future<Output = Result<User, CallError>>
                + ::core::marker::Send + 'static,
        {
            self.0
                .user
                .set(
                    ::std::boxed::Box::new(move |id| ::std::boxed::Box::pin(answer(id))),
                );
            self
        }
        ///Answers [`UserApi::add`] by this function from now on.
        fn on_add(
            &self,
            mut answer: impl ::core::ops::FnMut(
                &str,
                &User,
            ) -> Result<(), CallError> + ::core::marker::Send + 'static,
        ) -> &Self {
            self.async_on_add(move |key, user| ::core::future::ready(answer(key, user)))
        }
        ///Answers [`UserApi::add`] from now on as the future says that this function returns: later, or never.
        fn async_on_add<Later>(
            &self,
            mut answer: impl ::core::ops::FnMut(
                &str,
                &User,
            ) -> Later + ::core::marker::Send + 'static,
        ) -> &Self
        where
            Later: ::core::future::Future<Output = Result<(), CallError>>
                + ::core::marker::Send + 'static,
        {
            self.0
                .add
                .set(
                    ::std::boxed::Box::new(move |key, user| ::std::boxed::Box::pin(
                        answer(key, user),
                    )),
                );
            self
        }
        /// The calls so far, in their order, each with its arguments: `user(7)`. What has no `Debug` is `_`.
        #[must_use]
        fn calls(&self) -> ::std::vec::Vec<::std::string::String> {
            self.0.calls.all()
        }
    }
    impl UserApi for UserApiMock {
        async fn user(&self, id: u64) -> Result<User, CallError> {
            let call = self
                .0
                .calls
                .record("user", &[(&::msa_core::testing::mock::Argument(&id)).shown()]);
            let answer = (*self.0.user.called(&call))(id);
            answer.await
        }
        async fn add(&self, key: &str, user: &User) -> Result<(), CallError> {
            let call = self
                .0
                .calls
                .record(
                    "add",
                    &[
                        (&::msa_core::testing::mock::Argument(&key)).shown(),
                        (&::msa_core::testing::mock::Argument(&user)).shown(),
                    ],
                );
            let answer = (*self.0.add.called(&call))(key, user);
            answer.await
        }
    }
};
impl ::core::default::Default for UserApiMock {
    fn default() -> Self {
        Self(
            ::std::sync::Arc::new(UserApiMockState {
                calls: ::core::default::Default::default(),
                user: ::msa_core::testing::mock::Answer::new("UserApiMock", "on_user"),
                add: ::msa_core::testing::mock::Answer::new("UserApiMock", "on_add"),
            }),
        )
    }
}
impl ::core::fmt::Debug for UserApiMock {
    fn fmt(&self, f: &mut ::core::fmt::Formatter<'_>) -> ::core::fmt::Result {
        f.debug_struct("UserApiMock")
            .field("calls", &self.calls())
            .finish_non_exhaustive()
    }
}
