use std::sync::Arc;

use ws_provider::App;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), lambda_runtime::Error> {
    shared_utils::logging::init();
    let app = Arc::new(App::from_env()?);
    let after = app.background_tasks();
    let handler = move |event| {
        let app = app.clone();
        Box::pin(async move { app.handle(event).await }) as _
    };
    shared_utils::runtime::run(handler, after).await
}
