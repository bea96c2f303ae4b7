//! AWS limits that more than one crate observes.

/// The largest body of a response, in bytes. Lambda returns at most 6 MB.
pub const MAX_ANSWER: usize = 5 * 1024 * 1024;

/// The bytes that a JSON text takes in a response. The response carries it as a JSON string, which escapes quotes and backslashes once more.
pub fn bytes_in_answer(json: &str) -> usize {
    json.len() + json.bytes().filter(|byte| matches!(byte, b'"' | b'\\')).count()
}
