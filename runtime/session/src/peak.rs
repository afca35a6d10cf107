//! How much of the arena a run really touches.

use crate::error::Error;
use crate::session::Session;

impl Session {
    /// Measures the bytes of working memory that a run touches, up to the highest: paints the arena, runs on the
    /// inputs that are set, and looks where the paint is gone; twice, with different paint, so that no result can be
    /// mistaken for it. The inputs stay set.
    ///
    /// # Errors
    ///
    /// As [`Session::run`].
    pub fn measure_peak(&mut self) -> Result<usize, Error> {
        let inputs = self.save_inputs()?;
        let mut peak = 0;
        for paint in [0xA5, 0x5A] {
            self.arena_mut().fill(paint);
            self.restore_inputs(&inputs)?;
            self.run()?;
            peak = peak.max(
                self.arena_mut()
                    .iter()
                    .rposition(|&byte| byte != paint)
                    .map_or(0, |last| last + 1),
            );
        }
        self.restore_inputs(&inputs)?;
        Ok(peak)
    }
}
