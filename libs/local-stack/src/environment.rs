//! The environment of each function: the variables that Lambda sets, and those that `stack.yaml` declares.

use std::collections::BTreeMap;
use std::path::PathBuf;

use crate::config::{AUDIENCE, ISSUER, KEY_ID, StartError};
use crate::declaration::{Declaration, FORWARDED_ENV};

/// The local values of environment variables.
pub(crate) struct Values {
    pub(crate) origins: String,
    pub(crate) public_keys: String,
    pub(crate) key_file: PathBuf,
    pub(crate) websocket_endpoint: String,
    pub(crate) database_endpoint: String,
    pub(crate) mail_endpoint: String,
    pub(crate) frontend_origin: String,
    pub(crate) storage_endpoint: String,
    pub(crate) layer: PathBuf,
    pub(crate) passed: BTreeMap<String, String>,
}

impl Values {
    /// A function's environment: the variables of Lambda, the declared variables, and the endpoints of the local services.
    pub(crate) fn environment(&self, declaration: &Declaration, name: &str) -> Result<BTreeMap<String, String>, StartError> {
        let Some(function) = declaration.functions.get(name) else { return Ok(BTreeMap::new()) };
        let mut environment: BTreeMap<String, String> = [
            ("AWS_REGION", "eu-central-1".to_owned()),
            ("AWS_DEFAULT_REGION", "eu-central-1".to_owned()),
            ("AWS_EXECUTION_ENV", "AWS_Lambda_provided.al2023".to_owned()),
            ("AWS_LAMBDA_FUNCTION_NAME", format!("{}-local-{name}", declaration.project)),
            ("AWS_LAMBDA_FUNCTION_VERSION", "1".to_owned()),
            ("AWS_LAMBDA_FUNCTION_MEMORY_SIZE", function.memory_mb.to_string()),
            ("AWS_LAMBDA_INITIALIZATION_TYPE", "on-demand".to_owned()),
            ("AWS_LAMBDA_LOG_GROUP_NAME", format!("/aws/lambda/{}-local-{name}", declaration.project)),
            ("LAMBDA_TASK_ROOT", "/var/task".to_owned()),
            ("LAMBDA_RUNTIME_DIR", "/var/runtime".to_owned()),
            ("LANG", "en_US.UTF-8".to_owned()),
            ("LD_LIBRARY_PATH", "/var/task:/var/task/lib:/opt/lib".to_owned()),
            ("PATH", "/usr/local/bin:/usr/bin/:/bin:/opt/bin".to_owned()),
            ("TZ", ":UTC".to_owned()),
            ("_HANDLER", "bootstrap".to_owned()),
            ("AWS_ENDPOINT_URL_DYNAMODB", self.database_endpoint.clone()),
            ("AWS_ENDPOINT_URL_SESV2", self.mail_endpoint.clone()),
            ("AWS_ENDPOINT_URL_S3", self.storage_endpoint.clone()),
        ]
        .into_iter()
        .map(|(name, value)| (name.to_owned(), value))
        .chain(declaration.runtime_environment.clone())
        .collect();
        for (variable, source) in &function.environment {
            let value = match source.split_once(':').unwrap_or((source, "")) {
                ("table", table) if declaration.tables.contains_key(table) => declaration.table_name(table),
                ("bucket", bucket) if declaration.buckets.contains_key(bucket) => declaration.bucket_name(bucket),
                ("origins", _) => self.origins.clone(),
                ("jwt_issuer", _) => ISSUER.to_owned(),
                ("jwt_audience", _) => AUDIENCE.to_owned(),
                ("jwt_public_keys", _) => self.public_keys.clone(),
                ("signing_key_id", _) => KEY_ID.to_owned(),
                ("websocket_endpoint", _) => self.websocket_endpoint.clone(),
                // Empty: no mail is sent.
                ("mail", "from") => self.passed.get(variable).map_or("MYLG Studio <no-reply@mylg.test>", String::as_str).to_owned(),
                ("mail", "studio") => "MYLG Studio".to_owned(),
                ("mail", "frontend_origin") => self.frontend_origin.clone(),
                ("log_level", _) => "info".to_owned(),
                // Sources that exist only in AWS, and values that each sandbox has of its own.
                ("aws", _) | ("local", "skew") => continue,
                ("local", "layer") => self.layer.to_string_lossy().into_owned(),
                ("local", "signing_key_file") => self.key_file.to_string_lossy().into_owned(),
                _ if FORWARDED_ENV.contains(&source.as_str()) => match self.passed.get(variable) {
                    Some(value) => value.clone(),
                    None => continue,
                },
                _ => {
                    return Err(StartError::Source { function: name.to_owned(), variable: variable.clone(), r#source: source.clone() });
                }
            };
            environment.insert(variable.clone(), value);
        }
        Ok(environment)
    }
}
