//! Element-wise functions, in whatever layout their operands are written.

use redpoll_graph::op::{BinaryFn, Clamp, UnaryFn};
use redpoll_graph::{DType, Node, Tensor, ValueId};

use super::emitter::Emitter;
use super::layout::Layout;
use super::tensor::data_type;
use crate::Error;

impl Emitter<'_> {
    pub(super) fn unary(&mut self, node: &Node, function: UnaryFn) -> Result<(), Error> {
        let layout = self.layout(node.inputs[0]);
        let x = self.real(node.inputs[0], layout)?;
        let name = self.output_name(node.output);
        if let UnaryFn::Wrap { .. } | UnaryFn::BitNot = function {
            return Err(self.unsupported(node, "a function of the bits of integers"));
        }
        let result = self.function(&x, function, &name)?;
        self.define(node.output, layout, result)
    }

    fn function(&mut self, x: &str, function: UnaryFn, name: &str) -> Result<String, Error> {
        let plain = match function {
            UnaryFn::Clamp(c) => return self.clip(x, c.lo, c.hi, name),
            UnaryFn::LeakyRelu { alpha } => {
                return Ok(self.push("LeakyRelu", &[x], name, |n| n.with_float("alpha", alpha)));
            }
            UnaryFn::Elu { alpha } => {
                return Ok(self.push("Elu", &[x], name, |n| n.with_float("alpha", alpha)));
            }
            UnaryFn::HardSigmoid { alpha, beta } => {
                return Ok(self.push("HardSigmoid", &[x], name, |n| {
                    n.with_float("alpha", alpha).with_float("beta", beta)
                }));
            }
            UnaryFn::Silu => {
                let gate = self.push("Sigmoid", &[x], &format!("{name}_gate"), |n| n);
                return Ok(self.push("Mul", &[x, &gate], name, |n| n));
            }
            UnaryFn::Gelu => return self.gelu(x, name),
            UnaryFn::GeluTanh => return self.gelu_tanh(x, name),
            UnaryFn::Sigmoid => "Sigmoid",
            UnaryFn::HardSwish => "HardSwish",
            UnaryFn::Tanh => "Tanh",
            UnaryFn::Softplus => "Softplus",
            UnaryFn::Exp => "Exp",
            UnaryFn::Log => "Log",
            UnaryFn::Sqrt => "Sqrt",
            UnaryFn::Reciprocal => "Reciprocal",
            UnaryFn::Erf => "Erf",
            UnaryFn::Neg => "Neg",
            UnaryFn::Abs => "Abs",
            UnaryFn::Floor => "Floor",
            UnaryFn::Ceil => "Ceil",
            UnaryFn::Round => "Round",
            UnaryFn::IsInf { positive, negative } => {
                return Ok(self.push("IsInf", &[x], name, |n| {
                    n.with_int("detect_positive", positive.into())
                        .with_int("detect_negative", negative.into())
                }));
            }
            UnaryFn::Not
            | UnaryFn::Sin
            | UnaryFn::Cos
            | UnaryFn::Tan
            | UnaryFn::Asin
            | UnaryFn::Acos
            | UnaryFn::Atan
            | UnaryFn::Sinh
            | UnaryFn::Cosh
            | UnaryFn::Asinh
            | UnaryFn::Acosh
            | UnaryFn::Atanh
            | UnaryFn::Sign
            | UnaryFn::IsNan
            | UnaryFn::BitNot
            | UnaryFn::Wrap { .. } => function.name(),
        };
        Ok(self.push(plain, &[x], name, |n| n))
    }

    /// Appends `op` of a tensor and a number.
    fn with_number(&mut self, op: &str, x: &str, v: f32, name: &str) -> Result<String, Error> {
        let c = self.initializer(&format!("{name}_number"), &Tensor::scalar(v))?;
        Ok(self.push(op, &[x, &c], name, |n| n))
    }

    /// `x · (1 + erf(x / √2)) / 2`: the operator Gelu is of a later opset.
    fn gelu(&mut self, x: &str, name: &str) -> Result<String, Error> {
        let t = self.with_number(
            "Mul",
            x,
            core::f32::consts::FRAC_1_SQRT_2,
            &format!("{name}_a"),
        )?;
        let t = self.push("Erf", &[&t], &format!("{name}_b"), |n| n);
        let t = self.with_number("Add", &t, 1.0, &format!("{name}_c"))?;
        let t = self.push("Mul", &[x, &t], &format!("{name}_d"), |n| n);
        self.with_number("Mul", &t, 0.5, name)
    }

    fn gelu_tanh(&mut self, x: &str, name: &str) -> Result<String, Error> {
        let t = self.push("Mul", &[x, x], &format!("{name}_a"), |n| n);
        let t = self.push("Mul", &[x, &t], &format!("{name}_b"), |n| n);
        let t = self.with_number("Mul", &t, 0.044_715, &format!("{name}_c"))?;
        let t = self.push("Add", &[x, &t], &format!("{name}_d"), |n| n);
        let t = self.with_number("Mul", &t, 0.797_884_6, &format!("{name}_e"))?;
        let t = self.push("Tanh", &[&t], &format!("{name}_f"), |n| n);
        let t = self.with_number("Add", &t, 1.0, &format!("{name}_g"))?;
        let t = self.push("Mul", &[x, &t], &format!("{name}_h"), |n| n);
        self.with_number("Mul", &t, 0.5, name)
    }

    pub(super) fn binary(
        &mut self,
        node: &Node,
        function: BinaryFn,
        clamp: Option<Clamp>,
    ) -> Result<(), Error> {
        let (a, b) = (node.inputs[0], node.inputs[1]);
        let rank = self.rank(node.output);
        // The layout of the operand that has the result's rank and is no constant decides.
        let decides = |e: &Self, id: ValueId| {
            e.value(id).constant.is_none()
                && e.rank(id) == rank
                && e.layout(id) == Layout::ChannelsFirst
        };
        let layout = if decides(self, a) || decides(self, b) {
            Layout::ChannelsFirst
        } else {
            Layout::Same
        };
        let (x, y) = (
            self.operand(a, layout, rank)?,
            self.operand(b, layout, rank)?,
        );
        let name = self.output_name(node.output);
        let result = match function {
            BinaryFn::Mod | BinaryFn::Fmod => {
                let c = matches!(function, BinaryFn::Fmod);
                self.push("Mod", &[&x, &y], &name, |n| n.with_int("fmod", c.into()))
            }
            _ if function.is_bitwise() && self.value(a).dtype != DType::Bool => {
                return Err(self.unsupported(node, "a function of the bits of integers"));
            }
            _ => self.push(function.name(), &[&x, &y], &name, |n| n),
        };
        let result = self.clamped(node.output, result, clamp)?;
        self.define(node.output, layout, result)
    }

    /// An operand in `layout`; one of a lower rank gets its missing leading axes first, because
    /// broadcasting aligns the last axes of the graph's layout.
    fn operand(&mut self, id: ValueId, layout: Layout, rank: usize) -> Result<String, Error> {
        let own = self.rank(id);
        if layout == Layout::Same || own == rank || self.value(id).len() == 1 {
            let layout = if own == rank { layout } else { Layout::Same };
            return self.real(id, layout);
        }
        let real = self.real(id, Layout::Same)?;
        let mut shape = vec![1; rank - own];
        shape.extend(&self.value(id).shape);
        let shape: Vec<i64> = layout
            .permute(&shape)
            .into_iter()
            .map(|d| d as i64)
            .collect();
        // With at most one axis above 1 the permuted shape holds the same order of elements.
        let several = self.value(id).shape.iter().filter(|&&d| d > 1).count() > 1;
        let name = self.value(id).name.clone();
        if several {
            let mut wide = vec![1i64; rank - own];
            wide.extend(self.value(id).shape.iter().map(|&d| d as i64));
            let widened = self.reshaped(&real, &wide, &format!("{name}_wide"))?;
            let perm: Vec<i64> = super::layout::to_channels_first(rank)
                .into_iter()
                .map(|p| p as i64)
                .collect();
            return Ok(
                self.push("Transpose", &[&widened], &format!("{name}_turned"), |n| {
                    n.with_ints("perm", &perm)
                }),
            );
        }
        self.reshaped(&real, &shape, &format!("{name}_wide"))
    }

    pub(super) fn cast(&mut self, node: &Node, to: DType) -> Result<(), Error> {
        let layout = self.layout(node.inputs[0]);
        let x = self.real(node.inputs[0], layout)?;
        let name = self.output_name(node.output);
        let result = self.push("Cast", &[&x], &name, |n| {
            n.with_int("to", data_type(to).to_onnx().into())
        });
        self.define_stored(node.output, layout, result);
        Ok(())
    }
}
