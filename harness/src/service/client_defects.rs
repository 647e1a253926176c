//! The control API's client, for defects of the facilitator.

use x402_mock_facilitator::DefectSet;
use x402_mock_facilitator::control::DefectList;

use super::client::{ControlClient, ControlError};

impl ControlClient {
    /// Switches these defects on, and all others off.
    ///
    /// # Errors
    /// See [`ControlError`].
    pub async fn set_defects(&self, on: DefectSet) -> Result<(), ControlError> {
        let names: Vec<&str> = on.iter().map(|defect| defect.name()).collect();
        self.put::<_, DefectList>("/defects", &serde_json::json!({ "on": names }))
            .await
            .map(|_| ())
    }
}
