//! The workflows on the pages.

use serde_json::Value;

use super::files::{as_json, read};

/// A whole file of a CI service, as a page shows it.
pub(super) struct Fence {
    /// Its name: the workflow's, or `gitlab`.
    pub(super) name: String,
    pub(super) value: Value,
}

impl Fence {
    pub(super) fn is_gitlab(&self) -> bool {
        self.name == "gitlab"
    }
}

/// Every one of README.md and docs/ci.md; the first line of a fence says which file it is.
pub(super) fn all() -> Vec<Fence> {
    let mut found = Vec::new();
    for page in ["README.md", "docs/ci.md"] {
        let text = read(page);
        for block in text.split("\n```yaml\n").skip(1) {
            let body = block.split_once("\n```").expect("a fence ends").0;
            let first = body.lines().next().unwrap_or_default();
            let value = || as_json(page, body);
            let name = match first {
                "# .gitlab-ci.yml" => "gitlab".to_owned(),
                "# .github/workflows/x402.yml" => value()["name"].as_str().unwrap().to_owned(),
                _ => continue,
            };
            let value = value();
            found.push(Fence { name, value });
        }
    }
    let names: Vec<&str> = found.iter().map(|fence| fence.name.as_str()).collect();
    // Each of these has a test that executes it.
    let known = ["x402-express", "x402-fastapi", "x402-own-server", "gitlab"];
    assert_eq!(names, known);
    found
}

pub(super) fn named(name: &str) -> Value {
    let mut found = all().into_iter().filter(|fence| fence.name == name);
    found.next().expect(name).value
}
