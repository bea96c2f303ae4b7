//! The environment variables that a function reads are exactly those that `stack.yaml` declares for it.

use std::collections::BTreeSet;

use end_to_end::TestStack;
use local_stack::config::Options;
use shared_utils::env::{EnvError, Environment};
use shared_utils::http::cloudfront::CloudFront;

/// Builds a function's application as its `main` does.
fn build(function: &str, env: &Environment) -> Result<(), EnvError> {
    shared_utils::logging::level(env);
    shared_utils::runtime::metrics_namespace(env)?;
    if function != "ws-provider" {
        CloudFront::from_env(env)?;
    }
    match function {
        "auth-router" => auth_router::App::from_env(env).map(drop),
        "projects-router" => projects_router::App::from_env(env).map(drop),
        "messages-router" => messages_router::App::from_env(env).map(drop),
        "ws-provider" => ws_provider::App::from_env(env).map(drop),
        other => panic!("a new function: {other}"),
    }
}

#[tokio::test]
async fn every_variable_that_is_read_is_declared_and_every_declared_one_is_read() {
    let test_stack = TestStack::start_with(Options::for_tests()).await;
    let stack = test_stack.stack();
    for (name, function) in &stack.declaration.functions {
        let mut variables = stack.function(name).unwrap().environment().clone();
        variables.extend(["AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"].map(|name| (name.to_owned(), "local".to_owned())));
        let env = Environment::of(variables);
        build(name, &env).unwrap();
        // Lambda itself sets the variables that begin with `AWS_`.
        let asked: BTreeSet<String> = env.asked().into_iter().filter(|name| !name.starts_with("AWS_")).map(str::to_owned).collect();
        let declared: BTreeSet<String> = function.environment.keys().cloned().collect();
        assert_eq!(asked, declared, "{name}");
    }
}
