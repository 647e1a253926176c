use insta::assert_snapshot;
use serde_json::Value;
use x402_assay_reports::sarif;

use crate::samples;

#[test]
fn every_sample() {
    for (name, report) in samples::all() {
        let text = sarif::render(&report);
        if name != "hostile" {
            assert_snapshot!(format!("sarif_{name}"), text);
        }
        let log: Value = serde_json::from_str(&text).expect(name);
        let run = &log["runs"][0];
        let rules = run["tool"]["driver"]["rules"].as_array().unwrap();
        for result in run["results"].as_array().unwrap() {
            let index = usize::try_from(result["ruleIndex"].as_u64().unwrap()).unwrap();
            assert_eq!(rules[index]["id"], result["ruleId"], "{name}");
            assert_ne!(result["message"]["text"], "", "{name}");
        }
    }
}
