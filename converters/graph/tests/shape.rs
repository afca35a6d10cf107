//! Shape inference: each family, refusals, and sizes from hostile models.

use redpoll_graph::op::{
    BinaryFn, Clamp, Conv, NearestRounding, Pad, PadMode, Pool, PoolKind, ReduceKind, Resize,
    ResizeCoordinates, ResizeMode, SliceAxis, UnaryFn,
};
use redpoll_graph::{DType, ErrorKind, Graph, Op, QParams, shape};

type Operand<'a> = (DType, &'a [usize]);

/// Infers over fresh inputs; 8-bit ones are quantised.
fn infer(op: &Op, operands: &[Operand<'_>]) -> Result<(DType, Vec<usize>), ErrorKind> {
    let mut g = Graph::new("shapes");
    let ids: Vec<_> = operands
        .iter()
        .map(|&(dtype, shape)| {
            let id = g.add_input("x", dtype, shape.to_vec());
            if dtype.quantized_range().is_some() {
                g.value_mut(id).qparams = Some(QParams::per_tensor(0.1, 0));
            }
            id
        })
        .collect();
    shape::infer(&g, op, &ids).map_err(|e| e.kind())
}

fn f32_shape(op: &Op, operands: &[&[usize]]) -> Result<Vec<usize>, ErrorKind> {
    let operands: Vec<Operand<'_>> = operands.iter().map(|&s| (DType::F32, s)).collect();
    infer(op, &operands).map(|(_, shape)| shape)
}

fn conv(strides: usize, dilations: usize, pads: usize, groups: usize) -> Op {
    Op::Conv(Conv {
        strides: vec![strides; 2],
        dilations: vec![dilations; 2],
        pads_before: vec![pads; 2],
        pads_after: vec![pads; 2],
        groups,
        clamp: None,
    })
}

fn pool(kernel: usize, strides: usize, dilations: usize, pads: usize) -> Op {
    Op::Pool(Pool {
        kind: PoolKind::Max,
        kernel: vec![kernel; 2],
        strides: vec![strides; 2],
        dilations: vec![dilations; 2],
        pads_before: vec![pads; 2],
        pads_after: vec![pads; 2],
        count_include_pad: false,
    })
}

fn binary(function: BinaryFn) -> Op {
    Op::Binary {
        function,
        clamp: None,
    }
}

#[test]
fn convolutions() {
    let x: &[usize] = &[1, 96, 96, 3];
    let shape = f32_shape(&conv(2, 1, 1, 1), &[x, &[8, 3, 3, 3], &[8]]);
    assert_eq!(shape, Ok(vec![1, 48, 48, 8]));
    let shape = f32_shape(&conv(1, 2, 0, 3), &[x, &[6, 3, 3, 1]]);
    assert_eq!(shape, Ok(vec![1, 92, 92, 6]));
    for (op, w) in [
        (conv(1, 1, 0, 2), [8, 3, 3, 3]),
        (conv(1, 1, 0, 0), [8, 3, 3, 3]),
        (conv(0, 1, 0, 1), [8, 3, 3, 3]),
        (conv(1, 0, 0, 1), [8, 3, 3, 3]),
        (conv(1, 1, 0, 1), [8, 97, 3, 3]),
        (conv(1, 1, 0, 1), [8, 0, 3, 3]),
        (conv(1, 1, 0, 1), [0, 3, 3, 3]),
        (conv(1, 1, 0, 3), [8, 3, 3, 1]),
    ] {
        assert_eq!(
            f32_shape(&op, &[x, &w]),
            Err(ErrorKind::Shape),
            "{op:?} {w:?}"
        );
    }
    let wrong_bias = f32_shape(&conv(1, 1, 0, 1), &[x, &[8, 3, 3, 3], &[7]]);
    assert_eq!(wrong_bias, Err(ErrorKind::Shape));
}

#[test]
fn integer_convolutions_want_i8_weights_and_i32_bias() {
    let (x, w): (&[usize], &[usize]) = (&[1, 8, 8, 3], &[4, 1, 1, 3]);
    let with = |w_type, b_type| {
        infer(
            &conv(1, 1, 0, 1),
            &[(DType::U8, x), (w_type, w), (b_type, &[4])],
        )
    };
    assert_eq!(
        with(DType::I8, DType::I32),
        Ok((DType::U8, vec![1, 8, 8, 4]))
    );
    assert_eq!(with(DType::I8, DType::F32), Err(ErrorKind::Type));
    assert_eq!(with(DType::F32, DType::F32), Err(ErrorKind::Type));
    assert_eq!(with(DType::U8, DType::I32), Err(ErrorKind::Type));
}

#[test]
fn pooling_windows_read_something() {
    let x: &[usize] = &[1, 7, 7, 2];
    assert_eq!(f32_shape(&pool(3, 2, 1, 1), &[x]), Ok(vec![1, 4, 4, 2]));
    assert_eq!(f32_shape(&pool(3, 1, 1, 3), &[x]), Err(ErrorKind::Shape));
    // Dilated taps may straddle a short input.
    assert_eq!(
        f32_shape(&pool(2, 1, 3, 2), &[&[1, 1, 1, 2]]),
        Err(ErrorKind::Shape)
    );
}

#[test]
fn products_and_norms() {
    let dense = Op::Dense { clamp: None };
    assert_eq!(
        f32_shape(&dense, &[&[2, 3, 5], &[4, 5], &[4]]),
        Ok(vec![2, 3, 4])
    );
    assert_eq!(
        f32_shape(&dense, &[&[2, 5], &[5, 4]]),
        Err(ErrorKind::Shape)
    );
    assert_eq!(f32_shape(&dense, &[&[], &[5, 4]]), Err(ErrorKind::Shape));
    assert_eq!(
        f32_shape(&Op::MatMul, &[&[2, 1, 3, 4], &[5, 4, 6]]),
        Ok(vec![2, 5, 3, 6])
    );
    assert_eq!(
        f32_shape(&Op::MatMul, &[&[3, 4], &[3, 4]]),
        Err(ErrorKind::Shape)
    );
    let quantised = infer(&Op::MatMul, &[(DType::I8, &[2, 2]), (DType::I8, &[2, 2])]);
    assert_eq!(quantised, Err(ErrorKind::Unsupported));
    let norm = Op::BatchNorm { epsilon: 1e-5 };
    let c: &[usize] = &[3];
    assert_eq!(f32_shape(&norm, &[&[2, 3], c, c, c, c]), Ok(vec![2, 3]));
    assert_eq!(
        f32_shape(&norm, &[&[2, 4], c, c, c, c]),
        Err(ErrorKind::Shape)
    );
}

#[test]
fn elementwise_types() {
    use DType::{Bool, F32, I8, I64, U8};
    let s: &[usize] = &[2];
    let two = |function, a, b| infer(&binary(function), &[(a, s), (b, s)]).map(|r| r.0);
    assert_eq!(two(BinaryFn::Add, F32, F32), Ok(F32));
    assert_eq!(two(BinaryFn::Less, I64, I64), Ok(Bool));
    assert_eq!(two(BinaryFn::Equal, Bool, Bool), Ok(Bool));
    assert_eq!(two(BinaryFn::Add, I8, U8), Ok(I8));
    assert_eq!(two(BinaryFn::Add, Bool, Bool), Err(ErrorKind::Type));
    assert_eq!(two(BinaryFn::Add, I8, F32), Err(ErrorKind::Type));
    assert_eq!(two(BinaryFn::Div, I8, I8), Err(ErrorKind::Unsupported));
    assert_eq!(
        infer(&Op::Unary(UnaryFn::Not), &[(Bool, s)]).map(|r| r.0),
        Ok(Bool)
    );
    assert_eq!(
        infer(&Op::Unary(UnaryFn::Tanh), &[(I64, s)]),
        Err(ErrorKind::Type)
    );
    let backwards = Op::Unary(UnaryFn::Clamp(Clamp { lo: 1.0, hi: 0.0 }));
    assert_eq!(infer(&backwards, &[(F32, s)]), Err(ErrorKind::Invalid));
    assert_eq!(
        f32_shape(&binary(BinaryFn::Mul), &[&[2, 1, 3], &[4, 1]]),
        Ok(vec![2, 4, 3])
    );
    assert_eq!(
        f32_shape(&binary(BinaryFn::Mul), &[&[2], &[3]]),
        Err(ErrorKind::Shape)
    );
}

#[test]
fn reductions() {
    let reduce = |axes: &[usize], keep_dims| Op::Reduce {
        kind: ReduceKind::Max,
        axes: axes.to_vec(),
        keep_dims,
    };
    let x: &[usize] = &[2, 3, 4];
    assert_eq!(f32_shape(&reduce(&[0, 2], false), &[x]), Ok(vec![3]));
    assert_eq!(f32_shape(&reduce(&[1], true), &[x]), Ok(vec![2, 1, 4]));
    for axes in [&[][..], &[3], &[1, 1], &[2, 0]] {
        assert_eq!(
            f32_shape(&reduce(axes, true), &[x]),
            Err(ErrorKind::Shape),
            "{axes:?}"
        );
    }
    assert_eq!(
        f32_shape(&reduce(&[1], true), &[&[2, 0]]),
        Err(ErrorKind::Shape)
    );
    assert_eq!(
        f32_shape(&Op::Softmax { axis: 3 }, &[x]),
        Err(ErrorKind::Shape)
    );
}

#[test]
fn movement() {
    let x: &[usize] = &[2, 3, 4];
    let reshape = |shape: &[usize]| Op::Reshape {
        shape: shape.to_vec(),
    };
    assert_eq!(f32_shape(&reshape(&[6, 4]), &[x]), Ok(vec![6, 4]));
    assert_eq!(f32_shape(&reshape(&[6, 5]), &[x]), Err(ErrorKind::Shape));
    let transpose = |perm: &[usize]| Op::Transpose {
        perm: perm.to_vec(),
    };
    assert_eq!(f32_shape(&transpose(&[2, 0, 1]), &[x]), Ok(vec![4, 2, 3]));
    assert_eq!(
        f32_shape(&transpose(&[2, 0, 0]), &[x]),
        Err(ErrorKind::Shape)
    );
    assert_eq!(f32_shape(&transpose(&[1, 0]), &[x]), Err(ErrorKind::Shape));
    assert_eq!(
        f32_shape(&Op::Concat { axis: 1 }, &[x, &[2, 5, 4]]),
        Ok(vec![2, 8, 4])
    );
    assert_eq!(
        f32_shape(&Op::Concat { axis: 1 }, &[x, &[2, 5]]),
        Err(ErrorKind::Shape)
    );
    assert_eq!(
        f32_shape(&Op::Expand { shape: vec![5, 3] }, &[&[3]]),
        Ok(vec![5, 3])
    );
    assert_eq!(
        f32_shape(&Op::Expand { shape: vec![1] }, &[&[3]]),
        Err(ErrorKind::Shape)
    );
    let data: Operand<'_> = (DType::F32, x);
    let gathered = infer(&Op::Gather { axis: 1 }, &[data, (DType::I64, &[7, 7])]);
    assert_eq!(gathered, Ok((DType::F32, vec![2, 7, 7, 4])));
    let by_float = infer(&Op::Gather { axis: 1 }, &[data, (DType::F32, &[7])]);
    assert_eq!(by_float, Err(ErrorKind::Type));
    let rows = infer(&Op::Embedding, &[(DType::I32, &[9]), (DType::I8, &[5, 6])]);
    assert_eq!(rows, Ok((DType::I8, vec![9, 6])));
}

#[test]
fn slices_stay_inside() {
    let slice = |start, step, len| Op::Slice {
        axes: vec![SliceAxis { start, step, len }],
    };
    let x: &[usize] = &[5];
    assert_eq!(f32_shape(&slice(4, -2, 3), &[x]), Ok(vec![3]));
    assert_eq!(f32_shape(&slice(5, 1, 0), &[x]), Ok(vec![0]));
    for (start, step, len) in [
        (4, -2, 4),
        (0, 2, 4),
        (5, 1, 1),
        (0, 0, 1),
        (1, isize::MAX, 3),
        (1, isize::MIN, 2),
        (0, 1, usize::MAX),
    ] {
        let shape = f32_shape(&slice(start, step, len), &[x]);
        assert_eq!(shape, Err(ErrorKind::Shape), "{start} {step} {len}");
    }
}

#[test]
fn pads_and_resizes() {
    let pad = |before, mode| {
        Op::Pad(Pad {
            before: vec![before],
            after: vec![1],
            mode,
            value: 0.0,
        })
    };
    let x: &[usize] = &[3];
    assert_eq!(f32_shape(&pad(9, PadMode::Constant), &[x]), Ok(vec![13]));
    assert_eq!(f32_shape(&pad(2, PadMode::Reflect), &[x]), Ok(vec![6]));
    assert_eq!(
        f32_shape(&pad(3, PadMode::Reflect), &[x]),
        Err(ErrorKind::Shape)
    );
    assert_eq!(
        f32_shape(&pad(3, PadMode::Edge), &[&[0]]),
        Err(ErrorKind::Shape)
    );
    let resize = |mode, scale| {
        Op::Resize(Resize {
            mode,
            coordinates: ResizeCoordinates::Asymmetric,
            sizes: vec![4],
            scales: vec![scale],
        })
    };
    let x: &[usize] = &[1, 2, 3];
    assert_eq!(
        f32_shape(&resize(ResizeMode::Linear, 2.0), &[x]),
        Ok(vec![1, 4, 3])
    );
    assert_eq!(
        f32_shape(&resize(ResizeMode::Linear, 0.0), &[x]),
        Err(ErrorKind::Shape)
    );
    let quantised: Operand<'_> = (DType::I8, x);
    let nearest = resize(ResizeMode::Nearest(NearestRounding::Floor), 2.0);
    assert_eq!(
        infer(&nearest, &[quantised]),
        Ok((DType::I8, vec![1, 4, 3]))
    );
    let linear = resize(ResizeMode::Linear, 2.0);
    assert_eq!(infer(&linear, &[quantised]), Err(ErrorKind::Unsupported));
}

#[test]
fn hostile_sizes_are_refused_not_computed() {
    let huge = usize::MAX;
    let too_large = Err(ErrorKind::TooLarge);
    let relu = Op::Unary(UnaryFn::Clamp(Clamp::RELU));
    assert_eq!(f32_shape(&relu, &[&[huge, huge]]), too_large);
    assert_eq!(f32_shape(&relu, &[&[1 << 31]]), Ok(vec![1 << 31]));
    assert_eq!(f32_shape(&relu, &[&[(1 << 31) + 1]]), too_large);
    // A zero hides nothing.
    assert_eq!(f32_shape(&relu, &[&[0, huge, huge]]), too_large);
    assert_eq!(f32_shape(&relu, &[&[1; 9]]), too_large);
    assert_eq!(
        f32_shape(&Op::Expand { shape: vec![huge] }, &[&[1]]),
        too_large
    );
    let far = Op::Pad(Pad {
        before: vec![huge],
        after: vec![huge],
        mode: PadMode::Constant,
        value: 0.0,
    });
    assert_eq!(f32_shape(&far, &[&[1]]), too_large);
    let (x, w): (&[usize], &[usize]) = (&[1, 8, 8, 1], &[1, 3, 3, 1]);
    assert_eq!(f32_shape(&conv(1, huge, 0, 1), &[x, w]), too_large);
    assert_eq!(f32_shape(&conv(1, 1, huge, 1), &[x, w]), too_large);
    assert_eq!(f32_shape(&conv(1, 1, huge / 4, 1), &[x, w]), too_large);
    assert_eq!(
        f32_shape(&conv(1, 1, 0, huge), &[x, w]),
        Err(ErrorKind::Shape)
    );
    assert_eq!(f32_shape(&pool(1 << 20, 1, 1, 1 << 20), &[x]), too_large);
}

#[test]
fn wrong_operands() {
    let mut g = Graph::new("operands");
    let x = g.add_input("x", DType::F32, vec![1]);
    let relu = Op::Unary(UnaryFn::Clamp(Clamp::RELU));
    let kind =
        |r: Result<_, redpoll_graph::Error>| r.map(|_: (DType, Vec<usize>)| ()).unwrap_err().kind();
    assert_eq!(kind(shape::infer(&g, &relu, &[x, x])), ErrorKind::Invalid);
    assert_eq!(kind(shape::infer(&g, &relu, &[])), ErrorKind::Invalid);
    let nowhere = redpoll_graph::ValueId(7);
    assert_eq!(
        kind(shape::infer(&g, &relu, &[nowhere])),
        ErrorKind::Invalid
    );
}
