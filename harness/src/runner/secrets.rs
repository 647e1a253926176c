//! The secrets of one run: shared by everything that writes, growing when the target's own command prints new ones.

use std::sync::{Arc, PoisonError, RwLock};

use crate::config::TargetProfile;
use crate::history;
use crate::http::Redactor;

/// A redactor that several writers share.
#[derive(Debug, Clone, Default)]
pub struct Secrets(Arc<RwLock<Redactor>>);

impl Secrets {
    /// Everything a profile calls secret.
    pub fn of(profile: &TargetProfile) -> Self {
        let redactor = Redactor::new(profile.secrets(), profile.secret_header_names());
        Self(Arc::new(RwLock::new(redactor)))
    }

    /// Adds one more value.
    pub(crate) fn add(&self, secret: &str) {
        self.0
            .write()
            .unwrap_or_else(PoisonError::into_inner)
            .add(secret);
    }

    /// The text without secrets.
    pub fn text(&self, text: &str) -> String {
        self.0
            .read()
            .unwrap_or_else(PoisonError::into_inner)
            .text(text)
            .into_owned()
    }

    /// A header's value without secrets.
    pub(crate) fn header(&self, name: &str, value: &str) -> String {
        let redactor = self.0.read().unwrap_or_else(PoisonError::into_inner);
        if redactor.hides(name) {
            crate::http::REDACTED.to_owned()
        } else {
            redactor.text(value).into_owned()
        }
    }

    /// The hook for a recorder.
    pub fn hook(&self) -> history::Redactor {
        let secrets = self.clone();
        Arc::new(move |text| secrets.text(text))
    }
}
