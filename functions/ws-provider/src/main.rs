use std::sync::Arc;

use shared_utils::env::Environment;
use ws_provider::App;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), lambda_runtime::Error> {
    let env = Environment::of_process();
    shared_utils::logging::init(&env);
    let app = Arc::new(App::from_env(&env)?);
    let after = app.background_tasks();
    let handler = move |event| {
        let app = app.clone();
        Box::pin(async move { app.handle(event).await }) as _
    };
    shared_utils::runtime::run(handler, after, &env).await
}
