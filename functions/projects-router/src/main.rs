use projects_router::App;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), lambda_runtime::Error> {
    shared_utils::logging::init();
    let app = App::from_env()?;
    let after = app.background_tasks();
    shared_utils::runtime::run_http(app, after).await
}
