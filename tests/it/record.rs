//! Streams of facts, recorded from a made-up cloud: the screens' tests draw from them.

use jiff::Timestamp;
use tenantop::model::{Change, Step};
use tenantop::practice::Practice;

use crate::docs::same_as_file;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "records anew, which changes every picture: by hand with UPDATE=1 and RECORD=1 when facts change"]
async fn practice() {
    if std::env::var_os("RECORD").is_none() {
        return;
    }
    let now: Timestamp = "2026-11-23T09:31:00Z".parse().unwrap();
    let changes = Practice::recorded(now).await.unwrap();
    // Steps are kept of the newest runs, which alone are shown with them; of older ones, why they failed.
    let newest = changes.iter().filter_map(|change| match change {
        Change::RunStarted { run, .. } => Some(run.0),
        _ => None,
    });
    let newest = newest.max().unwrap();
    let is_left_out = |change: &&Change| {
        matches!(change, Change::Stepped { run, entry, .. }
            if run.0 + 3 <= newest && !matches!(entry.step, Step::Failed { .. }))
    };
    // Of what we sold the newest of each tenant: how far older runs were with it is in their last word.
    let mut sold = std::collections::BTreeMap::new();
    for (n, change) in changes.iter().enumerate() {
        match change {
            Change::Sold { tenant, .. } => sold.insert(tenant.to_string(), n),
            Change::Selling { run, .. } => sold.insert(run.to_string(), n),
            _ => None,
        };
    }
    let newest: std::collections::BTreeSet<usize> = sold.into_values().collect();
    let is_old = |n: &usize, change: &Change| {
        matches!(change, Change::Sold { .. } | Change::Selling { .. }) && !newest.contains(n)
    };
    let kept = changes.iter().enumerate().filter(|(n, change)| !is_old(n, change)).map(|(_, change)| change);
    let kept = kept.filter(|change| !is_left_out(change));
    let text: String = kept.map(|change| serde_json::to_string(change).unwrap() + "\n").collect();
    same_as_file("tests/fleets/practice.jsonl", &text);
}
