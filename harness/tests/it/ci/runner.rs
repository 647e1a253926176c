//! A small runner: the steps of a job in order, with the files and variables of the hosted one. It executes every `run`
//! and our own action; steps of others are noted. An expression it does not know fails the test.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process_group};
use serde_json::{Map, Value};
use tempfile::TempDir;
use tokio::process::Command;

use super::files::{as_json, read, root};

/// Longest step: the packages of a server are installed, or a whole run.
const STEP_MAX: Duration = Duration::from_secs(400);

/// Outputs of the steps so far, by `id.name`.
type Outputs = BTreeMap<String, String>;

/// A job under way.
pub(super) struct Runner {
    /// The checked-out project.
    workspace: PathBuf,
    temp: TempDir,
    pub(super) env: BTreeMap<String, String>,
    path: Vec<PathBuf>,
    /// Everything that was printed.
    pub(super) log: String,
    /// Outputs of the action, by name; the last use wins.
    pub(super) outputs: Outputs,
    /// Steps of others, as `uses` or with the path they would upload.
    pub(super) noted: Vec<String>,
    pub(super) failed: bool,
    groups: Vec<Pid>,
}

/// What expressions may name.
struct Scope<'s> {
    inputs: &'s Map<String, Value>,
    outputs: &'s Outputs,
}

impl Runner {
    pub(super) fn new(workspace: &Path) -> Self {
        let temp = tempfile::tempdir().unwrap();
        let env = [
            ("CI", "true"),
            ("GITHUB_ACTIONS", "true"),
            (
                "RUNNER_OS",
                if cfg!(target_os = "macos") {
                    "macOS"
                } else {
                    "Linux"
                },
            ),
            (
                "RUNNER_ARCH",
                if cfg!(target_arch = "aarch64") {
                    "ARM64"
                } else {
                    "X64"
                },
            ),
            ("npm_config_prefer_offline", "true"),
            ("npm_config_audit", "false"),
            ("npm_config_fund", "false"),
            // Ports of their own: other tests run at the same time.
            ("X402_ASSAY_FACILITATOR_PORT", "0"),
            ("X402_ASSAY_CONTROL_PORT", "0"),
            ("X402_ASSAY_RPC_PORT", "0"),
        ];
        let mut env: BTreeMap<String, String> = env
            .map(|(name, value)| (name.to_owned(), value.to_owned()))
            .into();
        env.insert("RUNNER_TEMP".to_owned(), temp.path().display().to_string());
        for file in ["output", "path", "env", "summary"] {
            std::fs::write(temp.path().join(file), "").unwrap();
        }
        Self {
            workspace: workspace.to_owned(),
            temp,
            env,
            path: Vec::new(),
            log: String::new(),
            outputs: Outputs::new(),
            noted: Vec::new(),
            failed: false,
            groups: Vec::new(),
        }
    }

    /// Puts a folder in front of the path.
    pub(super) fn add_path(&mut self, folder: &Path) {
        self.path.push(folder.to_owned());
    }

    /// What was put into the step summary.
    pub(super) fn summary(&self) -> String {
        std::fs::read_to_string(self.temp.path().join("summary")).unwrap()
    }

    /// Runs the only job of a workflow.
    pub(super) async fn job(&mut self, workflow: &Value, changes: &[(&str, &str)]) {
        let jobs = workflow["jobs"].as_object().unwrap();
        assert_eq!(jobs.len(), 1);
        let job = jobs.values().next().unwrap();
        self.declare(&job["env"]);
        for step in job["steps"].as_array().unwrap() {
            self.step(step, changes).await;
        }
    }

    fn declare(&mut self, env: &Value) {
        for (name, value) in env.as_object().into_iter().flatten() {
            self.env.insert(name.clone(), text(value));
        }
    }

    /// One step of a workflow; `changes` are replacements in what it is given.
    pub(super) async fn step(&mut self, step: &Value, changes: &[(&str, &str)]) {
        let (none, outputs) = (Map::new(), Outputs::new());
        let scope = Scope {
            inputs: &none,
            outputs: &outputs,
        };
        if !self.goes_ahead(step, &scope) {
            return;
        }
        if let Some(script) = step["run"].as_str() {
            let env = scope.all(&step["env"]);
            self.bash(&changed(script, changes), env, "bash -e").await;
            return;
        }
        let uses = step["uses"].as_str().expect("a step runs or uses");
        if !uses.starts_with("x402-assay/") {
            self.noted.push(uses.to_owned());
            return;
        }
        let mut given = step["with"].as_object().cloned().unwrap_or_default();
        for value in given.values_mut() {
            *value = changed(&text(value), changes).into();
        }
        self.action(given).await;
    }

    /// Our own action with these inputs.
    pub(super) async fn action(&mut self, given: Map<String, Value>) {
        let action = as_json("action.yml", &read("action.yml"));
        let mut inputs = Map::new();
        for (name, declared) in action["inputs"].as_object().unwrap() {
            let default = declared.get("default").map(text).unwrap_or_default();
            inputs.insert(name.clone(), default.into());
        }
        for (name, value) in given {
            let known = inputs.insert(name.clone(), value);
            assert!(known.is_some(), "the action has no input {name}");
        }
        self.env.insert(
            "GITHUB_ACTION_PATH".to_owned(),
            root().display().to_string(),
        );
        let mut outputs = Outputs::new();
        for step in action["runs"]["steps"].as_array().unwrap() {
            let scope = Scope {
                inputs: &inputs,
                outputs: &outputs,
            };
            if !self.goes_ahead(step, &scope) {
                continue;
            }
            if let Some(uses) = step["uses"].as_str() {
                let with = scope.all(&step["with"]);
                self.noted
                    .push(format!("{uses} {}={}", with["name"], with["path"]));
                continue;
            }
            assert_eq!(step["shell"], "bash", "a composite step names its shell");
            let env = scope.all(&step["env"]);
            let script = step["run"].as_str().unwrap();
            self.bash(script, env, "bash --noprofile --norc -eo pipefail")
                .await;
            for (name, value) in self.take("output") {
                let id = step["id"].as_str().expect("a step with outputs has an id");
                outputs.insert(format!("{id}.{name}"), value);
            }
        }
        let scope = Scope {
            inputs: &inputs,
            outputs: &outputs,
        };
        for (name, declared) in action["outputs"].as_object().unwrap() {
            let value = scope.expand(declared["value"].as_str().unwrap());
            self.outputs.insert(name.clone(), value);
        }
    }

    fn goes_ahead(&self, step: &Value, scope: &Scope<'_>) -> bool {
        let condition = step["if"].as_str().unwrap_or("success()");
        let parts: Vec<&str> = condition.split("&&").map(str::trim).collect();
        let always = parts.contains(&"always()");
        (always || !self.failed) && parts.iter().all(|part| scope.holds(part))
    }

    /// A script as the runner starts it: a file, in a group of its own, with the path and variables so far.
    pub(super) async fn bash(&mut self, script: &str, env: BTreeMap<String, String>, shell: &str) {
        let file = self.temp.path().join("script.sh");
        std::fs::write(&file, script).unwrap();
        let mut words = shell.split(' ');
        let mut command = Command::new(words.next().unwrap());
        command.args(words).arg(&file).current_dir(&self.workspace);
        for (name, _) in std::env::vars_os() {
            if name.to_string_lossy().starts_with("X402_ASSAY_") {
                command.env_remove(name);
            }
        }
        let path = std::env::var_os("PATH").unwrap_or_default();
        let path = self
            .path
            .iter()
            .rev()
            .cloned()
            .chain(std::env::split_paths(&path));
        let at = |name: &str| self.temp.path().join(name);
        command
            .envs(&self.env)
            .envs(env)
            .env("PATH", std::env::join_paths(path).unwrap())
            .env("GITHUB_OUTPUT", at("output"))
            .env("GITHUB_PATH", at("path"))
            .env("GITHUB_ENV", at("env"))
            .env("GITHUB_STEP_SUMMARY", at("summary"))
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .process_group(0)
            .kill_on_drop(true);
        let child = command.spawn().unwrap();
        let group = child.id().and_then(|id| Pid::from_raw(id.cast_signed()));
        self.groups.extend(group);
        let output = tokio::time::timeout(STEP_MAX, child.wait_with_output()).await;
        let output = output.unwrap_or_else(|_| panic!("no end within {STEP_MAX:?}: {script}"));
        let output = output.unwrap();
        let told = [&output.stdout[..], &output.stderr[..]].map(String::from_utf8_lossy);
        self.log
            .push_str(&format!("$ {script}\n{}{}", told[0], told[1]));
        self.failed |= !output.status.success();
        for line in self.take_lines("path") {
            self.path.push(line.into());
        }
        for (name, value) in self.take("env") {
            if name == "X402_ASSAY_ATTACH" {
                // `down` finds it at its default port; here it has another.
                self.env
                    .insert("X402_ASSAY_CONTROL_URL".to_owned(), value.clone());
                self.env.retain(|name, _| !name.ends_with("_PORT"));
            }
            self.env.insert(name, value);
        }
    }

    fn take_lines(&self, file: &str) -> Vec<String> {
        let file = self.temp.path().join(file);
        let text = std::fs::read_to_string(&file).unwrap();
        std::fs::write(&file, "").unwrap();
        text.lines().map(str::to_owned).collect()
    }

    fn take(&self, file: &str) -> Vec<(String, String)> {
        let lines = self.take_lines(file).into_iter();
        lines
            .map(|line| {
                let (name, value) = line.split_once('=').expect("name=value");
                (name.to_owned(), value.to_owned())
            })
            .collect()
    }
}

impl Drop for Runner {
    fn drop(&mut self) {
        for group in &self.groups {
            // Most of them are over.
            let _ = kill_process_group(*group, Signal::KILL);
        }
        if let Some(url) = self.env.get("X402_ASSAY_CONTROL_URL") {
            // What `up` left, where a test ended before its `down`.
            let _ = std::process::Command::new(env!("CARGO_BIN_EXE_x402-assay"))
                .args(["down", "--control-url", url])
                .stderr(Stdio::null())
                .status();
        }
    }
}

impl Scope<'_> {
    fn all(&self, env: &Value) -> BTreeMap<String, String> {
        let members = env.as_object().into_iter().flatten();
        members
            .map(|(name, value)| (name.clone(), self.expand(&text(value))))
            .collect()
    }

    fn expand(&self, template: &str) -> String {
        let mut parts = template.split("${{");
        let mut done = parts.next().unwrap_or_default().to_owned();
        for part in parts {
            let (name, rest) = part.split_once("}}").expect("an expression ends");
            done.push_str(&self.value(name.trim()));
            done.push_str(rest);
        }
        done
    }

    fn value(&self, name: &str) -> String {
        if let Some(input) = name.strip_prefix("inputs.") {
            let value = self.inputs.get(input);
            return text(value.unwrap_or_else(|| panic!("no input {input}")));
        }
        let output = name.strip_prefix("steps.");
        let output = output.and_then(|rest| rest.split_once(".outputs."));
        let Some((id, output)) = output else {
            panic!("an expression this runner does not know: {name}");
        };
        // A step that did not run has empty outputs.
        let value = self.outputs.get(&format!("{id}.{output}"));
        value.cloned().unwrap_or_default()
    }

    fn holds(&self, condition: &str) -> bool {
        if matches!(condition, "always()" | "success()") {
            return true;
        }
        let (negated, sides) = match condition.split_once("!=") {
            Some(sides) => (true, sides),
            None => (false, condition.split_once("==").expect(condition)),
        };
        let wanted = sides.1.trim().trim_matches('\'');
        (self.value(sides.0.trim()) == wanted) != negated
    }
}

fn text(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        Value::Null => String::new(),
        other => other.to_string(),
    }
}

fn changed(text: &str, changes: &[(&str, &str)]) -> String {
    let mut text = text.to_owned();
    for (from, to) in changes {
        text = text.replace(from, to);
    }
    text
}
