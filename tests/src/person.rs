//! People who send requests, and the responses that they get.

use reqwest::{Method, StatusCode};
use serde_json::Value;
use test_harness::{Answer, read_json};
use tokio_tungstenite::tungstenite::Error;
use tokio_tungstenite::tungstenite::client::IntoClientRequest;

use crate::contract;
use crate::secrets::Secrets;
use crate::socket::Socket;

/// A person who sends requests.
#[derive(Clone)]
pub struct Person {
    pub(crate) http: reqwest::Client,
    pub(crate) base: String,
    pub(crate) socket_base: String,
    /// The access token.
    pub token: Option<String>,
    /// The refresh token.
    pub refresh_token: String,
    /// The user id.
    pub id: String,
    /// The e-mail address.
    pub email: String,
    pub(crate) secrets: Secrets,
}

impl Person {
    /// The address of a path.
    pub fn url(&self, path: &str) -> String {
        format!("{}{path}", self.base)
    }

    /// Sends any request.
    ///
    /// # Panics
    /// If there is no response.
    pub async fn request(&self, method: Method, path: &str, headers: &[(&str, &str)], body: Option<String>) -> Answer {
        let mut request = self.http.request(method.clone(), self.url(path));
        if let Some(token) = &self.token {
            self.secrets.add(token);
            request = request.bearer_auth(token);
        }
        for (name, value) in headers {
            if ["authorization", "cookie"].contains(name) {
                self.secrets.add(value.split_once([' ', '=']).map_or(value, |(_, credential)| credential));
            }
            request = request.header(*name, *value);
        }
        let sent = body.as_deref().and_then(read_json);
        if let Some(body) = body {
            self.secrets.add_from(sent.as_ref().unwrap_or_default());
            request = request.body(body);
        }
        let response = request.send().await.unwrap_or_else(|error| panic!("no answer: {error}"));
        let (status, headers) = (response.status().as_u16(), response.headers().clone());
        for cookie in headers.get_all("set-cookie").iter().filter_map(|cookie| cookie.to_str().ok()) {
            self.secrets.add(cookie.split(['=', ';']).nth(1).unwrap_or_default());
        }
        let answer = Answer::new(status, headers, &response.text().await.unwrap_or_default());
        self.secrets.add_from(&answer.body);
        contract::check_response(&method, path, sent.as_ref(), &answer);
        answer
    }

    /// Sends a request with a JSON body and additional headers.
    pub async fn send(&self, method: Method, path: &str, headers: &[(&str, &str)], body: &Value) -> Answer {
        let headers: Vec<_> = headers.iter().copied().chain([("content-type", "application/json")]).collect();
        self.request(method, path, &headers, Some(body.to_string())).await
    }

    /// `GET`
    pub async fn get(&self, path: &str) -> Answer {
        self.request(Method::GET, path, &[], None).await
    }

    /// `POST`
    pub async fn post(&self, path: &str, body: Value) -> Answer {
        self.send(Method::POST, path, &[], &body).await
    }

    /// `PATCH`
    pub async fn patch(&self, path: &str, body: Value) -> Answer {
        self.send(Method::PATCH, path, &[], &body).await
    }

    /// `PUT`
    pub async fn put(&self, path: &str, body: Value) -> Answer {
        self.send(Method::PUT, path, &[], &body).await
    }

    /// `DELETE`
    pub async fn delete(&self, path: &str) -> Answer {
        self.request(Method::DELETE, path, &[], None).await
    }

    /// Opens a socket with the person's token.
    ///
    /// # Panics
    /// If the socket is refused.
    pub async fn connect(&self) -> Socket {
        let query = format!("?token={}", self.token.as_deref().unwrap_or_default());
        self.try_connect(&query, &[]).await.unwrap_or_else(|status| panic!("the socket was refused with {status}"))
    }

    /// Opens a socket with any query and headers. Returns the status if the socket is refused.
    ///
    /// # Panics
    /// If there is no response.
    pub async fn try_connect(&self, query: &str, headers: &[(&'static str, &str)]) -> Result<Socket, u16> {
        for credential in query.split(['=', '&']) {
            self.secrets.add(credential);
        }
        let mut request = format!("{}/{query}", self.socket_base).into_client_request().expect("a request");
        for (name, value) in headers {
            request.headers_mut().insert(*name, value.parse().expect("a header value"));
        }
        match tokio_tungstenite::connect_async(request).await {
            Ok((stream, response)) => {
                let protocol = response.headers().get("sec-websocket-protocol").and_then(|value| value.to_str().ok()).map(str::to_owned);
                Ok(Socket { protocol, secrets: self.secrets.clone(), presence: Vec::new(), notifications: Vec::new(), stream })
            }
            Err(Error::Http(response)) => Err(response.status().as_u16()),
            Err(error) => panic!("no answer: {error}"),
        }
    }
}

/// Whether a status is a success.
pub fn is_success(status: u16) -> bool {
    StatusCode::from_u16(status).is_ok_and(|status| status.is_success())
}
