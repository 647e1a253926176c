//! Fresh headers for a target, printed by a command of the user's (profile key `auth`).

use std::process::Stdio;
use std::time::{Duration, Instant};

use tokio::process::Command;
use tokio::sync::Mutex;

use crate::config::profile::{Auth, Header};
use crate::os;

/// Time the command may take.
const DEADLINE: Duration = Duration::from_secs(20);
/// Bytes of its output that are read.
const OUTPUT_MAX: usize = 64 << 10;

/// Calls the command when its headers have run out.
#[derive(Debug)]
pub(crate) struct AuthCommand {
    auth: Auth,
    directory: std::path::PathBuf,
    cached: Mutex<Vec<Cached>>,
}

#[derive(Debug)]
struct Cached {
    call: [String; 3],
    until: Instant,
    headers: Vec<Header>,
}

impl AuthCommand {
    pub(crate) fn new(auth: Auth, directory: std::path::PathBuf) -> Self {
        Self {
            auth,
            directory,
            cached: Mutex::default(),
        }
    }

    /// The headers for one request.
    pub(crate) async fn headers(
        &self,
        method: &str,
        host: &str,
        path: &str,
    ) -> Result<Vec<Header>, String> {
        let call = [method, host, path].map(str::to_owned);
        let mut cached = self.cached.lock().await;
        let now = Instant::now();
        cached.retain(|entry| entry.until > now);
        if let Some(entry) = cached.iter().find(|entry| entry.call == call) {
            return Ok(entry.headers.clone());
        }
        let headers = self.run(&call).await?;
        let until = now + self.auth.ttl;
        cached.push(Cached {
            call,
            until,
            headers: headers.clone(),
        });
        Ok(headers)
    }

    async fn run(&self, call: &[String; 3]) -> Result<Vec<Header>, String> {
        let shell = os::shell(&self.auth.command, call);
        let mut command = Command::new(shell.program);
        command.args(shell.args);
        if let Some(raw) = shell.raw {
            os::raw_arg(&mut command, raw.as_ref());
        }
        let output = command
            .current_dir(&self.directory)
            .stdin(Stdio::null())
            .kill_on_drop(true)
            .output();
        let name = &self.auth.command;
        let output = tokio::time::timeout(DEADLINE, output)
            .await
            .map_err(|_| format!("auth.command `{name}` took longer than {DEADLINE:?}"))?
            .map_err(|error| format!("auth.command `{name}` cannot be run: {error}"))?;
        if !output.status.success() {
            return Err(format!(
                "auth.command `{name}` ended with {}",
                output.status
            ));
        }
        let text = String::from_utf8_lossy(&output.stdout[..output.stdout.len().min(OUTPUT_MAX)]);
        text.lines()
            .filter(|line| !line.trim().is_empty())
            .map(|line| {
                Header::parse(line).map_err(|why| format!("auth.command `{name}` printed: {why}"))
            })
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn command(text: &str) -> AuthCommand {
        let auth = Auth {
            command: text.to_owned(),
            ttl: Duration::from_secs(60),
        };
        AuthCommand::new(auth, std::env::temp_dir())
    }

    #[tokio::test]
    async fn the_command_is_called_with_method_host_and_path() {
        let auth = command("printf 'X-Call: %s %s %s\\n'");
        let headers = auth.headers("GET", "localhost", "/paid").await.unwrap();
        assert_eq!(headers[0].name.as_str(), "x-call");
        assert_eq!(headers[0].value.expose(), "GET localhost /paid");
    }

    #[tokio::test]
    async fn headers_are_kept_until_they_run_out() {
        let auth = command("echo \"X-Time: $(date +%N)-$$\" #");
        let first = auth.headers("GET", "a", "/").await.unwrap();
        assert_eq!(auth.headers("GET", "a", "/").await.unwrap(), first);
        assert_ne!(auth.headers("GET", "a", "/other").await.unwrap(), first);
    }

    #[tokio::test]
    async fn a_failing_command_is_named() {
        let error = command("false").headers("GET", "a", "/").await.unwrap_err();
        assert!(error.contains("`false` ended with"), "{error}");
        let error = command("echo no-colon #")
            .headers("GET", "a", "/")
            .await
            .unwrap_err();
        assert!(error.contains("no colon"), "{error}");
    }
}
