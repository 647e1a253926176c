//! Defects in how requests are read and answers are written.

use serde_json::{Value, json};
use x402_mock_facilitator::Defect;

use super::Rig;
use crate::bench::{PAYEE, unix_s};

impl Rig {
    /// True when the facilitator does what only the defective one does.
    pub(super) async fn reads_or_answers_wrongly(&self, defect: Defect) -> bool {
        match defect {
            Defect::SchemeNotCompared
            | Defect::NetworkNotCompared
            | Defect::AssetNotCompared
            | Defect::VersionNotChecked
            | Defect::VersionsMixed
            | Defect::HighSIsValid => self.valid(&self.misread(defect)).await,
            Defect::MarginTooWide => !self.valid(&self.ending(unix_s() + 40)).await,
            Defect::SupportedWithoutSigners
            | Defect::SupportedOtherSigners
            | Defect::SupportedMixesSpellings
            | Defect::SupportedWithoutVersions
            | Defect::SupportedWithoutFeePayer => self.lists_wrongly(defect).await,
            Defect::SettleNotFound
            | Defect::SettleShapeDiffers
            | Defect::DuplicateNewSuccess
            | Defect::SuccessWithoutTransaction
            | Defect::FailureWithoutReason => self.settles_oddly(defect).await,
            other => self.verifies_oddly(other).await,
        }
    }

    /// A payment that only this defect takes for a good one.
    fn misread(&self, defect: Defect) -> Value {
        let mut body = self.honest();
        match defect {
            Defect::SchemeNotCompared => {
                body["paymentPayload"]["accepted"]["scheme"] = json!("bogus");
            }
            Defect::NetworkNotCompared => {
                body["paymentPayload"]["accepted"]["network"] = json!("eip155:8453");
            }
            Defect::AssetNotCompared => {
                let other = "0x0808080808080808080808080808080808080808";
                body["paymentRequirements"]["asset"] = json!(other);
            }
            Defect::VersionNotChecked => {
                body["x402Version"] = json!(3);
                body["paymentPayload"]["x402Version"] = json!(3);
            }
            Defect::VersionsMixed => {
                body["paymentRequirements"]["network"] = json!("base-sepolia");
                body["paymentPayload"]["accepted"]["network"] = json!("base-sepolia");
            }
            _ => {
                let signature = &mut body["paymentPayload"]["payload"]["signature"];
                let text = signature.as_str().unwrap();
                let small = if text.ends_with("1b") { "00" } else { "01" };
                *signature = json!(format!("{}{small}", &text[..text.len() - 2]));
            }
        }
        body
    }

    async fn verifies_oddly(&self, defect: Defect) -> bool {
        let wrong = self.to_somebody_else().to_string();
        match defect {
            Defect::RefusalsAreErrors => self.bench.send("/verify", wrong).await.0 == 500,
            Defect::MalformedCrashes => {
                let mut body = self.honest();
                body["paymentPayload"]["payload"] = json!([]);
                self.bench.raw("/verify", &body).await.is_err()
            }
            Defect::MissingDomainCrashes => {
                let mut body = self.honest();
                body["paymentRequirements"]["extra"] = json!({});
                let (status, answer) = self.bench.send("/verify", body.to_string()).await;
                (status, answer) == (500, json!({}))
            }
            Defect::MalformedSpoilsNext => {
                assert!(!self.valid(&json!({})).await);
                let next = self.valid(&self.honest()).await;
                assert!(self.valid(&self.honest()).await, "one alone is spoilt");
                !next
            }
            Defect::MissingPartsAreValid => {
                self.bench.send("/verify", "{}").await.1["isValid"] == true
            }
            Defect::ErrorsTellTraces => {
                self.bench.send("/verify", "{").await.1["stack"].is_string()
            }
            Defect::RefusalWithoutReason => {
                let answer = self.bench.send("/verify", wrong).await.1;
                assert_eq!(answer["isValid"], false);
                answer["invalidReason"].is_null()
            }
            Defect::VerdictAsText => {
                let honest = self.honest().to_string();
                self.bench.send("/verify", honest).await.1["isValid"] == "true"
            }
            Defect::VerifyWrongPayer => {
                let honest = self.honest().to_string();
                let answer = self.bench.send("/verify", honest).await.1;
                let payer = answer["payer"].as_str().unwrap();
                payer.eq_ignore_ascii_case(&PAYEE.to_string())
            }
            _ => {
                assert_eq!(defect, Defect::AnswersAsText);
                let answer = self.bench.raw("/verify", &self.honest()).await.unwrap();
                answer.headers()["content-type"] == "text/plain"
            }
        }
    }

    async fn settles_oddly(&self, defect: Defect) -> bool {
        let honest = self.honest();
        let (status, first) = self.bench.send("/settle", honest.to_string()).await;
        match defect {
            Defect::SettleNotFound => status == 404,
            Defect::SettleShapeDiffers => status == 400,
            Defect::SuccessWithoutTransaction => {
                assert_eq!(first["success"], true);
                first["transaction"] == ""
            }
            Defect::FailureWithoutReason => {
                let failed = self.settle(&self.to_somebody_else()).await;
                assert_eq!(failed["success"], false);
                failed["errorReason"].is_null()
            }
            _ => {
                let again = self.settle(&honest).await;
                assert_eq!(self.moved().await, 1);
                again["success"] == true && again["transaction"] != first["transaction"]
            }
        }
    }

    async fn lists_wrongly(&self, defect: Defect) -> bool {
        let list = self
            .bench
            .get(&format!("{}/supported", self.bench.url))
            .await
            .1;
        let kinds = list["kinds"].as_array().unwrap();
        match defect {
            Defect::SupportedWithoutSigners => list.get("signers").is_none(),
            Defect::SupportedOtherSigners => {
                let named = list["signers"]["eip155:*"][0].as_str().unwrap();
                named.starts_with("0x1d1e")
            }
            Defect::SupportedMixesSpellings => kinds
                .iter()
                .any(|kind| kind["x402Version"] == 2 && kind["network"] == "base"),
            Defect::SupportedWithoutVersions => {
                kinds.iter().any(|kind| kind.get("x402Version").is_none())
            }
            _ => !kinds.iter().any(|kind| kind.get("extra").is_some()),
        }
    }
}
