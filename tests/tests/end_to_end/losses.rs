//! A small run of the loss checker. The large ones are `make test-durability`.

use end_to_end::losses::{Settings, run};

#[tokio::test(flavor = "multi_thread")]
async fn nothing_is_lost_doubled_or_disordered_whatever_goes_wrong() {
    let settings = Settings { messages: 640, writers: 4, readers: 3, seed: 11, faults: true };
    let report = run(&settings, |_| {}).await;
    assert!(report.verdict.is_clean(), "{report}");
    assert_eq!(report.verdict.acknowledged, 640);
    let kinds: Vec<&str> = report.faults.iter().map(|(name, _)| *name).collect();
    assert!(kinds.len() >= 3, "several kinds of things went wrong: {report}");
}
