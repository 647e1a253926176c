//! The control API's client, for the facilitator's personality.

use x402_mock_facilitator::Personality;
use x402_mock_facilitator::control::PersonalityState;

use super::client::{ControlClient, ControlError};

impl ControlClient {
    /// Has the facilitator behave like this kind; its defects are then those of the personality.
    ///
    /// # Errors
    /// See [`ControlError`].
    pub async fn set_personality(&self, personality: &Personality) -> Result<(), ControlError> {
        self.put::<_, PersonalityState>("/personality", personality)
            .await
            .map(|_| ())
    }

    /// Has the facilitator be itself again, without defects.
    ///
    /// # Errors
    /// See [`ControlError`].
    pub async fn remove_personality(&self) -> Result<(), ControlError> {
        self.delete::<PersonalityState>("/personality")
            .await
            .map(|_| ())
    }
}
