//! Mails to people: their texts, and how they are sent with Amazon SES.
//!
//! | module | contents |
//! | --- | --- |
//! | [`letter`] | what each mail says, as text and HTML |
//! | this module | the sender, and the call to SES |
//!
//! No mail has a password in it. A link leads to the configured frontend origin, never to one from a request.

pub mod letter;

use http::Request;
use serde_json::json;
use shared_utils::aws::AwsConfig;
use shared_utils::env::{EnvError, Environment};
use shared_utils::signed_requests::{Service, ServiceError, SignedRequests};

pub use letter::{Letter, LetterKind, Studio};

/// Sends mails in the studio's name.
#[derive(Clone)]
pub struct Mailer {
    requests: SignedRequests,
    endpoint: String,
    from: String,
    configuration_set: Option<String>,
    studio: Studio,
}

impl Mailer {
    /// Reads `MAIL_FROM`, `STUDIO_NAME`, `FRONTEND_ORIGIN` and `MAIL_CONFIGURATION_SET`. `None` without `MAIL_FROM`: the environment sends no mail.
    pub fn from_env(env: &Environment, aws: &AwsConfig) -> Result<Option<Self>, EnvError> {
        let (from, name, origin) = (env.optional("MAIL_FROM")?, env.optional("STUDIO_NAME")?, env.optional("FRONTEND_ORIGIN")?);
        let configuration_set = env.optional("MAIL_CONFIGURATION_SET")?;
        let Some(from) = from else { return Ok(None) };
        let name = name.ok_or_else(|| EnvError::Missing("STUDIO_NAME".to_owned()))?;
        let origin = origin.ok_or_else(|| EnvError::Missing("FRONTEND_ORIGIN".to_owned()))?;
        let studio = Studio::new(&name, &origin).map_err(|reason| EnvError::unusable("STUDIO_NAME or FRONTEND_ORIGIN", reason))?;
        Ok(Some(Self::new(aws, from, configuration_set, studio)))
    }

    /// A sender with this From address.
    pub fn new(aws: &AwsConfig, from: String, configuration_set: Option<String>, studio: Studio) -> Self {
        let endpoint = aws.ses_endpoint.clone().unwrap_or_else(|| aws.endpoint_of("email"));
        Self { requests: SignedRequests::new(aws, Service::Ses), endpoint, from, configuration_set, studio }
    }

    /// The studio's name.
    pub fn studio_name(&self) -> &str {
        self.studio.name()
    }

    /// Sends a letter to one address. When this returns `Ok`, SES has accepted it. A repeated attempt may send it twice.
    pub async fn send(&self, to: &str, letter: &Letter) -> Result<(), ServiceError> {
        let (subject, text, html) = letter.written(&self.studio);
        let part = |data: &str| json!({"Data": data, "Charset": "UTF-8"});
        let mut body = json!({
            "FromEmailAddress": self.from,
            "Destination": {"ToAddresses": [to]},
            "Content": {"Simple": {"Subject": part(&subject), "Body": {"Text": part(&text), "Html": part(&html)}}},
        });
        if let Some(set) = &self.configuration_set {
            body["ConfigurationSetName"] = json!(set);
        }
        let request = Request::post(format!("{}/v2/email/outbound-emails", self.endpoint)).header("content-type", "application/json");
        let request = request.body(body.to_string().into_bytes()).map_err(ServiceError::broken)?;
        self.requests.send(&request).await?.require_success()?;
        Ok(())
    }
}
