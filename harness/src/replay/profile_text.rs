//! A target profile as YAML without its secrets: header values, launch variables and the auth command become
//! `${NAME}`, to be set in the environment of whoever replays.

use std::path::Path;
use std::time::Duration;

use crate::config::TargetProfile;
use crate::config::profile::{
    Flow, Header, Launch, Origin, Price, Route, RouteKind, TargetKind, UrlTemplate,
};

/// Lines of a profile, and what must be set before it can be read again.
pub(super) struct ProfileText<'a> {
    pub(super) lines: Vec<String>,
    /// Variables, each with what it stands for.
    pub(super) variables: Vec<(String, String)>,
    /// What could not be written.
    pub(super) left_out: Vec<String>,
    hide: &'a dyn Fn(&str) -> String,
    /// Relative paths start here.
    folder: &'a Path,
}

/// Writes a profile; `hide` takes known secrets out of a text, relative paths start from `folder`.
pub(super) fn of<'a>(
    profile: &TargetProfile,
    hide: &'a dyn Fn(&str) -> String,
    folder: &'a Path,
) -> ProfileText<'a> {
    let mut text = ProfileText {
        lines: Vec::new(),
        variables: Vec::new(),
        left_out: Vec::new(),
        hide,
        folder,
    };
    text.access(profile);
    text.behaviour(profile);
    text
}

impl ProfileText<'_> {
    fn line(&mut self, line: String) {
        self.lines.push(line);
    }

    /// Text that stands for itself: known secrets hidden, `$` doubled so that nothing is expanded.
    fn quoted(&self, text: &str) -> String {
        quote(&(self.hide)(text).replace('$', "$$"))
    }

    /// A reference to a variable of the replayer's, noted for the head of the file.
    fn variable(&mut self, parts: &[&str], what: String) -> String {
        let upper = |c: char| match c.is_ascii_alphanumeric() {
            true => c.to_ascii_uppercase(),
            false => '_',
        };
        let mut name: String = format!("TARGET_{}", parts.join("_"));
        name = name.chars().map(upper).collect();
        if !self.variables.iter().any(|(known, _)| *known == name) {
            self.variables.push((name.clone(), what));
        }
        format!("${{{name}}}")
    }

    fn access(&mut self, profile: &TargetProfile) {
        let name = self.quoted(&profile.name);
        self.line(format!("name: {name}"));
        if let Some(url) = profile.url() {
            let url = self.url(url);
            self.line(format!("{}: {url}", profile.kind_name()));
        } else if let TargetKind::Client { command } = &profile.kind {
            let command = self.quoted(command);
            self.line(format!("client: {command}"));
        }
        if let Some(launch) = &profile.launch {
            self.launch(launch);
        }
        let headers = self.headers(&profile.headers, &[]);
        if let Some(headers) = headers {
            self.line(format!("headers: {headers}"));
        }
        if let Some(auth) = &profile.auth {
            let command = self.variable(
                &["auth", "command"],
                "the command that prints headers".to_owned(),
            );
            let ttl = duration(auth.ttl);
            self.line(format!(
                "auth: {{ command: {}, ttl: {ttl} }}",
                quote(&command)
            ));
        }
        if let Some(ca) = &profile.tls.ca {
            let ca = self.quoted(&self.path(ca));
            self.line(format!(
                "tls: {{ ca: {ca}, insecure: {} }}",
                profile.tls.insecure
            ));
        } else if profile.tls.insecure {
            self.line("tls: { insecure: true }".to_owned());
        }
        let limits = [
            profile.limits.rps.map(|rps| format!("rps: {rps}")),
            profile
                .limits
                .requests
                .map(|requests| format!("requests: {requests}")),
        ];
        let limits: Vec<String> = limits.into_iter().flatten().collect();
        if !limits.is_empty() {
            self.line(format!("limits: {{ {} }}", limits.join(", ")));
        }
        if let Some(timeout) = profile.timeout {
            self.line(format!("timeout: {}", duration(timeout)));
        }
    }

    fn behaviour(&mut self, profile: &TargetProfile) {
        if !profile.routes.is_empty() {
            self.line("routes:".to_owned());
        }
        for route in &profile.routes {
            let route = self.route(route);
            self.line(format!("  - {{ {route} }}"));
        }
        if !profile.free.is_empty() {
            let free: Vec<String> = profile.free.iter().map(|path| self.quoted(path)).collect();
            self.line(format!("free: [{}]", free.join(", ")));
        }
        self.origin(&profile.origin);
        if profile.flow == Flow::Upfront {
            self.line("flow: upfront".to_owned());
        }
        for (key, set) in [
            ("idempotent_replay", profile.idempotent_replay),
            ("dynamic_price", profile.dynamic_price),
        ] {
            if set {
                self.line(format!("{key}: true"));
            }
        }
        if profile.replicas > 1 {
            self.line(format!("replicas: {}", profile.replicas));
        }
        if !profile.fund.is_empty() {
            let fund = profile.fund.iter().map(|account| format!("\"{account}\""));
            self.line(format!("fund: [{}]", fund.collect::<Vec<_>>().join(", ")));
        }
    }

    /// The URL; a password in it becomes a variable.
    fn url(&mut self, url: &UrlTemplate) -> String {
        const HIDDEN: &str = ":[redacted]@";
        let text = url.as_text();
        match text.split_once(HIDDEN) {
            Some((before, after)) => {
                let password = self.variable(&["password"], "the password in its URL".to_owned());
                let hide = |text: &str| (self.hide)(text).replace('$', "$$");
                quote(&format!("{}:{password}@{}", hide(before), hide(after)))
            }
            None => self.quoted(&text),
        }
    }

    fn launch(&mut self, launch: &Launch) {
        self.line("launch:".to_owned());
        let command = self.quoted(&launch.command);
        self.line(format!("  command: {command}"));
        let cwd = self.path(&launch.cwd);
        if cwd != "." {
            let cwd = self.quoted(&cwd);
            self.line(format!("  cwd: {cwd}"));
        }
        if let Some(ready) = &launch.ready {
            let ready = self.quoted(ready);
            self.line(format!("  ready: {ready}"));
        }
        self.line(format!("  timeout: {}", duration(launch.timeout)));
        if !launch.env.is_empty() {
            self.line("  env:".to_owned());
        }
        for (name, _) in &launch.env {
            let value = self.variable(&["env", name], format!("`{name}` of its environment"));
            self.line(format!("    {}: {}", quote(name), quote(&value)));
        }
    }

    fn headers(&mut self, headers: &[Header], route: &[&str]) -> Option<String> {
        let mut pairs = Vec::new();
        for header in headers {
            let name = header.name.as_str();
            let value = if header.is_plain() {
                self.quoted(header.value.expose())
            } else {
                let parts = [route, &["header", name]].concat();
                let what = format!("the value of its header `{name}`");
                quote(&self.variable(&parts, what))
            };
            pairs.push(format!("{}: {value}", quote(name)));
        }
        (!pairs.is_empty()).then(|| format!("{{ {} }}", pairs.join(", ")))
    }

    fn route(&mut self, route: &Route) -> String {
        let mut pairs = vec![format!("path: {}", self.quoted(&route.path))];
        if let Some(example) = &route.example {
            pairs.push(format!("example: {}", self.quoted(example)));
        }
        match route.kind {
            RouteKind::Static => {}
            RouteKind::Parameter => pairs.push("kind: parameter".to_owned()),
            RouteKind::Wildcard => pairs.push("kind: wildcard".to_owned()),
        }
        pairs.push(format!("method: {}", quote(route.method.as_str())));
        let place = [route.path.trim_matches('/')];
        if let Some(headers) = self.headers(&route.headers, &place) {
            pairs.push(format!("headers: {headers}"));
        }
        match route.body.as_deref().map(std::str::from_utf8) {
            Some(Ok(body)) => pairs.push(format!("body: {}", self.quoted(body))),
            Some(Err(_)) => {
                let path = &route.path;
                self.left_out
                    .push(format!("the body of {path}, which is not text"));
            }
            None => {}
        }
        match &route.price {
            Some(Price::BaseUnits(units)) => pairs.push(format!("price: {}", quote(units))),
            Some(Price::Usd(dollars)) => {
                pairs.push(format!("price: {}", quote(&format!("$${dollars}"))))
            }
            None => {}
        }
        pairs.join(", ")
    }

    fn origin(&mut self, origin: &Origin) {
        let rows = [
            ("marker", &origin.marker),
            ("executions", &origin.executions),
            ("status", &origin.status),
            ("delay", &origin.delay),
            ("stream", &origin.stream),
        ];
        let pair = |(key, value): &(&str, &Option<String>)| {
            let value = value.as_ref()?;
            Some(format!("{key}: {}", self.quoted(value)))
        };
        let pairs: Vec<String> = rows.iter().filter_map(pair).collect();
        if !pairs.is_empty() {
            self.line(format!("origin: {{ {} }}", pairs.join(", ")));
        }
    }

    /// A path as seen from the folder, where it is below it.
    fn path(&self, path: &Path) -> String {
        let below = path.strip_prefix(self.folder).unwrap_or(path);
        match below.display().to_string() {
            same if same.is_empty() => ".".to_owned(),
            below => below,
        }
    }
}

/// A text in double quotes, as JSON and YAML read it.
pub(super) fn quote(text: &str) -> String {
    serde_json::Value::String(text.to_owned()).to_string()
}

fn duration(duration: Duration) -> String {
    match duration.subsec_millis() {
        0 => format!("{}s", duration.as_secs()),
        _ => format!("{}ms", duration.as_millis()),
    }
}
