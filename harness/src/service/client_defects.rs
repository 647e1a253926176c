//! The control API's client, for defects and restarts of the facilitator.

use x402_mock_facilitator::control::{DefectList, Restart, Restarted};
use x402_mock_facilitator::{DefectSet, Ending};

use super::client::{ControlClient, ControlError};

impl ControlClient {
    /// Ends the facilitator and starts it again.
    ///
    /// # Errors
    /// See [`ControlError`].
    pub async fn restart_facilitator(&self, how: Ending) -> Result<Restarted, ControlError> {
        self.post("/restart", &Restart { how }).await
    }

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
