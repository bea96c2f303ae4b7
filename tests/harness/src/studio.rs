//! A function on its own database, and the people who call it.

use http::Method;
use serde_json::Value;
use shared_utils::auth::Role;
use shared_utils::http::{Api, serve};
use shared_utils::ids::UserId;

use crate::{Answer, EventBuilder, Harness};

/// A function on its own database.
pub struct Studio<A> {
    /// The function's database, keys and clock.
    pub harness: Harness,
    /// The function.
    pub app: A,
}

/// A person in the directory, with a token.
pub struct Person<'a, A> {
    /// The function that the person calls.
    pub studio: &'a Studio<A>,
    /// The user id.
    pub id: UserId,
    /// An access token for ten minutes, without a session in the database.
    pub token: String,
}

impl<A> Studio<A> {
    /// Adds a person to the directory.
    ///
    /// # Panics
    /// If the database refuses the write.
    pub async fn person(&self, name: &str) -> Person<'_, A> {
        let id = self.harness.person(name).await;
        Person { studio: self, id, token: self.harness.token(id, Role::User).await }
    }
}

impl<A: Api> Studio<A> {
    /// The response to a request.
    ///
    /// # Panics
    /// If a gateway would not accept the response.
    pub async fn call(&self, event: EventBuilder) -> Answer {
        // The future is on the heap. Otherwise a test that joins many requests would have all of them on its stack.
        Box::pin(serve(&self.app, event.event())).await.into()
    }
}

impl<A: Api> Person<'_, A> {
    /// Sends a request with the person's token.
    pub async fn call(&self, event: EventBuilder) -> Answer {
        self.studio.call(event.bearer(&self.token)).await
    }

    /// Sends a request with a JSON body.
    pub async fn send(&self, method: Method, path: &str, body: Value) -> Answer {
        self.call(EventBuilder::new(method, path).json(&body)).await
    }

    /// `GET`
    pub async fn get(&self, path: &str) -> Answer {
        self.call(EventBuilder::new(Method::GET, path)).await
    }

    /// `POST`
    pub async fn post(&self, path: &str, body: Value) -> Answer {
        self.send(Method::POST, path, body).await
    }

    /// `PATCH`
    pub async fn patch(&self, path: &str, body: Value) -> Answer {
        self.send(Method::PATCH, path, body).await
    }

    /// `PUT` without a body.
    pub async fn put(&self, path: &str) -> Answer {
        self.call(EventBuilder::new(Method::PUT, path)).await
    }

    /// `DELETE`
    pub async fn delete(&self, path: &str) -> Answer {
        self.call(EventBuilder::new(Method::DELETE, path)).await
    }
}
