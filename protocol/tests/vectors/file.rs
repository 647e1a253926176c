//! Finding, reading and comparing vector files.

use std::fs;
use std::path::Path;

use serde::Deserialize;
use serde_json::Value;
use x402_assay_protocol::Version;

/// One vector file.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Vector {
    pub(crate) about: String,
    pub(crate) kind: Kind,
    version: Option<u64>,
    pub(crate) message: Option<Value>,
    pub(crate) header: Option<String>,
    pub(crate) expect: Expect,
}

/// What a vector is an example of.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Kind {
    Challenge,
    Payment,
    Settlement,
    Header,
    FacilitatorRequest,
    VerifyResponse,
    SettleResponse,
    Supported,
    Authorization,
    Permit,
}

/// What must be seen.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Expect {
    #[serde(default)]
    problems: Vec<String>,
    error: Option<String>,
    pub(crate) values: Option<Value>,
}

/// What was seen.
#[derive(Debug, Default)]
pub(crate) struct Seen {
    pub(crate) problems: Vec<String>,
    pub(crate) error: Option<String>,
    pub(crate) values: Value,
}

impl Expect {
    pub(crate) fn is_clean(&self) -> bool {
        self.problems.is_empty() && self.error.is_none()
    }
}

impl Vector {
    pub(crate) fn version(&self) -> Version {
        let number = self.version.expect("this kind of vector names a version");
        Version::from_number(number).expect("the version is 1 or 2")
    }

    pub(crate) fn message(&self) -> &Value {
        self.message.as_ref().expect("this kind holds a message")
    }
}

/// Every file below `scenarios/vectors/`, by folder and name; a file that is no vector is an error.
pub(crate) fn all() -> Vec<(String, Vector)> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../scenarios/vectors");
    let mut found = Vec::new();
    for folder in entries(&root) {
        for file in entries(&folder) {
            let name = format!("{}/{}", file_name(&folder), file_name(&file));
            let text = fs::read_to_string(&file).expect("a vector is a UTF-8 file");
            let vector: Vector =
                serde_json::from_str(&text).unwrap_or_else(|error| panic!("{name}: {error}"));
            let one_form = vector.message.is_some() != vector.header.is_some();
            assert!(one_form, "{name} holds either a message or a header");
            let folder_kind = serde_json::from_value(file_name(&folder).replace('-', "_").into());
            assert_eq!(
                folder_kind.ok(),
                Some(vector.kind),
                "{name} is in the wrong folder"
            );
            assert!(vector.about.ends_with('.'), "{name}: `about` is a sentence");
            found.push((name, vector));
        }
    }
    found
}

fn entries(folder: &Path) -> Vec<std::path::PathBuf> {
    let entries = fs::read_dir(folder)
        .unwrap_or_else(|error| panic!("{} cannot be listed: {error}", folder.display()));
    let mut paths: Vec<_> = entries
        .map(|entry| entry.expect("the entry can be read").path())
        .collect();
    paths.sort();
    paths
}

fn file_name(path: &Path) -> String {
    let name = path.file_name().expect("an entry has a name");
    name.to_string_lossy().into_owned()
}

/// Compares; the error shows both sides.
pub(crate) fn compare(expect: &Expect, mut seen: Seen) -> Result<(), String> {
    let mut problems = expect.problems.clone();
    problems.sort();
    seen.problems.sort();
    if problems != seen.problems {
        return Err(format!(
            "  expected {problems:#?}\n  seen {:#?}",
            seen.problems
        ));
    }
    match (&expect.error, &seen.error) {
        (None, None) => {}
        (Some(expected), Some(error)) if error.starts_with(expected.as_str()) => {}
        (expected, error) => {
            return Err(format!("  expected error {expected:?}\n  seen {error:?}"));
        }
    }
    match &expect.values {
        Some(values) if *values != seen.values => {
            Err(format!("  expected {values:#}\n  seen {:#}", seen.values))
        }
        None if expect.is_clean() => Err("  a clean vector says which values it holds".to_owned()),
        _ => Ok(()),
    }
}
