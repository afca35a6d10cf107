//! Runs cases: on the reference evaluator and the engine at each tier, and on another engine.

use std::panic::{AssertUnwindSafe, catch_unwind};

use redpoll_graph::{Data, Graph, Tensor, eval};
use redpoll_pipeline::import::{self, ImportOptions};
use redpoll_pipeline::lower::{LowerOptions, lower};
use redpoll_pipeline::optimize::optimize;
use redpoll_session::{Backend, Error};

use super::{Case, cases};
use crate::equality;
use crate::one_node::seed;
use crate::peer::{self, numbers};

/// What became of a case on another engine.
#[derive(Clone, Debug)]
pub enum Answer {
    /// The expected numbers.
    Same,
    /// It cannot run the case.
    Refused(String),
    /// Other numbers.
    Differs(String),
}

/// Counts of all cases on another engine.
#[derive(Clone, Copy, Debug, Default)]
pub struct Summary {
    /// Cases with the expected numbers.
    pub same: usize,
    /// Cases that it cannot run.
    pub refused: usize,
    /// Cases whose numbers differ, with the reason that the case says.
    pub explained: usize,
}

impl Case {
    fn expected(&self) -> Vec<Tensor> {
        let tensor = |data| import::tensor(data).unwrap_or_else(|e| panic!("{}: {e}", self.name));
        self.outputs.values().map(tensor).collect()
    }

    fn given(&self) -> Vec<Tensor> {
        let tensor = |data| import::tensor(data).unwrap_or_else(|e| panic!("{}: {e}", self.name));
        self.inputs.values().map(tensor).collect()
    }

    /// Imports and optimises the case, evaluates it, and demands the evaluator's bits of the engine on every tier.
    ///
    /// # Errors
    /// What went wrong.
    pub fn check(&self) -> Result<(), String> {
        let graph = self.graph()?;
        let inputs = self.given();
        let outputs = eval::run(&graph, &inputs).map_err(|e| format!("evaluator: {e}"))?;
        let outputs = equality::exact(&graph, &outputs);
        let expected = self.expected();
        if outputs.len() != expected.len() {
            return Err(format!("{} outputs", outputs.len()));
        }
        for ((name, e), a) in self.outputs.keys().zip(&expected).zip(&outputs) {
            if a.shape() != e.shape() || a.dtype() != e.dtype() {
                let about = |t: &Tensor| format!("{} {:?}", t.dtype(), t.shape());
                return Err(format!("{name} is {}, not {}", about(a), about(e)));
            }
            self.near(e, &numbers(a))
                .map_err(|e| format!("{name}: {e}"))?;
        }
        if self.evaluator_only {
            return match lower(&graph, &LowerOptions::default()) {
                Ok(_) => Err("a plan can be made of it".into()),
                Err(_) => Ok(()),
            };
        }
        let engine = || equality::assert_same_bits("engine", &graph, &inputs);
        catch_unwind(AssertUnwindSafe(engine)).map_err(|panic| match panic.downcast::<String>() {
            Ok(text) => *text,
            Err(_) => "the engine panicked".to_owned(),
        })
    }

    fn graph(&self) -> Result<Graph, String> {
        let model = self.model();
        seed(&self.name, &model.to_bytes().expect("a small model"));
        let imported = import::import(&model, &ImportOptions::default());
        let imported = imported.map_err(|e| e.to_string())?;
        let optimized = optimize(imported).map_err(|e| e.to_string())?;
        Ok(optimized.graph().clone())
    }

    /// Runs the case on the engine that `open` makes of the model's bytes.
    pub fn ask(&self, open: impl FnOnce(&[u8]) -> Result<Box<dyn Backend>, Error>) -> Answer {
        let bytes = self.model().to_bytes().expect("a small model");
        let outputs =
            open(&bytes).and_then(|mut backend| peer::run(backend.as_mut(), &self.given()));
        let outputs = match outputs {
            Ok(outputs) => outputs,
            Err(e) => return Answer::Refused(e.to_string()),
        };
        for ((name, e), a) in self.outputs.keys().zip(&self.expected()).zip(&outputs) {
            if let Err(e) = self.near(e, a) {
                return Answer::Differs(format!("{name}: {e}"));
            }
        }
        Answer::Same
    }

    /// Whether numbers are the expected ones: floats within the tolerance, all else exactly.
    fn near(&self, expected: &Tensor, actual: &[f64]) -> Result<(), String> {
        let float = matches!(expected.data(), Data::F32(_));
        let tolerance = if float { self.tolerance } else { 0.0 };
        let expected = numbers(expected);
        if expected.len() != actual.len() {
            return Err(format!("{} elements for {}", actual.len(), expected.len()));
        }
        let near = |(e, a): (&f64, &f64)| {
            e == a || (e.is_nan() && a.is_nan()) || (e - a).abs() <= tolerance * e.abs().max(1.0)
        };
        match expected.iter().zip(actual).position(|pair| !near(pair)) {
            None => Ok(()),
            Some(i) => Err(format!(
                "element {i} is {}, expected {}",
                actual[i], expected[i]
            )),
        }
    }
}

impl Summary {
    /// Asks another engine all cases and prints what it refuses and where it differs.
    ///
    /// # Panics
    /// When it differs in a case that does not say why.
    pub fn of(
        engine: &str,
        mut open: impl FnMut(&[u8]) -> Result<Box<dyn Backend>, Error>,
    ) -> Self {
        let mut sum = Self::default();
        let mut unexplained = Vec::new();
        for case in cases() {
            match case.ask(&mut open) {
                Answer::Same => {
                    sum.same += 1;
                    if case.differs.contains_key(engine) {
                        println!("{engine} agrees by now: {}", case.name);
                    }
                }
                Answer::Refused(why) => {
                    sum.refused += 1;
                    let why = why.lines().next().unwrap_or_default();
                    println!("{engine} cannot run {}: {why}", case.name);
                }
                Answer::Differs(what) => match case.differs.get(engine) {
                    Some(reason) => {
                        sum.explained += 1;
                        println!("{engine} differs in {}: {what}: {reason}", case.name);
                    }
                    None => unexplained.push(format!("{}: {what}", case.name)),
                },
            }
        }
        println!("{engine}: {sum:?}");
        assert!(
            unexplained.is_empty(),
            "{engine} differs:\n{}",
            unexplained.join("\n")
        );
        sum
    }
}
