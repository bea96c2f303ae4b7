//! Classifies SDK errors: the table is busy, or something is broken.

use aws_sdk_dynamodb::error::{ProvideErrorMetadata, SdkError};

use crate::internal::Internal;

/// Why a table call failed, apart from conditions that did not hold.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// The call was throttled, timed out, or did not reach the table, after the SDK's own retries.
    #[error("the table is busy")]
    Busy(Internal),
    /// Another writer was faster in every attempt.
    #[error("other writers were faster each time")]
    Contended,
    /// Any other failure, such as a refused call or a malformed item.
    #[error("the table call failed")]
    Broken(Internal),
}

impl StoreError {
    /// A malformed item.
    pub fn corrupt(what: &str) -> Self {
        Self::Broken(Internal::new(format!("malformed item: {what}")))
    }

    /// The text for a log line.
    pub fn for_log(&self) -> &str {
        match self {
            Self::Busy(cause) | Self::Broken(cause) => cause.for_log(),
            Self::Contended => "other writers were faster each time",
        }
    }
}

/// Retryable error codes.
const BUSY: [&str; 8] = [
    "ProvisionedThroughputExceededException",
    "ThrottlingException",
    "RequestLimitExceeded",
    "LimitExceededException",
    "InternalServerError",
    "ServiceUnavailable",
    "TransactionConflictException",
    "TransactionInProgressException",
];

impl<E> From<SdkError<E>> for StoreError
where
    E: ProvideErrorMetadata + std::error::Error + 'static,
{
    fn from(error: SdkError<E>) -> Self {
        let busy = match &error {
            SdkError::TimeoutError(_) | SdkError::DispatchFailure(_) | SdkError::ResponseError(_) => true,
            SdkError::ServiceError(service) => {
                service.raw().status().as_u16() >= 500 || service.err().code().is_some_and(|code| BUSY.contains(&code))
            }
            _ => false,
        };
        let code = match &error {
            SdkError::ServiceError(service) => service.err().code().unwrap_or_default(),
            _ => "",
        };
        let cause = Internal::new(format!("{code} {}", Internal::caused_by(&error).for_log()).trim_start());
        if busy { Self::Busy(cause) } else { Self::Broken(cause) }
    }
}
