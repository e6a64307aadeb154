//! `selftest` as its user meets it.

use crate::support::{Place, expect_code, stderr, stdout};
use serde_json::Value;

#[test]
fn its_queues_are_nobody_elses() {
    let place = Place::new();
    assert!(!stdout(&place.run(&["queues", "--format", "json"])).contains("selftest"));
    place.write("sly.toml", "[matrix]\nqueue = \"selftest:stall\"\n");
    let output = place.run(&["validate", "sly.toml"]);
    expect_code(&output, 2);
    assert!(stderr(&output).contains("selftest:stall"), "{}", stderr(&output));
}

/// Counts must be right in any build and on any machine; times only in a release build, where `.ci/run` looks at them.
#[test]
#[ignore = "takes real time"]
fn every_count_is_proven() {
    let output = Place::new().run(&["selftest", "--format", "json"]);
    let document: Value = serde_json::from_slice(&output.stdout).unwrap();
    let claims = document["claims"].as_array().unwrap();
    expect_code(&output, document["exit_code"].as_i64().unwrap() as i32);
    let counts: Vec<&Value> = claims.iter().filter(|claim| claim["claimed"]["kind"] == "counts").collect();
    assert_eq!(counts.len(), 5);
    assert!(counts.iter().all(|claim| claim["finding"] == "pass" && claim["tries"] == 1), "{counts:#?}");
    assert!(stderr(&output).lines().count() >= claims.len(), "{}", stderr(&output));
}
