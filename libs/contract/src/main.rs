//! `make contract`: writes `docs/openapi.json` and `docs/asyncapi.json`.

use std::path::Path;
use std::process::ExitCode;

fn main() -> ExitCode {
    let docs = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs");
    for (name, document) in [("openapi.json", contract::openapi::document()), ("asyncapi.json", contract::asyncapi::document())] {
        if std::fs::write(docs.join(name), contract::text(&document)).is_err() {
            return ExitCode::FAILURE;
        }
    }
    ExitCode::SUCCESS
}
