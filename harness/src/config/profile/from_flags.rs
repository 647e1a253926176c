//! The same profile from command-line flags: a URL and what one request needs.

use std::path::Path;
use std::time::Duration;

use http::Method;
use x402_assay_protocol::Version;

use super::decode::complete;
use super::route::{parse_method, read_body};
use super::sections::LAUNCH_TIMEOUT;
use super::{Flow, Header, Launch, Limits, Origin, TargetKind, TargetProfile, Tls, UrlTemplate};

/// Which of the three roles a target plays.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Role {
    /// A resource server (`--server`).
    Server,
    /// A facilitator (`--facilitator`).
    Facilitator,
    /// A paying client (`--client`).
    Client,
}

impl Role {
    /// The word used in flags and profiles.
    pub fn word(self) -> &'static str {
        match self {
            Self::Server => "server",
            Self::Facilitator => "facilitator",
            Self::Client => "client",
        }
    }
}

/// Flags that describe or override a target.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct RequestFlags {
    /// `-X`.
    pub method: Option<String>,
    /// `-H`, each `Name: value`.
    pub headers: Vec<String>,
    /// `-d`: the body, or `@file`.
    pub data: Option<String>,
    /// `--marker`.
    pub marker: Option<String>,
    /// `--launch`.
    pub launch: Option<String>,
    /// `--timeout`.
    pub timeout: Option<Duration>,
    /// `--x402`.
    pub versions: Option<Vec<Version>>,
}

impl TargetProfile {
    /// A profile from `--server URL`, `--facilitator URL` or `--client COMMAND` and the flags
    /// beside it. Files are looked up from `base_dir`. The error lists every problem.
    pub fn from_url(
        role: Role,
        target: &str,
        flags: &RequestFlags,
        base_dir: &Path,
    ) -> Result<Self, Vec<String>> {
        let url =
            |text| UrlTemplate::parse(text).map_err(|error| format!("--{}: {error}", role.word()));
        let kind = match role {
            Role::Server => url(target).map(|url| TargetKind::Server { url }),
            Role::Facilitator => url(target).map(|url| TargetKind::Facilitator { url }),
            Role::Client if target.trim().is_empty() => {
                Err("--client: the command is empty".into())
            }
            Role::Client => Ok(TargetKind::Client {
                command: target.into(),
            }),
        };
        // A command cannot be started in the folder "".
        let here = Path::new(".");
        let base_dir = if base_dir.as_os_str().is_empty() {
            here
        } else {
            base_dir
        };
        let (kind, mut problems) = match kind {
            Ok(kind) => (kind, Vec::new()),
            // The other flags are still checked, so that all problems are told at once.
            Err(problem) => (
                TargetKind::Client {
                    command: String::new(),
                },
                vec![problem],
            ),
        };
        let mut profile = complete(Self::bare(kind, base_dir));
        if problems.is_empty() {
            problems.extend(profile.apply(flags).err().unwrap_or_default());
            problems.extend(profile.apply_request(role, flags).err().unwrap_or_default());
            problems.extend(profile.open_port());
        } else {
            problems.extend(headers(&flags.headers).err().unwrap_or_default());
        }
        if problems.is_empty() {
            Ok(profile)
        } else {
            Err(problems)
        }
    }

    /// Puts the flags that also go with a profile file over it: headers, marker, launch, timeout,
    /// versions. The error lists every problem.
    pub fn apply(&mut self, flags: &RequestFlags) -> Result<(), Vec<String>> {
        let mut problems = Vec::new();
        match headers(&flags.headers) {
            Ok(given) => {
                self.headers
                    .retain(|old| given.iter().all(|new| new.name != old.name));
                self.headers.extend(given);
            }
            Err(found) => problems.extend(found),
        }
        if let Some(marker) = &flags.marker {
            if self.kind_name() != "server" {
                problems.push("--marker is the mark of a paid body; it goes with --server".into());
            } else if marker.trim().is_empty() {
                problems.push("--marker: the text is empty".into());
            }
            self.origin.marker = Some(marker.clone());
        }
        if let Some(command) = &flags.launch {
            if self.kind_name() == "client" {
                problems.push(
                    "--launch starts servers and facilitators; --client is a command already"
                        .into(),
                );
            } else if command.trim().is_empty() {
                problems.push("--launch: the command is empty".into());
            }
            self.set_launch_command(command);
        }
        self.timeout = flags.timeout.or(self.timeout);
        if let Some(versions) = &flags.versions {
            self.versions = Some(versions.clone());
        }
        if problems.is_empty() {
            Ok(())
        } else {
            Err(problems)
        }
    }

    /// A problem if `{port}` is left open with nothing to launch.
    pub(super) fn open_port(&self) -> Option<String> {
        let open =
            self.launch.is_none() && self.url().is_some_and(UrlTemplate::has_port_placeholder);
        open.then(|| {
            format!(
                "--{}: {{port}} is filled in with --launch; without it write the port",
                self.kind_name()
            )
        })
    }

    fn apply_request(&mut self, role: Role, flags: &RequestFlags) -> Result<(), Vec<String>> {
        let mut problems = Vec::new();
        let method = flags.method.as_deref().map(parse_method).transpose();
        let method = method.unwrap_or_else(|error| {
            problems.push(format!("-X: {error}"));
            None
        });
        let body = flags
            .data
            .as_deref()
            .map(|data| read_data(data, &self.base_dir))
            .transpose();
        let body = body.unwrap_or_else(|error| {
            problems.push(format!("-d: {error}"));
            None
        });
        if role != Role::Server && (flags.method.is_some() || flags.data.is_some()) {
            problems.push(format!(
                "-X and -d describe a paid request; they do not go with --{}",
                role.word()
            ));
        }
        if let Some(route) = self.routes.first_mut() {
            let default = if body.is_some() {
                Method::POST
            } else {
                Method::GET
            };
            route.method = method.unwrap_or(default);
            route.body = body;
        }
        if problems.is_empty() {
            Ok(())
        } else {
            Err(problems)
        }
    }

    fn set_launch_command(&mut self, command: &str) {
        match &mut self.launch {
            Some(launch) => launch.command = command.into(),
            None => {
                self.launch = Some(Launch {
                    command: command.into(),
                    cwd: self.base_dir.clone(),
                    ready: None,
                    timeout: LAUNCH_TIMEOUT,
                    env: Vec::new(),
                });
            }
        }
    }

    /// A target of which nothing but the address is known.
    pub(super) fn bare(kind: TargetKind, base_dir: &Path) -> Self {
        Self {
            name: String::new(),
            kind,
            launch: None,
            versions: None,
            headers: Vec::new(),
            auth: None,
            tls: Tls::default(),
            limits: Limits::default(),
            timeout: None,
            routes: Vec::new(),
            free: Vec::new(),
            origin: Origin::default(),
            flow: Flow::default(),
            idempotent_replay: false,
            dynamic_price: false,
            replicas: 1,
            fund: Vec::new(),
            budget: None,
            networks: Vec::new(),
            base_dir: base_dir.to_owned(),
        }
    }
}

fn headers(lines: &[String]) -> Result<Vec<Header>, Vec<String>> {
    let mut headers = Vec::new();
    let mut problems = Vec::new();
    for (index, line) in lines.iter().enumerate() {
        match Header::parse(line) {
            Ok(header) => headers.push(header),
            // The header is named by number: its text may be a secret.
            Err(error) if lines.len() > 1 => {
                problems.push(format!("-H number {}: {error}", index + 1))
            }
            Err(error) => problems.push(format!("-H: {error}")),
        }
    }
    if problems.is_empty() {
        Ok(headers)
    } else {
        Err(problems)
    }
}

fn read_data(data: &str, base_dir: &Path) -> Result<Vec<u8>, String> {
    match data.strip_prefix('@') {
        Some("") => Err("`@` needs a file name after it".into()),
        Some("-") => Err("standard input cannot be sent again; put the body into a file".into()),
        Some(file) => read_body(&base_dir.join(file)),
        None => Ok(data.as_bytes().to_vec()),
    }
}
