//! What exactly is started: `{port}` filled in, environment merged. Pure.

use std::fmt;
use std::path::PathBuf;
use std::time::Duration;

use url::Url;

use super::LaunchError;
use crate::config::TargetProfile;
use crate::config::profile::UrlTemplate;

/// The placeholder for the target's port.
const PORT: &str = "{port}";

/// One target to start, with nothing left open.
#[derive(Clone)]
pub struct LaunchPlan {
    /// What `sh -c` runs.
    pub command: String,
    /// Where it runs.
    pub cwd: PathBuf,
    /// Its variables on top of our own environment; each name once.
    pub env: Vec<(String, String)>,
    /// The target's port.
    pub port: u16,
    /// The target's base URL.
    pub url: Url,
    /// Where readiness is asked for.
    pub ready_url: Url,
    /// Whether a path was named, which must then answer below 500.
    pub ready_path_given: bool,
    /// How long starting may take.
    pub timeout: Duration,
}

impl LaunchPlan {
    /// Merges the profile with what the bench gives (`given`: FACILITATOR_URL, RPC_URL, ...);
    /// PORT is added, and the profile's own `env` wins over both. `free_port` is asked for only
    /// when the URL leaves its port open.
    pub fn new(
        profile: &TargetProfile,
        given: &[(String, String)],
        free_port: impl FnOnce() -> std::io::Result<u16>,
    ) -> Result<Self, LaunchError> {
        let launch = profile
            .launch
            .as_ref()
            .ok_or(LaunchError::NothingToLaunch)?;
        let template = profile.url().ok_or(LaunchError::NothingToLaunch)?;
        let port = match template.port() {
            Some(port) => port,
            None => free_port().map_err(LaunchError::Port)?,
        };
        let fill = |text: &str| text.replace(PORT, &port.to_string());
        let mut env: Vec<(String, String)> = Vec::new();
        set(&mut env, "PORT", port.to_string());
        for (name, value) in given {
            set(&mut env, name, value.clone());
        }
        for (name, value) in &launch.env {
            set(&mut env, name, fill(value.expose()));
        }
        let ready_url = ready_url(profile, template, launch.ready.as_deref(), port);
        Ok(Self {
            command: fill(&launch.command),
            cwd: launch.cwd.clone(),
            env,
            port,
            url: template.resolve(port),
            ready_url,
            ready_path_given: launch.ready.is_some(),
            timeout: launch.timeout,
        })
    }
}

/// The ready path stands at the root of the server, not below the URL's path.
fn ready_url(
    profile: &TargetProfile,
    template: &UrlTemplate,
    ready: Option<&str>,
    port: u16,
) -> Url {
    let base = template.resolve(port);
    match ready {
        Some(path) => base.join(path).unwrap_or(base),
        None => {
            let first = profile.routes.first().map(|route| route.request_path());
            first
                .and_then(|path| profile.url_of(path, port))
                .unwrap_or(base)
        }
    }
}

/// Sets a variable, replacing an earlier value.
fn set(env: &mut Vec<(String, String)>, name: &str, value: String) {
    match env.iter_mut().find(|(given, _)| given == name) {
        Some(slot) => slot.1 = value,
        None => env.push((name.to_owned(), value)),
    }
}

/// Values stay out: they may be secrets and private keys.
impl fmt::Debug for LaunchPlan {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names: Vec<&str> = self.env.iter().map(|(name, _)| name.as_str()).collect();
        f.debug_struct("LaunchPlan")
            .field("command", &self.command)
            .field("cwd", &self.cwd)
            .field("env", &names)
            .field("port", &self.port)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;
    use crate::config::profile::parse;

    fn plan(yaml: &str, given: &[(&str, &str)]) -> LaunchPlan {
        let profile = parse(yaml, "t.yaml", Path::new("."), &|_| None).unwrap();
        let given: Vec<_> = given
            .iter()
            .map(|(n, v)| ((*n).into(), (*v).into()))
            .collect();
        LaunchPlan::new(&profile, &given, || Ok(4321)).unwrap()
    }

    fn value<'a>(plan: &'a LaunchPlan, name: &str) -> &'a str {
        let found: Vec<_> = plan.env.iter().filter(|(given, _)| given == name).collect();
        assert_eq!(found.len(), 1, "{name} must be there once");
        &found[0].1
    }

    #[test]
    fn the_port_is_filled_in_everywhere() {
        let yaml = "server: \"http://127.0.0.1:{port}/api\"\nlaunch:\n  command: serve --port {port}\n  ready: /health\n  env: { ADDRESS: \"127.0.0.1:{port}\" }\n";
        let plan = plan(yaml, &[]);
        assert_eq!(plan.command, "serve --port 4321");
        assert_eq!(value(&plan, "PORT"), "4321");
        assert_eq!(value(&plan, "ADDRESS"), "127.0.0.1:4321");
        assert_eq!(plan.ready_url.as_str(), "http://127.0.0.1:4321/health");
        assert!(plan.ready_path_given);
    }

    #[test]
    fn the_profile_wins_over_the_bench() {
        let yaml = "server: http://127.0.0.1:81/paid\nlaunch: { command: x, env: { PORT: 9, RPC_URL: mine } }\n";
        let plan = plan(yaml, &[("RPC_URL", "ours"), ("ASSET", "0x1")]);
        assert_eq!(value(&plan, "PORT"), "9");
        assert_eq!(value(&plan, "RPC_URL"), "mine");
        assert_eq!(value(&plan, "ASSET"), "0x1");
        assert_eq!(plan.port, 81);
        assert_eq!(plan.ready_url.as_str(), "http://127.0.0.1:81/paid");
    }

    #[test]
    fn values_are_not_shown() {
        let yaml = "server: http://h\nlaunch: { command: x, env: { T: s3cret } }\n";
        assert!(!format!("{:?}", plan(yaml, &[("K", "k3y")])).contains("3"));
    }

    #[test]
    fn only_what_can_be_launched_is() {
        let profile = parse("server: http://h\n", "t.yaml", Path::new("."), &|_| None).unwrap();
        let plan = LaunchPlan::new(&profile, &[], || Ok(1));
        assert!(matches!(plan, Err(LaunchError::NothingToLaunch)));
    }
}
