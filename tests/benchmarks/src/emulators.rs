//! The local stack next to two emulators, each with an empty function behind `GET /auth/health`.

use std::net::TcpListener;
use std::path::Path;
use std::process::Stdio;
use std::time::{Duration, Instant};

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use local_stack::config::Options;
use local_stack::declaration::{Declaration, repository};
use local_stack::stack::Stack;
use reqwest::Method;
use serde_json::{Value, json};
use tokio::process::{Child, Command};

use crate::client::{Client, percentile};
use crate::load::Load;
use crate::peers;
use crate::table::{Bar, Row};

const PATH: &str = "/auth/health";
/// Each emulator is measured in turn, so many times.
const ROUNDS: usize = 5;
const DURATION: Duration = Duration::from_secs(2);
/// The requests of a round, one after another.
const REQUESTS: usize = 100;
const PATIENCE: Duration = Duration::from_mins(1);

/// An emulator that answers.
struct Emulator {
    name: &'static str,
    client: Client,
    path: String,
    /// Ends with it.
    _process: Option<Child>,
}

/// Requests per second of sixteen clients, and the median of requests one after another: medians of rounds in which each has its turn.
pub(crate) async fn measure() -> Result<Vec<Row>, String> {
    let empty = peers::build()?.empty;
    let folder = tempfile::tempdir().map_err(|error| error.to_string())?;
    for function in Declaration::read().map_err(|error| error.to_string())?.functions.keys() {
        std::fs::copy(&empty, folder.path().join(function)).map_err(|error| error.to_string())?;
    }
    let options = Options { binaries: folder.path().to_owned(), keep: false, ..Options::for_tests() };
    let stack = Stack::start(options).await.map_err(|error| error.to_string())?;
    let ours = Emulator { name: "the local stack", client: Client::without_token(&stack.http_url), path: PATH.to_owned(), _process: None };
    let emulators = [ours, ministack(&empty).await?, serverless_offline().await?];
    let mut figures = [(); 3].map(|()| (Vec::new(), Vec::new()));
    for _ in 0..ROUNDS {
        for (emulator, (rates, medians)) in emulators.iter().zip(&mut figures) {
            let load = Load { client: &emulator.client, method: Method::GET, paths: vec![emulator.path.clone()], body: None, status: 200 };
            rates.push(load.per_second(DURATION).await?);
            medians.push(load.median(REQUESTS).await?);
        }
    }
    let figures = figures.map(|(mut rates, mut medians)| (percentile(&mut rates, 0.5), percentile(&mut medians, 0.5)));
    let mut rows = Vec::new();
    for (emulator, (rate, median)) in emulators.iter().zip(figures) {
        rows.push(Row::new(format!("an empty function in {}", emulator.name), rate, "per second", Bar::None));
        rows.push(Row::new(format!("an empty function in {}, one after another: median", emulator.name), median, "ms", Bar::None));
    }
    for (emulator, (rate, _)) in emulators.iter().zip(figures).skip(1) {
        let name = format!("requests per second of the local stack, of those of {}", emulator.name);
        rows.push(Row::new(name, figures[0].0 / rate, "times", Bar::AtLeast(1.0)));
    }
    Ok(rows)
}

/// A free port. Another program may take it before it is used.
fn free_port() -> Result<u16, String> {
    let listener = TcpListener::bind(("127.0.0.1", 0)).and_then(|listener| listener.local_addr());
    listener.map(|address| address.port()).map_err(|error| error.to_string())
}

/// Runs a program to its end.
async fn run(command: &mut Command) -> Result<(), String> {
    let status = command.status().await.map_err(|error| format!("{} does not start: {error}", command.as_std().get_program().display()))?;
    if status.success() { Ok(()) } else { Err(format!("{} failed: {status}", command.as_std().get_program().display())) }
}

/// Starts a program that ends with its handle.
fn spawn(command: &mut Command) -> Result<Child, String> {
    let quiet = command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).kill_on_drop(true);
    quiet.spawn().map_err(|error| error.to_string())
}

/// Waits until a GET request is answered with 200.
async fn wait_for(client: &Client, path: &str) -> Result<(), String> {
    let began = Instant::now();
    while began.elapsed() < PATIENCE {
        if client.send(Method::GET, path, None).await.is_ok_and(|answer| answer.status == 200) {
            return Ok(());
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    Err(format!("{path} is not answered"))
}

/// `MiniStack` with the binary as a function.
async fn ministack(binary: &Path) -> Result<Emulator, String> {
    let environment = peers::folder().join("ministack");
    let [python, program] = ["bin/python", "bin/ministack"].map(|name| environment.join(name));
    if !program.exists() {
        run(Command::new("python3").args(["-m", "venv"]).arg(&environment)).await?;
        run(Command::new(&python).args(["-m", "pip", "install", "--quiet", "--disable-pip-version-check", "ministack==1.5.33"])).await?;
    }
    let (port, home) = (free_port()?, environment.join("home"));
    std::fs::create_dir_all(&home).map_err(|error| error.to_string())?;
    let mut command = Command::new(&program);
    command.env_clear().env("PATH", std::env::var_os("PATH").unwrap_or_default()).env("HOME", home);
    command.envs([("BIND_HOST", "127.0.0.1"), ("IOT_MTLS_ENABLED", "0")]).env("GATEWAY_PORT", port.to_string());
    let process = spawn(&mut command)?;
    let base = format!("http://127.0.0.1:{port}");
    let client = Client::without_token(&base);
    wait_for(&client, "/_ministack/health").await?;
    let api = deploy(&base, &STANDARD.encode(zipped(binary)?)).await?;
    let path = format!("/_aws/execute-api/{api}/$default{PATH}");
    wait_for(&client, &path).await?;
    Ok(Emulator { name: "MiniStack", client, path, _process: Some(process) })
}

/// A package of one file, `bootstrap`.
fn zipped(binary: &Path) -> Result<Vec<u8>, String> {
    let mut zip = zip::ZipWriter::new(std::io::Cursor::new(Vec::new()));
    let options = zip::write::SimpleFileOptions::default().unix_permissions(0o755);
    zip.start_file("bootstrap", options).map_err(|error| error.to_string())?;
    let bytes = std::fs::read(binary).map_err(|error| error.to_string())?;
    std::io::Write::write_all(&mut zip, &bytes).map_err(|error| error.to_string())?;
    Ok(zip.finish().map_err(|error| error.to_string())?.into_inner())
}

/// Creates a function and an HTTP API in front of it. Returns the id of the API.
async fn deploy(base: &str, package: &str) -> Result<String, String> {
    let http = reqwest::Client::new();
    let create = async |service: &str, path: String, body: Value, id: &str| -> Result<String, String> {
        let credential = format!("AWS4-HMAC-SHA256 Credential=test/20260101/eu-central-1/{service}/aws4_request, SignedHeaders=host, Signature=0");
        let request = http.post(format!("{base}{path}")).header("authorization", credential).json(&body);
        let response = request.send().await.map_err(|error| error.to_string())?;
        let status = response.status();
        let created: Value = response.json().await.map_err(|error| error.to_string())?;
        created[id].as_str().map(str::to_owned).ok_or_else(|| format!("{path} is answered with {status}: {created}"))
    };
    let function = json!({
        "FunctionName": "empty", "Runtime": "provided.al2023", "Handler": "bootstrap", "Role": "arn:aws:iam::000000000000:role/empty",
        "MemorySize": 1024, "Code": {"ZipFile": package},
    });
    let arn = create("lambda", "/2015-03-31/functions".to_owned(), function, "FunctionArn").await?;
    let api = create("apigateway", "/v2/apis".to_owned(), json!({"name": "empty", "protocolType": "HTTP"}), "apiId").await?;
    let integration = json!({"integrationType": "AWS_PROXY", "integrationUri": arn, "payloadFormatVersion": "2.0"});
    let integration = create("apigateway", format!("/v2/apis/{api}/integrations"), integration, "integrationId").await?;
    let route = json!({"routeKey": format!("GET {PATH}"), "target": format!("integrations/{integration}")});
    create("apigateway", format!("/v2/apis/{api}/routes"), route, "routeId").await?;
    create("apigateway", format!("/v2/apis/{api}/stages"), json!({"stageName": "$default", "autoDeploy": true}), "stageName").await?;
    Ok(api)
}

/// `serverless-offline` with an empty function of Node.
async fn serverless_offline() -> Result<Emulator, String> {
    let (source, folder) = (repository().join("tests/benchmarks/peers/serverless-offline"), peers::folder().join("serverless-offline"));
    std::fs::create_dir_all(&folder).map_err(|error| error.to_string())?;
    for entry in std::fs::read_dir(&source).map_err(|error| error.to_string())? {
        let entry = entry.map_err(|error| error.to_string())?;
        std::fs::copy(entry.path(), folder.join(entry.file_name())).map_err(|error| error.to_string())?;
    }
    let start = "node_modules/serverless/bin/serverless.js";
    if !folder.join(start).exists() {
        run(Command::new("npm").args(["ci", "--silent"]).current_dir(&folder)).await?;
    }
    let [port, lambda] = [free_port()?, free_port()?];
    let mut command = Command::new("node");
    command.args([start, "offline", "--host", "127.0.0.1", "--httpPort", &port.to_string(), "--lambdaPort", &lambda.to_string()]);
    // It reports what it does to its makers unless it is told not to.
    command.current_dir(&folder).envs([("SLS_TELEMETRY_DISABLED", "1"), ("SLS_NOTIFICATIONS_MODE", "off")]);
    let process = spawn(&mut command)?;
    let client = Client::without_token(format!("http://127.0.0.1:{port}"));
    wait_for(&client, PATH).await?;
    Ok(Emulator { name: "serverless-offline", client, path: PATH.to_owned(), _process: Some(process) })
}
