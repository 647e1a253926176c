//! Fresh headers for a facilitator under test (profile key `auth`), for direct calls and for the server in front.

use futures_util::FutureExt as _;
use futures_util::future::BoxFuture;
use http::{HeaderMap, HeaderValue, Method};

use super::auth::AuthCommand;
use super::secrets::Secrets;
use crate::config::TargetProfile;
use crate::reference_server;

/// The profile's command, called for the facilitator's host; everything it prints is a secret from then on.
#[derive(Debug)]
pub struct FreshHeaders {
    command: AuthCommand,
    host: String,
    secrets: Secrets,
}

impl FreshHeaders {
    /// Those of a profile, if it names a command.
    pub fn of(profile: &TargetProfile, host: &str, secrets: Secrets) -> Option<Self> {
        let auth = profile.auth.clone()?;
        Some(Self {
            command: AuthCommand::new(auth, profile.base_dir.clone()),
            host: host.to_owned(),
            secrets,
        })
    }
}

impl reference_server::FacilitatorAuth for FreshHeaders {
    fn headers<'a>(
        &'a self,
        method: &'a Method,
        path: &'a str,
    ) -> BoxFuture<'a, Result<HeaderMap, String>> {
        async move {
            let method = method.as_str();
            let printed = self.command.headers(method, &self.host, path).await?;
            let mut headers = HeaderMap::new();
            for header in printed {
                self.secrets.add(header.value.expose());
                if let Some((_, credentials)) = header.value.expose().split_once(' ') {
                    self.secrets.add(credentials.trim());
                }
                let value = HeaderValue::from_str(header.value.expose());
                let mut value = value.map_err(|_| "auth.command printed no header".to_owned())?;
                value.set_sensitive(true);
                headers.append(header.name, value);
            }
            Ok(headers)
        }
        .boxed()
    }
}
