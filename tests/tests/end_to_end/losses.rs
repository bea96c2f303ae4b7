//! A small run of the loss checker. The large ones are `make test-durability`.

use end_to_end::losses::{Settings, run};
use test_harness::size;

#[tokio::test(flavor = "multi_thread")]
async fn injected_faults_lose_duplicate_or_reorder_nothing() {
    let messages = size(1_200, 640);
    let settings = Settings { messages: messages as u64, writers: 4, readers: 3, seed: 11, faults: true };
    let report = run(&settings, |_| {}).await;
    assert!(report.verdict.is_clean(), "{report}");
    assert_eq!(report.verdict.acknowledged, messages);
    let kinds: Vec<&str> = report.faults.iter().map(|(name, _)| *name).collect();
    assert!(kinds.len() >= 5, "all kinds of things went wrong: {report}");
}
