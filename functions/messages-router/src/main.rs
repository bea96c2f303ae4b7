use messages_router::App;
use shared_utils::env::Environment;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), lambda_runtime::Error> {
    let env = Environment::of_process();
    shared_utils::logging::init(&env);
    let app = App::from_env(&env)?;
    let after = app.background_tasks();
    shared_utils::runtime::run_http(app, after, &env).await
}
