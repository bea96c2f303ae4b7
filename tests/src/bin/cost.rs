//! `make cost`: the monthly bill of three sizes of companies, from the calls that the local stack counts.

use std::process::ExitCode;
use std::time::Duration;

use end_to_end::TestStack;
use end_to_end::cost::measure::{Crowd, InConversation};
use end_to_end::cost::model::{Bill, COMPANIES, Fixed, Habits, bill, posts_per_message};
use local_stack::config::{Options, print_line};
use messaging::marker_interval;

const HELP: &str = "\
cost [--days 22] [--hours 8] [--sockets 1.5] [--returns 12] [--mentions 0.1] [--typing 0] [--pages 20] [--changes 5] [--gap 20] [--peak 1.5] [--memory 0.5]
     [--base-ms 4] [--wait-ms 6] [--post-ms 0.5]

Measures on the local stack what each interaction uses, and prints the monthly bill of a studio of 50, a company of 500 and one of 5,000.
Every online reader marks every message as read. Prices are list prices in us-east-1: check them before you quote a result.";

/// The requests and posts per second that one account and region may have.
const QUOTA: f64 = 10_000.0;
const SIZES: [usize; 4] = [10, 25, 50, 100];

#[tokio::main]
async fn main() -> ExitCode {
    let habits = match habits() {
        Ok(Some(habits)) => habits,
        Ok(None) => {
            print_line(HELP);
            return ExitCode::SUCCESS;
        }
        Err(reason) => {
            print_line(&format!("error: {reason}\n\n{HELP}"));
            return ExitCode::from(2);
        }
    };
    let mut bills = Vec::new();
    for company in COMPANIES {
        let alone = measured_alone(company.acquaintances_online).await;
        let conversation = measured(company.participants, company.online).await;
        bills.push(bill(&company, &habits, interval(company.participants), &alone, &conversation, &FIXED));
    }
    print(&bills);
    print_line("\nposts per message, everyone online with one socket: once in a while, and one message after the other");
    for size in SIZES {
        let conversation = measured(size, size).await;
        print_line(&format!(
            "{size:>5} participants {:>8.0} {:>8.0}",
            posts_per_message(size, &conversation, 1.0),
            posts_per_message(size, &conversation, 0.0)
        ));
    }
    let [small, .., large] = bills.as_slice() else { return ExitCode::FAILURE };
    let (small_price, large_price) = (small.total() / COMPANIES[0].people, large.total() / COMPANIES[2].people);
    let is_flat = large_price <= small_price;
    let is_within_quota = bills.iter().all(|bill| bill.peak_posts < QUOTA / 10.0);
    print_line(&format!("\nno dearer per person at 5,000 than at 50: {}", verdict(is_flat)));
    print_line(&format!("peak posts under a tenth of the quota of {QUOTA:.0} per second: {}", verdict(is_within_quota)));
    if is_flat && is_within_quota { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

/// One signing key, 30 alarms, 24 metrics (21 that functions write, 3 from log lines), one dashboard.
const FIXED: Fixed = Fixed { keys: 1.0, alarms: 30.0, metrics: 24.0, dashboards: 1.0 };

/// The minimum time between two broadcasts of one reader's marker, in seconds.
fn interval(participants: usize) -> f64 {
    Duration::from_millis(marker_interval(participants.saturating_sub(1)).unsigned_abs()).as_secs_f64()
}

fn verdict(holds: bool) -> &'static str {
    if holds { "pass" } else { "FAIL" }
}

async fn measured(participants: usize, online: usize) -> InConversation {
    let world = stack(participants).await;
    Crowd::new(&world, participants, online).await.in_conversation(&world).await
}

/// With at most as many acquaintances as a team has people. For more, the posts are more by the same factor.
async fn measured_alone(online: usize) -> end_to_end::cost::measure::Alone {
    let measured = online.min(99);
    let world = stack(measured + 1).await;
    let mut alone = Crowd::new(&world, measured + 1, measured + 1).await.alone(&world).await;
    #[expect(clippy::cast_precision_loss, reason = "small counts")]
    let factor = online as f64 / measured as f64;
    alone.arrive.posts *= factor;
    alone.leave.posts *= factor;
    alone
}

async fn stack(people: usize) -> TestStack {
    TestStack::start_with(Options { more_people: people, ..Options::for_tests() }).await
}

fn print(bills: &[Bill]) {
    let row = |name: &str, of: &dyn Fn(&Bill) -> f64| {
        let cells: Vec<String> = bills.iter().map(|bill| format!("{:>12.2}", of(bill))).collect();
        print_line(&format!("{name:<34}{}", cells.join("")));
    };
    let people: Vec<String> = COMPANIES.iter().map(|company| format!("{:>12.0}", company.people)).collect();
    print_line(&format!("{:<34}{}", "US dollars a month, people:", people.join("")));
    row("WebSocket frames", &|bill| bill.frames);
    row("  of these read markers", &|bill| bill.markers);
    row("  of these presence", &|bill| bill.presence);
    row("tables", &|bill| bill.tables);
    row("functions", &|bill| bill.functions);
    row("signatures", &|bill| bill.signatures);
    row("logs", &|bill| bill.logs);
    row("HTTP requests, connection minutes", &|bill| bill.requests);
    row("keys, alarms, metrics, dashboard", &|bill| bill.fixed);
    row("total", &Bill::total);
    let each: Vec<String> = bills.iter().zip(COMPANIES).map(|(bill, company)| format!("{:>12.3}", bill.total() / company.people)).collect();
    print_line(&format!("{:<34}{}", "a person", each.join("")));
    row("posts in the busiest second", &|bill| bill.peak_posts);
}

/// The habits in the arguments.
fn habits() -> Result<Option<Habits>, String> {
    use lexopt::prelude::*;
    let mut habits = Habits::default();
    let mut parser = lexopt::Parser::from_env();
    while let Some(argument) = parser.next().map_err(|error| error.to_string())? {
        let value = match argument {
            Long("days") => &mut habits.days,
            Long("hours") => &mut habits.hours,
            Long("sockets") => &mut habits.sockets,
            Long("returns") => &mut habits.returns,
            Long("mentions") => &mut habits.mentions,
            Long("typing") => &mut habits.typing,
            Long("pages") => &mut habits.pages,
            Long("changes") => &mut habits.changes,
            Long("gap") => &mut habits.gap,
            Long("peak") => &mut habits.peak,
            Long("memory") => &mut habits.memory,
            Long("base-ms") => &mut habits.base_ms,
            Long("wait-ms") => &mut habits.wait_ms,
            Long("post-ms") => &mut habits.post_ms,
            Long("help") | Short('h') => return Ok(None),
            other => return Err(other.unexpected().to_string()),
        };
        *value = parser.value().and_then(|value| value.parse()).map_err(|error| error.to_string())?;
    }
    Ok(Some(habits))
}
