use messages_router::App;
use shared_utils::env::Environment;

/// A seventh of the instructions of a request were of glibc's allocator.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), lambda_runtime::Error> {
    let env = Environment::of_process();
    shared_utils::logging::init(&env);
    let app = App::from_env(&env)?;
    let after = app.background_tasks();
    shared_utils::runtime::run_http(app, after, &env).await
}
