//! A small run of the loss checker. The large ones are `make test-durability`.

use end_to_end::losses::{Settings, run};
use local_stack::testing::size;

#[tokio::test(flavor = "multi_thread")]
async fn nothing_is_lost_doubled_or_disordered_whatever_goes_wrong() {
    let messages = size(1_200, 640);
    let settings = Settings { messages: messages as u64, writers: 4, readers: 3, seed: 11, faults: true };
    let report = run(&settings, |_| {}).await;
    assert!(report.verdict.is_clean(), "{report}");
    assert_eq!(report.verdict.acknowledged, messages);
    let kinds: Vec<&str> = report.faults.iter().map(|(name, _)| *name).collect();
    assert!(kinds.len() >= 5, "all kinds of things went wrong: {report}");
}
