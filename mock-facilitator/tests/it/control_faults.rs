//! Faults, holds and defects through the control port.

use serde_json::{Value, json};
use x402_assay_protocol::Version;
use x402_mock_facilitator::control::{DefectList, FaultList, HoldList};
use x402_mock_facilitator::{Defect, FaultView, HoldView};

use crate::bench::Bench;

async fn ask(bench: &Bench, method: &str, path: &str, body: &Value) -> (u16, Value) {
    let method = reqwest::Method::from_bytes(method.as_bytes()).unwrap();
    let url = format!("{}{path}", bench.control);
    let request = bench.client.request(method, url).body(body.to_string());
    let response = request.send().await.unwrap();
    (response.status().as_u16(), response.json().await.unwrap())
}

fn typed<T: serde::de::DeserializeOwned>(value: Value) -> T {
    serde_json::from_value(value).unwrap()
}

#[tokio::test]
async fn a_fault_is_added_seen_and_removed_under_its_name() {
    let bench = Bench::start().await;
    let spec = json!({
        "name": "run-1.busy",
        "match": { "endpoint": "settle", "nth": "1-2", "payer": bench.payer.address() },
        "fault": { "status": { "status": 503, "work": false } },
    });
    let (status, added) = ask(&bench, "POST", "/faults", &spec).await;
    assert_eq!(status, 201, "{added}");
    let body = bench.honest(Version::V2).to_string();
    for expected in [503, 503, 200] {
        assert_eq!(bench.send("/settle", body.clone()).await.0, expected);
    }
    let (_, list) = bench.get(&format!("{}/faults", bench.control)).await;
    let list: FaultList = typed(list);
    assert_eq!((list.seed, list.faults.len()), (0, 1));
    let (status, view) = ask(&bench, "DELETE", "/faults/run-1.busy", &Value::Null).await;
    let view: FaultView = typed(view);
    assert_eq!((status, view.seen, view.fired), (200, 3, 2));
    let (status, gone) = bench
        .get(&format!("{}/faults/run-1.busy", bench.control))
        .await;
    assert_eq!(status, 404, "{gone}");
}

#[tokio::test]
async fn a_restart_is_asked_for_by_how_it_ends() {
    let bench = Bench::start().await;
    for how in ["kill", "stop"] {
        let (status, told) = ask(&bench, "POST", "/restart", &json!({ "how": how })).await;
        assert_eq!((status, told), (200, json!({ "broken_off": 0 })));
    }
    let body = bench.honest(Version::V2);
    assert_eq!(bench.verify(&body).await["isValid"], true);
    let (status, told) = ask(&bench, "POST", "/restart", &json!({ "how": "gently" })).await;
    assert_eq!(status, 400, "{told}");
}

#[tokio::test]
async fn runs_beside_each_other_clean_up_by_prefix() {
    let bench = Bench::start().await;
    for name in ["a.1", "a.2", "b.1"] {
        let spec = json!({ "name": name, "fault": { "latency": { "delay_ms": 0 } } });
        assert_eq!(ask(&bench, "POST", "/faults", &spec).await.0, 201);
        let spec = json!({ "name": name, "endpoint": "verify", "count": 2 });
        assert_eq!(ask(&bench, "POST", "/holds", &spec).await.0, 201);
    }
    let (_, gone) = ask(&bench, "DELETE", "/faults?prefix=a.", &Value::Null).await;
    assert_eq!(typed::<FaultList>(gone).faults.len(), 2);
    let (_, gone) = ask(&bench, "DELETE", "/holds?prefix=a.", &Value::Null).await;
    assert_eq!(typed::<HoldList>(gone).holds.len(), 2);
    let (_, left) = bench.get(&format!("{}/holds", bench.control)).await;
    assert_eq!(typed::<HoldList>(left).holds[0].hold.name, "b.1");
    assert_eq!(ask(&bench, "DELETE", "/faults", &Value::Null).await.0, 200);
    assert_eq!(bench.facilitator.faults().list(), vec![]);
}

#[tokio::test]
async fn mistakes_name_what_was_probably_meant() {
    let bench = Bench::start().await;
    let known = json!({ "name": "slow-settle", "fault": { "latency": { "delay_ms": 0 } } });
    assert_eq!(ask(&bench, "POST", "/faults", &known).await.0, 201);
    let post =
        |path: &'static str, body: Value, says: &'static str| ("POST", path, body, 400, says);
    let fault = |body: Value, says: &'static str| post("/faults", json!({ "fault": body }), says);
    let outage_at =
        |endpoint: &str| json!({ "match": { "endpoint": endpoint }, "fault": { "outage": {} } });
    for (method, path, body, status, says) in [
        fault(
            json!({ "latency": { "dely_ms": 1 } }),
            "did you mean `delay_ms`?",
        ),
        fault(json!({ "reste": {} }), "did you mean `reset`?"),
        fault(
            json!({ "body": { "case": "htlm" } }),
            "did you mean `html`?",
        ),
        post("/faults", outage_at("setle"), "did you mean `settle`?"),
        post("/faults", outage_at("settle"), "leave `match` out"),
        ("POST", "/faults", known, 409, "`slow-settle` already"),
        post(
            "/holds",
            json!({ "endpoint": "verify", "cuont": 2 }),
            "did you mean `count`?",
        ),
        (
            "PUT",
            "/defects",
            json!({ "on": ["verify-setles"] }),
            400,
            "`verify-settles`?",
        ),
        (
            "DELETE",
            "/faults/slow-setle",
            Value::Null,
            404,
            "did you mean `slow-settle`?",
        ),
        (
            "GET",
            "/holds/nothing",
            Value::Null,
            404,
            "no hold `nothing`",
        ),
        ("DELETE", "/faults?prefx=a", Value::Null, 400, "prefx"),
    ] {
        let (found, answer) = ask(&bench, method, path, &body).await;
        assert_eq!(found, status, "{path} {body}: {answer}");
        let error = answer["error"].as_str().unwrap();
        assert!(error.contains(says), "{path} {body}: {error}");
    }
    assert_eq!(
        bench.facilitator.faults().list().len(),
        1,
        "nothing half-right was added"
    );
}

#[tokio::test]
async fn a_hold_shows_its_rounds() {
    let bench = Bench::start().await;
    let spec =
        json!({ "endpoint": "verify", "count": 2, "or_quiet_ms": 30_000, "release": "in-order" });
    let (_, added) = ask(&bench, "POST", "/holds", &spec).await;
    let name = typed::<HoldView>(added).hold.name;
    let body = bench.honest(Version::V2);
    tokio::join!(bench.verify(&body), bench.verify(&body));
    let (_, view) = bench.get(&format!("{}/holds/{name}", bench.control)).await;
    let view: HoldView = typed(view);
    assert_eq!((view.rounds[0].calls.len(), view.over), (2, true));
}

#[tokio::test]
async fn defects_are_listed_and_switched() {
    let bench = Bench::start().await;
    let on = json!({ "on": ["success-without-settling"] });
    let (status, list) = ask(&bench, "PUT", "/defects", &on).await;
    let list: DefectList = typed(list);
    assert_eq!((status, list.defects.len()), (200, Defect::ALL.len()));
    assert_eq!(list.defects.iter().filter(|defect| defect.on).count(), 1);
    bench.settle(&bench.honest(Version::V2)).await;
    assert_eq!(bench.transfers().await, vec![]);
    ask(&bench, "PUT", "/defects", &json!({ "on": [] })).await;
    bench.settle(&bench.honest(Version::V2)).await;
    assert_eq!(bench.transfers().await.len(), 1);
}
