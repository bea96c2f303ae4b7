//! Limits of AWS that more than one crate keeps to.

/// The largest body of an answer, in bytes: Lambda gives back 6 MB.
pub const MAX_ANSWER: usize = 5 * 1024 * 1024;

/// What a JSON text takes of an answer, which carries it as a text: quotes and backslashes are escaped once more on the way.
pub fn bytes_in_answer(json: &str) -> usize {
    json.len() + json.bytes().filter(|byte| matches!(byte, b'"' | b'\\')).count()
}
