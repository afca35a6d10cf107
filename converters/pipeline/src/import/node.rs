//! One ONNX node while it is imported: its inputs, attributes and the ways in which that can fail.

use redpoll_graph::ValueId;
use redpoll_onnx::proto::NodeProto;

/// Why a node did not become graph nodes.
pub(crate) enum Stop {
    /// Not supported: a gap, collected with the others. Says what and what to do about it.
    Gap(String),
    /// The model contradicts itself.
    Invalid(String),
    /// An input comes from a node that is a gap already; nothing new to say.
    Blocked,
}

impl From<redpoll_onnx::Error> for Stop {
    fn from(e: redpoll_onnx::Error) -> Self {
        match e.kind() {
            redpoll_onnx::ErrorKind::Unsupported => Self::Gap(e.to_string()),
            _ => Self::Invalid(e.to_string()),
        }
    }
}

impl From<redpoll_graph::Error> for Stop {
    fn from(e: redpoll_graph::Error) -> Self {
        match e.kind() {
            redpoll_graph::ErrorKind::Unsupported | redpoll_graph::ErrorKind::Type => {
                Self::Gap(e.to_string())
            }
            _ => Self::Invalid(e.to_string()),
        }
    }
}

/// A gap with this reason, as an error.
pub(crate) fn gap<T>(reason: impl Into<String>) -> Result<T, Stop> {
    Err(Stop::Gap(reason.into()))
}

/// A contradiction, as an error.
pub(crate) fn invalid<T>(reason: impl Into<String>) -> Result<T, Stop> {
    Err(Stop::Invalid(reason.into()))
}

/// The values that a node's outputs become, in order.
pub(crate) type Outputs = Result<Vec<ValueId>, Stop>;

/// An ONNX node with its inputs looked up.
pub(crate) struct OnnxNode<'a> {
    /// The message.
    pub proto: &'a NodeProto,
    /// Unique name, used for the graph nodes that it becomes.
    pub name: String,
    /// Version of the standard operators.
    pub opset: i64,
    /// Inputs; `None` for an optional one that is left out.
    pub inputs: Vec<Option<ValueId>>,
}

impl OnnxNode<'_> {
    /// An input that may be left out.
    pub fn optional(&self, index: usize) -> Option<ValueId> {
        self.inputs.get(index).copied().flatten()
    }

    /// An input that must be there.
    pub fn input(&self, index: usize) -> Result<ValueId, Stop> {
        match self.optional(index) {
            Some(id) => Ok(id),
            None => invalid(format!("input {index} is missing")),
        }
    }

    /// All inputs, none left out, at least `least`.
    pub fn all_inputs(&self, least: usize) -> Result<Vec<ValueId>, Stop> {
        if self.inputs.len() < least {
            return invalid(format!(
                "{} inputs, but {least} are needed",
                self.inputs.len()
            ));
        }
        (0..self.inputs.len()).map(|i| self.input(i)).collect()
    }

    /// Name of the first output; the base for the names of all values that the node makes.
    pub fn output_name(&self) -> &str {
        self.proto.output.first().map_or("", String::as_str)
    }

    /// True when output `index` is wanted by name.
    pub fn wants_output(&self, index: usize) -> bool {
        self.proto.output.get(index).is_some_and(|n| !n.is_empty())
    }

    /// An integer attribute with its default.
    pub fn int_or(&self, name: &str, default: i64) -> Result<i64, Stop> {
        Ok(self.proto.attr_int(name)?.unwrap_or(default))
    }

    /// A truth-valued attribute, false by default.
    pub fn flag(&self, name: &str) -> Result<bool, Stop> {
        Ok(self.int_or(name, 0)? != 0)
    }

    /// A float attribute with its default.
    pub fn float_or(&self, name: &str, default: f32) -> Result<f32, Stop> {
        Ok(self.proto.attr_float(name)?.unwrap_or(default))
    }

    /// A text attribute with its default.
    pub fn text_or<'b>(&'b self, name: &str, default: &'b str) -> Result<&'b str, Stop> {
        Ok(self.proto.attr_string(name)?.unwrap_or(default))
    }

    /// `count` sizes of at least `least`, all `default` when the attribute is absent.
    pub fn sizes_or(
        &self,
        name: &str,
        count: usize,
        default: usize,
        least: usize,
    ) -> Result<Vec<usize>, Stop> {
        let Some(ints) = self.proto.attr_ints(name)? else {
            return Ok(vec![default; count]);
        };
        if ints.len() != count {
            return invalid(format!("{name} has {} entries, not {count}", ints.len()));
        }
        ints.iter()
            .map(|&i| match usize::try_from(i) {
                Ok(v) if v >= least => Ok(v),
                _ if i < 0 => gap(format!(
                    "{name} holds {i}; negative values are not supported"
                )),
                _ => invalid(format!("{name} holds {i}")),
            })
            .collect()
    }
}

/// An axis that may count from the end, as an index below `rank`.
pub(crate) fn axis_of(axis: i64, rank: usize) -> Result<usize, Stop> {
    let signed = i64::try_from(rank).unwrap_or(i64::MAX);
    let resolved = if axis < 0 {
        axis.saturating_add(signed)
    } else {
        axis
    };
    match usize::try_from(resolved) {
        Ok(a) if a < rank => Ok(a),
        _ => invalid(format!("axis {axis} is outside rank {rank}")),
    }
}

/// Several axes, sorted and each only once.
pub(crate) fn axes_of(axes: &[i64], rank: usize) -> Result<Vec<usize>, Stop> {
    let mut out = axes
        .iter()
        .map(|&a| axis_of(a, rank))
        .collect::<Result<Vec<_>, _>>()?;
    out.sort_unstable();
    out.dedup();
    if out.len() != axes.len() {
        return invalid(format!("axes {axes:?} name an axis twice"));
    }
    Ok(out)
}
