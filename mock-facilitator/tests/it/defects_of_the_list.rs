//! Defects of a facilitator that lists resources.

use std::time::Duration;

use serde_json::json;
use tokio::net::TcpListener;
use x402_mock_facilitator::Defect;

use super::Rig;

impl Rig {
    /// True when the facilitator does what only the defective one does.
    pub(super) async fn catalogues_wrongly(&self, defect: Defect) -> bool {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
        let place = listener.local_addr().unwrap();
        // Whoever connects is seen, and gets nothing.
        let mut fetched = tokio::spawn(async move { listener.accept().await.map(|_| ()).is_ok() });
        let mut body = self.honest();
        body["paymentPayload"]["resource"] = json!({ "url": "http://localhost/paid" });
        body["paymentPayload"]["extensions"] = json!({ "bazaar": {
            "info": { "method": 7 },
            "schema": { "$ref": format!("http://{place}/schema.json"), "type": "object" },
        } });
        assert!(self.settled(&body).await);
        let url = format!("{}/discovery/resources?limit=1", self.bench.url);
        let (status, list) = self.bench.get(&url).await;
        let supported = self
            .bench
            .get(&format!("{}/supported", self.bench.url))
            .await
            .1;
        if !self.wrong {
            assert_eq!((status, &supported["extensions"]), (404, &json!([])));
            fetched.abort();
            return fetched.await.is_ok_and(|fetched| fetched);
        }
        assert_eq!(
            (status, &supported["extensions"]),
            (200, &json!(["bazaar"]))
        );
        assert_eq!(list["pagination"]["limit"], 1);
        if defect == Defect::BazaarListsAnything {
            let item = &list["items"][0];
            assert_eq!(item["resource"], "http://localhost/paid");
            assert!(!fetched.is_finished(), "nothing is fetched");
            fetched.abort();
            return item["extensions"]["bazaar"]["info"]["method"] == 7;
        }
        assert_eq!(list["items"], json!([]));
        let within = Duration::from_secs(30);
        matches!(
            tokio::time::timeout(within, &mut fetched).await,
            Ok(Ok(true))
        )
    }
}
