//! The personalities that come with the facilitator, and files of one's own.

use std::io;
use std::path::Path;

use x402_assay_yaml::{FILE_BYTES_MAX, ProblemList, read_bounded, utf8};

use super::Personality;
use crate::nearest::hint;

/// Every built-in personality with its text, by name.
pub const PERSONALITIES: &[(&str, &str)] = include!(concat!(env!("OUT_DIR"), "/personalities.rs"));

/// Why there is no such personality.
#[derive(Debug, thiserror::Error)]
pub enum PersonalityError {
    /// Neither built in nor a file.
    #[error(
        "there is no personality `{name}`{hint}; built in: {}, and a file is named with its .yaml",
        names()
    )]
    Unknown {
        /// What was asked for.
        name: String,
        /// The nearest name.
        hint: String,
    },
    /// The file cannot be read.
    #[error("{file}: {cause}")]
    File {
        /// The file.
        file: String,
        /// What the system says.
        cause: io::Error,
    },
    /// The file makes no sense.
    #[error(transparent)]
    Content(#[from] ProblemList),
}

fn names() -> String {
    let names: Vec<&str> = PERSONALITIES.iter().map(|(name, _)| *name).collect();
    names.join(", ")
}

/// Every built-in personality, read.
///
/// # Errors
/// The problems of the first file that has any; a test keeps this from happening.
pub fn builtin() -> Result<Vec<Personality>, ProblemList> {
    let read = |(name, text): &(&str, &str)| Personality::parse(text, &format!("{name}.yaml"));
    PERSONALITIES.iter().map(read).collect()
}

/// A built-in personality by its name, or one from a file, which ends in `.yaml`; relative files start from `folder`.
///
/// # Errors
/// See [`PersonalityError`].
pub fn named_or_file(name: &str, folder: &Path) -> Result<Personality, PersonalityError> {
    let known = PERSONALITIES.iter().find(|(known, _)| *known == name);
    if let Some((known, text)) = known {
        return Ok(Personality::parse(text, &format!("{known}.yaml"))?);
    }
    if !name.ends_with(".yaml") && !name.ends_with(".yml") {
        return Err(PersonalityError::Unknown {
            name: name.chars().take(80).collect(),
            hint: hint(name, PERSONALITIES.iter().map(|(known, _)| *known)),
        });
    }
    let bytes = read_bounded(&folder.join(name), FILE_BYTES_MAX);
    let bytes = bytes.map_err(|cause| PersonalityError::File {
        file: name.to_owned(),
        cause,
    })?;
    Ok(Personality::parse(&utf8(bytes, name)?, name)?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_file_is_read_and_bears_its_name() {
        let read = builtin().unwrap_or_else(|problems| panic!("{problems}"));
        assert!(!read.is_empty());
        for (personality, (file, _)) in read.iter().zip(PERSONALITIES) {
            assert_eq!(personality.name, *file, "the name is that of the file");
            assert_eq!(personality.validate(), Ok(()), "{file}");
            assert!(
                personality.about.ends_with('.'),
                "{file}: about is a sentence"
            );
        }
    }

    #[test]
    fn an_unknown_name_names_the_nearest_and_a_file_may_be_ones_own() {
        let folder = std::env::temp_dir();
        let error = named_or_file("slow-setle", &folder)
            .unwrap_err()
            .to_string();
        assert!(error.contains("did you mean `slow-settle`?"), "{error}");
        let error = named_or_file("gone/away.yaml", &folder)
            .unwrap_err()
            .to_string();
        assert!(error.starts_with("gone/away.yaml: "), "{error}");
        let own = Path::new(env!("CARGO_MANIFEST_DIR")).join("personalities");
        let found = named_or_file("slow-settle.yaml", &own).unwrap();
        assert_eq!(found.name, "slow-settle");
    }
}
