//! A model whose further inputs are the states that its further outputs give: h and c of an LSTM.

use redpoll_session::{DType, Session};

use super::TaskError;

/// A session that hands states on by itself. A plan that keeps its states inside has none to hand on.
pub(super) struct Net {
    session: Session,
    states: Vec<State>,
}

struct State {
    input: usize,
    output: usize,
    values: Vec<f32>,
}

impl Net {
    /// `None` when inputs and outputs after the first do not match in number, type and size.
    pub(super) fn new(session: Session) -> Result<Self, Box<Session>> {
        let (inputs, outputs) = (session.inputs(), session.outputs());
        let f32s = inputs.iter().chain(outputs).all(|t| t.dtype == DType::F32);
        let matched = inputs.len() == outputs.len()
            && inputs
                .iter()
                .zip(outputs)
                .skip(1)
                .all(|(x, y)| x.len() == y.len());
        if inputs.is_empty() || !f32s || !matched {
            return Err(Box::new(session));
        }
        let states = (1..inputs.len())
            .map(|i| State {
                input: i,
                output: i,
                values: vec![0.0; inputs[i].len()],
            })
            .collect();
        Ok(Self { session, states })
    }

    pub(super) fn session(&self) -> &Session {
        &self.session
    }

    /// Runs once and returns the first output.
    pub(super) fn run(&mut self, input: &[f32]) -> Result<&[f32], TaskError> {
        self.session.set_input(0, input)?;
        for state in &self.states {
            self.session.set_input(state.input, &state.values)?;
        }
        self.session.run()?;
        for state in &mut self.states {
            let values = self.session.output::<f32>(state.output)?;
            state.values.copy_from_slice(values);
        }
        Ok(self.session.output(0)?)
    }

    pub(super) fn reset(&mut self) -> Result<(), TaskError> {
        for state in &mut self.states {
            state.values.fill(0.0);
        }
        Ok(self.session.reset_state()?)
    }
}
