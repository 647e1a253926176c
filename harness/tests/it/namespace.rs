//! A server in a network namespace of its own reaches facilitator and chain through `--bind` and `--advertise-host`.

use std::process::Command;
use std::time::Duration;

use crate::support::assay;
use crate::support::requirements::require;

/// A namespace with a veth pair; gone when dropped.
struct Namespace {
    name: String,
    /// Our end of the link.
    host: String,
    /// The namespace's end.
    guest: String,
}

fn ip(arguments: &str) -> Result<(), String> {
    let output = Command::new("ip")
        .args(arguments.split_whitespace())
        .output()
        .map_err(|error| format!("ip: {error}"))?;
    if output.status.success() {
        Ok(())
    } else {
        Err(format!(
            "ip {arguments}: {}",
            String::from_utf8_lossy(&output.stderr).trim()
        ))
    }
}

impl Namespace {
    fn new() -> Result<Self, String> {
        // Names and addresses differ per process, so that two test runs do not meet.
        let number = std::process::id() % 250 + 2;
        let name = format!("assay{number}");
        let (host, guest) = (format!("10.231.{number}.1"), format!("10.231.{number}.2"));
        ip(&format!("netns add {name}"))?;
        let namespace = Self {
            name: name.clone(),
            host,
            guest,
        };
        let (near, far) = (format!("asy{number}a"), format!("asy{number}b"));
        ip(&format!(
            "link add {near} type veth peer name {far} netns {name}"
        ))?;
        ip(&format!("addr add {}/30 dev {near}", namespace.host))?;
        ip(&format!("link set {near} up"))?;
        ip(&format!(
            "-n {name} addr add {}/30 dev {far}",
            namespace.guest
        ))?;
        ip(&format!("-n {name} link set {far} up"))?;
        ip(&format!("-n {name} link set lo up"))?;
        Ok(namespace)
    }
}

impl Drop for Namespace {
    fn drop(&mut self) {
        let _ = ip(&format!("netns delete {}", self.name));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_elsewhere_reaches_us_by_the_advertised_name() {
    let Some(namespace) = require("a network namespace (root and iproute2)", Namespace::new())
    else {
        return;
    };
    let modules = crate::typescript::install("typescript-v2");
    let Some(folder) = require("npm packages of interop/typescript-v2", modules.await) else {
        return;
    };
    let url = format!("http://{}:{{port}}/paid", namespace.guest);
    let launch = format!(
        "cd {} && HOST={} exec ip netns exec {} node server.mjs",
        folder.display(),
        namespace.guest,
        namespace.name
    );
    let args = [
        "run",
        "--server",
        &url,
        "--launch",
        &launch,
        "--bind",
        &namespace.host,
        "--advertise-host",
        &namespace.host,
        "--timeout",
        "20s",
    ];
    let ran = tokio::time::timeout(Duration::from_secs(180), assay(&args))
        .await
        .unwrap();
    let report = ran.exits(0).report();
    assert_eq!(report["target"]["uses_our_facilitator"], true);
    assert!(report["money"]["settled"].as_u64().unwrap() > 0);
}
