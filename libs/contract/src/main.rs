//! `make contract`: writes `docs/openapi.json` and `docs/asyncapi.json`. `contract --seen <folder>` says what the notes of a whole run of the
//! end-to-end suite leave out, `contract --examples <folder>` keeps the examples of one.

use std::io::Write;
use std::path::Path;
use std::process::ExitCode;

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let outcome = match arguments.iter().map(String::as_str).collect::<Vec<_>>()[..] {
        [] => write(),
        ["--seen", folder] => contract::seen::missing(Path::new(folder)),
        ["--examples", folder] => examples(Path::new(folder)),
        _ => Ok(vec!["usage: contract [--seen <folder> | --examples <folder>]".to_owned()]),
    };
    let lines = outcome.unwrap_or_else(|error| vec![format!("error: {error}")]);
    for line in &lines {
        let _ = writeln!(std::io::stdout().lock(), "{line}");
    }
    if lines.is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

fn examples(folder: &Path) -> std::io::Result<Vec<String>> {
    let chosen = contract::text(&serde_json::json!(contract::examples::chosen(folder)?));
    std::fs::write(Path::new(env!("CARGO_MANIFEST_DIR")).join("examples.json"), chosen)?;
    Ok(Vec::new())
}

fn write() -> std::io::Result<Vec<String>> {
    let docs = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs");
    std::fs::write(docs.join("openapi.json"), contract::text(&contract::openapi::document()))?;
    std::fs::write(docs.join("asyncapi.json"), contract::text(&contract::asyncapi::document()))?;
    Ok(Vec::new())
}
